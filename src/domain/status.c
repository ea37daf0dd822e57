/* status.c: the table of moves. An empty cell is a refused move. */
#include "domain/status.h"

#include "base/check.h"

static const enum dm_status after[DM_STATUS_COUNT][DM_MOVE_COUNT] = {
    [DM_STATUS_AWAITING_UPLOAD] = { [DM_MOVE_UPLOADED] = DM_STATUS_PENDING,
                                    [DM_MOVE_FAIL] = DM_STATUS_FAILED,
                                    [DM_MOVE_CANCEL] = DM_STATUS_CANCELLED },
    [DM_STATUS_PENDING] = { [DM_MOVE_SPLIT_BEGUN] = DM_STATUS_CHUNKING,
                            [DM_MOVE_FAIL] = DM_STATUS_FAILED,
                            [DM_MOVE_CANCEL] = DM_STATUS_CANCELLED },
    [DM_STATUS_CHUNKING] = { [DM_MOVE_SPLIT_LOST] = DM_STATUS_PENDING,
                             [DM_MOVE_SPLIT_DONE] = DM_STATUS_PROCESSING,
                             [DM_MOVE_FAIL] = DM_STATUS_FAILED,
                             [DM_MOVE_CANCEL] = DM_STATUS_CANCELLED },
    [DM_STATUS_PROCESSING] = { [DM_MOVE_AGGREGATE] = DM_STATUS_AGGREGATING,
                               [DM_MOVE_FAIL] = DM_STATUS_FAILED,
                               [DM_MOVE_CANCEL] = DM_STATUS_CANCELLED },
    /* An expired lease is taken over: aggregating again, by another owner. */
    [DM_STATUS_AGGREGATING] = { [DM_MOVE_AGGREGATE] = DM_STATUS_AGGREGATING,
                                [DM_MOVE_RESULT_KEPT] = DM_STATUS_COMPLETED,
                                [DM_MOVE_FAIL] = DM_STATUS_FAILED,
                                [DM_MOVE_CANCEL] = DM_STATUS_CANCELLED },
    [DM_STATUS_COMPLETED] = { [DM_MOVE_RETRY_PAGES] = DM_STATUS_PROCESSING },
    [DM_STATUS_FAILED] = { [DM_MOVE_RETRY_PAGES] = DM_STATUS_PROCESSING, [DM_MOVE_RETRY_SPLIT] = DM_STATUS_PENDING },
};

static const struct {
    const char *wire;
    bool final;
} statuses[DM_STATUS_COUNT] = { [DM_STATUS_NONE] = { "", false },
#define DM_STATUS_ROW(name, wire, final, meaning) [DM_STATUS_##name] = { wire, final },
                                DM_STATUSES(DM_STATUS_ROW)
#undef DM_STATUS_ROW
};

static const char *const page_statuses[DM_PAGE_STATUS_COUNT] = { [DM_PAGE_NONE] = "",
#define DM_PAGE_STATUS_ROW(name, wire) [DM_PAGE_##name] = wire,
                                                                 DM_PAGE_STATUSES(DM_PAGE_STATUS_ROW)
#undef DM_PAGE_STATUS_ROW
};

enum dm_status dm_status_after(enum dm_status status, enum dm_move move)
{
    DM_CHECK(status >= DM_STATUS_NONE && status < DM_STATUS_COUNT && move < DM_MOVE_COUNT);
    return after[status][move];
}

bool dm_status_is_final(enum dm_status status)
{
    DM_CHECK(status >= DM_STATUS_NONE && status < DM_STATUS_COUNT);
    return statuses[status].final;
}

const char *dm_status_text(enum dm_status status)
{
    DM_CHECK(status >= DM_STATUS_NONE && status < DM_STATUS_COUNT);
    return statuses[status].wire;
}

bool dm_status_parse(struct dm_str text, enum dm_status *ret_status)
{
    for (int i = DM_STATUS_NONE + 1; i < DM_STATUS_COUNT; i++) {
        if (!dm_str_eq(text, dm_str_z(statuses[i].wire)))
            continue;
        *ret_status = (enum dm_status)i;
        return true;
    }
    return false;
}

const char *dm_page_status_text(enum dm_page_status status)
{
    DM_CHECK(status >= DM_PAGE_NONE && status < DM_PAGE_STATUS_COUNT);
    return page_statuses[status];
}
