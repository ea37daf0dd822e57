/* otherwise.h: asking the model once more in another way, after an answer that would not do. Private to the room; pages and
 * reductions do it alike. */
#ifndef DM_PIPELINE_OTHERWISE_H
#define DM_PIPELINE_OTHERWISE_H

#include "ports/model.h"

/* Starts as { 0 }: asked plainly. */
struct dm_otherwise {
    enum dm_again again;    /* how it is asked next */
    unsigned asked;         /* bits of enum dm_again: the ways in which it has been asked once more */
    uint32_t adaptations;   /* of the model's, that the page has seen */
    struct dm_buf rejected; /* the answer that did not do, and why not */
    char complaint[160];
};

/* The model has removed what made the call fail: it is asked the same again at once. False: it has not, or says so too often. */
bool dm_otherwise_adapted(struct dm_otherwise *otherwise, const struct dm_model_answer *answer);

/* The way that the answer's reason asks for (dm_reason_again), taking from the answer what that needs; false where it has been
 * asked in that way already. */
bool dm_otherwise_take(struct dm_otherwise *otherwise, struct dm_model_answer *answer);
/* Puts it into the request, which points into it. */
void dm_otherwise_fill(const struct dm_otherwise *otherwise, struct dm_model_request *request);
void dm_otherwise_free(struct dm_otherwise *otherwise);

#endif
