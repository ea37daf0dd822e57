/* document_reader.c: the checking callers of the reader port. */
#include "ports/document_reader.h"

#include "base/alloc.h"
#include "base/check.h"

void dm_page_content_free(struct dm_page_content *content)
{
    dm_buf_free(&content->text);
    dm_buf_free(&content->image);
    dm_buf_free(&content->pdf);
    dm_free(content->lines);
    *content = (struct dm_page_content){ 0 };
}

enum dm_code dm_reader_open(struct dm_reader reader, const struct dm_tenant *tenant, const struct dm_source *source,
                            struct dm_reader_handle **ret, uint32_t *ret_pages, struct dm_err *err)
{
    DM_CHECK(source->fd >= 0 && source->media > DM_MEDIA_NONE && source->media < DM_MEDIA_COUNT);
    struct dm_reader_handle *handle = NULL;
    uint32_t pages = 0;
    enum dm_code rc = reader.ops->open(reader.self, tenant, source, &handle, &pages, err);
    if (rc != DM_OK)
        return rc;
    DM_CHECK(handle && pages > 0);
    *ret = handle;
    *ret_pages = pages;
    return DM_OK;
}

enum dm_code dm_reader_page(struct dm_reader reader, struct dm_reader_handle *handle, uint32_t page,
                            const struct dm_page_want *want, struct dm_page_content *ret, struct dm_err *err)
{
    DM_CHECK(page >= 1);
    if (want->image_long_edge > 4096)
        return dm_fail(err, DM_INVALID, "a picture of a page has at most 4096 pixels on its longer edge");
    return reader.ops->page(reader.self, handle, page, want, ret, err);
}

void dm_reader_close(struct dm_reader reader, struct dm_reader_handle *handle)
{
    if (handle)
        reader.ops->close(reader.self, handle);
}

void dm_reader_interrupt(struct dm_reader reader)
{
    reader.ops->interrupt(reader.self);
}

enum dm_code dm_reader_check(struct dm_reader reader, struct dm_err *err)
{
    return reader.ops->check(reader.self, err);
}
