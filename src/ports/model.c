/* model.c: the checking callers of the model port. */
#include "ports/model.h"

#include "base/check.h"

size_t dm_page_digest_bytes(const struct dm_page_digest *digest)
{
    size_t bytes = digest->summary.len;
    for (uint32_t i = 0; i < digest->key_point_count; i++)
        bytes += digest->key_points[i].len;
    return bytes;
}

void dm_model_answer_free(struct dm_model_answer *answer)
{
    dm_buf_free(&answer->analysis);
    dm_buf_free(&answer->rejected);
    *answer = (struct dm_model_answer){ 0 };
}

enum dm_code dm_model_start(struct dm_model model, const struct dm_tenant *tenant,
                            const struct dm_model_request *request, dm_model_done *done, void *context,
                            struct dm_err *err)
{
    DM_CHECK(done);
    DM_CHECK(request->task == DM_MODEL_PAGE ? request->page > 0 : request->digest_count > 0);
    return model.ops->start(model.self, tenant, request, done, context, err);
}

enum dm_code dm_model_account(struct dm_model model, const struct dm_tenant *tenant, uint64_t *ret, struct dm_err *err)
{
    if (model.ops->account)
        return model.ops->account(model.self, tenant, ret, err);
    *ret = 0;
    return DM_OK;
}

bool dm_model_has_accounts(struct dm_model model)
{
    return model.ops->account != NULL;
}

uint32_t dm_model_concurrency(struct dm_model model)
{
    uint32_t calls = model.ops->concurrency(model.self);
    return calls ? calls : 1;
}

enum dm_code dm_model_check(struct dm_model model, struct dm_err *err)
{
    return model.ops->check(model.self, err);
}

void dm_model_interrupt(struct dm_model model)
{
    if (model.ops->interrupt)
        model.ops->interrupt(model.self);
}
