/* tenant.h: who owns a document, and the document's name within the tenant.
 *
 * Both are small values of their own types, so that a call cannot be given one where it wants the other, and so
 * that every store, blob and cache call names its tenant first. */
#ifndef DM_DOMAIN_TENANT_H
#define DM_DOMAIN_TENANT_H

#include "base/err.h"
#include "base/id.h"
#include "base/str.h"

enum { DM_TENANT_MAX = 64 };

/* 1 to 64 of A-Z a-z 0-9 . _ : @ - and the first a letter or digit, so that it is harmless in keys and paths. */
struct dm_tenant {
    char id[DM_TENANT_MAX + 1];
};

/* The API's fileId: a UUID version 7 (base/id.h). */
struct dm_file {
    char id[DM_ID_TEXT];
};

/* DM_INVALID with the rule in the sentence. */
DM_MUST_USE enum dm_code dm_tenant_parse(struct dm_str text, struct dm_tenant *ret, struct dm_err *err);
/* DM_NOT_FOUND where the text cannot be a file id: such a document exists for nobody. */
DM_MUST_USE enum dm_code dm_file_parse(struct dm_str text, struct dm_file *ret, struct dm_err *err);
bool dm_tenant_eq(const struct dm_tenant *a, const struct dm_tenant *b);
bool dm_file_eq(const struct dm_file *a, const struct dm_file *b);

#endif
