/* words.c: see words.h. */
#include "domain/words.h"

#include "domain/records.h"

static const char *status_text(int value)
{
    return dm_status_text((enum dm_status)value);
}

static const char *page_status_text(int value)
{
    return dm_page_status_text((enum dm_page_status)value);
}

static const char *outcome_text(int value)
{
    static const char *const texts[] = {
        [DM_OUTCOME_NONE] = "", [DM_OUTCOME_FULL] = "full", [DM_OUTCOME_PARTIAL] = "partial"
    };
    return texts[value];
}

static const char *reason_text(int value)
{
    return dm_reason_text((enum dm_reason)value);
}

static const char *media_text(int value)
{
    return dm_media_type((enum dm_media)value);
}

static const char *event_type_text(int value)
{
    return dm_event_type_text((enum dm_event_type)value);
}

static const char *work_key_text(int value)
{
    static const char *const texts[] = { [DM_WORK_IDLE] = "idle", [DM_WORK_READY] = "ready", [DM_WORK_DUE] = "due" };
    return texts[value];
}

static const struct {
    const char *(*text)(int value);
    int count;
} lists[DM_WORD_LISTS] = {
    [DM_WORDS_STATUS] = { status_text, DM_STATUS_COUNT },
    [DM_WORDS_PAGE_STATUS] = { page_status_text, DM_PAGE_STATUS_COUNT },
    [DM_WORDS_OUTCOME] = { outcome_text, DM_OUTCOME_PARTIAL + 1 },
    [DM_WORDS_REASON] = { reason_text, DM_REASON_COUNT },
    [DM_WORDS_MEDIA] = { media_text, DM_MEDIA_COUNT },
    [DM_WORDS_EVENT_TYPE] = { event_type_text, DM_EVENT_TYPE_COUNT },
    [DM_WORDS_WORK_KEY] = { work_key_text, DM_WORK_DUE + 1 },
};

const char *dm_word_text(enum dm_word_list list, int value)
{
    return lists[list].text(value);
}

bool dm_word_find(enum dm_word_list list, struct dm_str word, int *ret_value)
{
    for (int i = 0; i < lists[list].count; i++) {
        if (!dm_str_eq(word, dm_str_z(lists[list].text(i))))
            continue;
        *ret_value = i;
        return true;
    }
    return false;
}
