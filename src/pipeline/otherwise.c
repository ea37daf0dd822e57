/* otherwise.c: see otherwise.h. */
#include "otherwise.h"

#include <stdio.h>

bool dm_otherwise_take(struct dm_otherwise *otherwise, struct dm_model_answer *answer)
{
    enum dm_again again = dm_reason_again(answer->reason);
    if (otherwise->asked & (1U << again))
        return false;
    otherwise->asked |= 1U << again;
    otherwise->again = again;
    dm_buf_free(&otherwise->rejected);
    if (again == DM_AGAIN_REPAIRED) {
        otherwise->rejected = dm_buf_move(&answer->rejected);
        snprintf(otherwise->complaint, sizeof(otherwise->complaint), "%s", answer->detail);
    }
    return true;
}

bool dm_otherwise_adapted(struct dm_otherwise *otherwise, const struct dm_model_answer *answer)
{
    return answer->adapted && otherwise->adaptations++ < DM_MODEL_ADAPTATIONS_MAX;
}

void dm_otherwise_fill(const struct dm_otherwise *otherwise, struct dm_model_request *request)
{
    request->again = otherwise->again;
    request->rejected = dm_buf_str(&otherwise->rejected);
    request->complaint = dm_str_z(otherwise->complaint);
}

void dm_otherwise_free(struct dm_otherwise *otherwise)
{
    dm_buf_free(&otherwise->rejected);
}
