/* dynamo_store.h: the ledger in DynamoDB, as its own files see it. Private to this room.
 *
 *   dynamo_key.c      names of items, and their places in the indexes
 *   dynamo_item.c     attributes: writing an item, or the expression that changes one; reading one
 *   dynamo_record.c   records as items
 *   dynamo_ranges.c   WORK's ranges, and the pages of an item
 *   dynamo_call.c     one request: sending, what it cost, errors
 *   dynamo_query.c    Query, item by item
 *   dynamo_commit.c   one transaction of the port as one of DynamoDB's
 *   dynamo_read.c     a document's parts, as one snapshot
 *   dynamo_parts.c    its pages and events; Idempotency-Keys
 *   dynamo_list.c     a tenant's documents, newest first
 *   dynamo_index.c    the operator's lists: what is ready, due, stalled, ended
 *   dynamo_operate.c  pauses, and removal of a document
 *   dynamo_secret.c   tenants' secrets, sealed
 *   dynamo_table.c    making the table, and whether it is the one that is needed
 *   dynamo_store.c    the ports
 *
 * One table. A document is one item collection:
 *
 *   PK                  SK
 *   TENANT#t#DOC#d      DOC                     what was uploaded
 *                       EVENT#<seq>
 *                       PAGE#<first>            DM_DYNAMO_PAGES_AN_ITEM pages in a row
 *                       STATE
 *                       STATE#CLAIM#<counter>   behind STATE and before WORK, so that one Query reads the three
 *                       WORK
 *   TENANT#t#IDEM#key   IDEM                    expires by `ttl`
 *   TENANT#t            SECRET#name             a secret of the tenant's own, sealed
 *   PAUSE               #tenant, or #           nobody claims the tenant's work; # alone: anybody's
 *   SCHEMA              SCHEMA                  the version of all this
 *
 * and three sparse indexes, KEYS_ONLY:
 *
 *   GSI1   TENANT#t     created#d               DOC, unless it is deleted: a tenant's list
 *   GSI2   READY#n      tenant#priority#created#d    WORK that can be claimed; n by tenant
 *          DUE#n        due#d#tenant            STATE and WORK that somebody must look at; n by document
 *          FILE#d       tenant                  DOC, unless it is deleted: whose it is
 *          SECRET       tenant#name          secrets of all tenants; they are few
 *   GSI3   OPEN#n       progress#d#tenant       STATE of a document that has not ended
 *          ENDED#n      d#tenant                STATE of one that has
 *
 * Numbers in keys have a fixed width, so that the order of texts is theirs. '#' is in no name, and sorts before every
 * character of one: "a#" comes before "a-#" as "a" comes before "a-". */
#ifndef DM_AWS_DYNAMO_STORE_H
#define DM_AWS_DYNAMO_STORE_H

#include <jansson.h>
#include <stdatomic.h>

#include "aws/aws.h"
#include "base/buf.h"
#include "ports/runtime.h"
#include "ports/store.h"

enum {
    /* An index key's partitions. Each takes 1,000 writes a second, and each costs a query whenever somebody looks for
     * work. The number is part of what is stored: another one needs all documents written anew. */
    DM_DYNAMO_SHARDS = 4,
    /* A page's record is some 200 bytes, and a write is paid for by begun kilobyte. */
    DM_DYNAMO_PAGES_AN_ITEM = 4,
    DM_DYNAMO_SCHEMA = 1,
    DM_DYNAMO_PK_MAX = 640,
    DM_DYNAMO_SK_MAX = 192,
    DM_DYNAMO_REQUEST_MAX = 8 << 20,
    DM_DYNAMO_ANSWER_MAX = 32 << 20, /* 16 MB of items; JSON takes more */
    DM_DYNAMO_NUMBER = 21,           /* a number in a key, with its NUL */
    DM_DYNAMO_BATCH_GET = 100,       /* keys in a BatchGetItem */
    DM_DYNAMO_BATCH_WRITE = 25,
    DM_DYNAMO_CALL_MS = 15000 /* a request with all its attempts */
};

struct dm_dynamo_seen;

struct dm_dynamo {
    struct dm_runtime runtime;
    struct dm_aws *aws;
    char *table;
    struct dm_dynamo_seen *seen;
    atomic_bool write_failed; /* the last commit did, other than by a conflict */
    atomic_uint_fast64_t requests, read_thousandths, write_thousandths;
};

/* ---- keys (dynamo_key.c) ---- */

struct dm_dynamo_key {
    char pk[DM_DYNAMO_PK_MAX];
    char sk[DM_DYNAMO_SK_MAX];
};

/* A place in an index. */
struct dm_dynamo_place {
    char pk[DM_DYNAMO_SK_MAX];
    char sk[DM_DYNAMO_SK_MAX];
};

void dm_dynamo_number(uint64_t number, char text[DM_DYNAMO_NUMBER]); /* 20 digits */
struct dm_dynamo_key dm_dynamo_key(const struct dm_tenant *tenant, const struct dm_file *file, const char *sk);
struct dm_dynamo_key dm_dynamo_claim_key(const struct dm_tenant *tenant, const struct dm_file *file, uint64_t counter);
struct dm_dynamo_key dm_dynamo_page_key(const struct dm_tenant *tenant, const struct dm_file *file, uint32_t number);
struct dm_dynamo_key dm_dynamo_event_key(const struct dm_tenant *tenant, const struct dm_file *file, uint64_t seq);
/* DM_TOO_LARGE where the client's key is. */
DM_MUST_USE enum dm_code dm_dynamo_idem_key(const struct dm_tenant *tenant, struct dm_str key,
                                            struct dm_dynamo_key *ret, struct dm_err *err);
struct dm_dynamo_key dm_dynamo_pause_key(const struct dm_tenant *tenant); /* NULL: everybody's */
struct dm_dynamo_key dm_dynamo_secret_key(const struct dm_tenant *tenant, struct dm_str name);
struct dm_dynamo_key dm_dynamo_schema_key(void);

uint32_t dm_dynamo_shard(struct dm_str name);
struct dm_dynamo_place dm_dynamo_place_listed(const struct dm_tenant *tenant, const struct dm_file *file,
                                              int64_t created_ms);
struct dm_dynamo_place dm_dynamo_place_file(const struct dm_tenant *tenant, const struct dm_file *file);
struct dm_dynamo_place dm_dynamo_place_ready(const struct dm_tenant *tenant, const struct dm_file *file,
                                             const struct dm_work *work);
struct dm_dynamo_place dm_dynamo_place_due(const struct dm_tenant *tenant, const struct dm_file *file, int64_t due_ms);
struct dm_dynamo_place dm_dynamo_place_open(const struct dm_tenant *tenant, const struct dm_file *file,
                                            int64_t progress_ms);
struct dm_dynamo_place dm_dynamo_place_ended(const struct dm_tenant *tenant, const struct dm_file *file);
struct dm_dynamo_place dm_dynamo_place_secret(const struct dm_tenant *tenant, struct dm_str name);
/* Takes "tenant#name" apart. False: it is none. */
bool dm_dynamo_parse_secret(struct dm_str text, struct dm_secret_row *ret);
/* Takes "d#tenant" apart. False: it is none. */
bool dm_dynamo_parse_found(struct dm_str text, struct dm_found *ret);
/* The same with a number and '#' before it. */
bool dm_dynamo_parse_numbered(struct dm_str text, int64_t *ret_number, struct dm_found *ret);

/* ---- items (dynamo_item.c) ---- */

enum dm_item_use {
    DM_ITEM_PUT,   /* the whole item; what is empty is left out */
    DM_ITEM_UPDATE /* some attributes of it; what is empty is removed. Others keep their values */
};

/* Collects attributes. Make it, add to it, print it into a request, free it. */
struct dm_item {
    enum dm_item_use use;
    struct dm_buf values;              /* members of Item, or of ExpressionAttributeValues */
    struct dm_buf names, set, removed; /* of an update */
};

struct dm_item dm_item_make(enum dm_item_use use);
void dm_item_free(struct dm_item *item);
void dm_item_add_text(struct dm_item *item, const char *name, struct dm_str text); /* empty: none */
void dm_item_add_number(struct dm_item *item, const char *name, uint64_t number);  /* 0 is written */
void dm_item_add_signed(struct dm_item *item, const char *name, int64_t number);
/* An update leaves the number that is there. */
void dm_item_add_signed_once(struct dm_item *item, const char *name, int64_t number);
void dm_item_add_none(struct dm_item *item, const char *name);
/* `value` is an attribute value as it goes over the wire: {"M":…}. */
void dm_item_add_value(struct dm_item *item, const char *name, struct dm_str value);
/* Both attributes of an index key; NULL: it stands in none. */
void dm_item_add_place(struct dm_item *item, int index, const struct dm_dynamo_place *place);
/* For the condition of an update: a name or a value that the expression alone uses. */
void dm_item_name(struct dm_item *item, const char *name);
void dm_item_operand(struct dm_item *item, const char *name, uint64_t number);

/* "PK":{"S":…},"SK":{"S":…} */
void dm_dynamo_add_key(struct dm_buf *buf, const struct dm_dynamo_key *key);
/* {"Put":{…}} or {"Update":{…}} without the outer braces' name: TableName, item or key with expressions, condition. With
 * `old` the item is asked back where the condition fails. */
void dm_item_print(const struct dm_item *item, struct dm_buf *buf, const char *table, const struct dm_dynamo_key *key,
                   const char *condition, bool old);

/* The attribute's text (S or B) in the arena; absent: empty. DM_CORRUPT: it is something else. */
DM_MUST_USE enum dm_code dm_item_text(const json_t *item, const char *name, struct dm_arena *arena, struct dm_str *ret,
                                      struct dm_err *err);
/* As it stands in the answer, without a copy. False: it is there, and no S. */
bool dm_item_plain(const json_t *item, const char *name, struct dm_str *ret);
bool dm_item_number(const json_t *item, const char *name, uint64_t *ret); /* absent: 0 */
bool dm_item_signed(const json_t *item, const char *name, int64_t *ret);

/* ---- records (dynamo_record.c) ---- */

enum dm_record {
    DM_RECORD_DOCUMENT,
    DM_RECORD_STATE,
    DM_RECORD_WORK,
    DM_RECORD_CLAIM,
    DM_RECORD_PAGE, /* a struct dm_stored_page */
    DM_RECORD_EVENT,
    DM_RECORD_IDEM,
    DM_RECORD_COUNT
};

/* A page as it is stored: most segments are this document's, and need not name it again. */
struct dm_stored_page {
    struct dm_page page;
    struct dm_str tail; /* of the segment's key behind the prefix that all of the document's have; or empty */
};

/* Adds all members of the record but those that are in its key. */
void dm_record_add(struct dm_item *item, enum dm_record kind, const void *record);
/* Reads into a zeroed record. DM_CORRUPT, DM_TOO_LARGE, DM_NO_MEMORY. `arena` may be NULL for records without texts. */
DM_MUST_USE enum dm_code dm_record_read(const json_t *item, enum dm_record kind, struct dm_arena *arena, void *record,
                                        struct dm_err *err);
/* The same for the records that are more than their members. */
void dm_record_add_work(struct dm_item *item, const struct dm_work *work);
DM_MUST_USE enum dm_code dm_record_read_work(const json_t *item, struct dm_arena *arena, struct dm_work *ret,
                                             struct dm_err *err);
void dm_record_page_name(uint32_t number, char name[4]); /* "p0": the attribute that holds it */
void dm_record_add_page(struct dm_item *item, const struct dm_file *file, const struct dm_page *page);
/* *ret_found: the item holds the page. */
DM_MUST_USE enum dm_code dm_record_read_page(const json_t *item, const struct dm_file *file, uint32_t number,
                                             struct dm_arena *arena, struct dm_page *ret, bool *ret_found,
                                             struct dm_err *err);

/* ---- one request (dynamo_call.c) ---- */

struct dm_dynamo_answer {
    json_t *body;   /* of a success, or of an exception */
    char error[64]; /* "TransactionCanceledException"; empty after a success */
    uint32_t attempts;
    enum dm_code said; /* by the client: DM_DENIED and the like, which the ports call an outage */
};

void dm_dynamo_answer_free(struct dm_dynamo_answer *answer);
/* Free the answer in any case. DM_OK: done. DM_CONFLICT: a condition failed, or
 * a transaction was cancelled; the answer says which. DM_BUSY: nothing happened, for others are at the same items.
 * DM_THROTTLED: nothing happened. DM_UNAVAILABLE, DM_TIMEOUT: it may have. DM_NOT_FOUND: there is no such table. */
DM_MUST_USE enum dm_code dm_dynamo_call(struct dm_dynamo *dynamo, const char *operation, const struct dm_buf *request,
                                        struct dm_dynamo_answer *ret, struct dm_err *err);
/* The same, for so long at most. */
DM_MUST_USE enum dm_code dm_dynamo_call_within(struct dm_dynamo *dynamo, const char *operation,
                                               const struct dm_buf *request, int64_t wait_ms,
                                               struct dm_dynamo_answer *ret, struct dm_err *err);
/* For an answer that lacks what it must have. */
enum dm_code dm_dynamo_is_none(const char *operation, struct dm_err *err);
/* What another attempt waits for, at random: longer with each. */
void dm_dynamo_pause_before(struct dm_dynamo *dynamo, uint32_t attempt);

/* ---- Query (dynamo_query.c) ---- */

/* Starts with what is asked for; the rest is its own. */
struct dm_dynamo_query {
    const char *index; /* NULL: the table, consistently */
    const char *pk;
    const char *from, *to; /* SK, both included */
    bool backwards;
    bool keys_only;
    uint32_t limit; /* items of one answer; 0: what fits a megabyte */

    struct dm_dynamo_answer answer;
    const json_t *items;
    size_t next;   /* in items */
    json_t *go_on; /* the key to go on from; NULL: that was all */
    uint32_t answers;
};

/* *ret: the next item, borrowed until the next call; NULL: there are no more. Free the query in any case. */
DM_MUST_USE enum dm_code dm_dynamo_next(struct dm_dynamo *dynamo, struct dm_dynamo_query *query, const json_t **ret,
                                        struct dm_err *err);
void dm_dynamo_query_free(struct dm_dynamo_query *query);

/* ---- reads (dynamo_read.c) ---- */

/* *ret: the item, or NULL; borrowed from *answer. */
DM_MUST_USE enum dm_code dm_dynamo_get(struct dm_dynamo *dynamo, const struct dm_dynamo_key *key, int64_t wait_ms,
                                       struct dm_dynamo_answer *answer, const json_t **ret, struct dm_err *err);
/* The items there are of so many keys (at most DM_DYNAMO_BATCH_GET, all different), in ret[i] by key, NULL where there is none;
 * owned by the caller. */
DM_MUST_USE enum dm_code dm_dynamo_get_all(struct dm_dynamo *dynamo, const struct dm_dynamo_key *keys, uint32_t count,
                                           bool consistent, json_t **ret, struct dm_err *err);

/* ---- the table (dynamo_table.c) ---- */

DM_MUST_USE enum dm_code dm_dynamo_check_schema(struct dm_dynamo *dynamo, int64_t wait_ms, struct dm_err *err);

/* ---- what was seen of documents (dynamo_read.c) ---- */

DM_MUST_USE struct dm_dynamo_seen *dm_dynamo_seen_make(void);
void dm_dynamo_seen_free(struct dm_dynamo_seen *seen);
/* STATE of this document has had this version. */
void dm_dynamo_saw(struct dm_dynamo *dynamo, const struct dm_tenant *tenant, const struct dm_file *file,
                   uint64_t version);

/* ---- the ports' functions ---- */

enum dm_code dm_dynamo_read(void *self, const struct dm_tenant *tenant, const struct dm_file *file, unsigned parts,
                            struct dm_arena *arena, struct dm_snapshot *ret, struct dm_err *err);
enum dm_code dm_dynamo_pages(void *self, const struct dm_tenant *tenant, const struct dm_file *file, uint32_t first,
                             uint32_t last, uint32_t max, struct dm_arena *arena, struct dm_page_list *ret,
                             struct dm_err *err);
enum dm_code dm_dynamo_events(void *self, const struct dm_tenant *tenant, const struct dm_file *file, uint64_t after,
                              uint32_t max, struct dm_arena *arena, struct dm_event_list *ret, struct dm_err *err);
enum dm_code dm_dynamo_idem(void *self, const struct dm_tenant *tenant, struct dm_str key, int64_t now_ms,
                            struct dm_arena *arena, struct dm_idem *ret, struct dm_err *err);
enum dm_code dm_dynamo_list(void *self, const struct dm_tenant *tenant, const struct dm_list_query *query,
                            struct dm_arena *arena, struct dm_list *ret, struct dm_err *err);
enum dm_code dm_dynamo_commit(void *self, const struct dm_tenant *tenant, const struct dm_file *file,
                              struct dm_transaction *transaction, struct dm_err *err);
enum dm_code dm_dynamo_erase(void *self, const struct dm_tenant *tenant, const struct dm_file *file,
                             struct dm_err *err);
enum dm_code dm_dynamo_check(void *self, struct dm_err *err);
enum dm_code dm_dynamo_secret_put(void *self, const struct dm_tenant *tenant, struct dm_str name, struct dm_str sealed,
                                  int64_t now_ms, struct dm_err *err);
enum dm_code dm_dynamo_secret_get(void *self, const struct dm_tenant *tenant, struct dm_str name,
                                  struct dm_arena *arena, struct dm_tenant_secret *ret, struct dm_err *err);
enum dm_code dm_dynamo_secret_remove(void *self, const struct dm_tenant *tenant, struct dm_str name,
                                     struct dm_err *err);

enum dm_code dm_dynamo_ready_tenants(void *self, const struct dm_tenant *after, uint32_t max, struct dm_tenant *ret,
                                     uint32_t *ret_count, struct dm_err *err);
enum dm_code dm_dynamo_ready(void *self, const struct dm_tenant *tenant, uint32_t max, struct dm_found *ret,
                             uint32_t *ret_count, struct dm_err *err);
enum dm_code dm_dynamo_due(void *self, int64_t now_ms, struct dm_due_cursor *cursor, uint32_t max, struct dm_found *ret,
                           uint32_t *ret_count, struct dm_err *err);
enum dm_code dm_dynamo_owner(void *self, const struct dm_file *file, struct dm_tenant *ret, struct dm_err *err);
enum dm_code dm_dynamo_stalled(void *self, int64_t before_ms, struct dm_stalled_cursor *cursor, uint32_t max,
                               struct dm_found *ret, uint32_t *ret_count, struct dm_err *err);
enum dm_code dm_dynamo_ended(void *self, struct dm_found *cursor, uint32_t max, struct dm_found *ret,
                             uint32_t *ret_count, struct dm_err *err);
enum dm_code dm_dynamo_pause(void *self, const struct dm_tenant *tenant, int64_t now_ms, struct dm_err *err);
enum dm_code dm_dynamo_resume(void *self, const struct dm_tenant *tenant, struct dm_err *err);
enum dm_code dm_dynamo_paused(void *self, const struct dm_tenant *tenant, bool *ret, struct dm_err *err);
enum dm_code dm_dynamo_pauses(void *self, const struct dm_tenant *after, uint32_t max, struct dm_pause *ret,
                              uint32_t *ret_count, struct dm_err *err);
enum dm_code dm_dynamo_secrets(void *self, const struct dm_secret_row *after, uint32_t max, struct dm_secret_row *ret,
                               uint32_t *ret_count, struct dm_err *err);

#endif
