/* upload.c: a document on its way in.
 *
 * The bytes go to a spool as they come, whether they are the body itself or the `file` part of a form; the spool
 * belongs to nobody until intake takes it, so it does not matter when the tenant is named. Whatever ends the
 * exchange early, dm_upload_free leaves nothing on disk. */
#include "base/json.h"
#include "answer.h"
#include "handlers.h"
#include "multipart.h"
#include "views.h"

enum { FIELD_MAX = 70 * 1024, KEY_MAX = 255, UPLOADS_MAX = 256 };

struct dm_upload {
    struct dm_spool spool;
    struct dm_multipart form;
    bool counted; /* among those on their way */
    bool is_form;
    bool has_file;

    enum { PART_IGNORED, PART_FILE, PART_FIELD } part;
    enum dm_param field; /* of PART_FIELD */
    struct dm_buf text;  /* its value so far */
    struct dm_str name;
    struct dm_str type;
    struct dm_str key; /* Idempotency-Key with its route; may be empty */

    bool accepted;
    bool replayed;
    bool sync;
    int64_t deadline_mono_ms;
    struct dm_file file;
};

static void leave(struct dm_exchange *x)
{
    if (x->upload->counted)
        atomic_fetch_sub(&x->api->uploads, 1);
    x->upload->counted = false;
}

void dm_upload_free(struct dm_exchange *x)
{
    struct dm_upload *upload = x->upload;
    if (!upload)
        return;
    if (upload->spool.sink)
        dm_spool_free(&upload->spool);
    dm_buf_free(&upload->spool.head);
    dm_multipart_free(&upload->form);
    dm_buf_free(&upload->text);
    leave(x);
    x->upload = NULL; /* its memory is the arena's */
}

/* ---- the parts of a form --------------------------------------------------------------------------------- */

static void take_file(struct dm_exchange *x, const struct dm_part *part)
{
    struct dm_upload *upload = x->upload;
    struct dm_param_value name;
    struct dm_err err;
    if (upload->has_file) {
        dm_wrong(x, DM_STR("file"), "is given more than once; send one document a request");
        return;
    }
    upload->has_file = true;
    upload->part = PART_FILE;
    upload->name = dm_arena_str(&x->arena, part->filename);
    upload->type = dm_arena_str(&x->arena, dm_media_bare(part->type));
    if (upload->name.len && dm_param_parse(DM_PARAM_FILE_NAME, upload->name, &x->arena, &name, &err) != DM_OK)
        dm_wrong(x, DM_STR("file"), "its name %s", err.text);
}

static void on_part(void *self, const struct dm_part *part)
{
    struct dm_exchange *x = self;
    struct dm_upload *upload = x->upload;
    enum dm_param param;
    upload->part = PART_IGNORED;
    if (!dm_param_find(part->name, x->route->fields, &param)) {
        dm_params_unknown(x, part->name, x->route->fields, DM_FROM_FORM);
    } else if (param == DM_PARAM_FILE) {
        take_file(x, part);
    } else {
        upload->part = PART_FIELD;
        upload->field = param;
        dm_buf_clear(&upload->text);
    }
}

/* What is already wrong needs no place on disk. */
static void keep(struct dm_exchange *x, struct dm_str bytes)
{
    struct dm_err err;
    if (x->wrong_count == 0 && dm_spool_write(&x->upload->spool, bytes, x->api->options.file_bytes_max, &err) != DM_OK)
        dm_refuse_code(x, &err);
}

static void on_part_data(void *self, struct dm_str bytes)
{
    struct dm_exchange *x = self;
    if (x->refused)
        return;
    if (x->upload->part == PART_FILE)
        keep(x, bytes);
    else if (x->upload->part == PART_FIELD)
        dm_buf_add(&x->upload->text, bytes);
}

static void on_part_end(void *self)
{
    struct dm_exchange *x = self;
    struct dm_upload *upload = x->upload;
    if (x->refused || upload->part != PART_FIELD)
        return;
    if (upload->text.failed)
        dm_wrong(x, dm_str_z(dm_param_row(upload->field)->name), "is over %d bytes", FIELD_MAX);
    else
        dm_params_set(x, upload->field, dm_buf_str(&upload->text), DM_FROM_FORM);
}

static const struct dm_multipart_ops form_ops = { on_part, on_part_data, on_part_end };

/* ---- before the body ------------------------------------------------------------------------------------- */

/* A structured-field string, or bare as most clients send it. */
static void take_key(struct dm_exchange *x)
{
    struct dm_str key = dm_head_get(&x->head, DM_STR("idempotency-key"));
    if (!key.len)
        return;
    if (key.len >= 2 && key.at[0] == '"' && key.at[key.len - 1] == '"')
        key = dm_str_cut(key, 1, key.len - 2);
    bool valid = key.len >= 1 && key.len <= KEY_MAX;
    for (size_t i = 0; valid && i < key.len; i++)
        valid = (unsigned char)key.at[i] > 0x20 && (unsigned char)key.at[i] < 0x7f;
    if (!valid)
        dm_wrong(x, DM_STR("Idempotency-Key"), "must be 1 to %d visible ASCII characters, best a random UUID", KEY_MAX);
    else
        x->upload->key = dm_arena_fmt(&x->arena, "POST /upload %.*s", DM_STR_ARG(key));
}

/* What the body is: a form, or the document itself. */
static bool judge_type(struct dm_exchange *x)
{
    struct dm_upload *upload = x->upload;
    struct dm_str type = dm_head_get(&x->head, DM_STR("content-type"));
    struct dm_str bare = dm_media_bare(type);
    enum dm_media media;
    struct dm_err err;
    upload->is_form = dm_str_eq_nocase(bare, DM_STR("multipart/form-data"));
    if (upload->is_form) {
        if (dm_multipart_start(&upload->form, type, &form_ops, x, &err) == DM_OK)
            return true;
        dm_refuse(x, DM_PROBLEM_MALFORMED, "%s", err.text);
        return false;
    }
    if (dm_str_eq_nocase(bare, DM_STR("application/x-www-form-urlencoded")) ||
        (!x->params[DM_PARAM_FILE_NAME].given && x->wrong_count == 0 && !dm_media_parse(bare, &media))) {
        dm_refuse(x, DM_PROBLEM_UNSUPPORTED_BODY,
                  "Send multipart/form-data with a part `file`, or the document itself with ?fileName= in the query.");
        return false;
    }
    upload->type = bare;
    upload->name = x->params[DM_PARAM_FILE_NAME].text;
    upload->has_file = true;
    return true;
}

static bool judge_size(struct dm_exchange *x)
{
    uint64_t most = x->api->options.file_bytes_max + (x->upload->is_form ? DM_FORM_OVERHEAD : 0);
    if (x->head.body_bytes <= 0 || (uint64_t)x->head.body_bytes <= most)
        return true;
    DM_AUTO(dm_buf) limit = dm_buf_make(64);
    dm_buf_addf(&limit, ",\"limitBytes\":%llu", (unsigned long long)x->api->options.file_bytes_max);
    dm_refuse_with(x, DM_PROBLEM_TOO_LARGE, 0, dm_buf_str(&limit),
                   "The upload has %lld bytes; a file may have %llu (MAX_FILE_MB).", (long long)x->head.body_bytes,
                   (unsigned long long)x->api->options.file_bytes_max);
    return false;
}

static bool enter(struct dm_exchange *x)
{
    uint32_t most = x->api->options.uploads_max ? x->api->options.uploads_max : UPLOADS_MAX;
    x->upload->counted = true;
    if (atomic_fetch_add(&x->api->uploads, 1) < most)
        return true;
    dm_refuse(x, DM_PROBLEM_OVERLOADED, "%u uploads are on their way already; try again shortly.", most);
    return false;
}

bool dm_upload_admit(struct dm_exchange *x)
{
    struct dm_err err;
    if (atomic_load(&x->api->draining)) {
        dm_refuse(x, DM_PROBLEM_DRAINING, "The server is shutting down and takes nothing new; try again shortly.");
        return false;
    }
    x->upload = dm_arena_alloc(&x->arena, sizeof(*x->upload));
    if (!x->upload) {
        dm_fail_memory(&err);
        dm_refuse_code(x, &err);
        return false;
    }
    x->upload->text = dm_buf_make(FIELD_MAX);
    x->next_inline = false;
    take_key(x);
    struct dm_str password = dm_head_get(&x->head, DM_STR("x-document-password"));
    if (password.len)
        dm_params_set(x, DM_PARAM_PASSWORD, password, DM_FROM_HEADER);
    if (!judge_type(x) || !judge_size(x))
        return false;
    if (x->head.body_bytes == 0)
        dm_wrong(x, DM_STR("file"), "the request has no body");
    /* Beside a raw body all options stand in the head; of a form more may turn out to be wrong. */
    if (x->wrong_count && (!x->upload->is_form || x->head.body_bytes == 0)) {
        dm_refuse_wrong(x);
        return false;
    }
    if (!enter(x))
        return false;
    if (dm_spool_open(x->api->pipeline->ports.blob, &x->upload->spool, &err) == DM_OK)
        return true;
    dm_refuse_code(x, &err);
    return false;
}

/* ---- the body ------------------------------------------------------------------------------------------------ */

void dm_upload_body(struct dm_exchange *x, struct dm_str bytes)
{
    struct dm_err err;
    if (!x->upload->is_form)
        keep(x, bytes);
    else if (dm_multipart_feed(&x->upload->form, bytes, &err) != DM_OK && !x->refused)
        dm_refuse(x, DM_PROBLEM_MALFORMED, "%s.", err.text);
}

bool dm_upload_end(struct dm_exchange *x)
{
    struct dm_upload *upload = x->upload;
    struct dm_err err;
    if (upload->is_form && dm_multipart_finish(&upload->form, &err) != DM_OK) {
        dm_refuse(x, DM_PROBLEM_MALFORMED, "%s.", err.text);
        return false;
    }
    if (!upload->has_file)
        dm_wrong(x, DM_STR("file"), "is missing: send the document as a part of that name");
    else if (x->wrong_count == 0 && upload->spool.size_bytes == 0)
        dm_wrong(x, DM_STR("file"), "is empty");
    return true;
}

/* ---- the finished upload --------------------------------------------------------------------------------- */

static enum dm_code accept_upload(struct dm_exchange *x, struct dm_err *err)
{
    struct dm_upload *upload = x->upload;
    const struct dm_intake intake = {
        .name = upload->name,
        .declared_type = upload->type,
        .metadata = x->params[DM_PARAM_METADATA].text,
        .pages = x->params[DM_PARAM_PAGES].text,
        .password = x->params[DM_PARAM_PASSWORD].text,
        .priority = (uint32_t)dm_params_number(x, DM_PARAM_PRIORITY),
        .idempotency_key = upload->key,
    };
    uint64_t size = upload->spool.size_bytes;
    enum dm_code rc =
        dm_intake_accept(x->api->pipeline, &x->tenant, &intake, &upload->spool, &upload->file, &upload->replayed, err);
    if (rc != DM_OK)
        return rc;
    leave(x);
    upload->accepted = true;
    upload->sync = x->api->options.sync_bytes_max > 0 && size <= x->api->options.sync_bytes_max;
    upload->deadline_mono_ms = dm_mono_ms(dm_runtime_of(x)) + x->api->options.sync_wait_ms;
    return DM_OK;
}

static void add_job_url(struct dm_exchange *x, struct dm_buf *buf, const char *rest)
{
    dm_add_base_url(x, buf);
    DM_LIT(buf, "/api/jobs/");
    dm_buf_add_z(buf, x->upload->file.id);
    dm_buf_add_z(buf, rest);
}

/* `snapshot` NULL: accepted, and not waited for to its end. */
static enum dm_next answer_accepted(struct dm_exchange *x, const struct dm_snapshot *snapshot)
{
    const struct dm_upload *upload = x->upload;
    struct dm_buf *out = &x->out;
    DM_AUTO(dm_buf) location = dm_buf_make(DM_HEAD_MAX);
    if (snapshot)
        DM_LIT(out, "{\"message\":\"The document was read.\"");
    else
        DM_LIT(out, "{\"message\":\"The document was accepted and is being read.\"");
    DM_LIT(out, ",\"fileId\":\"");
    dm_buf_add_z(out, upload->file.id);
    DM_LIT(out, "\",\"status\":\"uploaded\",\"processingType\":\"");
    dm_buf_add_z(out, upload->sync ? "sync\"" : "async\"");
    if (snapshot) {
        DM_LIT(out, ",\"job\":");
        dm_add_job(x, &upload->file, snapshot);
    }
    if (snapshot && snapshot->state.result_epoch) {
        DM_LIT(out, ",\"resultUrl\":\"");
        add_job_url(x, out, "/results\"");
    }
    DM_LIT(out, "}");
    add_job_url(x, &location, "");
    dm_answer_field(x, "Location", dm_arena_str(&x->arena, dm_buf_str(&location)).at);
    if (upload->replayed)
        dm_answer_field(x, "Idempotency-Replayed", "true");
    return dm_answer_json(x, snapshot ? 201 : 202);
}

/* What a client can do about a document that cannot be read; NULL: it is not the document's fault. */
static const char *remedy(enum dm_reason reason)
{
    static const struct {
        enum dm_reason reason;
        const char *remedy;
    } remedies[] = {
        { DM_REASON_ENCRYPTED, "Upload it again with its `password`." },
        { DM_REASON_NO_PAGES, "Check the file, and the pages named in `pages`." },
        { DM_REASON_TOO_LARGE, "Split it into smaller documents." },
        { DM_REASON_DAMAGED, "Save or print it anew, best as PDF, and upload that." },
        { DM_REASON_UNSUPPORTED, "Convert it to PDF and upload that." },
    };
    for (size_t i = 0; i < DM_COUNT(remedies); i++)
        if (remedies[i].reason == reason)
            return remedies[i].remedy;
    return NULL;
}

static enum dm_next answer_unreadable(struct dm_exchange *x, const struct dm_state *state)
{
    const char *why = state->detail[0] ? state->detail : dm_reason_meaning(state->reason);
    struct dm_str members = dm_arena_fmt(&x->arena, ",\"fileId\":\"%s\",\"reason\":\"%s\"", x->upload->file.id,
                                         dm_reason_text(state->reason));
    return dm_refuse_with(x, DM_PROBLEM_UNREADABLE, 0, members, "%s. %s", why, remedy(state->reason));
}

enum dm_next dm_on_upload(struct dm_exchange *x)
{
    struct dm_upload *upload = x->upload;
    struct dm_snapshot snapshot;
    struct dm_err err;
    if (!upload->accepted && accept_upload(x, &err) != DM_OK) {
        if (err.code == DM_EXISTS)
            return dm_refuse(x, DM_PROBLEM_KEY_REUSED, "%s.", err.text);
        return dm_refuse_code(x, &err);
    }
    bool in_time = dm_mono_ms(dm_runtime_of(x)) < upload->deadline_mono_ms && !atomic_load(&x->api->draining) &&
                   !dm_is_paused(x, &x->tenant);
    /* Accepted is accepted: where its state cannot be read just now, or somebody deleted it, that is still the answer. */
    if (!upload->sync || dm_document_read(x->api->pipeline, &x->tenant, &upload->file, DM_PART_DOCUMENT | DM_PART_STATE,
                                          &x->scratch, &snapshot, &err) != DM_OK)
        return answer_accepted(x, NULL);
    if (dm_status_is_final(snapshot.state.status)) {
        if (snapshot.state.status == DM_STATUS_FAILED && remedy(snapshot.state.reason))
            return answer_unreadable(x, &snapshot.state);
        return answer_accepted(x, &snapshot);
    }
    if (!in_time)
        return answer_accepted(x, NULL);
    x->next_inline = true;
    x->wait = (struct dm_wait){ .tenant = x->tenant,
                                .file = upload->file,
                                .after_version = snapshot.state.version,
                                .until_ended = true,
                                .deadline_mono_ms = upload->deadline_mono_ms };
    return DM_NEXT_WAIT;
}
