/* dynamo.c: the ledger in DynamoDB, for test_dynamo.py to look at.
 *
 *   dynamo contracts           the ports' contracts, and whether it answers as the simulator's store does; tables of its own
 *   dynamo cost                commits of 1, 10 and 40 pages, and a poll: names the table, and the first page of each
 *   dynamo TABLE STEP…         one step after the other; prints for each its code, where a conflict was, the attempt's sentence
 *
 * Where the service is, and who asks, is in the environment. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "alike.h"
#include "aws/dynamo_store.h"
#include "base/json.h"
#include "contracts.h"
#include "domain/keys.h"
#include "embedded/embedded.h"
#include "records.h"

enum { ALIKE_STEPS = 250, ARENA_MAX = 64 << 20 };

static struct dm_dynamo *dynamo;
static struct dm_arena arena;
static struct dm_err err;

static struct dm_str variable(void *context, const char *name)
{
    return dm_str_z(getenv(name));
}

static struct dm_aws *open_aws(void)
{
    const struct dm_aws_options options = { .runtime = dm_threads_runtime(), .environment = { variable, NULL } };
    struct dm_aws *aws = NULL;
    if (dm_aws_open(&options, &aws, &err) == DM_OK)
        return aws;
    fprintf(stderr, "%s\n", err.text);
    exit(2);
}

/* ---- contracts ---- */

/* A table that nothing else is in; it goes with the service. */
static void open_table(struct dm_aws *aws)
{
    char id[DM_ID_TEXT];
    bool made = false;
    if (dm_dynamo_open(aws, dm_fresh_id(dm_threads_runtime(), id), &dynamo, &err) == DM_OK &&
        dm_dynamo_init(dynamo, &made, &err) == DM_OK && made)
        return;
    fprintf(stderr, "%s\n", err.text);
    exit(2);
}

static int keep_contracts(struct dm_aws *aws)
{
    const struct dm_runtime runtime = dm_threads_runtime();
    open_table(aws);
    int failed = store_contract(dm_dynamo_store(dynamo), runtime);
    failed += operator_contract(dm_dynamo_store(dynamo), dm_dynamo_operator(dynamo), runtime);
    failed += operate_contract(dm_dynamo_store(dynamo), dm_dynamo_operator(dynamo), runtime);
    failed += secret_contract(dm_dynamo_store(dynamo), dm_dynamo_operator(dynamo), runtime);
    dm_dynamo_close(dynamo);
    open_table(aws);
    failed += stores_alike(dm_dynamo_store(dynamo), dm_dynamo_operator(dynamo), ALIKE_STEPS, ALIKE_AS_ASKED_FOR);
    return failed;
}

/* ---- steps with one document ---- */

static const struct dm_tenant tenant = { .id = "tenant-1" };
static const struct dm_file file = { .id = "01940000-0000-7000-8000-000000000001" };

static enum dm_code put(struct dm_transaction *transaction)
{
    static struct dm_document document;
    static struct dm_state state;
    static struct dm_work work;
    static struct dm_claim_write claim;
    static struct dm_event event;
    document = full_document();
    state = full_state();
    work = full_work();
    claim = (struct dm_claim_write){ DM_CLAIM_INSERT, full_claim(1) };
    event = full_event(1);
    state.version = state.seq = work.version = 1;
    *transaction = (struct dm_transaction){ .document = &document,
                                            .state = &state,
                                            .work = &work,
                                            .claims = &claim,
                                            .claim_count = 1,
                                            .events = &event,
                                            .event_count = 1 };
    return DM_OK;
}

/* Page `number` ends, as a worker ends it. */
static enum dm_code commit(struct dm_transaction *transaction, uint32_t number)
{
    static struct dm_state state;
    static struct dm_claim_write claim;
    static struct dm_page page;
    static struct dm_event event;
    struct dm_snapshot now;
    enum dm_code rc = dm_store_read(dm_dynamo_store(dynamo), &tenant, &file, DM_PART_STATE, &arena, &now, &err);
    if (rc != DM_OK)
        return rc;
    state = now.state;
    state.version++;
    state.seq++;
    claim = (struct dm_claim_write){ DM_CLAIM_KEEP, full_claim(1) };
    page = full_page(number, 2);
    event = full_event(state.seq);
    *transaction = (struct dm_transaction){ .state = &state,
                                            .state_before = now.state.version,
                                            .claims = &claim,
                                            .claim_count = 1,
                                            .pages = &page,
                                            .page_count = 1,
                                            .events = &event,
                                            .event_count = 1 };
    return DM_OK;
}

/* False: it is a step of another kind. */
static bool take_secret_step(struct dm_str step, uint32_t number, enum dm_code *ret)
{
    const struct dm_store store = dm_dynamo_store(dynamo);
    const struct dm_str name = DM_STR("A_KEY");
    struct dm_tenant_secret secret;
    if (dm_str_eq(step, DM_STR("secret-put")))
        *ret = dm_store_secret_put(store, &tenant, name, DM_STR("sealed"), number, &err);
    else if (dm_str_eq(step, DM_STR("secret-get")))
        *ret = dm_store_secret_get(store, &tenant, name, &arena, &secret, &err);
    else if (dm_str_eq(step, DM_STR("secret-remove")))
        *ret = dm_store_secret_remove(store, &tenant, name, &err);
    else if (dm_str_eq(step, DM_STR("secrets"))) {
        struct dm_secret_row rows[10], after = { 0 };
        uint32_t count;
        *ret = dm_operator_secrets(dm_dynamo_operator(dynamo), &after, DM_COUNT(rows), rows, &count, &err);
    } else
        return false;
    return true;
}

static enum dm_code take_step(struct dm_str name, uint32_t number, struct dm_transaction *transaction)
{
    static struct dm_claim_write claim;
    const struct dm_store store = dm_dynamo_store(dynamo);
    struct dm_snapshot now;
    struct dm_list list;
    const struct dm_list_query query = { .limit = 10 };
    bool made;
    if (dm_str_eq(name, DM_STR("init")))
        return dm_dynamo_init(dynamo, &made, &err);
    if (dm_str_eq(name, DM_STR("verify")))
        return dm_dynamo_verify(dynamo, &err);
    if (dm_str_eq(name, DM_STR("check")))
        return dm_store_check(store, &err);
    if (dm_str_eq(name, DM_STR("read")))
        return dm_store_read(store, &tenant, &file, 15, &arena, &now, &err);
    if (dm_str_eq(name, DM_STR("read-work")))
        return dm_store_read(store, &tenant, &file, DM_PART_STATE | DM_PART_WORK, &arena, &now, &err);
    if (dm_str_eq(name, DM_STR("poll")))
        return dm_store_read(store, &tenant, &file, DM_PART_DOCUMENT | DM_PART_STATE | DM_PART_SHOWN, &arena, &now,
                             &err);
    if (dm_str_eq(name, DM_STR("list")))
        return dm_store_list(store, &tenant, &query, &arena, &list, &err);
    if (dm_str_eq(name, DM_STR("erase")))
        return dm_store_erase(store, &tenant, &file, &err);
    enum dm_code rc = DM_OK;
    if (take_secret_step(name, number, &rc))
        return rc;
    if (dm_str_eq(name, DM_STR("put")))
        rc = put(transaction);
    else if (dm_str_eq(name, DM_STR("commit")))
        rc = commit(transaction, number);
    claim = (struct dm_claim_write){ DM_CLAIM_RENEW, full_claim(1) };
    if (dm_str_eq(name, DM_STR("renew")))
        *transaction = (struct dm_transaction){ .claims = &claim, .claim_count = 1 };
    return rc == DM_OK ? dm_store_commit(store, &tenant, &file, transaction, &err) : rc;
}

static int take_steps(struct dm_aws *aws, int count, char **arguments)
{
    if (dm_dynamo_open(aws, dm_str_z(arguments[1]), &dynamo, &err) != DM_OK) {
        (void)printf("%s|0|%s\n", dm_code_name(err.code), err.text);
        return 0;
    }
    for (int i = 2; i < count; i++) {
        struct dm_transaction transaction = { 0 };
        enum dm_code rc = take_step(dm_str_z(arguments[i]), (uint32_t)i, &transaction);
        (void)printf("%s|%d|%s\n", dm_code_name(rc), (int)transaction.ret_conflict, rc == DM_OK ? "" : err.text);
        (void)fflush(stdout);
        dm_arena_reset(&arena);
    }
    return 0;
}

/* ---- what it costs ---- */

/* A page as one attempt leaves it. */
static struct dm_page usual_page(const struct dm_file *of, uint32_t number)
{
    static struct dm_blob_key segment;
    struct dm_page page = full_page(number, 1);
    segment = dm_key_segment(of, 1, number, 1, 1);
    page.status = DM_PAGE_DONE;
    page.reason = DM_REASON_NONE;
    page.detail = DM_STR("");
    page.segment = dm_str_z(segment.text);
    page.attempt_count = 1;
    page.attempts = DM_STR("[{\"status\":\"done\",\"ms\":1834,\"inputTokens\":1211,\"outputTokens\":388}]");
    page.usage = (struct dm_usage){ 1, 1211, 388, 1834, 271 };
    return page;
}

static void commit_pages(const struct dm_file *of, uint32_t first, uint32_t count, int64_t progress_ms)
{
    struct dm_snapshot now;
    struct dm_page pages[40];
    enum dm_code rc = dm_store_read(dm_dynamo_store(dynamo), &tenant, of, DM_PART_STATE, &arena, &now, &err);
    struct dm_state state = now.state;
    const struct dm_claim_write claim = { DM_CLAIM_KEEP, full_claim(1) };
    state.version++;
    state.seq++;
    state.progress_ms = progress_ms;
    for (uint32_t i = 0; i < count; i++)
        pages[i] = usual_page(of, first + i);
    const struct dm_event event = full_event(state.seq);
    struct dm_transaction transaction = { .state = &state,
                                          .state_before = now.state.version,
                                          .claims = &claim,
                                          .claim_count = 1,
                                          .pages = pages,
                                          .page_count = count,
                                          .events = &event,
                                          .event_count = 1 };
    if (rc == DM_OK)
        rc = dm_store_commit(dm_dynamo_store(dynamo), &tenant, of, &transaction, &err);
    (void)printf("%s|%" PRIu32 "|%" PRIu32 "\n", rc == DM_OK ? "commit" : err.text, count, first);
}

static void tell_poll(const struct dm_file *of)
{
    struct dm_snapshot now;
    const struct dm_dynamo_spent before = dm_dynamo_spent(dynamo);
    if (dm_store_read(dm_dynamo_store(dynamo), &tenant, of, DM_PART_DOCUMENT | DM_PART_STATE | DM_PART_SHOWN, &arena,
                      &now, &err) != DM_OK)
        return;
    const struct dm_dynamo_spent after = dm_dynamo_spent(dynamo);
    (void)printf("poll|%" PRIu64 "|%" PRIu64 "\n", after.requests - before.requests,
                 after.read_thousandths - before.read_thousandths);
}

static int tell_cost(struct dm_aws *aws)
{
    static const uint32_t sizes[] = { 1, 10, 40 };
    open_table(aws);
    (void)printf("table|%s\n", dynamo->table);
    const struct dm_file of = put_document(dm_dynamo_store(dynamo), dm_threads_runtime(), &tenant);
    uint32_t first = 4; /* claims begin anywhere; this one where an item does */
    for (size_t i = 0; i < DM_COUNT(sizes); first += sizes[i++] + 4)
        commit_pages(&of, first, sizes[i], 1764000100000 + first);
    tell_poll(&of);
    return 0;
}

int main(int count, char **arguments)
{
    if (count < 2)
        return 2;
    dm_json_setup();
    struct dm_aws *aws = open_aws();
    int failed;
    arena = dm_arena_make(ARENA_MAX);
    if (dm_str_eq(dm_str_z(arguments[1]), DM_STR("contracts")))
        failed = keep_contracts(aws);
    else if (dm_str_eq(dm_str_z(arguments[1]), DM_STR("cost")))
        failed = tell_cost(aws);
    else
        failed = take_steps(aws, count, arguments);
    dm_dynamo_close(dynamo);
    dm_arena_free(&arena);
    dm_aws_close(aws);
    return failed;
}
