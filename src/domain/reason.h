/* reason.h: why a page or a document ended without its result. A closed list: the same words stand in results,
 * events, logs and documentation, and a new reason is one line here. */
#ifndef DM_DOMAIN_REASON_H
#define DM_DOMAIN_REASON_H

#include "base/err.h"
#include "base/str.h"

#define DM_REASONS(X) /* name, on the wire, trying again, meaning */                                                   \
    X(TIMEOUT, "timeout", DM_RETRY_NEVER, "the page took the helper longer than PAGE_TIMEOUT_SECONDS")                 \
    X(MODEL_TIMEOUT, "model_timeout", DM_RETRY_LATER, "the model did not answer in time")                              \
    X(CRASHED, "crashed", DM_RETRY_NEVER, "reading it ended the process that read it")                                 \
    X(DAMAGED, "damaged", DM_RETRY_NEVER, "the document or page cannot be read")                                       \
    X(ENCRYPTED, "encrypted", DM_RETRY_NEVER, "the document needs a password: upload it again with `password`")        \
    X(NO_PAGES, "no_pages", DM_RETRY_NEVER, "the document has no pages, or `pages` names none of them")                \
    X(TOO_LARGE, "too_large", DM_RETRY_NEVER, "the document or page is over a limit")                                  \
    X(UNSUPPORTED, "unsupported", DM_RETRY_NEVER, "a kind of document that docmill does not read")                     \
    X(EMPTY_ANSWER, "empty_answer", DM_RETRY_LATER, "the model answered without content")                              \
    X(TRUNCATED, "truncated", DM_RETRY_LATER, "the model's answer was cut off")                                        \
    X(INVALID_JSON, "invalid_json", DM_RETRY_LATER, "the model's answer is not JSON")                                  \
    X(SCHEMA_MISMATCH, "schema_mismatch", DM_RETRY_LATER, "the model's answer is not shaped as asked")                 \
    X(BLOCKED, "blocked", DM_RETRY_NEVER, "the model declined this page")                                              \
    X(RECITATION, "recitation", DM_RETRY_NEVER, "the model declined to repeat protected text")                         \
    X(RATE_LIMITED, "rate_limited", DM_RETRY_PATIENTLY, "the model's provider asked us to slow down")                  \
    X(OVERLOADED, "overloaded", DM_RETRY_PATIENTLY, "the model's provider is overloaded")                              \
    X(NETWORK, "network", DM_RETRY_LATER, "the model's provider could not be reached")                                 \
    X(AUTH_FAILED, "auth_failed", DM_RETRY_NEVER, "the model's provider refused the key")                              \
    X(BAD_REQUEST, "bad_request", DM_RETRY_NEVER, "the model's provider refused the request")                          \
    X(QUOTA_EXHAUSTED, "quota_exhausted", DM_RETRY_NEVER, "the quota at the model's provider is used up")              \
    X(BUDGET_EXHAUSTED, "budget_exhausted", DM_RETRY_NEVER, "the tenant's budget is used up")                          \
    X(CANCELLED, "cancelled", DM_RETRY_NEVER, "it was cancelled")                                                      \
    X(EXPIRED, "expired", DM_RETRY_NEVER, "it was not finished before its deadline")                                   \
    X(INTERNAL, "internal", DM_RETRY_NEVER, "an error of docmill's own")

#define DM_REASON_ENUM(name, wire, retry, meaning) DM_REASON_##name,
enum dm_reason { DM_REASON_NONE = 0, DM_REASONS(DM_REASON_ENUM) DM_REASON_COUNT };
#undef DM_REASON_ENUM

const char *dm_reason_text(enum dm_reason reason);    /* on the wire; "" for DM_REASON_NONE */
const char *dm_reason_meaning(enum dm_reason reason); /* a sentence's part for people; "" for DM_REASON_NONE */
enum dm_retry dm_reason_retry(enum dm_reason reason);
bool dm_reason_parse(struct dm_str text, enum dm_reason *ret_reason);
/* Whether the document is not to blame: read another time it may well not fail. */
bool dm_reason_is_ours(enum dm_reason reason);
/* What a failure of the document reader means for the page or document: DM_TIMEOUT is `timeout`, DM_DAMAGED `damaged`,
 * … */
enum dm_reason dm_reason_of_reading(enum dm_code code);

#endif
