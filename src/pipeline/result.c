/* result.c: the result, streamed page by page from the segments. */
#include "result.h"

#include <inttypes.h>

#include "base/calendar.h"
#include "domain/limits.h"
#include "segment.h"

enum {
    PAGES_A_BATCH = 200,
    FLUSH_BYTES = 64 * 1024,
    REDUCTION_MAX = 4 * 1024 * 1024,
    KEEP_TRIES_MS = 60000,
    KEEP_AGAIN_MS = 500
};

/* ---- every page once, in order ---- */

/* `analysis` is the page's as its segment has it; empty for a page that has none. */
typedef enum dm_code visit(void *context, const struct dm_page_view *page, struct dm_str analysis, struct dm_err *err);

static enum dm_code visit_pages(const struct dm_result_source *source, bool with_analyses, visit *visitor,
                                void *context, struct dm_err *err)
{
    const struct dm_state *state = &source->snapshot->state;
    DM_AUTO(dm_buf) text = dm_buf_make(DM_SEGMENT_LINE_MAX);
    for (uint32_t first = 1; first <= state->total; first += PAGES_A_BATCH) {
        DM_AUTO(dm_arena) arena = dm_arena_make(DM_STEP_ARENA_MAX);
        struct dm_page_views views = { 0 };
        enum dm_code rc = source->keep ? source->keep->call(source->keep->context, err) : DM_OK;
        if (rc == DM_OK)
            rc = dm_document_pages(source->pipeline, source->tenant, source->file, source->snapshot, first,
                                   PAGES_A_BATCH, &arena, &views, err);
        for (uint32_t i = 0; rc == DM_OK && i < views.count; i++) {
            struct dm_str analysis = DM_STR("");
            const struct dm_page *record = views.at[i].record;
            if (with_analyses && views.at[i].status == DM_PAGE_DONE && record && record->length) {
                dm_buf_clear(&text);
                rc = dm_page_line(source->pipeline, source->tenant, state, record, &text, err);
                if (rc == DM_OK)
                    rc = dm_segment_analysis(dm_buf_str(&text), &analysis, err);
            }
            if (rc == DM_OK)
                rc = visitor(context, &views.at[i], analysis, err);
        }
        if (rc != DM_OK)
            return rc;
    }
    return DM_OK;
}

/* ---- the reduction ---- */

static enum dm_code reduce_page(void *context, const struct dm_page_view *page, struct dm_str analysis,
                                struct dm_err *err)
{
    if (analysis.len == 0)
        return DM_OK;
    json_auto_t *parsed = NULL;
    enum dm_code rc = dm_json_parse(analysis, "an analysis", &parsed, err);
    return rc == DM_OK ? dm_reduction_add(context, page->number, parsed, err) : rc;
}

static enum dm_code stored_reduction(const struct dm_result_source *source, struct dm_str key, struct dm_buf *ret,
                                     struct dm_usage *ret_usage, struct dm_err *err)
{
    enum dm_code rc = dm_blob_get(source->pipeline->ports.blob, source->tenant, key, 0, DM_BLOB_WHOLE, ret, err);
    json_auto_t *reduction = NULL;
    if (rc == DM_OK)
        rc = dm_json_parse(dm_buf_str(ret), "the stored reduction", &reduction, err);
    if (rc == DM_OK && !dm_usage_parse(json_object_get(reduction, "usage"), ret_usage))
        rc = dm_fail(err, DM_CORRUPT, "the stored reduction does not say what it cost");
    return rc;
}

/* It was paid for: trouble that may pass is borne for a while before it is let go. */
static enum dm_code keep_reduction(const struct dm_result_source *source, struct dm_str key, struct dm_str reduction,
                                   struct dm_err *err)
{
    struct dm_runtime runtime = source->pipeline->ports.runtime;
    const struct dm_keep *keep = source->keep;
    int64_t until_ms = dm_mono_ms(runtime) + KEEP_TRIES_MS;
    for (;;) {
        enum dm_code rc = dm_blob_put_new(source->pipeline->ports.blob, source->tenant, key, reduction, DM_KEPT, err);
        if (rc == DM_OK || rc == DM_EXISTS || dm_code_retry(rc) != DM_RETRY_LATER || dm_mono_ms(runtime) >= until_ms)
            return rc;
        struct dm_err over = { .code = DM_OK };
        if (keep)
            keep->wait_begins(keep->context);
        dm_sleep_until(runtime, dm_mono_ms(runtime) + KEEP_AGAIN_MS);
        if (keep)
            over.code = keep->call(keep->context, &over);
        if (keep)
            keep->wait_ends(keep->context);
        if (over.code != DM_OK)
            return rc;
    }
}

enum dm_code dm_result_reduce(const struct dm_result_source *source, struct dm_buf *ret, struct dm_usage *ret_usage,
                              struct dm_err *err)
{
    const struct dm_blob_key key = dm_key_reduction(source->file, source->snapshot->state.epoch);
    enum dm_code rc = stored_reduction(source, dm_str_z(key.text), ret, ret_usage, err);
    if (rc != DM_NOT_FOUND)
        return rc; /* made before a crash, or trouble */
    struct dm_reduction *reduction;
    rc = dm_reduction_make(&reduction, err);
    if (rc != DM_OK)
        return rc;
    rc = visit_pages(source, true, reduce_page, reduction, err);
    if (rc == DM_OK)
        rc = dm_reduction_finish(reduction, source->pipeline, source->tenant, source->file, source->keep, ret,
                                 ret_usage, err);
    dm_reduction_free(reduction);
    if (rc == DM_OK)
        rc = keep_reduction(source, dm_str_z(key.text), dm_buf_str(ret), err);
    if (rc == DM_EXISTS) { /* another aggregator was first: its words are the document's */
        dm_buf_clear(ret);
        rc = stored_reduction(source, dm_str_z(key.text), ret, ret_usage, err);
    }
    return rc;
}

/* ---- forms ---- */

struct writing {
    const struct dm_result_source *source;
    struct dm_sink *sink;
    struct dm_buf buf; /* not yet in the sink */
    uint64_t bytes;
    uint32_t chunks;
    int64_t last_ended_ms;
    struct dm_usage usage; /* of all pages and the reduction */
};

static enum dm_code flush(struct writing *writing, size_t at_least, struct dm_err *err)
{
    enum dm_code rc = dm_buf_check(&writing->buf, "a page of the result", err);
    if (rc != DM_OK || writing->buf.len < at_least)
        return rc;
    writing->bytes += writing->buf.len;
    rc = dm_sink_write(writing->source->pipeline->ports.blob, writing->sink, dm_buf_str(&writing->buf), err);
    dm_buf_clear(&writing->buf);
    return rc;
}

static void add_error(struct dm_buf *buf, const struct dm_page_view *page)
{
    const struct dm_page *record = page->record;
    const char *reason = page->status == DM_PAGE_FAILED && record ? dm_reason_text(record->reason) : NULL;
    dm_buf_add_z(buf, ",\"error\":{\"reason\":");
    if (reason)
        dm_buf_add_json_string(buf, dm_str_z(reason));
    else
        dm_buf_add_z(buf, "null");
    dm_buf_add_z(buf, ",\"detail\":");
    if (reason)
        dm_buf_add_json_string(buf, record->detail);
    else
        dm_buf_add_z(buf, page->status == DM_PAGE_SKIPPED ? "\"not among the pages asked for\"" : "\"not read yet\"");
    dm_buf_add_char(buf, '}');
}

static void add_chunk(struct dm_buf *buf, const struct dm_page_view *page, struct dm_str analysis)
{
    dm_buf_addf(buf, "{\"pageNumber\":%" PRIu32 ",\"status\":\"%s\",\"analysis\":", page->number,
                dm_page_status_text(page->status));
    if (analysis.len) {
        dm_buf_add(buf, analysis);
    } else {
        dm_buf_add_z(buf, "null");
        add_error(buf, page);
    }
    dm_buf_add_char(buf, '}');
}

/* The time of the last commit, not of this writing, and what the pages cost: so the bytes repeat. */
static enum dm_code note_ended(void *context, const struct dm_page_view *page, struct dm_str analysis,
                               struct dm_err *err)
{
    (void)analysis;
    (void)err;
    struct writing *writing = context;
    if (page->record && page->record->ended_ms > writing->last_ended_ms)
        writing->last_ended_ms = page->record->ended_ms;
    if (page->record)
        dm_usage_add(&writing->usage, &page->record->usage);
    return DM_OK;
}

static void add_head(struct writing *writing)
{
    const struct dm_result_source *source = writing->source;
    const struct dm_state *state = &source->snapshot->state;
    struct dm_buf *buf = &writing->buf;
    char processed_at[DM_TIME_TEXT];
    bool any = writing->last_ended_ms > 0;
    dm_time_text(writing->last_ended_ms, processed_at);
    dm_buf_addf(buf, "{\"fileId\":\"%s\",\"tenantId\":\"%s\",\"fileName\":", source->file->id, source->tenant->id);
    dm_buf_add_json_string(buf, source->snapshot->document.name);
    dm_buf_addf(buf,
                ",\"processedAt\":%s%s%s,\"totalPages\":%" PRIu32 ",\"successCount\":%" PRIu32
                ",\"failedCount\":%" PRIu32 ",\"skippedCount\":%" PRIu32,
                any ? "\"" : "", any ? processed_at : "null", any ? "\"" : "", state->total, state->processed,
                state->failed, state->skipped);
    if (source->so_far)
        dm_buf_addf(buf, ",\"partial\":true,\"remainingCount\":%" PRIu32, state->remaining);
    else
        dm_buf_addf(buf, ",\"outcome\":\"%s\"", state->failed ? "partial" : "full");
    dm_buf_add_z(buf, ",\"model\":");
    dm_buf_add_json_string(buf, source->snapshot->document.model);
    dm_buf_add_z(buf, ",\"document\":");
    dm_buf_add(buf, source->reduction.len ? source->reduction : DM_STR("null"));
    dm_buf_add_z(buf, ",\"usage\":");
    dm_usage_json(buf, &writing->usage);
}

static enum dm_code json_page(void *context, const struct dm_page_view *page, struct dm_str analysis,
                              struct dm_err *err)
{
    struct writing *writing = context;
    if (writing->chunks++)
        dm_buf_add_char(&writing->buf, ',');
    add_chunk(&writing->buf, page, analysis);
    return flush(writing, FLUSH_BYTES, err);
}

static enum dm_code lines_page(void *context, const struct dm_page_view *page, struct dm_str analysis,
                               struct dm_err *err)
{
    struct writing *writing = context;
    add_chunk(&writing->buf, page, analysis);
    dm_buf_add_char(&writing->buf, '\n');
    return flush(writing, FLUSH_BYTES, err);
}

/* ---- Markdown ---- */

/* Text of a document in Markdown: what could be taken for markup is escaped, lines are joined. */
static void add_md(struct dm_buf *buf, struct dm_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '\n' || c == '\r')
            c = ' ';
        else if (c == '\\' || c == '`' || c == '*' || c == '_' || c == '<' || c == '[' || c == ']' || c == '|' ||
                 c == '#')
            dm_buf_add_char(buf, '\\');
        dm_buf_add_char(buf, c);
    }
}

/* Key points are strings in a page's analysis and objects with pages in a reduction. */
static void add_md_points(struct dm_buf *buf, const json_t *points)
{
    size_t i;
    json_t *point;
    json_array_foreach (points, i, point) {
        bool plain = json_is_string(point);
        dm_buf_add_z(buf, "- ");
        add_md(buf,
               plain ? dm_str_of(json_string_value(point), json_string_length(point)) : dm_json_str(point, "text"));
        const json_t *pages = json_object_get(point, "pages");
        for (size_t k = 0; k < json_array_size(pages); k++)
            dm_buf_addf(buf, "%s%" JSON_INTEGER_FORMAT,
                        k                             ? ", "
                        : json_array_size(pages) == 1 ? " (page "
                                                      : " (pages ",
                        json_integer_value(json_array_get(pages, k)));
        dm_buf_add_z(buf, json_array_size(pages) ? ")\n" : "\n");
    }
    if (json_array_size(points))
        dm_buf_add_char(buf, '\n');
}

static void add_md_entities(struct dm_buf *buf, const json_t *entities, size_t most)
{
    size_t count = json_array_size(entities) < most ? json_array_size(entities) : most;
    for (size_t i = 0; i < count; i++) {
        const json_t *entity = json_array_get(entities, i);
        dm_buf_add_z(buf, i ? ", " : "Entities: ");
        add_md(buf, dm_json_str(entity, "text"));
        dm_buf_addf(buf, " (%.*s)", DM_STR_ARG(dm_json_str(entity, "type")));
    }
    if (count)
        dm_buf_add_z(buf, "\n\n");
}

static void add_md_analysis(struct dm_buf *buf, const json_t *analysis, size_t entities)
{
    if (json_is_true(json_object_get(analysis, "empty"))) {
        dm_buf_add_z(buf, "*(an empty page)*\n\n");
        return;
    }
    /* Of a document all of whose pages are empty. */
    if (dm_json_str(analysis, "summary").len == 0 && json_array_size(json_object_get(analysis, "entities")) == 0) {
        dm_buf_add_z(buf, "*(no text)*\n\n");
        return;
    }
    add_md(buf, dm_json_str(analysis, "summary"));
    dm_buf_add_z(buf, "\n\n");
    add_md_points(buf, json_object_get(analysis, "keyPoints"));
    add_md_entities(buf, json_object_get(analysis, "entities"), entities);
    dm_buf_addf(buf, "Sentiment: %.*s\n\n", DM_STR_ARG(dm_json_str(analysis, "sentiment")));
}

static enum dm_code md_head(struct writing *writing, struct dm_err *err)
{
    const struct dm_result_source *source = writing->source;
    const struct dm_state *state = &source->snapshot->state;
    struct dm_buf *buf = &writing->buf;
    dm_buf_add_z(buf, "# ");
    add_md(buf, source->snapshot->document.name);
    dm_buf_addf(buf,
                "\n\n%" PRIu32 " page%s: %" PRIu32 " read, %" PRIu32 " failed, %" PRIu32 " skipped%s. Model: %.*s.\n\n",
                state->total, state->total == 1 ? "" : "s", state->processed, state->failed, state->skipped,
                state->remaining ? ", the others are not read yet" : "", DM_STR_ARG(source->snapshot->document.model));
    if (source->reduction.len == 0)
        return DM_OK;
    json_auto_t *reduction = NULL;
    enum dm_code rc = dm_json_parse(source->reduction, "the reduction", &reduction, err);
    if (rc == DM_OK)
        add_md_analysis(buf, reduction, 30);
    return rc;
}

static enum dm_code md_page(void *context, const struct dm_page_view *page, struct dm_str analysis, struct dm_err *err)
{
    struct writing *writing = context;
    struct dm_buf *buf = &writing->buf;
    if (page->status == DM_PAGE_SKIPPED || page->status == DM_PAGE_PENDING)
        return DM_OK;
    dm_buf_addf(buf, "## Page %" PRIu32 "\n\n", page->number);
    if (analysis.len) {
        json_auto_t *parsed = NULL;
        enum dm_code rc = dm_json_parse(analysis, "an analysis", &parsed, err);
        if (rc != DM_OK)
            return rc;
        add_md_analysis(buf, parsed, 12);
    } else if (page->record) {
        dm_buf_addf(buf, "*(failed: %s: ", dm_reason_text(page->record->reason));
        add_md(buf, page->record->detail);
        dm_buf_add_z(buf, ")*\n\n");
    }
    return flush(writing, FLUSH_BYTES, err);
}

/* ---- the whole ---- */

static enum dm_code note_reduction(struct writing *writing, struct dm_err *err)
{
    struct dm_str text = writing->source->reduction;
    json_auto_t *reduction = NULL;
    struct dm_usage usage;
    enum dm_code rc = text.len ? dm_json_parse(text, "the reduction", &reduction, err) : DM_OK;
    if (reduction && dm_usage_parse(json_object_get(reduction, "usage"), &usage))
        dm_usage_add(&writing->usage, &usage);
    return rc;
}

static enum dm_code write_form(struct writing *writing, enum dm_result_form form, struct dm_err *err)
{
    const struct dm_result_source *source = writing->source;
    struct dm_buf *buf = &writing->buf;
    enum dm_code rc = visit_pages(source, false, note_ended, writing, err);
    if (rc == DM_OK)
        rc = note_reduction(writing, err);
    if (rc != DM_OK)
        return rc;
    switch (form) {
    case DM_RESULT_JSON:
        add_head(writing);
        dm_buf_add_z(buf, ",\"chunks\":[");
        rc = visit_pages(source, true, json_page, writing, err);
        dm_buf_add_z(buf, "]}\n");
        return rc;
    case DM_RESULT_JSON_LINES:
        add_head(writing);
        dm_buf_add_z(buf, "}\n");
        return visit_pages(source, true, lines_page, writing, err);
    case DM_RESULT_MARKDOWN:
        rc = md_head(writing, err);
        return rc == DM_OK ? visit_pages(source, true, md_page, writing, err) : rc;
    }
    return dm_fail(err, DM_INTERNAL, "no such form of a result");
}

/* What was read page by page must all be of the reading that the result is named after. Once that is so it stays so: the
 * pages that a later reading ends are not these. */
static enum dm_code check_epoch(const struct dm_result_source *source, struct dm_err *err)
{
    DM_AUTO(dm_arena) arena = dm_arena_make(DM_STEP_ARENA_MAX);
    struct dm_snapshot now;
    enum dm_code rc =
        dm_store_read(source->pipeline->ports.store, source->tenant, source->file, DM_PART_STATE, &arena, &now, err);
    if (rc == DM_OK && now.state.epoch != source->snapshot->state.epoch)
        rc = dm_fail(err, DM_REFUSED, "the document's pages are being read again");
    return rc;
}

enum dm_code dm_result_write(const struct dm_result_source *source, enum dm_result_form form, struct dm_str key,
                             enum dm_durability durability, uint64_t *ret_bytes, struct dm_err *err)
{
    struct dm_blob blob = source->pipeline->ports.blob;
    struct writing writing = { .source = source, .buf = dm_buf_make(DM_SEGMENT_LINE_MAX + REDUCTION_MAX) };
    enum dm_code rc = dm_sink_create(blob, DM_SINK_WORK, &writing.sink, err);
    if (rc != DM_OK)
        return rc;
    rc = write_form(&writing, form, err);
    if (rc == DM_OK)
        rc = flush(&writing, 0, err);
    if (rc == DM_OK && !source->so_far)
        rc = check_epoch(source, err);
    dm_buf_free(&writing.buf);
    if (rc != DM_OK) {
        dm_sink_abandon(blob, writing.sink);
        return rc;
    }
    struct dm_blob_info info;
    rc = dm_sink_finish(blob, writing.sink, source->tenant, key, durability, &info, err);
    if (rc == DM_OK)
        *ret_bytes = writing.bytes;
    return rc;
}

/* ---- for readers ---- */

static const char *const endings[] = {
    [DM_RESULT_JSON] = ".json", [DM_RESULT_MARKDOWN] = ".md", [DM_RESULT_JSON_LINES] = ".jsonl"
};

static enum dm_code open_blob(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant, const char *key,
                              int *ret_fd, uint64_t *ret_size, struct dm_err *err)
{
    struct dm_blob_info info;
    enum dm_code rc = dm_blob_open(pipeline->ports.blob, tenant, dm_str_z(key), ret_fd, &info, err);
    if (rc == DM_OK)
        *ret_size = info.size_bytes;
    return rc;
}

/* Made for this one reader, under a name of its own: removed at once, the descriptor keeps the bytes. */
static enum dm_code open_partial(const struct dm_result_source *source, enum dm_result_form form, int *ret_fd,
                                 uint64_t *ret_size, struct dm_err *err)
{
    const struct dm_pipeline *pipeline = source->pipeline;
    uint64_t reader;
    dm_random(pipeline->ports.runtime, &reader, sizeof(reader));
    const struct dm_blob_key key = dm_key_partial(source->file, reader, endings[form]);
    uint64_t bytes;
    enum dm_code rc = dm_result_write(source, form, dm_str_z(key.text), DM_DERIVED, &bytes, err);
    if (rc == DM_OK)
        rc = open_blob(pipeline, source->tenant, key.text, ret_fd, ret_size, err);
    if (rc != DM_OK)
        return rc;
    struct dm_err ignored;
    if (dm_blob_remove(pipeline->ports.blob, source->tenant, dm_str_z(key.text), &ignored) != DM_OK)
        return DM_OK; /* it goes with the document */
    return DM_OK;
}

static enum dm_code being_read_again(struct dm_err *err)
{
    return dm_fail(err, DM_NOT_FOUND, "pages are being read again: until they are, the result is there as JSON only");
}

enum dm_code dm_result_open(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                            const struct dm_file *file, const struct dm_snapshot *snapshot, enum dm_result_form form,
                            bool partial, int *ret_fd, uint64_t *ret_size, struct dm_err *err)
{
    const struct dm_state *state = &snapshot->state;
    struct dm_result_source source = {
        .pipeline = pipeline, .tenant = tenant, .file = file, .snapshot = snapshot, .reduction = DM_STR("")
    };
    if (state->gone & DM_GONE_RESULTS)
        return dm_fail(err, DM_GONE, "retention took the result");
    if (state->result_epoch == 0 || (partial && state->result_epoch != state->epoch)) {
        if (!partial)
            return dm_fail(err, DM_NOT_FOUND, "the document has no result");
        if (state->gone & DM_GONE_PAGES)
            return dm_fail(err, DM_GONE, "retention took the document's pages");
        if (state->total == 0)
            return dm_fail(err, DM_NOT_FOUND, "the document's pages are not known");
        source.so_far = true;
        return open_partial(&source, form, ret_fd, ret_size, err);
    }
    const struct dm_blob_key key = dm_key_results(file, state->result_epoch, endings[form]);
    enum dm_code rc = open_blob(pipeline, tenant, key.text, ret_fd, ret_size, err);
    if (rc != DM_NOT_FOUND || form == DM_RESULT_JSON)
        return rc;
    /* The other forms are derived, once, while the ledger still is what the result was made of. */
    if (state->result_epoch != state->epoch)
        return being_read_again(err);
    if (state->gone & DM_GONE_PAGES)
        return dm_fail(err, DM_GONE, "retention took the document's pages; the result is there as JSON only");
    DM_AUTO(dm_buf) reduction = dm_buf_make(REDUCTION_MAX);
    const struct dm_blob_key reduction_key = dm_key_reduction(file, state->result_epoch);
    rc = dm_blob_get(pipeline->ports.blob, tenant, dm_str_z(reduction_key.text), 0, DM_BLOB_WHOLE, &reduction, err);
    source.reduction = dm_buf_str(&reduction);
    uint64_t bytes;
    if (rc == DM_OK)
        rc = dm_result_write(&source, form, dm_str_z(key.text), DM_DERIVED, &bytes, err);
    if (rc == DM_OK)
        rc = open_blob(pipeline, tenant, key.text, ret_fd, ret_size, err);
    if (rc == DM_REFUSED)
        rc = being_read_again(err);
    return rc;
}
