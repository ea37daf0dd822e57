/* model_openai.c: answers of the provider openai. */
#include "fuzz.h"
#include "model_heard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_model_heard(&dm_provider_openai, data, size);
    return 0;
}
