/* model_anthropic.c: answers of the provider anthropic. */
#include "fuzz.h"
#include "model_heard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_model_heard(&dm_provider_anthropic, data, size);
    return 0;
}
