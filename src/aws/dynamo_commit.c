/* dynamo_commit.c: one transaction of the store port as one TransactWriteItems.
 *
 * Its actions stand in the order of enum dm_conflict, and a cancellation gives its reasons in the order of the actions: the first
 * condition that did not hold names the conflict. The token makes a transaction whose answer was lost, and which is sent again,
 * one and the same for ten minutes. Where it is cancelled because others were at the same items at that moment, nothing has
 * happened, and after a moment it is tried again: mostly they have won by then, and a condition says so.
 *
 * No transaction may write one record twice: DynamoDB would refuse it.
 *
 * Every change demands that its item is there: DynamoDB's Update would make what is missing. Only items of pages may be missing,
 * which several pages share. */
#include "aws/dynamo_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/encode.h"

enum { ACTIONS_MAX = 100, ATTEMPTS = 8, TOKEN_BYTES = 16, TTL_SLACK_S = 3600, CONDITION_MAX = 512 };

struct commit {
    struct dm_dynamo *dynamo;
    const struct dm_tenant *tenant;
    const struct dm_file *file;
    struct dm_transaction *transaction;
    struct dm_buf request;
    enum dm_conflict where[ACTIONS_MAX]; /* of each action */
    uint32_t count;
};

static void commit_free(struct commit *commit)
{
    dm_buf_free(&commit->request);
}

/* ---- actions ---- */

static void begin_action(struct commit *commit, const char *verb, enum dm_conflict where)
{
    DM_CHECK(commit->count < ACTIONS_MAX);
    dm_buf_addf(&commit->request, "%s{\"%s\":", commit->count ? "," : "", verb);
    commit->where[commit->count++] = where;
}

static void add_item(struct commit *commit, const struct dm_item *item, const struct dm_dynamo_key *key,
                     const char *condition, enum dm_conflict where)
{
    begin_action(commit, item->use == DM_ITEM_PUT ? "Put" : "Update", where);
    dm_item_print(item, &commit->request, commit->dynamo->table, key, condition,
                  where == DM_CONFLICT_STATE || where == DM_CONFLICT_WORK);
    dm_buf_add_char(&commit->request, '}');
}

/* An action that writes nothing into its item: "Delete" or "ConditionCheck". */
static void add_bare(struct commit *commit, const char *verb, const struct dm_dynamo_key *key, const char *condition,
                     int64_t operand, enum dm_conflict where)
{
    begin_action(commit, verb, where);
    dm_buf_addf(&commit->request, "{\"TableName\":\"%s\",\"Key\":{", commit->dynamo->table);
    dm_dynamo_add_key(&commit->request, key);
    dm_buf_addf(&commit->request, "},\"ConditionExpression\":\"%s\"", condition);
    if (strchr(condition, ':'))
        dm_buf_addf(&commit->request, ",\"ExpressionAttributeValues\":{\":l\":{\"N\":\"%" PRId64 "\"}}", operand);
    dm_buf_add(&commit->request, DM_STR("}}"));
}

/* New, or replacing the version before. */
static struct dm_item versioned(uint64_t before, const char **ret_condition)
{
    struct dm_item item = dm_item_make(before == 0 ? DM_ITEM_PUT : DM_ITEM_UPDATE);
    *ret_condition = "attribute_not_exists(PK)";
    if (before) {
        dm_item_operand(&item, "before", before);
        *ret_condition = "#version=:before";
    }
    return item;
}

static void add_document(struct commit *commit)
{
    const struct dm_document *document = commit->transaction->document;
    const bool fresh = commit->transaction->state_before == 0;
    const struct dm_dynamo_key key = dm_dynamo_key(commit->tenant, commit->file, "DOC");
    const struct dm_dynamo_place listed = dm_dynamo_place_listed(commit->tenant, commit->file, document->created_ms);
    const struct dm_dynamo_place owned = dm_dynamo_place_file(commit->tenant, commit->file);
    DM_AUTO(dm_item) item = dm_item_make(fresh ? DM_ITEM_PUT : DM_ITEM_UPDATE);
    dm_record_add(&item, DM_RECORD_DOCUMENT, document);
    dm_item_add_number(&item, "written_with", commit->transaction->state->version);
    dm_item_add_place(&item, 1, document->deleted_ms ? NULL : &listed);
    dm_item_add_place(&item, 2, document->deleted_ms ? NULL : &owned);
    add_item(commit, &item, &key, fresh ? "attribute_not_exists(PK)" : "attribute_exists(PK)", DM_CONFLICT_DOCUMENT);
}

static void add_state(struct commit *commit)
{
    const struct dm_state *state = commit->transaction->state;
    const struct dm_dynamo_key key = dm_dynamo_key(commit->tenant, commit->file, "STATE");
    const struct dm_dynamo_place due = dm_dynamo_place_due(commit->tenant, commit->file, state->due_ms);
    const struct dm_dynamo_place life = dm_status_is_final(state->status)
                                            ? dm_dynamo_place_ended(commit->tenant, commit->file)
                                            : dm_dynamo_place_open(commit->tenant, commit->file, state->progress_ms);
    const char *condition;
    DM_AUTO(dm_item) item = versioned(commit->transaction->state_before, &condition);
    dm_record_add(&item, DM_RECORD_STATE, state);
    if (commit->transaction->document)
        dm_item_add_number(&item, "written_with", state->version);
    dm_item_add_place(&item, 2, state->due_ms > 0 ? &due : NULL);
    dm_item_add_place(&item, 3, &life);
    add_item(commit, &item, &key, condition, DM_CONFLICT_STATE);
}

static void add_work(struct commit *commit)
{
    const struct dm_work *work = commit->transaction->work;
    const struct dm_dynamo_key key = dm_dynamo_key(commit->tenant, commit->file, "WORK");
    const struct dm_dynamo_place ready = dm_dynamo_place_ready(commit->tenant, commit->file, work);
    const struct dm_dynamo_place due = dm_dynamo_place_due(commit->tenant, commit->file, work->due_ms);
    const char *condition;
    DM_AUTO(dm_item) item = versioned(commit->transaction->work_before, &condition);
    dm_record_add_work(&item, work);
    dm_item_add_place(&item, 2, work->key == DM_WORK_READY ? &ready : work->key == DM_WORK_DUE ? &due : NULL);
    add_item(commit, &item, &key, condition, DM_CONFLICT_WORK);
}

/* As everywhere, 0 is not written. */
static void add_lease(struct dm_item *item, int64_t until_ms)
{
    if (until_ms)
        dm_item_add_signed(item, "lease_until_ms", until_ms);
    else
        dm_item_add_none(item, "lease_until_ms");
}

static void add_claim(struct commit *commit, const struct dm_claim_write *write)
{
    const struct dm_dynamo_key key = dm_dynamo_claim_key(commit->tenant, commit->file, write->claim.counter);
    DM_AUTO(dm_item) item = dm_item_make(write->kind == DM_CLAIM_INSERT ? DM_ITEM_PUT : DM_ITEM_UPDATE);
    switch (write->kind) {
    case DM_CLAIM_INSERT:
        dm_record_add(&item, DM_RECORD_CLAIM, &write->claim);
        add_item(commit, &item, &key, "attribute_not_exists(PK)", DM_CONFLICT_CLAIM);
        break;
    case DM_CLAIM_RENEW:
        add_lease(&item, write->claim.lease_until_ms);
        add_item(commit, &item, &key, "attribute_exists(PK)", DM_CONFLICT_CLAIM);
        break;
    case DM_CLAIM_KEEP:
        add_bare(commit, "ConditionCheck", &key, "attribute_exists(PK)", 0, DM_CONFLICT_CLAIM);
        break;
    case DM_CLAIM_DELETE:
        add_bare(commit, "Delete", &key, "attribute_exists(PK)", 0, DM_CONFLICT_CLAIM);
        break;
    case DM_CLAIM_TAKE:
        add_bare(commit, "Delete", &key,
                 write->claim.lease_until_ms ? "lease_until_ms=:l"
                                             : "attribute_exists(PK) AND attribute_not_exists(lease_until_ms)",
                 write->claim.lease_until_ms, DM_CONFLICT_CLAIM);
        break;
    }
}

/* The pages of one item. Each may be absent, or of an older epoch. */
static enum dm_code add_pages(struct commit *commit, const struct dm_page *const *pages, uint32_t count,
                              struct dm_err *err)
{
    const struct dm_dynamo_key key = dm_dynamo_page_key(commit->tenant, commit->file, pages[0]->number);
    DM_AUTO(dm_item) item = dm_item_make(DM_ITEM_UPDATE);
    DM_AUTO(dm_buf) condition = dm_buf_make(CONDITION_MAX);
    for (uint32_t i = 0; i < count; i++) {
        char name[4], epoch[16];
        for (uint32_t k = 0; k < i; k++)
            if (pages[k]->number == pages[i]->number)
                return dm_fail(err, DM_INVALID, "one transaction ends page %" PRIu32 " twice", pages[i]->number);
        dm_record_page_name(pages[i]->number, name);
        snprintf(epoch, sizeof(epoch), "e%s", name);
        dm_record_add_page(&item, commit->file, pages[i]);
        dm_item_operand(&item, epoch, pages[i]->epoch);
        dm_buf_addf(&condition, "%s(attribute_not_exists(#%s) OR #%s.#e<:%s)", i ? " AND " : "", name, name, epoch);
    }
    dm_item_name(&item, "e");
    add_item(commit, &item, &key, dm_buf_z(&condition), DM_CONFLICT_PAGE);
    return DM_OK;
}

static enum dm_code add_all_pages(struct commit *commit, struct dm_err *err)
{
    const struct dm_transaction *transaction = commit->transaction;
    bool added[ACTIONS_MAX] = { false };
    DM_CHECK(transaction->page_count <= ACTIONS_MAX);
    for (uint32_t i = 0; i < transaction->page_count; i++) {
        const struct dm_page *together[DM_DYNAMO_PAGES_AN_ITEM];
        uint32_t count = 0;
        for (uint32_t k = i; k < transaction->page_count; k++) {
            const struct dm_page *page = &transaction->pages[k];
            if (added[k] ||
                page->number / DM_DYNAMO_PAGES_AN_ITEM != transaction->pages[i].number / DM_DYNAMO_PAGES_AN_ITEM)
                continue;
            if (count == DM_DYNAMO_PAGES_AN_ITEM)
                return dm_fail(err, DM_INVALID, "one transaction ends page %" PRIu32 " twice", page->number);
            together[count++] = page;
            added[k] = true;
        }
        if (count == 0)
            continue;
        enum dm_code rc = add_pages(commit, together, count, err);
        if (rc != DM_OK)
            return rc;
    }
    return DM_OK;
}

static void add_event(struct commit *commit, const struct dm_event *event)
{
    const struct dm_dynamo_key key = dm_dynamo_event_key(commit->tenant, commit->file, event->seq);
    DM_AUTO(dm_item) item = dm_item_make(DM_ITEM_PUT);
    dm_record_add(&item, DM_RECORD_EVENT, event);
    add_item(commit, &item, &key, "attribute_not_exists(PK)", DM_CONFLICT_EVENT);
}

static enum dm_code add_idem(struct commit *commit, struct dm_err *err)
{
    const struct dm_idem *idem = commit->transaction->idem;
    struct dm_dynamo_key key;
    DM_AUTO(dm_item) item = dm_item_make(DM_ITEM_PUT);
    enum dm_code rc = dm_dynamo_idem_key(commit->tenant, idem->key, &key, err);
    if (rc != DM_OK)
        return rc;
    /* Only the item's members may be in `values` of a Put; the operand of the condition is an ordinary value here. */
    dm_record_add(&item, DM_RECORD_IDEM, idem);
    if (idem->expires_ms > 0 && idem->expires_ms < INT64_MAX / 2)
        dm_item_add_signed(&item, "ttl", idem->expires_ms / 1000 + TTL_SLACK_S);
    begin_action(commit, "Put", DM_CONFLICT_IDEM);
    char condition[CONDITION_MAX];
    snprintf(condition, sizeof(condition),
             "attribute_not_exists(PK) OR attribute_not_exists(expires_ms) OR expires_ms<=:now");
    dm_item_print(&item, &commit->request, commit->dynamo->table, &key, condition, false);
    dm_buf_cut(&commit->request, commit->request.len ? commit->request.len - 1 : 0);
    dm_buf_addf(&commit->request, ",\"ExpressionAttributeValues\":{\":now\":{\"N\":\"%" PRId64 "\"}}}}",
                commit->transaction->now_ms);
    return DM_OK;
}

static enum dm_code print_request(struct commit *commit, struct dm_err *err)
{
    const struct dm_transaction *transaction = commit->transaction;
    unsigned char random[TOKEN_BYTES];
    char token[2 * TOKEN_BYTES + 1];
    enum dm_code rc = DM_OK;
    dm_random(commit->dynamo->runtime, random, sizeof(random));
    dm_hex_text(random, sizeof(random), token);
    dm_buf_addf(&commit->request,
                "{\"ClientRequestToken\":\"%s\",\"ReturnConsumedCapacity\":\"TOTAL\",\"TransactItems\":[", token);
    if (transaction->document)
        add_document(commit);
    if (transaction->state)
        add_state(commit);
    if (transaction->work)
        add_work(commit);
    for (uint32_t i = 0; i < transaction->claim_count; i++)
        add_claim(commit, &transaction->claims[i]);
    rc = add_all_pages(commit, err);
    for (uint32_t i = 0; i < transaction->event_count; i++)
        add_event(commit, &transaction->events[i]);
    if (rc == DM_OK && transaction->idem)
        rc = add_idem(commit, err);
    dm_buf_add(&commit->request, DM_STR("]}"));
    return rc;
}

/* ---- what came of it ---- */

static enum dm_code conflict(const struct commit *commit, enum dm_conflict where, const json_t *old, struct dm_err *err)
{
    static const char *const parts[] = {
        [DM_CONFLICT_NONE] = "",           [DM_CONFLICT_DOCUMENT] = "its record",
        [DM_CONFLICT_STATE] = "its state", [DM_CONFLICT_WORK] = "what is left to do",
        [DM_CONFLICT_CLAIM] = "a claim",   [DM_CONFLICT_PAGE] = "a page",
        [DM_CONFLICT_EVENT] = "an event",  [DM_CONFLICT_IDEM] = "the document of an Idempotency-Key",
    };
    uint64_t version = 0;
    commit->transaction->ret_conflict = where;
    if (old && dm_item_number(old, "version", &version) && version)
        return dm_fail(err, DM_CONFLICT, "document %s: somebody else changed %s first (it is at version %" PRIu64 ")",
                       commit->file->id, parts[where], version);
    return dm_fail(err, DM_CONFLICT, "document %s: somebody else changed %s first", commit->file->id, parts[where]);
}

static bool is(const json_t *reason, const char *code)
{
    const char *text = json_string_value(json_object_get(reason, "Code"));
    return text && strcmp(text, code) == 0;
}

/* Of a cancelled transaction. *ret_again: nothing speaks against the same once more. */
static enum dm_code judge(const struct commit *commit, const json_t *reasons, bool *ret_again, struct dm_err *err)
{
    const json_t *reason;
    size_t i, contended = ACTIONS_MAX;
    bool throttled = false;
    *ret_again = false;
    if (json_array_size(reasons) != commit->count)
        return dm_fail(err, DM_UNAVAILABLE, "DynamoDB cancelled a transaction without saying why");
    json_array_foreach (reasons, i, reason)
        if (is(reason, "ConditionalCheckFailed"))
            return conflict(commit, commit->where[i], json_object_get(reason, "Item"), err);
    json_array_foreach (reasons, i, reason) {
        if (is(reason, "TransactionConflict"))
            contended = contended < i ? contended : i;
        else if (is(reason, "ThrottlingError") || is(reason, "ProvisionedThroughputExceeded"))
            throttled = true;
        else if (is(reason, "ItemCollectionSizeLimitExceeded") || is(reason, "ValidationError"))
            return dm_fail(err, DM_TOO_LARGE, "document %s: a record is larger than DynamoDB takes (400 KB)",
                           commit->file->id);
        else if (!is(reason, "None"))
            return dm_fail(err, DM_UNAVAILABLE, "DynamoDB cancelled a transaction for a reason unknown here");
    }
    *ret_again = true;
    if (throttled || contended == ACTIONS_MAX)
        return dm_fail(err, DM_THROTTLED, "table %s is asked for more than it may take just now",
                       commit->dynamo->table);
    return dm_fail(err, DM_BUSY, "document %s: others write the same records just now", commit->file->id);
}

/* Where one attempt's answer was lost, the refusal of a later one does not say that nothing happened. */
static bool is_unknown(const struct dm_dynamo_answer *answer)
{
    return answer->attempts > 1 || strcmp(answer->error, "TransactionInProgressException") == 0;
}

static enum dm_code honest(bool unknown, enum dm_code rc, struct dm_err *err)
{
    if (rc == DM_OK || rc == DM_CONFLICT || !unknown)
        return rc;
    if (err)
        err->code = DM_UNAVAILABLE;
    return DM_UNAVAILABLE;
}

static enum dm_code send(struct commit *commit, struct dm_err *err)
{
    bool unknown = false;
    for (uint32_t attempt = 0;; attempt++) {
        DM_AUTO(dm_dynamo_answer) answer = { 0 };
        bool again = false;
        enum dm_code rc = dm_dynamo_call(commit->dynamo, "TransactWriteItems", &commit->request, &answer, err);
        unknown = unknown || is_unknown(&answer);
        if (rc == DM_CONFLICT)
            rc = judge(commit, json_object_get(answer.body, "CancellationReasons"), &again, err);
        else if (rc == DM_BUSY)
            again = true;
        if (!again || attempt == ATTEMPTS)
            return honest(unknown, rc, err);
        dm_dynamo_pause_before(commit->dynamo, attempt);
    }
}

/* ---- renewals ---- */

static bool only_renews(const struct dm_transaction *transaction)
{
    return !transaction->document && !transaction->state && !transaction->work && transaction->page_count == 0 &&
           transaction->event_count == 0 && !transaction->idem && transaction->claim_count == 1 &&
           transaction->claims[0].kind == DM_CLAIM_RENEW;
}

/* What every worker does every ten seconds is one write, not a transaction: half the price. It may be repeated, for what it sets
 * is the same each time. */
static enum dm_code renew(struct commit *commit, struct dm_err *err)
{
    const struct dm_claim *claim = &commit->transaction->claims[0].claim;
    const struct dm_dynamo_key key = dm_dynamo_claim_key(commit->tenant, commit->file, claim->counter);
    DM_AUTO(dm_item) item = dm_item_make(DM_ITEM_UPDATE);
    add_lease(&item, claim->lease_until_ms);
    dm_item_print(&item, &commit->request, commit->dynamo->table, &key, "attribute_exists(PK)", false);
    dm_buf_cut(&commit->request, commit->request.len ? commit->request.len - 1 : 0);
    dm_buf_add(&commit->request, DM_STR(",\"ReturnConsumedCapacity\":\"TOTAL\"}"));
    bool unknown = false;
    for (uint32_t attempt = 0;; attempt++) {
        DM_AUTO(dm_dynamo_answer) answer = { 0 };
        enum dm_code rc = dm_dynamo_call(commit->dynamo, "UpdateItem", &commit->request, &answer, err);
        unknown = unknown || is_unknown(&answer);
        if (rc == DM_CONFLICT)
            return conflict(commit, DM_CONFLICT_CLAIM, NULL, err);
        if (rc != DM_BUSY || attempt == ATTEMPTS)
            return honest(unknown, rc, err);
        dm_dynamo_pause_before(commit->dynamo, attempt);
    }
}

enum dm_code dm_dynamo_commit(void *self, const struct dm_tenant *tenant, const struct dm_file *file,
                              struct dm_transaction *transaction, struct dm_err *err)
{
    DM_CLEANUP(commit_free)
    struct commit commit = {
        .dynamo = self,
        .tenant = tenant,
        .file = file,
        .transaction = transaction,
        .request = dm_buf_make(DM_DYNAMO_REQUEST_MAX),
    };
    enum dm_code rc = DM_OK;
    if (only_renews(transaction)) {
        rc = renew(&commit, err);
    } else {
        rc = print_request(&commit, err);
        if (rc == DM_OK && commit.count == 0)
            return DM_OK;
        if (rc == DM_OK)
            rc = send(&commit, err);
    }
    atomic_store_explicit(&commit.dynamo->write_failed, rc != DM_OK && rc != DM_CONFLICT, memory_order_relaxed);
    if (rc == DM_OK && transaction->state)
        dm_dynamo_saw(self, tenant, file, transaction->state->version);
    return rc;
}
