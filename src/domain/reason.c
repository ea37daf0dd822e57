/* reason.c: the closed list of reasons, as text. */
#include "domain/reason.h"

#include "base/check.h"
#include "domain/limits.h"

static const struct {
    const char *wire;
    enum dm_retry retry;
    enum dm_again again;
    const char *meaning;
} reasons[DM_REASON_COUNT] = { [DM_REASON_NONE] = { "", DM_RETRY_NEVER, DM_AGAIN_PLAINLY, "" },
#define DM_REASON_ROW(name, wire, retry, again, meaning)                                                               \
    [DM_REASON_##name] = { wire, retry, DM_AGAIN_##again, meaning },
                               DM_REASONS(DM_REASON_ROW)
#undef DM_REASON_ROW
};

const char *dm_reason_text(enum dm_reason reason)
{
    DM_CHECK(reason >= DM_REASON_NONE && reason < DM_REASON_COUNT);
    return reasons[reason].wire;
}

const char *dm_reason_meaning(enum dm_reason reason)
{
    DM_CHECK(reason >= DM_REASON_NONE && reason < DM_REASON_COUNT);
    return reasons[reason].meaning;
}

enum dm_retry dm_reason_retry(enum dm_reason reason)
{
    DM_CHECK(reason >= DM_REASON_NONE && reason < DM_REASON_COUNT);
    return reasons[reason].retry;
}

enum dm_again dm_reason_again(enum dm_reason reason)
{
    DM_CHECK(reason >= DM_REASON_NONE && reason < DM_REASON_COUNT);
    return reasons[reason].again;
}

int64_t dm_reason_patience_ms(enum dm_reason reason)
{
    return reason == DM_REASON_AUTH_FAILED ? DM_KEY_PATIENCE_MS : DM_PATIENCE_MS;
}

bool dm_reason_parse(struct dm_str text, enum dm_reason *ret_reason)
{
    for (int i = DM_REASON_NONE; i < DM_REASON_COUNT; i++) {
        if (!dm_str_eq(text, dm_str_z(reasons[i].wire)))
            continue;
        *ret_reason = (enum dm_reason)i;
        return true;
    }
    return false;
}

bool dm_reason_is_ours(enum dm_reason reason)
{
    switch (reason) {
    case DM_REASON_CRASHED:
    case DM_REASON_EXPIRED:
    case DM_REASON_INTERNAL:
    case DM_REASON_BUDGET_EXHAUSTED:
        return true;
    case DM_REASON_RECITATION:
        return false;
    default:
        return reason != DM_REASON_NONE && dm_reason_retry(reason) != DM_RETRY_NEVER;
    }
}

enum dm_reason dm_reason_of_reading(enum dm_code code)
{
    switch (code) {
    case DM_TIMEOUT:
        return DM_REASON_TIMEOUT;
    case DM_CRASHED:
        return DM_REASON_CRASHED;
    case DM_DAMAGED:
        return DM_REASON_DAMAGED;
    case DM_ENCRYPTED:
        return DM_REASON_ENCRYPTED;
    case DM_TOO_LARGE:
        return DM_REASON_TOO_LARGE;
    case DM_UNSUPPORTED:
        return DM_REASON_UNSUPPORTED;
    case DM_NOT_FOUND:
        return DM_REASON_NO_PAGES;
    default:
        return DM_REASON_INTERNAL;
    }
}
