/* test_dynamo_items.c: the ledger's records as items of DynamoDB, and their places in its indexes. */
#include "aws/dynamo_store.h"

#include <stdio.h>

#include "base/json.h"
#include "records.h"
#include "testing.h"

enum { ARENA_MAX = 16 << 20 };

static const struct dm_tenant tenant = { .id = "tenant-1" };
static const struct dm_file file = { .id = "01940000-0000-7000-8000-000000000001" };
static struct dm_arena arena;
static struct dm_err err;

static int begin(void **state)
{
    arena = dm_arena_make(ARENA_MAX);
    return 0;
}

static int end(void **state)
{
    dm_arena_free(&arena);
    return 0;
}

/* What is written, as it is read back from an answer. */
static json_t *answered(const struct dm_item *item)
{
    DM_AUTO(dm_buf) text = dm_buf_make(DM_DYNAMO_REQUEST_MAX);
    json_t *value = NULL;
    dm_buf_add_char(&text, '{');
    dm_buf_add(&text, dm_buf_str(&item->values));
    dm_buf_add_char(&text, '}');
    assert_ok(dm_json_parse(dm_buf_str(&text), "an item", &value, &err), &err);
    return value;
}

static json_t *stored(enum dm_record kind, const void *record)
{
    DM_AUTO(dm_item) item = dm_item_make(DM_ITEM_PUT);
    dm_record_add(&item, kind, record);
    return answered(&item);
}

static void every_record_is_read_back_as_it_was_written(void **state)
{
    const struct dm_document document = full_document();
    const struct dm_state its_state = full_state();
    const struct dm_claim claim = full_claim(17);
    const struct dm_event event = full_event(3);
    struct dm_document document_back = { 0 };
    struct dm_state state_back = { 0 };
    struct dm_claim claim_back = { 0 };
    struct dm_event event_back = { 0 };
    json_auto_t *document_item = stored(DM_RECORD_DOCUMENT, &document);
    json_auto_t *state_item = stored(DM_RECORD_STATE, &its_state);
    json_auto_t *claim_item = stored(DM_RECORD_CLAIM, &claim);
    json_auto_t *event_item = stored(DM_RECORD_EVENT, &event);
    assert_ok(dm_record_read(document_item, DM_RECORD_DOCUMENT, &arena, &document_back, &err), &err);
    assert_ok(dm_record_read(state_item, DM_RECORD_STATE, NULL, &state_back, &err), &err);
    assert_ok(dm_record_read(claim_item, DM_RECORD_CLAIM, NULL, &claim_back, &err), &err);
    assert_ok(dm_record_read(event_item, DM_RECORD_EVENT, &arena, &event_back, &err), &err);
    assert_same_document(&document, &document_back);
    assert_same_state(&its_state, &state_back);
    assert_same_claim(&claim, &claim_back);
    assert_same_event(&event, &event_back);
}

static void a_text_that_is_none_goes_as_bytes(void **state)
{
    struct dm_document document = full_document(), back = { 0 };
    struct dm_state its_state = full_state(), state_back = { 0 };
    document.name = DM_STR("\xff\xfe and \0 a NUL");
    memcpy(its_state.detail, "\xff", 2);
    json_auto_t *item = stored(DM_RECORD_DOCUMENT, &document);
    json_auto_t *state_item = stored(DM_RECORD_STATE, &its_state);
    assert_non_null(json_object_get(json_object_get(item, "name"), "B"));
    assert_ok(dm_record_read(item, DM_RECORD_DOCUMENT, &arena, &back, &err), &err);
    assert_same_document(&document, &back);
    assert_ok(dm_record_read(state_item, DM_RECORD_STATE, NULL, &state_back, &err), &err);
    assert_string_equal(state_back.detail, its_state.detail);
}

/* Streams are filtered by these two, to the letter. */
static void a_state_whose_pages_have_ended_says_so_in_the_attributes_that_streams_are_filtered_by(void **state)
{
    struct dm_state its_state = full_state();
    its_state.status = DM_STATUS_PROCESSING;
    its_state.remaining = 0;
    json_auto_t *item = stored(DM_RECORD_STATE, &its_state);
    assert_string_equal(json_string_value(json_object_get(json_object_get(item, "remaining"), "N")), "0");
    assert_string_equal(json_string_value(json_object_get(json_object_get(item, "status"), "S")), "processing");
}

static void what_is_unreadable_is_named(void **state)
{
    static const char *const items[] = {
        "{\"epoch\":{\"N\":\"4294967296\"}}",
        "{\"epoch\":{\"N\":\"1e3\"}}",
        "{\"epoch\":{\"S\":\"1\"}}",
        "{\"epoch\":{\"N\":1}}",
        "{\"epoch\":7}",
        "{\"epoch\":{\"N\":\"1\",\"S\":\"1\"}}",
    };
    for (size_t i = 0; i < DM_COUNT(items); i++) {
        struct dm_state back = { 0 };
        json_t *item = json_loads(items[i], 0, NULL);
        assert_code(dm_record_read(item, DM_RECORD_STATE, NULL, &back, &err), DM_CORRUPT, &err);
        assert_non_null(strstr(err.text, "epoch"));
        json_decref(item);
    }
}

static void an_attribute_of_a_newer_docmill_is_passed_over(void **state)
{
    struct dm_claim back = { 0 };
    json_auto_t *item = json_loads("{\"counter\":{\"N\":\"7\"},\"colour\":{\"M\":{}}}", 0, NULL);
    assert_ok(dm_record_read(item, DM_RECORD_CLAIM, NULL, &back, &err), &err);
    assert_int_equal(back.counter, 7);
}

static void an_update_removes_what_is_empty_and_leaves_others_alone(void **state)
{
    const struct dm_dynamo_key key = dm_dynamo_key(&tenant, &file, "STATE");
    const struct dm_state its_state = { .status = DM_STATUS_PENDING, .epoch = 1, .version = 2 };
    DM_AUTO(dm_item) item = dm_item_make(DM_ITEM_UPDATE);
    DM_AUTO(dm_buf) text = dm_buf_make(DM_DYNAMO_REQUEST_MAX);
    dm_record_add(&item, DM_RECORD_STATE, &its_state);
    dm_item_add_place(&item, 2, NULL);
    dm_item_print(&item, &text, "table", &key, "#version=:before", true);
    json_auto_t *request = NULL;
    assert_ok(dm_json_parse(dm_buf_str(&text), "a request", &request, &err), &err);
    const char *expression = json_string_value(json_object_get(request, "UpdateExpression"));
    const char *removal = strstr(expression, "REMOVE ");
    assert_ptr_equal(strstr(expression, "SET "), expression);
    assert_non_null(removal);
    assert_non_null(strstr(removal, "#lease_owner"));
    assert_non_null(strstr(removal, "#GSI2SK"));
    assert_null(strstr(removal, "#epoch"));
    assert_null(strstr(expression, "written_with"));
}

/* ---- pages ---- */

static size_t weigh(const json_t *value)
{
    const char *name;
    json_t *one;
    size_t sum = json_is_string(value) ? json_string_length(value) : 0;
    json_object_foreach ((json_t *)value, name, one)
        sum += (strlen(name) > 1 || json_is_object(one) ? strlen(name) : 0) + weigh(one);
    return sum;
}

static void a_page_of_its_own_segment_does_not_name_the_document_again(void **state)
{
    DM_AUTO(dm_item) item = dm_item_make(DM_ITEM_PUT);
    struct dm_page pages[2] = { full_page(6, 2), full_page(7, 2) }, back;
    bool found;
    pages[0].segment = DM_STR("01940000-0000-7000-8000-000000000001/pages/seg-2-6-3-1.jsonl");
    dm_record_add_page(&item, &file, &pages[0]);
    dm_record_add_page(&item, &file, &pages[1]);
    json_auto_t *answer = answered(&item);
    assert_true(weigh(json_object_get(answer, "p2")) + 30 < weigh(json_object_get(answer, "p3")));
    for (uint32_t i = 0; i < 2; i++) {
        assert_ok(dm_record_read_page(answer, &file, 6 + i, &arena, &back, &found, &err), &err);
        assert_true(found);
        assert_same_page(&back, &pages[i]);
    }
    assert_ok(dm_record_read_page(answer, &file, 5, &arena, &back, &found, &err), &err);
    assert_false(found);
}

static void pages_in_a_row_share_an_item(void **state)
{
    const struct dm_dynamo_key first = dm_dynamo_page_key(&tenant, &file, 4);
    const struct dm_dynamo_key last = dm_dynamo_page_key(&tenant, &file, 7);
    const struct dm_dynamo_key next = dm_dynamo_page_key(&tenant, &file, 8);
    const struct dm_dynamo_key largest = dm_dynamo_page_key(&tenant, &file, UINT32_MAX);
    assert_string_equal(first.sk, last.sk);
    assert_true(strcmp(last.sk, next.sk) < 0 && strcmp(next.sk, largest.sk) < 0);
}

/* ---- keys ---- */

static void one_query_reads_state_claims_and_work_and_nothing_else(void **state)
{
    const struct dm_dynamo_key claim = dm_dynamo_claim_key(&tenant, &file, UINT64_MAX);
    assert_true(strcmp("STATE", claim.sk) < 0 && strcmp(claim.sk, "WORK") < 0);
    assert_true(strcmp("DOC", "STATE") < 0);
    assert_true(strcmp(dm_dynamo_event_key(&tenant, &file, UINT64_MAX).sk, "STATE") < 0);
    assert_true(strcmp(dm_dynamo_page_key(&tenant, &file, UINT32_MAX).sk, "STATE") < 0);
}

/* The order of places is that of numbers and names, also where one name begins with another. */
static void places_sort_as_what_they_stand_for(void **state)
{
    static const struct dm_tenant tenants[] = { { "a" }, { "a-b" }, { "a.b" }, { "a0" }, { "a:" }, { "aB" }, { "b" } };
    const struct dm_work early = { .priority = 1, .created_ms = 9 }, late = { .priority = 1, .created_ms = 10 };
    const struct dm_work urgent = { .priority = 0, .created_ms = INT64_MAX };
    for (size_t i = 1; i < DM_COUNT(tenants); i++) {
        assert_true(strcmp(tenants[i - 1].id, tenants[i].id) < 0);
        assert_true(strcmp(dm_dynamo_place_ready(&tenants[i - 1], &file, &late).sk,
                           dm_dynamo_place_ready(&tenants[i], &file, &early).sk) < 0);
        assert_true(strcmp(dm_dynamo_place_due(&tenants[i - 1], &file, 5).sk,
                           dm_dynamo_place_due(&tenants[i], &file, 5).sk) < 0);
    }
    assert_true(strcmp(dm_dynamo_place_ready(&tenant, &file, &urgent).sk,
                       dm_dynamo_place_ready(&tenant, &file, &early).sk) < 0);
    assert_true(
        strcmp(dm_dynamo_place_ready(&tenant, &file, &early).sk, dm_dynamo_place_ready(&tenant, &file, &late).sk) < 0);
    assert_true(strcmp(dm_dynamo_place_due(&tenant, &file, 9).sk, dm_dynamo_place_due(&tenant, &file, INT64_MAX).sk) <
                0);
}

/* What is stored depends on it: it must never change. */
static void a_name_stays_in_its_partition(void **state)
{
    assert_string_equal(dm_dynamo_place_due(&tenant, &file, 5).pk, "DUE#2");
    assert_string_equal(dm_dynamo_place_ready(&tenant, &file, &(struct dm_work){ 0 }).pk, "READY#1");
    uint32_t counts[DM_DYNAMO_SHARDS] = { 0 };
    for (uint32_t i = 0; i < 4000; i++) {
        char name[32];
        snprintf(name, sizeof(name), "tenant-%u", (unsigned)i);
        counts[dm_dynamo_shard(dm_str_z(name))]++;
    }
    for (uint32_t i = 0; i < DM_DYNAMO_SHARDS; i++)
        assert_true(counts[i] > 4000 / DM_DYNAMO_SHARDS / 2);
}

static void a_clients_key_may_be_any_bytes_but_not_any_length(void **state)
{
    char long_key[600];
    struct dm_dynamo_key key, other;
    memset(long_key, 'k', sizeof(long_key));
    assert_ok(dm_dynamo_idem_key(&tenant, DM_STR("\xff#\0"), &key, &err), &err);
    assert_ok(dm_dynamo_idem_key(&tenant, DM_STR("\xff#"), &other, &err), &err);
    assert_string_not_equal(key.pk, other.pk);
    assert_ok(dm_dynamo_idem_key(&tenant, dm_str_of(long_key, 300), &key, &err), &err);
    assert_code(dm_dynamo_idem_key(&tenant, dm_str_of(long_key, sizeof(long_key)), &key, &err), DM_TOO_LARGE, &err);
}

static void secrets_sort_by_tenant_then_name_and_their_places_are_taken_apart_again(void **state)
{
    static const struct dm_tenant tenants[] = { { .id = "a" }, { .id = "a-" }, { .id = "a.b" }, { .id = "aa" } };
    static const char *const foreign[] = { "", "#", "a", "a#", "#A_KEY", "-#A_KEY" };
    char long_place[80] = "a#";
    struct dm_secret_row row = { 0 };
    for (size_t i = 0; i < DM_COUNT(tenants); i++) {
        const struct dm_dynamo_place place = dm_dynamo_place_secret(&tenants[i], DM_STR("A_KEY"));
        assert_true(strcmp(place.sk, dm_dynamo_place_secret(&tenants[i], DM_STR("A_KEYS")).sk) < 0);
        assert_true(i == 0 || strcmp(dm_dynamo_place_secret(&tenants[i - 1], DM_STR("Z")).sk, place.sk) < 0);
        assert_true(dm_dynamo_parse_secret(dm_str_z(place.sk), &row));
        assert_string_equal(row.tenant.id, tenants[i].id);
        assert_string_equal(row.name, "A_KEY");
    }
    for (size_t i = 0; i < DM_COUNT(foreign); i++)
        assert_false(dm_dynamo_parse_secret(dm_str_z(foreign[i]), &row));
    memset(long_place + 2, 'N', DM_SECRET_NAME_MAX);
    assert_false(dm_dynamo_parse_secret(dm_str_z(long_place), &row));
}

static void a_number_that_is_added_once_stays_as_it_was_first(void **state)
{
    const struct dm_dynamo_key key = dm_dynamo_secret_key(&tenant, DM_STR("A_KEY"));
    DM_AUTO(dm_item) item = dm_item_make(DM_ITEM_UPDATE);
    DM_AUTO(dm_buf) text = dm_buf_make(DM_DYNAMO_REQUEST_MAX);
    dm_item_add_signed_once(&item, "created_ms", 5);
    dm_item_add_signed(&item, "changed_ms", 6);
    dm_item_print(&item, &text, "table", &key, NULL, false);
    json_auto_t *request = NULL;
    assert_ok(dm_json_parse(dm_buf_str(&text), "a request", &request, &err), &err);
    assert_string_equal(json_string_value(json_object_get(request, "UpdateExpression")),
                        "SET #created_ms=if_not_exists(#created_ms,:created_ms),#changed_ms=:changed_ms");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
    static const struct CMUnitTest tests[] = {
        CASE(every_record_is_read_back_as_it_was_written),
        CASE(a_text_that_is_none_goes_as_bytes),
        CASE(a_state_whose_pages_have_ended_says_so_in_the_attributes_that_streams_are_filtered_by),
        CASE(what_is_unreadable_is_named),
        CASE(an_attribute_of_a_newer_docmill_is_passed_over),
        CASE(an_update_removes_what_is_empty_and_leaves_others_alone),
        CASE(a_page_of_its_own_segment_does_not_name_the_document_again),
        CASE(pages_in_a_row_share_an_item),
        CASE(one_query_reads_state_claims_and_work_and_nothing_else),
        CASE(places_sort_as_what_they_stand_for),
        CASE(a_name_stays_in_its_partition),
        CASE(a_clients_key_may_be_any_bytes_but_not_any_length),
        CASE(secrets_sort_by_tenant_then_name_and_their_places_are_taken_apart_again),
        CASE(a_number_that_is_added_once_stays_as_it_was_first),
    };
    return run_group("items of DynamoDB", tests, NULL, NULL);
}
