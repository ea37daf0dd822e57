/* model_gemini.c: answers of the provider gemini. */
#include "fuzz.h"
#include "model_heard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_model_heard(&dm_provider_gemini, data, size);
    return 0;
}
