/* model_bedrock.c: answers of the provider bedrock. */
#include "fuzz.h"
#include "model_heard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_model_heard(&dm_provider_bedrock, data, size);
    return 0;
}
