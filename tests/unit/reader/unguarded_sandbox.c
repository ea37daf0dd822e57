/* unguarded_sandbox.c: in place of pdf/sandbox.c, a sandbox that holds nothing back.
 *
 * What a hostile helper does in it succeeds; so where the same deed fails in the real helper, the sandbox is why. */
#include "sandbox.h"

void sandbox_drop_ids(void)
{
}

enum dm_code sandbox_prepare(enum sandbox_kind kind, struct dm_err *err)
{
    return DM_OK;
}

bool sandbox_enter(const struct sandbox_limits *limits)
{
    return true;
}

void sandbox_cpu_seconds(uint32_t seconds)
{
}
