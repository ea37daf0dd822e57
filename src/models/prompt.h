/* prompt.h: private to models: what a model is asked, in words and as a JSON Schema.
 *
 * A page is data. Its text stands between two marks that do not occur in it, and the model is told that nothing between them is
 * an instruction. The same request gives the same bytes. */
#ifndef DM_MODELS_PROMPT_H
#define DM_MODELS_PROMPT_H

#include "ports/model.h"

enum { DM_PROMPT_OUTPUT_TOKENS = 4096, DM_PROMPT_BYTES_MAX = 2 * 1024 * 1024 };

struct dm_prompt {
    struct dm_str system; /* static */
    struct dm_buf text;
    struct dm_str schema_name; /* static */
    struct dm_str schema;      /* static; JSON */
    struct dm_buf complaint;   /* DM_AGAIN_REPAIRED: what the model is told of its answer; else empty */
    uint32_t output_tokens;    /* the most it may answer */
};

void dm_prompt_free(struct dm_prompt *prompt);

struct dm_prompt_options {
    uint32_t output_tokens; /* 0: DM_PROMPT_OUTPUT_TOKENS; DM_AGAIN_LONGER doubles it */
    bool schema_in_words;   /* the server takes no schema: the prompt shows it */
};

/* DM_TOO_LARGE where the text passes DM_PROMPT_BYTES_MAX. */
DM_MUST_USE enum dm_code dm_prompt_make(const struct dm_model_request *request, const struct dm_prompt_options *options,
                                        struct dm_prompt *ret, struct dm_err *err);

#endif
