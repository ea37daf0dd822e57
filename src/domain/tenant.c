/* tenant.c: the shape of tenant and file ids. */
#include "domain/tenant.h"

#include <string.h>

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

enum dm_code dm_tenant_parse(struct dm_str text, struct dm_tenant *ret, struct dm_err *err)
{
    bool valid = text.len >= 1 && text.len <= DM_TENANT_MAX && is_alphanumeric(text.at[0]);
    for (size_t i = 0; valid && i < text.len; i++)
        valid = is_alphanumeric(text.at[i]) || dm_str_find_char(DM_STR("._:@-"), text.at[i]) < 5;
    if (!valid)
        return dm_fail(err, DM_INVALID,
                       "tenantId must be 1 to %d of A-Z a-z 0-9 . _ : @ - and begin with a letter or digit",
                       DM_TENANT_MAX);
    *ret = (struct dm_tenant){ .id = "" };
    memcpy(ret->id, text.at, text.len);
    return DM_OK;
}

enum dm_code dm_file_parse(struct dm_str text, struct dm_file *ret, struct dm_err *err)
{
    if (!dm_id_valid(text))
        return dm_fail(err, DM_NOT_FOUND,
                       "no document has this id; ids look like 0192f3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b");
    *ret = (struct dm_file){ .id = "" };
    memcpy(ret->id, text.at, text.len);
    return DM_OK;
}

bool dm_tenant_eq(const struct dm_tenant *a, const struct dm_tenant *b)
{
    return strcmp(a->id, b->id) == 0;
}

bool dm_file_eq(const struct dm_file *a, const struct dm_file *b)
{
    return strcmp(a->id, b->id) == 0;
}
