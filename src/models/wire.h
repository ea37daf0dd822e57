/* wire.h: private to models: what the providers' protocols have in common: JSON over HTTP, statuses, waits, words. */
#ifndef DM_MODELS_WIRE_H
#define DM_MODELS_WIRE_H

#include "base/json.h"
#include "provider.h"

/* ---- writing ---- */

/* `"name":"text"`, escaped. */
void dm_wire_add_text(struct dm_buf *buf, const char *name, struct dm_str text);
/* `,"messages":[…]` of turns whose contents are lists of blocks: the picture and the prompt, then the answer that would not do and
 * why. `text_block` is how a block of text begins; `add_picture` writes the picture's with a comma behind, or nothing. */
void dm_wire_add_messages(struct dm_buf *body, const struct dm_provider_ask *ask, const char *text_block,
                          void (*add_picture)(struct dm_buf *body, const struct dm_provider_ask *ask));
/* access->base_url or `fallback`, then a path that is already encoded. */
void dm_wire_add_url(struct dm_provider_call *call, const struct dm_provider_access *access, const char *fallback);
DM_MUST_USE enum dm_code dm_wire_add_header(struct dm_provider_call *call, struct dm_str name, struct dm_str value,
                                            struct dm_err *err);
/* A header of `prefix` and the key; none where there is no key. */
DM_MUST_USE enum dm_code dm_wire_add_key(struct dm_provider_call *call, struct dm_str name, struct dm_str prefix,
                                         const struct dm_secret *key, struct dm_err *err);
/* DM_TOO_LARGE or DM_NO_MEMORY where url or body did not fit. */
DM_MUST_USE enum dm_code dm_wire_finish(const struct dm_provider_call *call, struct dm_err *err);

/* ---- reading ---- */

/* Words of a provider that mean one of our reasons. DM_REASON_COUNT: not in the table. */
struct dm_wire_word {
    const char *word;
    enum dm_reason reason;
};
enum dm_reason dm_wire_reason(const struct dm_wire_word *words, size_t count, struct dm_str word);

/* What a status means where the body says nothing better. Not for 2xx. */
enum dm_reason dm_wire_status_reason(uint32_t status);

/* The body of a 2xx as an object (of an array, its first element). NULL: it is none, and `heard` says what that means. */
json_t *dm_wire_body(const struct dm_http_answer *answer, struct dm_provider_heard *heard);
/* The body of another status; NULL: no object. */
json_t *dm_wire_error_body(const struct dm_http_answer *answer);

/* The call failed: "HTTP 429 CODE: message". The code loses all but letters, digits and ". _ -"; of the message stand its first
 * hundred characters, without what it quotes at length, because that may be from the document, and nothing at all where the
 * reason is auth_failed and the status 401: then it may be from the key. */
void dm_wire_failed(struct dm_provider_heard *heard, enum dm_reason reason, uint32_t status, struct dm_str code,
                    struct dm_str message);
/* The call ended well and the answer is of no use: a sentence of our own, with the provider's word (cleaned like a code). */
void dm_wire_unusable(struct dm_provider_heard *heard, enum dm_reason reason, const char *sentence, struct dm_str word);
/* The end of a call that succeeded: `reason` as the table of stop words gives it (DM_REASON_COUNT: unknown, so doubtful),
 * and an empty text is DM_REASON_EMPTY_ANSWER. */
void dm_wire_stopped(struct dm_provider_heard *heard, enum dm_reason reason, struct dm_str word);

/* retry-after-ms, retry-after (seconds or a date); 0: not said. */
int64_t dm_wire_retry_after(const struct dm_http_answer *answer, int64_t wall_ms);
/* "38.8s", "1m30s", "120ms", "1h0m0s"; at most a day. False: none of these. */
bool dm_wire_duration(struct dm_str text, int64_t *ret_ms);
/* A header that is a whole number; false: absent or another thing. */
bool dm_wire_header_number(const struct dm_http_answer *answer, struct dm_str name, uint64_t *ret);
/* By the provider's own clock, which says when it answered; by ours where it does not tell. */
int64_t dm_wire_answered_ms(const struct dm_http_answer *answer, int64_t wall_ms);

/* One of a provider's limits, as headers tell it. */
struct dm_wire_limit {
    uint64_t limit;
    uint64_t remaining;
    int64_t reset_ms; /* until all of it is there again */
};
/* The four headers do not say over which time the limit counts, so that is worked out: `reset_ms` is never longer than that. Of a
 * second, a minute, an hour and a day the shortest that fits is taken, for what is taken too short is corrected by the next answers
 * and by the provider's refusals, and what is taken too long costs hours. A second and a minute are told apart by how quickly what
 * was used comes back. */
uint64_t dm_wire_per_minute(const struct dm_wire_limit *told); /* at least 1, or 0 where there is no limit */
/* How long nothing is left; 0: something is. A limit that fills evenly is full after its whole time, and has room for one long before
 * that; one that begins anew at certain times has none until then. */
int64_t dm_wire_pause_ms(const struct dm_wire_limit *told);
void dm_wire_request_id(struct dm_provider_heard *heard, struct dm_str id);
/* A member that counts something; 0 where it is absent, negative or absurd. */
uint64_t dm_wire_count(const json_t *object, const char *name);
bool dm_wire_says(struct dm_str message, const char *const *phrases,
                  size_t count); /* one of these, whatever their case */

#endif
