/* test_contracts.c: the embedded backends keep the ports' contracts. */
#include "contracts.h"
#include "rig.h"
#include "testing.h"

int main(void)
{
    void *state = NULL;
    if (rig_open(&state) != 0)
        return 1;
    const struct dm_embedded_set *set = &((struct rig *)state)->set;
    int failed = runtime_contract(set->runtime);
    failed += store_contract(set->store, set->runtime);
    failed += operator_contract(set->store, set->op, set->runtime);
    failed += operate_contract(set->store, set->op, set->runtime);
    failed += secret_contract(set->store, set->op, set->runtime);
    failed += blob_contract(set->blob, set->runtime);
    failed += stream_contract(set->stream, set->runtime);
    failed += secrets_contract(set->secrets);
    rig_close(&state);
    return failed;
}
