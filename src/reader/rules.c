/* rules.c: the table of allowed answers. */
#include "reader/rules.h"

/* Which part of the question an answer belongs to. */
enum part { ALWAYS, TEXT, LINES, IMAGE, PDF, PARTS };

enum { BEFORE_PDF = 1U << TEXT | 1U << LINES | 1U << IMAGE };

static const struct {
    enum dm_ask ask;
    enum dm_frame_kind answer;
    enum part part; /* due only where this was wanted, and then exactly once */
    uint32_t least; /* bytes of payload; the most is the frame's own limit */
    unsigned after; /* bits of the parts that must have come before it, as far as they were wanted */
    bool last;
} rows[] = {
    { DM_ASK_READY, DM_FRAME_READY, ALWAYS, 4, 0, true },
    /* Ends asked for earlier, whose answers nobody waited for, may still be on their way. */
    { DM_ASK_END, DM_FRAME_ENDED, ALWAYS, 9, 0, false },
    { DM_ASK_OPEN, DM_FRAME_OPENED, ALWAYS, 4, 0, true },
    { DM_ASK_OPEN, DM_FRAME_FAILED, ALWAYS, 1, 0, true },
    { DM_ASK_PAGE, DM_FRAME_TEXT, TEXT, 0, 0, false },
    { DM_ASK_PAGE, DM_FRAME_LINES, LINES, 0, 1U << TEXT, false },
    { DM_ASK_PAGE, DM_FRAME_IMAGE, IMAGE, 8, 1U << TEXT | 1U << LINES, false },
    { DM_ASK_PAGE, DM_FRAME_PAGE_PDF, PDF, 0, BEFORE_PDF, false },
    { DM_ASK_PAGE, DM_FRAME_PAGE_END, ALWAYS, 9, BEFORE_PDF | 1U << PDF, true },
    { DM_ASK_PAGE, DM_FRAME_FAILED, ALWAYS, 1, 0, true },
    { DM_ASK_SCAN, DM_FRAME_PIXELS, ALWAYS, DM_FRAME_PIXELS_HEAD, 0, true },
    { DM_ASK_SCAN, DM_FRAME_FAILED, ALWAYS, 1, 0, true },
    { DM_ASK_RECOGNISE, DM_FRAME_TEXT, TEXT, 0, 0, false },
    { DM_ASK_RECOGNISE, DM_FRAME_LINES, LINES, 0, 1U << TEXT, false },
    { DM_ASK_RECOGNISE, DM_FRAME_RECOGNISED, ALWAYS, 0, 1U << TEXT | 1U << LINES, true },
    { DM_ASK_RECOGNISE, DM_FRAME_FAILED, ALWAYS, 1, 0, true },
};

static bool wanted(const struct dm_asked *asked, enum part part)
{
    switch (part) {
    case TEXT:
        return asked->text;
    case LINES:
        return asked->lines;
    case IMAGE:
        return asked->image;
    case PDF:
        return asked->pdf;
    case ALWAYS:
    case PARTS:
        break;
    }
    return true;
}

bool dm_rules_allow(struct dm_asked *asked, const struct dm_frame_head *head)
{
    if (head->number != asked->number)
        return false;
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        if (rows[i].ask != asked->ask || rows[i].answer != head->kind)
            continue;
        if (!wanted(asked, rows[i].part) || head->size < rows[i].least)
            return false;
        /* A part comes once; what ends the question needs no such rule. */
        if (rows[i].part != ALWAYS && (asked->seen & 1U << rows[i].part))
            return false;
        if (head->kind == DM_FRAME_FAILED && asked->seen)
            return false; /* it succeeds or it fails, not both */
        for (enum part part = TEXT; part < PARTS; part++)
            if ((rows[i].after & 1U << part) && wanted(asked, part) && !(asked->seen & 1U << part))
                return false;
        asked->seen |= 1U << rows[i].part;
        return true;
    }
    return false;
}

bool dm_rules_last(enum dm_frame_kind kind)
{
    for (size_t i = 0; i < DM_COUNT(rows); i++)
        if (rows[i].answer == kind)
            return rows[i].last;
    return true;
}
