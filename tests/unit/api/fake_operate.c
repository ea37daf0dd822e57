/* fake_operate.c: the fake pipeline's part for operators: what is stuck and paused is what the test says. */
#include "fake.h"

#include <string.h>

static enum dm_code op_paused(void *self, const struct dm_tenant *tenant, bool *ret, struct dm_err *err)
{
    *ret = false;
    for (uint32_t i = 0; i < fake.pause_count; i++)
        *ret |= !fake.pauses[i].tenant.id[0] || dm_tenant_eq(&fake.pauses[i].tenant, tenant);
    return DM_OK;
}

const struct dm_operator_ops fake_operator_ops = { .paused = op_paused };

/* In order, everybody's first, as the port has it. */
enum dm_code dm_work_pause(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant, struct dm_err *err)
{
    assert_true(fake.pause_count < FAKE_PAUSES);
    uint32_t at = tenant ? fake.pause_count : 0;
    memmove(&fake.pauses[at + 1], &fake.pauses[at], (fake.pause_count - at) * sizeof(fake.pauses[0]));
    fake.pauses[at] = (struct dm_pause){ .since_ms = fake.wall_ms };
    if (tenant)
        fake.pauses[at].tenant = *tenant;
    fake.pause_count++;
    return DM_OK;
}

enum dm_code dm_work_resume(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant, struct dm_err *err)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < fake.pause_count; i++)
        if (tenant && !dm_tenant_eq(&fake.pauses[i].tenant, tenant))
            fake.pauses[kept++] = fake.pauses[i];
    fake.pause_count = kept;
    return DM_OK;
}

enum dm_code dm_work_pauses(const struct dm_pipeline *pipeline, uint32_t max, struct dm_arena *arena,
                            struct dm_pauses *ret, struct dm_err *err)
{
    assert_true(fake.pause_count <= max);
    *ret = (struct dm_pauses){ fake.pauses, fake.pause_count };
    return DM_OK;
}

enum dm_code dm_stuck_list(const struct dm_pipeline *pipeline, int64_t older_than_ms, struct dm_stalled_cursor *cursor,
                           uint32_t max, struct dm_arena *arena, struct dm_stuck_documents *ret, struct dm_err *err)
{
    uint32_t first = (uint32_t)cursor->progress_ms; /* here it counts how many came before */
    uint32_t count = fake.stuck_count - first < max ? fake.stuck_count - first : max;
    fake.asked_older_ms = older_than_ms;
    if (count > 0)
        *cursor = (struct dm_stalled_cursor){ first + count, fake.stuck[first + count - 1].found };
    *ret = (struct dm_stuck_documents){ fake.stuck + first, count, count == max };
    return DM_OK;
}

enum dm_code dm_document_redrive(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                                 const struct dm_file *file, int64_t older_than_ms, struct dm_redriven *ret,
                                 struct dm_err *err)
{
    struct fake_document *document = fake_find(file->id);
    fake.asked_older_ms = older_than_ms;
    if (!document || !dm_tenant_eq(&document->tenant, tenant))
        return dm_fail(err, DM_NOT_FOUND, "no document has the id %s", file->id);
    fake.redrives++;
    *ret = fake.redriven;
    return DM_OK;
}

struct dm_limiter_view dm_limiter_look(struct dm_limiter *limiter)
{
    (void)limiter;
    return (struct dm_limiter_view){ 0 };
}

uint32_t dm_limiter_look_shut(struct dm_limiter *limiter, uint32_t max, struct dm_shut_account *ret)
{
    (void)limiter;
    for (uint32_t i = 0; i < fake.shut_count && i < max; i++)
        ret[i] = fake.shut[i];
    return fake.shut_count;
}

enum dm_code dm_tenant_key_set(const struct dm_ports *ports, const struct dm_tenant *tenant, struct dm_str name,
                               struct dm_str key, struct dm_err *err)
{
    assert_true(fake.secret_count < FAKE_SECRETS && key.len < sizeof(fake.secret_value));
    if (dm_str_find_char(key, ' ') < key.len)
        return dm_fail(err, DM_INVALID, "a key has no spaces");
    struct dm_secret_row *row = &fake.secrets[fake.secret_count++];
    *row = (struct dm_secret_row){ .tenant = *tenant, .created_ms = fake.wall_ms, .changed_ms = fake.wall_ms };
    memcpy(row->name, name.at, name.len);
    memcpy(fake.secret_value, key.at, key.len);
    fake.secret_value[key.len] = '\0';
    return DM_OK;
}

enum dm_code dm_tenant_key_remove(const struct dm_ports *ports, const struct dm_tenant *tenant, struct dm_str name,
                                  struct dm_err *err)
{
    for (uint32_t i = 0; i < fake.secret_count; i++) {
        if (!dm_tenant_eq(&fake.secrets[i].tenant, tenant) || !dm_str_eq(dm_str_z(fake.secrets[i].name), name))
            continue;
        fake.secrets[i] = fake.secrets[--fake.secret_count];
        return DM_OK;
    }
    return dm_fail(err, DM_NOT_FOUND, "the tenant has none");
}

enum dm_code dm_tenant_key_list(const struct dm_ports *ports, const struct dm_tenant *tenant,
                                const struct dm_secret_row *after, uint32_t max, struct dm_arena *arena,
                                struct dm_tenant_key_list *ret, struct dm_err *err)
{
    uint32_t first = 0;
    while (after->name[0] && first < fake.secret_count &&
           !(dm_tenant_eq(&fake.secrets[first].tenant, &after->tenant) &&
             strcmp(fake.secrets[first].name, after->name) == 0))
        first++;
    first += after->name[0] != '\0';
    uint32_t left = fake.secret_count - first;
    *ret = (struct dm_tenant_key_list){ fake.secrets + first, left < max ? left : max, left > max };
    return DM_OK;
}

void dm_limiter_forget_tenant(struct dm_limiter *limiter, const struct dm_tenant *tenant)
{
    (void)limiter;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < fake.shut_count; i++)
        if (!dm_tenant_eq(&fake.shut[i].tenant, tenant))
            fake.shut[kept++] = fake.shut[i];
    fake.shut_count = kept;
}
