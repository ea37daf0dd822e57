/* rules.h: which answer a helper may give, when, how often and how long.
 *
 * The helper has read hostile bytes and may be under their control. Each question has a row per answer that
 * is due; whatever has no row ends the helper. */
#ifndef DM_READER_RULES_H
#define DM_READER_RULES_H

#include "base/frame.h"

enum dm_ask {
    DM_ASK_READY, /* of a zygote that was just started; never asked in words */
    DM_ASK_END,
    DM_ASK_OPEN,
    DM_ASK_PAGE,
    DM_ASK_SCAN,
    DM_ASK_RECOGNISE,
};

/* What was asked, and how far the answer has come. */
struct dm_asked {
    enum dm_ask ask;
    uint32_t number;              /* that answers must repeat */
    bool text, lines, image, pdf; /* wanted: what was not asked for is not due */
    unsigned seen;                /* bits by row of the table */
};

/* Looks at a head before its payload is read: false ends the helper. Marks the answer as seen. */
DM_MUST_USE bool dm_rules_allow(struct dm_asked *asked, const struct dm_frame_head *head);
/* Whether this answer is the question's last. */
bool dm_rules_last(enum dm_frame_kind kind);

#endif
