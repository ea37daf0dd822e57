/* world.c: see world.h. */
#include "world.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "embedded/embedded.h"

enum { PARTS = DM_PART_DOCUMENT | DM_PART_STATE | DM_PART_WORK | DM_PART_CLAIMS, ARENA_MAX = 4 << 20 };

struct fake fake; /* of it only the api is used */

static struct {
    char folder[64];
    struct dm_embedded_set set;
    struct dm_hub *hub;
    struct dm_pipeline pipeline;
    struct dm_err err;
} world;

/* ---- a document reader: three pages, and a picture of each ------------------------------------------------------ */

struct dm_reader_handle {
    char nothing;
};

static enum dm_code reader_open(void *self, const struct dm_tenant *tenant, const struct dm_source *source,
                                struct dm_reader_handle **ret, uint32_t *ret_pages, struct dm_err *err)
{
    static struct dm_reader_handle handle;
    *ret = &handle;
    *ret_pages = WORLD_PAGES;
    return DM_OK;
}

static enum dm_code reader_page(void *self, struct dm_reader_handle *handle, uint32_t page,
                                const struct dm_page_want *want, struct dm_page_content *ret, struct dm_err *err)
{
    ret->image = dm_buf_make(100);
    dm_buf_add_z(&ret->image, "a picture");
    return DM_OK;
}

static void reader_close(void *self, struct dm_reader_handle *handle)
{
}

static void reader_interrupt(void *self)
{
}

static enum dm_code reader_check(void *self, struct dm_err *err)
{
    return DM_OK;
}

static const struct dm_reader_ops reader_ops = { "fake",       reader_open,      reader_page,
                                                 reader_close, reader_interrupt, reader_check };

/* ---- what the rig opens and closes ------------------------------------------------------------------------------ */

void fake_open(const struct dm_api_options *options, const struct dm_runtime *threads)
{
    (void)threads;
    dm_json_setup();
    dm_log_setup(DM_LOG_OFF, NULL, NULL);
    snprintf(world.folder, sizeof(world.folder), "/tmp/docmill-statuses-XXXXXX");
    assert_non_null(mkdtemp(world.folder));
    const struct dm_embedded_options embedded = { .folder = world.folder };
    assert_int_equal(dm_embedded_open(&embedded, &world.set, &world.err), DM_OK);
    assert_int_equal(dm_hub_make(world.set.runtime, &world.hub, &world.err), DM_OK);
    world.pipeline = (struct dm_pipeline){ .ports = { .runtime = world.set.runtime,
                                                      .store = world.set.store,
                                                      .op = world.set.op,
                                                      .blob = world.set.blob,
                                                      .stream = world.set.stream,
                                                      .reader = { &reader_ops, NULL },
                                                      .model = { .name = "fake:1" },
                                                      .secrets = world.set.secrets },
                                           .hub = world.hub,
                                           .pages_max = 100,
                                           .attempts_max = 4 };
    struct dm_api_options filled = *options;
    filled.pipeline = &world.pipeline;
    filled.sync_bytes_max = 0; /* nobody would end what an upload waits for */
    assert_int_equal(dm_api_make(&filled, &fake.api, &world.err), DM_OK);
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *where)
{
    return remove(path);
}

void fake_close(void)
{
    dm_api_free(fake.api);
    dm_hub_free(world.hub);
    dm_embedded_close(&world.set);
    nftw(world.folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- a document and its steps ----------------------------------------------------------------------------------- */

static struct dm_tenant tenant_named(const char *id)
{
    struct dm_tenant tenant;
    assert_int_equal(dm_tenant_parse(dm_str_z(id), &tenant, NULL), DM_OK);
    return tenant;
}

bool world_state(const struct dm_file *file, struct dm_state *ret)
{
    const struct dm_tenant tenant = tenant_named(WORLD_TENANT);
    DM_AUTO(dm_arena) arena = dm_arena_make(ARENA_MAX);
    struct dm_snapshot snapshot;
    if (dm_store_read(world.set.store, &tenant, file, DM_PART_STATE, &arena, &snapshot, &world.err) != DM_OK)
        return false;
    *ret = snapshot.state;
    return true;
}

static bool upload(const char *tenant, unsigned turn)
{
    char headers[300];
    static const char body[] = "%PDF- a document";
    snprintf(headers, sizeof(headers),
             "Content-Type: application/pdf\nX-Tenant-Id: %s\nIdempotency-Key: " WORLD_KEY "-%u\n", tenant, turn);
    return rig_send("POST /api/upload?fileName=a.pdf", headers, body, sizeof(body) - 1);
}

bool world_upload(unsigned turn)
{
    return upload(WORLD_TENANT, turn);
}

static struct dm_file uploaded(const char *tenant, unsigned turn)
{
    struct dm_file file;
    assert_true(upload(tenant, turn));
    assert_int_equal(rig.response->status, 202);
    assert_int_equal(dm_file_parse(dm_json_str(rig_json(), "fileId"), &file, NULL), DM_OK);
    return file;
}

/* One step: what the ledger decides about the document as it is, written. */
struct step {
    struct dm_tenant tenant;
    struct dm_file file;
    struct dm_arena arena;
    struct dm_ledger_context context;
    struct dm_snapshot snapshot;
    struct dm_change change;
};

static void step_begin(struct step *step, const struct dm_file *file)
{
    *step = (struct step){ .tenant = tenant_named(WORLD_TENANT), .file = *file, .arena = dm_arena_make(ARENA_MAX) };
    step->context = (struct dm_ledger_context){ .now_ms = dm_wall_ms(world.set.runtime), .arena = &step->arena };
    assert_int_equal(
        dm_store_read(world.set.store, &step->tenant, file, PARTS, &step->arena, &step->snapshot, &world.err), DM_OK);
}

static void step_end(struct step *step, enum dm_code decided)
{
    assert_int_equal(decided, DM_OK);
    assert_int_equal(
        dm_store_commit(world.set.store, &step->tenant, &step->file, &step->change.transaction, &world.err), DM_OK);
    dm_arena_free(&step->arena);
}

static struct dm_claim claim_split(const struct dm_file *file)
{
    struct step step;
    struct dm_claim claim;
    step_begin(&step, file);
    step_end(&step,
             dm_ledger_claim_split(&step.context, &step.snapshot, DM_STR("w-1"), &step.change, &claim, &world.err));
    return claim;
}

static struct dm_claim split(const struct dm_file *file)
{
    struct step step;
    struct dm_claim pages;
    struct dm_claim claim = claim_split(file);
    step_begin(&step, file);
    step_end(&step, dm_ledger_split_done(&step.context, &step.snapshot, &claim, WORLD_PAGES, WORLD_PAGES, &step.change,
                                         &pages, &world.err));
    return pages;
}

/* Ends page `number`; the last one ends its claim. */
static void end_page(const struct dm_file *file, const struct dm_claim *claim, uint32_t number, bool done)
{
    static const struct dm_str line = DM_STR_INIT(
        "{\"pageNumber\":1,\"analysisBytes\":75,\"analysis\":{\"summary\":\"s\",\"entities\":[],\"keyPoints\":[],"
        "\"sentiment\":\"neutral\",\"x\":\"yy\"},\"attempts\":[],\"usage\":{},\"text\":\"t\"}\n");
    const struct dm_blob_key key = dm_key_segment(file, claim->epoch, number, claim->counter, 1);
    struct dm_page page = { .number = number, .status = done ? DM_PAGE_DONE : DM_PAGE_FAILED };
    struct step step;
    step_begin(&step, file);
    if (done) {
        page.segment = dm_str_z(key.text);
        page.length = (uint32_t)line.len;
        assert_int_equal(dm_blob_put_new(world.set.blob, &step.tenant, page.segment, line, DM_KEPT, &world.err), DM_OK);
    } else {
        page.reason = DM_REASON_DAMAGED;
    }
    step_end(&step, dm_ledger_end_pages(&step.context, &step.snapshot.state, claim, &page, 1, number == WORLD_PAGES,
                                        &step.change, &world.err));
}

static void take_result(const struct dm_file *file)
{
    struct step step;
    step_begin(&step, file);
    step_end(&step,
             dm_ledger_take_result(&step.context, &step.snapshot.state, DM_STR("a-1"), &step.change, &world.err));
}

static void end_failed(const struct dm_file *file, const struct dm_claim *claim)
{
    struct step step;
    step_begin(&step, file);
    step_end(&step, dm_ledger_fail(&step.context, &step.snapshot, claim, DM_REASON_DAMAGED, DM_STR("as told"),
                                   &step.change, &world.err));
}

static void keep_result(const struct dm_file *file)
{
    static const struct dm_str result = DM_STR_INIT("{\"chunks\":[]}");
    const struct dm_usage usage = { 0 };
    struct step step;
    take_result(file);
    step_begin(&step, file);
    const struct dm_blob_key key = dm_key_results(file, step.snapshot.state.epoch, ".json");
    assert_int_equal(dm_blob_put_new(world.set.blob, &step.tenant, dm_str_z(key.text), result, DM_KEPT, &world.err),
                     DM_OK);
    step_end(&step, dm_ledger_result_kept(&step.context, &step.snapshot.state, &step.snapshot.state.lease, result.len,
                                          &usage, &step.change, &world.err));
}

/* As the sweeper does: the bytes first. */
static void take_away(const struct dm_file *file, enum dm_gone gone)
{
    struct step step;
    step_begin(&step, file);
    const struct dm_blob_key source = dm_key_source(file);
    const struct dm_blob_key pages = dm_key_segments(file);
    const struct dm_blob_key result = dm_key_results(file, 1, ".json");
    enum dm_code rc = gone == DM_GONE_PAGES
                          ? dm_blob_remove_all(world.set.blob, &step.tenant, dm_str_z(pages.text), &world.err)
                          : dm_blob_remove(world.set.blob, &step.tenant,
                                           dm_str_z(gone == DM_GONE_SOURCE ? source.text : result.text), &world.err);
    dm_ledger_expire(&step.context, &step.snapshot.state, gone, 0, &step.change);
    step_end(&step, rc);
}

static void end_all(const struct dm_file *file, uint32_t done)
{
    struct dm_claim claim = split(file);
    for (uint32_t page = 1; page <= WORLD_PAGES; page++)
        end_page(file, &claim, page, page <= done);
}

struct dm_file world_document(enum world_status status, unsigned turn)
{
    static const struct dm_file nobodys = { .id = "0192f3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b" };
    static const enum dm_gone gone[WORLD_STATUS_COUNT] = {
        [WORLD_SOURCE_GONE] = DM_GONE_SOURCE, [WORLD_PAGES_GONE] = DM_GONE_PAGES, [WORLD_RESULT_GONE] = DM_GONE_RESULTS
    };
    const struct dm_tenant tenant = tenant_named(WORLD_TENANT);
    if (status == WORLD_UNKNOWN)
        return nobodys;
    struct dm_file file = uploaded(status == WORLD_OTHERS ? "umbrella" : WORLD_TENANT, turn);
    struct dm_claim claim;
    switch (status) {
    case WORLD_CHUNKING:
        (void)claim_split(&file);
        break;
    case WORLD_PROCESSING:
    case WORLD_CANCELLED:
        claim = split(&file);
        end_page(&file, &claim, 1, true);
        if (status == WORLD_CANCELLED)
            assert_int_equal(dm_document_cancel(&world.pipeline, &tenant, &file, &world.err), DM_OK);
        break;
    case WORLD_AGGREGATING:
        end_all(&file, WORLD_PAGES);
        take_result(&file);
        break;
    case WORLD_FULL:
    case WORLD_PARTIAL:
    case WORLD_SOURCE_GONE:
    case WORLD_PAGES_GONE:
    case WORLD_RESULT_GONE:
        end_all(&file, status == WORLD_FULL ? WORLD_PAGES : WORLD_PAGES - 1);
        keep_result(&file);
        if (gone[status])
            take_away(&file, gone[status]);
        break;
    case WORLD_FAILED_EARLY:
        claim = claim_split(&file);
        end_failed(&file, &claim);
        break;
    case WORLD_FAILED_LATE:
        end_all(&file, 0);
        take_result(&file);
        end_failed(&file, NULL);
        break;
    case WORLD_DELETED:
        assert_int_equal(dm_document_delete(&world.pipeline, &tenant, &file, &world.err), DM_OK);
        break;
    case WORLD_PENDING:
    case WORLD_OTHERS:
    case WORLD_UNKNOWN:
    case WORLD_STATUS_COUNT:
        break;
    }
    return file;
}
