/* judge_blobs.c: blobs as they are written, and what clients are told. */
#include "judge.h"

#include <stdlib.h>

#include "base/json.h"

/* ---- blobs ---- */

/* What is kept of a page can be read again. */
static void judge_line(struct sim *sim, const struct verdict *verdict, struct dm_str line)
{
    const struct dm_allocator *before = dm_allocator_use(NULL);
    json_t *object = NULL;
    struct dm_err err;
    if (dm_json_parse(line, "a line", &object, &err) != DM_OK)
        sim_fail(sim, "invariant 4: a segment of document %u has a line that is no JSON: %.*s", verdict->script.number,
                 DM_STR_ARG(line));
    json_decref(object);
    dm_allocator_use(before);
}

void judge_segment(struct sim *sim, const struct dm_tenant *tenant, struct dm_str key, struct dm_str bytes)
{
    uint32_t epoch = dm_key_segment_epoch(key);
    struct dm_file file;
    bool reduction = dm_str_find(key, DM_STR("/reduction-")) < key.len;
    if ((epoch == 0 && !reduction) ||
        dm_file_parse(dm_str_cut(key, 0, dm_str_find_char(key, '/')), &file, NULL) != DM_OK)
        return;
    struct memory_document *document = judge_find(sim, tenant, &file);
    if (!document)
        return;
    struct verdict *verdict = judge_verdict(sim, document);
    if (reduction) {
        verdict->reduction_put_epoch = verdict->epoch;
        verdict->reduction_put_us = sim->now_us;
        return;
    }
    struct dm_str line;
    while (dm_str_next(&bytes, '\n', &line)) {
        const struct dm_str mark = DM_STR("{\"pageNumber\":");
        if (!dm_str_starts(line, mark))
            continue;
        judge_line(sim, verdict, line);
        verdict->segments =
            judge_grow(verdict->segments, verdict->segment_count, &verdict->segment_room, sizeof(*verdict->segments));
        verdict->segments[verdict->segment_count++] =
            (struct seen_segment){ (uint32_t)strtoul(line.at + mark.len, NULL, 10), epoch, sim->now_us };
    }
}

struct owner_check {
    struct dm_file file;
    const struct dm_tenant *tenant;
    bool foreign;
};

static void check_owner(void *context, struct memory_document *document)
{
    struct owner_check *check = context;
    if (dm_file_eq(&document->file, &check->file) && !dm_tenant_eq(&document->tenant, check->tenant))
        check->foreign = true;
}

void judge_blob(struct sim *sim, const struct dm_tenant *tenant, struct dm_str key)
{
    struct owner_check check = { .tenant = tenant };
    if (dm_file_parse(dm_str_cut(key, 0, dm_str_find_char(key, '/')), &check.file, NULL) != DM_OK) {
        sim_fail(sim, "a blob is called %.*s", DM_STR_ARG(key));
        return;
    }
    memory_store_each(sim->store, check_owner, &check);
    if (check.foreign)
        sim_fail(sim, "invariant 6: %s asks for %.*s, which is another tenant's", tenant->id, DM_STR_ARG(key));
}

/* ---- acknowledgements ---- */

void judge_upload_accepted(struct sim *sim, const struct script *script, const struct dm_tenant *tenant,
                           const struct dm_file *file)
{
    struct memory_document *document = judge_find(sim, tenant, file);
    const struct dm_blob_key key = dm_key_source(file);
    struct dm_str bytes;
    char text[512];
    script_text(script, text, sizeof(text));
    if (!document) {
        sim_fail(sim, "invariant 1: document %u was accepted and is not in the ledger", script->number);
        return;
    }
    struct verdict *verdict = judge_verdict(sim, document);
    verdict->accepted = true;
    if (verdict->script.number != script->number)
        sim_fail(sim, "invariant 1: the upload of document %u is answered with document %u", script->number,
                 verdict->script.number);
    if (!document->state.gone && !document->document.deleted_ms &&
        (!memory_blob_find(sim->blob, tenant, dm_str_z(key.text), &bytes) || !dm_str_eq(bytes, dm_str_z(text))))
        sim_fail(sim, "invariant 1: document %u was accepted and its bytes are not there", script->number);
}

void judge_stopped(struct sim *sim, const struct dm_tenant *tenant, const struct dm_file *file)
{
    struct memory_document *document = judge_find(sim, tenant, file);
    if (!document)
        return;
    struct verdict *verdict = judge_verdict(sim, document);
    if (!verdict->stopped_us)
        verdict->stopped_us = sim->now_us;
    if (!dm_status_is_final(document->state.status))
        sim_fail(sim, "invariant 7: document %u was stopped and is %s", verdict->script.number,
                 dm_status_text(document->state.status));
}
