/* answer.h: private to models: the model's text, checked and brought into the one form that is stored.
 *
 * Structured output is a promise of the provider's; here it is held to it. What is missing or of another type is refused with a
 * sentence that names the member, fit to be shown to the model. What is only too much is cut: more members than asked for,
 * longer texts, longer lists. */
#ifndef DM_MODELS_ANSWER_H
#define DM_MODELS_ANSWER_H

#include "ports/model.h"

enum {
    DM_ANSWER_BYTES_MAX = 512 * 1024, /* of the model's text */
    DM_ANSWER_SUMMARY_MAX = 8 * 1024, /* bytes, as all of these */
    DM_ANSWER_POINT_MAX = 2 * 1024,
    DM_ANSWER_ENTITY_MAX = 512,
    DM_ANSWER_TYPE_MAX = 64,
    DM_ANSWER_ENTITIES = 200,
    DM_ANSWER_POINTS = 40,
    DM_ANSWER_PAGES = 200 /* named with one key point */
};

/* The page numbers that a reduction may name, ascending. */
struct dm_answer_pages {
    const uint32_t *at;
    uint32_t count;
};

/* Checks `text` for `task` and appends the compact form to *ret. DM_REASON_NONE; DM_REASON_INVALID_JSON or
 * DM_REASON_SCHEMA_MISMATCH with the sentence in `err` and nothing added; DM_REASON_OVERLOADED where memory is out. */
enum dm_reason dm_answer_read(enum dm_model_task task, struct dm_str text, struct dm_answer_pages pages,
                              struct dm_buf *ret, struct dm_err *err);

#endif
