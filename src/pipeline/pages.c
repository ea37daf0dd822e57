/* pages.c: the ledger of a document's pages as a reader sees it, a page's line of its segment, a page's picture. */
#include "base/arena.h"
#include "domain/limits.h"
#include "step.h"

enum dm_code dm_document_pages(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                               const struct dm_file *file, const struct dm_snapshot *snapshot, uint32_t first,
                               uint32_t max, struct dm_arena *arena, struct dm_page_views *ret, struct dm_err *err)
{
    uint32_t total = snapshot->state.total;
    if (first < 1 || first > total) {
        *ret = (struct dm_page_views){ 0 };
        return DM_OK;
    }
    uint32_t count = total - first + 1 < max ? total - first + 1 : max;
    struct dm_page_views views = { dm_arena_array(arena, count, sizeof(*views.at)), count };
    if (!views.at)
        return dm_fail_memory(err);
    struct dm_page_list records = { 0 };
    enum dm_code rc =
        dm_store_pages(pipeline->ports.store, tenant, file, first, first + count - 1, count, arena, &records, err);
    if (rc != DM_OK)
        return rc;
    uint32_t next = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct dm_page_view *view = &views.at[i];
        view->number = first + i;
        const struct dm_page *record = NULL;
        if (next < records.count && records.at[next].number == view->number)
            record = &records.at[next++];
        view->status = dm_ledger_page_status(&snapshot->state, &snapshot->work, view->number, record);
        /* A page that is read again shows nothing of its former reading. */
        if (view->status != DM_PAGE_PENDING)
            view->record = record;
    }
    *ret = views;
    return DM_OK;
}

enum dm_code dm_page_line(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                          const struct dm_state *state, const struct dm_page *page, struct dm_buf *ret,
                          struct dm_err *err)
{
    if (state->gone & DM_GONE_PAGES)
        return dm_fail(err, DM_GONE, "retention took the document's pages; its result may still be there");
    if (page->length == 0)
        return dm_fail(err, DM_NOT_FOUND, "page %u has no analysis", page->number);
    return dm_blob_get(pipeline->ports.blob, tenant, page->segment, page->offset, page->length, ret, err);
}

/* The document opened for reading, with what must be closed and freed after it. */
struct opened {
    int fd;
    struct dm_reader_handle *handle;
    struct dm_buf password;
};

static enum dm_code open_source(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                                const struct dm_file *file, const struct dm_document *document, struct opened *ret,
                                struct dm_err *err)
{
    const struct dm_blob_key key = dm_key_source(file);
    struct dm_blob_info info;
    enum dm_code rc = dm_blob_open(pipeline->ports.blob, tenant, dm_str_z(key.text), &ret->fd, &info, err);
    if (rc != DM_OK)
        return rc;
    if (document->password.len)
        rc = dm_secrets_open(pipeline->ports.secrets, tenant, "document-password", document->password, &ret->password,
                             err);
    const struct dm_source source = { ret->fd, document->media, dm_buf_str(&ret->password) };
    uint32_t pages;
    if (rc == DM_OK)
        rc = dm_reader_open(pipeline->ports.reader, tenant, &source, &ret->handle, &pages, err);
    return rc;
}

static void close_source(const struct dm_pipeline *pipeline, struct opened *opened)
{
    dm_reader_close(pipeline->ports.reader, opened->handle);
    dm_blob_close(opened->fd);
    dm_buf_free(&opened->password);
}

static enum dm_code render(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                           const struct dm_file *file, const struct dm_document *document, uint32_t page,
                           const struct dm_page_want *want, struct dm_buf *ret, struct dm_err *err)
{
    struct opened opened = { .fd = -1, .password = dm_buf_make(DM_PASSWORD_MAX) };
    struct dm_page_content content = { 0 };
    enum dm_code rc = open_source(pipeline, tenant, file, document, &opened, err);
    if (rc == DM_OK)
        rc = dm_reader_page(pipeline->ports.reader, opened.handle, page, want, &content, err);
    /* A timeout would tell whoever asks that trying again helps; it is the document that takes so long. */
    if (rc == DM_TIMEOUT)
        rc = dm_fail(err, DM_DAMAGED, "page %u cannot be drawn within the time that a page may take", page);
    if (rc == DM_OK)
        *ret = dm_buf_move(&content.image);
    dm_page_content_free(&content);
    close_source(pipeline, &opened);
    return rc;
}

static enum dm_code keep_image(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant, struct dm_str key,
                               struct dm_str image, struct dm_err *err)
{
    struct dm_sink *sink;
    struct dm_blob blob = pipeline->ports.blob;
    enum dm_code rc = dm_sink_create(blob, DM_SINK_WORK, &sink, err);
    if (rc != DM_OK)
        return rc;
    rc = dm_sink_write(blob, sink, image, err);
    if (rc != DM_OK) {
        dm_sink_abandon(blob, sink);
        return rc;
    }
    struct dm_blob_info info;
    return dm_sink_finish(blob, sink, tenant, key, DM_DERIVED, &info, err);
}

enum dm_code dm_page_image(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                           const struct dm_file *file, const struct dm_snapshot *snapshot, uint32_t page,
                           uint32_t long_edge, enum dm_media media, int *ret_fd, uint64_t *ret_size, struct dm_err *err)
{
    if (snapshot->state.gone & DM_GONE_SOURCE)
        return dm_fail(err, DM_GONE, "retention took the document's bytes");
    if (page < 1 || page > snapshot->state.total)
        return dm_fail(err, DM_NOT_FOUND, "the document has %u pages", snapshot->state.total);
    const struct dm_blob_key key = dm_key_image(file, page, long_edge, media);
    struct dm_blob_info info;
    struct dm_blob blob = pipeline->ports.blob;
    enum dm_code rc = dm_blob_open(blob, tenant, dm_str_z(key.text), ret_fd, &info, err);
    if (rc == DM_NOT_FOUND) {
        const struct dm_page_want want = { .image_long_edge = long_edge, .image_media = media };
        DM_AUTO(dm_buf) image = { 0 };
        rc = render(pipeline, tenant, file, &snapshot->document, page, &want, &image, err);
        if (rc == DM_OK)
            rc = keep_image(pipeline, tenant, dm_str_z(key.text), dm_buf_str(&image), err);
        if (rc == DM_OK)
            rc = dm_blob_open(blob, tenant, dm_str_z(key.text), ret_fd, &info, err);
    }
    if (rc == DM_OK)
        *ret_size = info.size_bytes;
    return rc;
}
