/* media.h: the kinds of document that docmill reads, told by their first bytes. */
#ifndef DM_DOMAIN_MEDIA_H
#define DM_DOMAIN_MEDIA_H

#include "base/err.h"
#include "base/str.h"

#define DM_MEDIA(X) /* name, media type, extension, what people call it */                                             \
    X(PDF, "application/pdf", ".pdf", "PDF")                                                                           \
    X(PNG, "image/png", ".png", "PNG")                                                                                 \
    X(JPEG, "image/jpeg", ".jpg", "JPEG")                                                                              \
    X(TIFF, "image/tiff", ".tif", "TIFF")                                                                              \
    X(EPUB, "application/epub+zip", ".epub", "EPUB")                                                                   \
    X(TEXT, "text/plain", ".txt", "plain text")

#define DM_MEDIA_ENUM(name, type, extension, people) DM_MEDIA_##name,
enum dm_media { DM_MEDIA_NONE = 0, DM_MEDIA(DM_MEDIA_ENUM) DM_MEDIA_COUNT };
#undef DM_MEDIA_ENUM

/* As many first bytes as dm_media_detect may want; a shorter document gives what it has. */
enum { DM_MEDIA_HEAD = 4096 };

/* Decides by the first bytes. PDF: "%PDF-" within 1,024 bytes. Plain text only where the name ends in .txt or .md or
 * the declared type is text/plain or text/markdown, and the bytes are UTF-8 or Latin text without NUL. `declared` may
 * be empty or application/octet-stream. DM_UNSUPPORTED, naming the kinds that are read, for anything else and where the
 * bytes belie the declared type. */
DM_MUST_USE enum dm_code dm_media_detect(struct dm_str head, struct dm_str name, struct dm_str declared,
                                         enum dm_media *ret_media, struct dm_err *err);
const char *dm_media_type(enum dm_media media);                    /* "application/pdf" */
const char *dm_media_extension(enum dm_media media);               /* ".pdf" */
bool dm_media_parse(struct dm_str type, enum dm_media *ret_media); /* from "application/pdf"; parameters are ignored */

#endif
