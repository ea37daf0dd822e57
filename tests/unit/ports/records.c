/* records.c: documents for the contract tests. */
#include "records.h"

#include <stdio.h>

#include "testing.h"

static void fill(char *text, size_t size, const char *from)
{
    memset(text, 0, size);
    snprintf(text, size, "%s", from);
}

struct dm_tenant fresh_tenant(struct dm_runtime runtime)
{
    struct dm_tenant tenant = { .id = "t-" };
    dm_fresh_id(runtime, tenant.id + 2);
    return tenant;
}

struct dm_file fresh_file(struct dm_runtime runtime)
{
    struct dm_file file;
    dm_fresh_id(runtime, file.id);
    return file;
}

struct dm_document full_document(void)
{
    struct dm_document document = {
        .format = DM_FORMAT,
        .name = DM_STR("R\xc3\xa9sum\xc3\xa9 \"final\" (2).pdf"),
        .media = DM_MEDIA_PDF,
        .size_bytes = 123456789012,
        .metadata = DM_STR("{\"case\":\"A-17\",\"n\":1}"),
        .pages = DM_STR("1-5,9"),
        .password = DM_STR("c2VhbGVk"),
        .model = DM_STR("extractive:1"),
        .priority = 3,
        .created_ms = 1764000000123,
    };
    fill(document.sha256, sizeof(document.sha256), "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");
    return document;
}

struct dm_state full_state(void)
{
    struct dm_state state = {
        .format = DM_FORMAT,
        .status = DM_STATUS_PROCESSING,
        .epoch = 2,
        .version = 1,
        .seq = 1,
        .total = 10,
        .processed = 4,
        .failed = 2,
        .skipped = 1,
        .remaining = 3,
        .outcome = DM_OUTCOME_PARTIAL,
        .reason = DM_REASON_TOO_LARGE,
        .uploaded_ms = 1764000000001,
        .started_ms = 1764000000002,
        .completed_ms = 1764000000003,
        .progress_ms = 1764000000004,
        .usage = { 11, 12, 13, 14, 15 },
        .lease = { .counter = 7, .until_ms = 1764000030000 },
        .aggregations = 2,
        .result_epoch = 1,
        .result_bytes = 98765,
        .gone = DM_GONE_SOURCE | DM_GONE_PAGES,
        .due_ms = 1764000060000,
    };
    fill(state.detail, sizeof(state.detail), "a sentence beside the reason");
    fill(state.lease.owner, sizeof(state.lease.owner), "host-1/4711");
    return state;
}

struct dm_work full_work(void)
{
    static const struct dm_range chosen[] = { { 1, 5 }, { 9, 9 }, { 12, 1000000 } };
    static const struct dm_returned returned[] = { { 2, 3, 0, 0 }, { 9, 9, 2, 1764000012345 } };
    return (struct dm_work){
        .format = DM_FORMAT,
        .version = 1,
        .epoch = 2,
        .split_needed = true,
        .split_losses = 1,
        .chosen = { chosen, DM_COUNT(chosen) },
        .cursor = 12,
        .returned = returned,
        .returned_count = DM_COUNT(returned),
        .next_claim = 5,
        .key = DM_WORK_DUE,
        .due_ms = 1764000012345,
        .priority = 3,
        .created_ms = 1764000000123,
    };
}

struct dm_claim full_claim(uint64_t counter)
{
    struct dm_claim claim = {
        .counter = counter, .epoch = 2, .first = 1, .last = 40, .losses = 1, .lease_until_ms = 1764000030000
    };
    fill(claim.owner, sizeof(claim.owner), "host-1/4711");
    return claim;
}

struct dm_page full_page(uint32_t number, uint32_t epoch)
{
    return (struct dm_page){
        .format = DM_FORMAT,
        .number = number,
        .epoch = epoch,
        .status = DM_PAGE_FAILED,
        .reason = DM_REASON_MODEL_TIMEOUT,
        .detail = DM_STR("the model was silent for 30 s"),
        .segment = DM_STR("0192f3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b/pages/seg-2-00001-3-1.jsonl"),
        .offset = 12345678901,
        .length = 4321,
        .attempts = DM_STR("[{\"status\":\"failed\",\"reason\":\"model_timeout\",\"ms\":30000}]"),
        .attempt_count = 3,
        .usage = { 3, 900, 800, 30000, 77 },
        .ended_ms = 1764000000999,
    };
}

struct dm_event full_event(uint64_t seq)
{
    return (struct dm_event){ .format = DM_FORMAT,
                              .seq = seq,
                              .type = DM_EVENT_PAGE_DONE,
                              .at_ms = 1764000000500,
                              .data = DM_STR("{\"pages\":[{\"pageNumber\":1}]}") };
}

static void assert_same_usage(const struct dm_usage *a, const struct dm_usage *b)
{
    assert_int_equal(a->model_calls, b->model_calls);
    assert_int_equal(a->input_tokens, b->input_tokens);
    assert_int_equal(a->output_tokens, b->output_tokens);
    assert_int_equal(a->model_ms, b->model_ms);
    assert_int_equal(a->cost_micros, b->cost_micros);
}

void assert_same_document(const struct dm_document *a, const struct dm_document *b)
{
    assert_int_equal(a->format, b->format);
    assert_text(a->name, b->name);
    assert_int_equal(a->media, b->media);
    assert_int_equal(a->size_bytes, b->size_bytes);
    assert_string_equal(a->sha256, b->sha256);
    assert_text(a->metadata, b->metadata);
    assert_text(a->pages, b->pages);
    assert_text(a->password, b->password);
    assert_text(a->model, b->model);
    assert_int_equal(a->priority, b->priority);
    assert_int_equal(a->created_ms, b->created_ms);
    assert_int_equal(a->deleted_ms, b->deleted_ms);
}

void assert_same_state(const struct dm_state *a, const struct dm_state *b)
{
    assert_int_equal(a->format, b->format);
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->epoch, b->epoch);
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->seq, b->seq);
    assert_int_equal(a->total, b->total);
    assert_int_equal(a->processed, b->processed);
    assert_int_equal(a->failed, b->failed);
    assert_int_equal(a->skipped, b->skipped);
    assert_int_equal(a->remaining, b->remaining);
    assert_int_equal(a->outcome, b->outcome);
    assert_int_equal(a->reason, b->reason);
    assert_string_equal(a->detail, b->detail);
    assert_int_equal(a->uploaded_ms, b->uploaded_ms);
    assert_int_equal(a->started_ms, b->started_ms);
    assert_int_equal(a->completed_ms, b->completed_ms);
    assert_int_equal(a->progress_ms, b->progress_ms);
    assert_same_usage(&a->usage, &b->usage);
    assert_string_equal(a->lease.owner, b->lease.owner);
    assert_int_equal(a->lease.counter, b->lease.counter);
    assert_int_equal(a->lease.until_ms, b->lease.until_ms);
    assert_int_equal(a->aggregations, b->aggregations);
    assert_int_equal(a->result_epoch, b->result_epoch);
    assert_int_equal(a->result_bytes, b->result_bytes);
    assert_int_equal(a->gone, b->gone);
    assert_int_equal(a->due_ms, b->due_ms);
}

void assert_same_work(const struct dm_work *a, const struct dm_work *b)
{
    assert_int_equal(a->format, b->format);
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->epoch, b->epoch);
    assert_int_equal(a->split_needed, b->split_needed);
    assert_int_equal(a->split_losses, b->split_losses);
    assert_int_equal(a->chosen.count, b->chosen.count);
    for (uint32_t i = 0; i < a->chosen.count; i++) {
        assert_int_equal(a->chosen.at[i].first, b->chosen.at[i].first);
        assert_int_equal(a->chosen.at[i].last, b->chosen.at[i].last);
    }
    assert_int_equal(a->cursor, b->cursor);
    assert_int_equal(a->returned_count, b->returned_count);
    for (uint32_t i = 0; i < a->returned_count; i++) {
        assert_int_equal(a->returned[i].first, b->returned[i].first);
        assert_int_equal(a->returned[i].last, b->returned[i].last);
        assert_int_equal(a->returned[i].losses, b->returned[i].losses);
        assert_int_equal(a->returned[i].due_ms, b->returned[i].due_ms);
    }
    assert_int_equal(a->next_claim, b->next_claim);
    assert_int_equal(a->key, b->key);
    assert_int_equal(a->due_ms, b->due_ms);
    assert_int_equal(a->priority, b->priority);
    assert_int_equal(a->created_ms, b->created_ms);
}

void assert_same_claim(const struct dm_claim *a, const struct dm_claim *b)
{
    assert_int_equal(a->counter, b->counter);
    assert_int_equal(a->epoch, b->epoch);
    assert_int_equal(a->first, b->first);
    assert_int_equal(a->last, b->last);
    assert_int_equal(a->losses, b->losses);
    assert_string_equal(a->owner, b->owner);
    assert_int_equal(a->lease_until_ms, b->lease_until_ms);
}

void assert_same_page(const struct dm_page *a, const struct dm_page *b)
{
    assert_int_equal(a->format, b->format);
    assert_int_equal(a->number, b->number);
    assert_int_equal(a->epoch, b->epoch);
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->reason, b->reason);
    assert_text(a->detail, b->detail);
    assert_text(a->segment, b->segment);
    assert_int_equal(a->offset, b->offset);
    assert_int_equal(a->length, b->length);
    assert_text(a->attempts, b->attempts);
    assert_int_equal(a->attempt_count, b->attempt_count);
    assert_same_usage(&a->usage, &b->usage);
    assert_int_equal(a->ended_ms, b->ended_ms);
}

void assert_same_event(const struct dm_event *a, const struct dm_event *b)
{
    assert_int_equal(a->format, b->format);
    assert_int_equal(a->seq, b->seq);
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->at_ms, b->at_ms);
    assert_text(a->data, b->data);
}

void put_records(struct dm_store store, const struct dm_tenant *tenant, const struct dm_file *file,
                 const struct dm_document *document, const struct dm_state *state, const struct dm_work *work)
{
    struct dm_err err = { 0 };
    struct dm_event event = full_event(1);
    struct dm_transaction transaction = {
        .document = document, .state = state, .work = work, .events = &event, .event_count = 1
    };
    assert_ok(dm_store_commit(store, tenant, file, &transaction, &err), &err);
}

struct dm_file put_document(struct dm_store store, struct dm_runtime runtime, const struct dm_tenant *tenant)
{
    const struct dm_file file = fresh_file(runtime);
    const struct dm_document document = full_document();
    const struct dm_state state = full_state();
    const struct dm_work work = full_work();
    const struct dm_claim_write claim = { DM_CLAIM_INSERT, full_claim(1) };
    const struct dm_event event = full_event(1);
    struct dm_transaction transaction = { .document = &document,
                                          .state = &state,
                                          .work = &work,
                                          .claims = &claim,
                                          .claim_count = 1,
                                          .events = &event,
                                          .event_count = 1 };
    struct dm_err err = { 0 };
    assert_ok(dm_store_commit(store, tenant, &file, &transaction, &err), &err);
    return file;
}
