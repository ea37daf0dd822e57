/* params.h: private to api: every parameter a request may carry, whether in the query, a form, a JSON body, a
 * header or the path. One row says its name, kind, limits, default and what it is for; parsing, checking and the
 * OpenAPI document walk the same rows, and a route names the rows that it takes. */
#ifndef DM_API_PARAMS_H
#define DM_API_PARAMS_H

#include "base/arena.h"
#include "domain/limits.h"
#include "domain/tenant.h"
#include "pipeline/pipeline.h"

enum { DM_REDRIVES_MAX = 100 }; /* documents put back by one request */

enum dm_param_kind {
    DM_KIND_TENANT,
    DM_KIND_FILE,   /* the bytes of a form's file part */
    DM_KIND_TEXT,   /* UTF-8 without control characters; least and most are bytes */
    DM_KIND_SECRET, /* the same, and never in a URL */
    DM_KIND_OBJECT, /* a JSON object; most is bytes */
    DM_KIND_NUMBER, /* whole; least and most are values */
    DM_KIND_BOOLEAN,
    DM_KIND_INSTANT, /* RFC 3339, or a date */
    DM_KIND_STATUS,
    DM_KIND_PAGES, /* "1-5,9" */
    DM_KIND_PROFILE,
    DM_KIND_FILES, /* document ids: an array, or one string with commas between them; most is how many */
    DM_KIND_LATER, /* known, not served by this version: refused, so that nobody believes it did something */
};

#define DM_PARAMS(X) /* name, on the wire, kind, least, most, default, what it is for */                               \
    X(TENANT_ID, "tenantId", TENANT, 1, DM_TENANT_MAX, "default",                                                      \
      "Whose document it is. May also come in the header X-Tenant-Id.")                                                \
    X(FILE, "file", FILE, 1, 0, NULL, "The document's bytes, with its name and type.")                                 \
    X(FILE_NAME, "fileName", TEXT, 1, DM_NAME_MAX, NULL,                                                               \
      "Name of the document where the request's body is the document itself.")                                         \
    X(METADATA, "metadata", OBJECT, 2, DM_METADATA_MAX, NULL,                                                          \
      "A JSON object of the client's own; events and the job carry it unchanged.")                                     \
    X(PRIORITY, "priority", NUMBER, 0, DM_PRIORITY_MAX, "5", "From 0 (first) to 9 (last) among the tenant's own.")     \
    X(PASSWORD, "password", SECRET, 1, DM_PASSWORD_MAX, NULL, "Opens an encrypted document. Kept sealed.")             \
    X(PAGES, "pages", PAGES, 1, 8192, NULL, "Which pages, like 1-5,9 or 12-. All of them where it is left out.")       \
    X(PROFILE, "profile", PROFILE, 1, 64, "default", "What is asked of the model. Only `default` is there yet.")       \
    X(SCHEMA, "schema", LATER, 0, 65536, NULL,                                                                         \
      "Schemas of one's own are not served yet: leave `schema` out, and the default analysis is made.")                \
    X(PROMPT, "prompt", LATER, 0, 65536, NULL,                                                                         \
      "Prompts of one's own are not served yet: leave `prompt` out, and the default analysis is made.")                \
    X(WEBHOOK_URL, "webhookUrl", LATER, 0, 2048, NULL,                                                                 \
      "Webhooks are not served yet: leave `webhookUrl` out and follow GET /api/jobs/{fileId}?wait=20 instead.")        \
    X(WAIT, "wait", NUMBER, 0, 60, "0", "Seconds to wait for a change before the answer.")                             \
    X(PARTIAL, "partial", BOOLEAN, 0, 0, "false", "What there is by now, while the result is not ready.")              \
    X(LIMIT, "limit", NUMBER, 1, 1000, "50", "How many at most.")                                                      \
    X(CURSOR, "cursor", TEXT, 1, 512, NULL, "Where to go on: what the answer before called `nextCursor`.")             \
    X(STATUS, "status", STATUS, 0, 0, NULL, "Only documents of this status.")                                          \
    X(FROM, "from", INSTANT, 0, 0, NULL, "Only documents uploaded at this instant or later.")                          \
    X(TO, "to", INSTANT, 0, 0, NULL, "Only documents uploaded before this instant.")                                   \
    X(SIZE, "size", NUMBER, 16, 4096, "1024", "Pixels of the picture's longer edge.")                                  \
    X(AFTER, "after", NUMBER, 0, INT64_MAX, "0", "Only events with a greater `seq`.")                                  \
    X(OLDER_THAN, "olderThan", NUMBER, 0, 31536000, "300",                                                             \
      "Seconds without progress after which a document is stuck.")                                                     \
    X(FILE_IDS, "fileIds", FILES, 1, DM_REDRIVES_MAX, NULL, "The ids of the documents, as an array.")                  \
    X(ALL_STUCK, "allStuck", BOOLEAN, 0, 0, "false", "All documents that are stuck, in place of `fileIds`.")           \
    X(NAME, "name", TEXT, 1, DM_SECRET_NAME_MAX - 1, NULL, "Of the secret: the setting that holds the common one.")    \
    X(VALUE, "value", SECRET, 1, DM_TENANT_KEY_MAX, NULL, "The secret itself. Kept sealed; no answer has it.")

#define DM_PARAM_ENUM(name, wire, kind, least, most, fallback, help) DM_PARAM_##name,
enum dm_param { DM_PARAMS(DM_PARAM_ENUM) DM_PARAM_COUNT };
#undef DM_PARAM_ENUM

#define DM_PARAM_BIT(name) (1U << DM_PARAM_##name)

struct dm_param_row {
    const char *name;
    enum dm_param_kind kind;
    int64_t least;
    int64_t most;
    const char *fallback; /* NULL: none */
    const char *help;
};

const struct dm_param_row *dm_param_row(enum dm_param param);
/* The parameter of that name among those of `allowed` (bits); false: none. */
bool dm_param_find(struct dm_str name, uint32_t allowed, enum dm_param *ret);

struct dm_param_value {
    bool given;
    struct dm_str text;
    int64_t number; /* of NUMBER, BOOLEAN, INSTANT (wall-clock ms) and STATUS */
};

/* Checks and converts; DM_INVALID says what is wrong. */
DM_MUST_USE enum dm_code dm_param_parse(enum dm_param param, struct dm_str text, struct dm_arena *arena,
                                        struct dm_param_value *ret, struct dm_err *err);

#endif
