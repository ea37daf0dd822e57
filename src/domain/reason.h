/* reason.h: why a page or a document ended without its result. A closed list: the same words stand in results,
 * events, logs and documentation, and a new reason is one line here.
 *
 * The table also says what becomes of a page whose call to the model ended so:
 *   NEVER      the page ends with it
 *   ONCE       asked once more at once, in another way (a page is asked once in each way: two answers that are not as asked get
 *              one repair between them)
 *   LATER      asked again after 1 s, doubled each time, at most 60 s, with a quarter by chance; MAX_ATTEMPTS in all, and three
 *              times as often where only connections broke; what fails while the limiter's breaker is open does not count,
 *              for an hour
 *   PATIENTLY  asked again as soon as the limiter lets it (pipeline/limit.h), where it is overloaded after a second; does not
 *              count as an attempt; the page ends with it
 *              only when it was so for dm_reason_patience_ms */
#ifndef DM_DOMAIN_REASON_H
#define DM_DOMAIN_REASON_H

#include "base/err.h"
#include "base/str.h"

/* How the model is asked again. */
enum dm_again {
    DM_AGAIN_PLAINLY,  /* as before */
    DM_AGAIN_REPAIRED, /* with the answer that was not accepted and what was wrong with it */
    DM_AGAIN_LONGER,   /* with room for a longer answer: it was cut off */
    DM_AGAIN_FREELY    /* in its own words: it declined to repeat protected text */
};

#define DM_REASONS(X) /* name, on the wire, trying again, in which way, meaning */                                     \
    X(TIMEOUT, "timeout", DM_RETRY_NEVER, PLAINLY, "the page took the helper longer than PAGE_TIMEOUT_SECONDS")        \
    X(MODEL_TIMEOUT, "model_timeout", DM_RETRY_LATER, PLAINLY, "the model did not answer in time")                     \
    X(CRASHED, "crashed", DM_RETRY_NEVER, PLAINLY, "reading it ended the process that read it")                        \
    X(DAMAGED, "damaged", DM_RETRY_NEVER, PLAINLY, "the document or page cannot be read")                              \
    X(ENCRYPTED, "encrypted", DM_RETRY_NEVER, PLAINLY,                                                                 \
      "the document needs a password: upload it again with `password`")                                                \
    X(NO_PAGES, "no_pages", DM_RETRY_NEVER, PLAINLY, "the document has no pages, or `pages` names none of them")       \
    X(TOO_LARGE, "too_large", DM_RETRY_NEVER, PLAINLY, "the document or page is over a limit")                         \
    X(UNSUPPORTED, "unsupported", DM_RETRY_NEVER, PLAINLY, "a kind of document that docmill does not read")            \
    X(EMPTY_ANSWER, "empty_answer", DM_RETRY_ONCE, PLAINLY, "the model answered without content")                      \
    X(TRUNCATED, "truncated", DM_RETRY_ONCE, LONGER, "the model's answer was cut off")                                 \
    X(INVALID_JSON, "invalid_json", DM_RETRY_ONCE, REPAIRED, "the model's answer is not JSON")                         \
    X(SCHEMA_MISMATCH, "schema_mismatch", DM_RETRY_ONCE, REPAIRED, "the model's answer is not shaped as asked")        \
    X(BLOCKED, "blocked", DM_RETRY_NEVER, PLAINLY, "the model declined this page")                                     \
    X(RECITATION, "recitation", DM_RETRY_ONCE, FREELY, "the model declined to repeat protected text")                  \
    X(RATE_LIMITED, "rate_limited", DM_RETRY_PATIENTLY, PLAINLY, "the model's provider asked us to slow down")         \
    X(OVERLOADED, "overloaded", DM_RETRY_PATIENTLY, PLAINLY, "the model's provider is overloaded")                     \
    X(NETWORK, "network", DM_RETRY_LATER, PLAINLY, "the model's provider could not be reached")                        \
    X(AUTH_FAILED, "auth_failed", DM_RETRY_PATIENTLY, PLAINLY, "the model's provider refused the key")                 \
    X(BAD_REQUEST, "bad_request", DM_RETRY_NEVER, PLAINLY, "the model's provider refused the request")                 \
    X(QUOTA_EXHAUSTED, "quota_exhausted", DM_RETRY_PATIENTLY, PLAINLY, "the quota at the model's provider is used up") \
    X(BUDGET_EXHAUSTED, "budget_exhausted", DM_RETRY_NEVER, PLAINLY, "the tenant's budget is used up")                 \
    X(CANCELLED, "cancelled", DM_RETRY_NEVER, PLAINLY, "it was cancelled")                                             \
    X(EXPIRED, "expired", DM_RETRY_NEVER, PLAINLY, "it was not finished before its deadline")                          \
    X(INTERNAL, "internal", DM_RETRY_NEVER, PLAINLY, "an error of docmill's own")

#define DM_REASON_ENUM(name, wire, retry, again, meaning) DM_REASON_##name,
enum dm_reason { DM_REASON_NONE = 0, DM_REASONS(DM_REASON_ENUM) DM_REASON_COUNT };
#undef DM_REASON_ENUM

const char *dm_reason_text(enum dm_reason reason);    /* on the wire; "" for DM_REASON_NONE */
const char *dm_reason_meaning(enum dm_reason reason); /* a sentence's part for people; "" for DM_REASON_NONE */
enum dm_retry dm_reason_retry(enum dm_reason reason);
enum dm_again dm_reason_again(enum dm_reason reason);
/* How long a page bears it, where it is tried again patiently: a day; an hour where somebody must mend the key. */
int64_t dm_reason_patience_ms(enum dm_reason reason);
bool dm_reason_parse(struct dm_str text, enum dm_reason *ret_reason);
/* Whether the document is not to blame: read another time it may well not fail. */
bool dm_reason_is_ours(enum dm_reason reason);
/* What a failure of the document reader means for the page or document: DM_TIMEOUT is `timeout`, DM_DAMAGED `damaged`,
 * … */
enum dm_reason dm_reason_of_reading(enum dm_code code);

#endif
