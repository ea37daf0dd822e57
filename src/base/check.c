/* check.c: reports a broken invariant and ends the process. */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

void dm_check_failed(const char *condition, const char *file, int line, const char *function)
{
    fprintf(stderr, "docmill: broken invariant: %s (%s:%d, %s)\n", condition, file, line, function);
    abort();
}
