/* check.h: assertions that stay on in release builds.
 *
 * DM_CHECK states what the program itself guarantees; a false one is a bug in docmill, never bad input,
 * and ends the process at once: the ledger makes a crash harmless, going on with a broken invariant is not. */
#ifndef DM_BASE_CHECK_H
#define DM_BASE_CHECK_H

#include "base/attributes.h"

#define DM_CHECK(condition) ((condition) ? (void)0 : dm_check_failed(#condition, __FILE__, __LINE__, __func__))

DM_NORETURN void dm_check_failed(const char *condition, const char *file, int line, const char *function);

#endif
