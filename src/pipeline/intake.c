/* intake.c: a document comes in.
 *
 * Order is everything here: the bytes are durable under their final key before the transaction that accepts the
 * document, and that transaction is durable before anybody hears of it. A crash between the two leaves bytes that
 * nothing names, for the blob backend to remove, never a document without bytes. */
#include "base/encode.h"
#include "base/json.h"
#include "base/log.h"
#include "domain/limits.h"
#include "step.h"

enum dm_code dm_spool_open(struct dm_blob blob, struct dm_spool *ret, struct dm_err *err)
{
    struct dm_sink *sink = NULL;
    enum dm_code rc = dm_sink_create(blob, DM_SINK_INTAKE, &sink, err);
    if (rc == DM_OK)
        *ret = (struct dm_spool){ .blob = blob, .sink = sink, .head = dm_buf_make(DM_MEDIA_HEAD) };
    return rc;
}

enum dm_code dm_spool_write(struct dm_spool *spool, struct dm_str bytes, uint64_t max_bytes, struct dm_err *err)
{
    if (bytes.len > max_bytes || spool->size_bytes > max_bytes - bytes.len)
        return dm_fail(err, DM_TOO_LARGE, "the file is over %llu bytes (MAX_FILE_MB)", (unsigned long long)max_bytes);
    if (spool->head.len < DM_MEDIA_HEAD)
        dm_buf_add(&spool->head, dm_str_cut(bytes, 0, DM_MEDIA_HEAD - spool->head.len));
    if (spool->head.failed)
        return dm_fail_memory(err);
    enum dm_code rc = dm_sink_write(spool->blob, spool->sink, bytes, err);
    if (rc == DM_OK)
        spool->size_bytes += bytes.len;
    return rc;
}

void dm_spool_free(struct dm_spool *spool)
{
    dm_sink_abandon(spool->blob, spool->sink);
    spool->sink = NULL;
    dm_buf_free(&spool->head);
}

static enum dm_code check_intake(const struct dm_intake *intake, const struct dm_spool *spool, struct dm_err *err)
{
    if (spool->size_bytes == 0)
        return dm_fail(err, DM_INVALID, "file: the file is empty");
    if (intake->name.len > DM_NAME_MAX)
        return dm_fail(err, DM_INVALID, "fileName: over %d bytes", DM_NAME_MAX);
    if (intake->metadata.len > DM_METADATA_MAX)
        return dm_fail(err, DM_INVALID, "metadata: over %d bytes", DM_METADATA_MAX);
    if (intake->password.len > DM_PASSWORD_MAX)
        return dm_fail(err, DM_INVALID, "password: over %d bytes", DM_PASSWORD_MAX);
    if (intake->priority > DM_PRIORITY_MAX)
        return dm_fail(err, DM_INVALID, "priority: 0 (first) to %d (last)", DM_PRIORITY_MAX);
    return DM_OK;
}

static enum dm_code describe(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                             const struct dm_intake *intake, const struct dm_spool *spool, struct dm_arena *arena,
                             struct dm_document *ret, struct dm_err *err)
{
    struct dm_document document = { .format = DM_FORMAT,
                                    .name = intake->name,
                                    .size_bytes = spool->size_bytes,
                                    .metadata = intake->metadata,
                                    .pages = intake->pages,
                                    .model = dm_str_z(pipeline->ports.model.name),
                                    .priority = intake->priority };
    enum dm_code rc =
        dm_media_detect(dm_buf_str(&spool->head), intake->name, intake->declared_type, &document.media, err);
    if (rc != DM_OK)
        return rc;
    if (intake->name.len == 0)
        document.name = dm_arena_fmt(arena, "document%s", dm_media_extension(document.media));
    if (intake->password.len > 0) {
        DM_AUTO(dm_buf) sealed = dm_buf_make(4096);
        rc = dm_secrets_seal(pipeline->ports.secrets, tenant, "document-password", intake->password, &sealed, err);
        if (rc != DM_OK)
            return rc;
        document.password = dm_arena_str(arena, dm_buf_str(&sealed));
    }
    if (!document.name.at || (intake->password.len && !document.password.at))
        return dm_fail_memory(err);
    *ret = document;
    return DM_OK;
}

/* What makes two uploads under one Idempotency-Key the same request. */
static enum dm_code fingerprint(const struct dm_pipeline *pipeline, const struct dm_document *document,
                                char ret[DM_SHA256_HEX], struct dm_err *err)
{
    DM_AUTO(dm_buf) text = dm_buf_make(DM_METADATA_MAX + DM_NAME_MAX + 16 * 1024);
    dm_buf_addf(&text, "%s|%u|%.*s|", document->sha256, document->priority, DM_STR_ARG(document->pages));
    dm_buf_add_json_string(&text, document->name);
    dm_buf_add(&text, document->metadata);
    enum dm_code rc = dm_buf_check(&text, "the request", err);
    unsigned char mac[DM_MAC_BYTES];
    if (rc == DM_OK)
        rc = dm_secrets_mac(pipeline->ports.secrets, "idempotency", dm_buf_str(&text), mac, err);
    if (rc != DM_OK)
        return rc;
    dm_hex_text(mac, sizeof(mac), ret);
    return DM_OK;
}

/* Whether the key was used before: DM_OK with the document of then, DM_EXISTS for another request, DM_NOT_FOUND where
 * it is free. */
static enum dm_code replay(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                           const struct dm_idem *mine, struct dm_arena *arena, struct dm_file *ret_file,
                           struct dm_err *err)
{
    struct dm_idem used;
    enum dm_code rc =
        dm_store_idem(pipeline->ports.store, tenant, mine->key, dm_wall_ms(pipeline->ports.runtime), arena, &used, err);
    if (rc != DM_OK)
        return rc;
    if (!dm_str_eq(dm_str_z(used.request), dm_str_z(mine->request)))
        return dm_fail(err, DM_EXISTS,
                       "Idempotency-Key: used before for another upload; take a new key for a new document");
    *ret_file = used.file;
    return DM_OK;
}

/* `*ret_used`: the Idempotency-Key has been used (DM_CONFLICT). Other conflicts are a busy store's, and pass.
 * `*ret_asked`: the store was asked to accept it. */
static enum dm_code accept_kept(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                                const struct dm_file *file, const struct dm_document *document,
                                const struct dm_idem *idem, struct dm_arena *arena, bool *ret_used, bool *ret_asked,
                                struct dm_err *err)
{
    for (unsigned tries = 0;; tries++) {
        const struct dm_ledger_context context = dm_step_context(pipeline, arena);
        struct dm_change change;
        enum dm_code rc = dm_ledger_accept(&context, document, &change, err);
        if (rc != DM_OK)
            return rc;
        if (idem) {
            change.transaction.idem = idem;
            change.transaction.now_ms = context.now_ms;
        }
        *ret_asked = true;
        rc = dm_step_commit(pipeline, tenant, file, &change, err);
        *ret_used = rc == DM_CONFLICT && change.transaction.ret_conflict == DM_CONFLICT_IDEM;
        if (rc != DM_CONFLICT || *ret_used)
            return rc;
        if (tries + 1 == DM_STEP_TRIES_MAX)
            return dm_fail(err, DM_BUSY, "the store is too busy to take the document now");
        *ret_asked = false; /* and was told that it was not */
        dm_step_backoff(pipeline, tries);
    }
}

static void remove_source(struct dm_blob blob, const struct dm_tenant *tenant, const struct dm_blob_key *key)
{
    struct dm_err err;
    if (dm_blob_remove(blob, tenant, dm_str_z(key->text), &err) != DM_OK)
        dm_log(DM_LOG_WARN, DM_EV_STAGE_ERROR, dm_f_z("stage", "intake"), dm_f_z("error", err.text));
}

enum dm_code dm_intake_accept(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                              const struct dm_intake *intake, struct dm_spool *spool, struct dm_file *ret_file,
                              bool *ret_replayed, struct dm_err *err)
{
    DM_AUTO(dm_arena) arena = dm_arena_make(DM_STEP_ARENA_MAX);
    struct dm_document document = { 0 };
    enum dm_code rc = check_intake(intake, spool, err);
    if (rc == DM_OK)
        rc = describe(pipeline, tenant, intake, spool, &arena, &document, err);
    if (rc != DM_OK)
        return rc;
    struct dm_file file;
    dm_fresh_id(pipeline->ports.runtime, file.id);
    struct dm_blob blob = pipeline->ports.blob;
    const struct dm_blob_key key = dm_key_source(&file);
    struct dm_blob_info info = { 0 };
    struct dm_sink *sink = spool->sink;
    spool->sink = NULL; /* finish takes it, whatever the answer */
    rc = dm_sink_finish(blob, sink, tenant, dm_str_z(key.text), DM_KEPT, &info, err);
    if (rc != DM_OK) {
        remove_source(blob, tenant, &key); /* it may have got its name, and failed to keep it */
        return rc;
    }
    __builtin_memcpy(document.sha256, info.sha256, sizeof(document.sha256));
    struct dm_idem idem = { .key = intake->idempotency_key,
                            .file = file,
                            .expires_ms = dm_wall_ms(pipeline->ports.runtime) + DM_IDEM_KEEP_MS };
    bool keyed = idem.key.len > 0;
    bool asked = false; /* the store, to accept it */
    if (keyed)
        rc = fingerprint(pipeline, &document, idem.request, err);
    bool used = false;
    if (rc == DM_OK)
        rc = accept_kept(pipeline, tenant, &file, &document, keyed ? &idem : NULL, &arena, &used, &asked, err);
    /* Where the answer of the store was lost the document may exist: its bytes must stay. */
    bool refused = !asked || used || rc == DM_NO_SPACE || rc == DM_BUSY || rc == DM_INVALID;
    struct dm_file before = file;
    bool replayed = false;
    if (used) {
        rc = replay(pipeline, tenant, &idem, &arena, &before, err);
        replayed = rc == DM_OK;
    }
    if (rc != DM_OK || replayed) {
        if (refused)
            remove_source(blob, tenant, &key);
        if (rc != DM_OK)
            return rc;
        file = before;
    }
    dm_hint(pipeline, tenant, &file);
    if (!replayed)
        dm_log(DM_LOG_INFO, DM_EV_DOCUMENT_ACCEPTED, dm_f_z("tenant", tenant->id), dm_f_z("file", file.id),
               dm_f_z("type", dm_media_type(document.media)), dm_f_int("bytes", (int64_t)document.size_bytes));
    *ret_file = file;
    *ret_replayed = replayed;
    return DM_OK;
}
