/* words.h: the closed lists of records as words, which is how every store keeps them. A word that stands in a database is never
 * changed; the numbers of the enumerations are free. */
#ifndef DM_DOMAIN_WORDS_H
#define DM_DOMAIN_WORDS_H

#include "base/str.h"

enum dm_word_list {
    DM_WORDS_STATUS,      /* enum dm_status */
    DM_WORDS_PAGE_STATUS, /* enum dm_page_status */
    DM_WORDS_OUTCOME,     /* enum dm_outcome; none: "" */
    DM_WORDS_REASON,      /* enum dm_reason; none: "" */
    DM_WORDS_MEDIA,       /* enum dm_media */
    DM_WORDS_EVENT_TYPE,  /* enum dm_event_type */
    DM_WORDS_WORK_KEY,    /* enum dm_work_key */
    DM_WORD_LISTS
};

/* `value` is one of the list's. Static. */
const char *dm_word_text(enum dm_word_list list, int value);
/* False: the list has no such word. */
bool dm_word_find(enum dm_word_list list, struct dm_str word, int *ret_value);

#endif
