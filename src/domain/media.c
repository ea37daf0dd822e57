/* media.c: signatures of the formats. */
#include "domain/media.h"

#include <string.h>

#include "base/check.h"

static const struct {
    const char *type;
    const char *extension;
    const char *people;
} kinds[DM_MEDIA_COUNT] = { [DM_MEDIA_NONE] = { "application/octet-stream", "", "unknown bytes" },
#define DM_MEDIA_ROW(name, type, extension, people) [DM_MEDIA_##name] = { type, extension, people },
                            DM_MEDIA(DM_MEDIA_ROW)
#undef DM_MEDIA_ROW
};

const char *dm_media_type(enum dm_media media)
{
    DM_CHECK(media >= DM_MEDIA_NONE && media < DM_MEDIA_COUNT);
    return kinds[media].type;
}

const char *dm_media_extension(enum dm_media media)
{
    DM_CHECK(media >= DM_MEDIA_NONE && media < DM_MEDIA_COUNT);
    return kinds[media].extension;
}

bool dm_media_parse(struct dm_str type, enum dm_media *ret_media)
{
    struct dm_str bare = dm_str_trim(dm_str_cut(type, 0, dm_str_find_char(type, ';')));
    for (int i = DM_MEDIA_NONE + 1; i < DM_MEDIA_COUNT; i++) {
        if (!dm_str_eq_nocase(bare, dm_str_z(kinds[i].type)))
            continue;
        *ret_media = (enum dm_media)i;
        return true;
    }
    /* Names in use beside the registered ones. */
    if (dm_str_eq_nocase(bare, DM_STR("image/jpg")))
        *ret_media = DM_MEDIA_JPEG;
    else if (dm_str_eq_nocase(bare, DM_STR("application/x-pdf")))
        *ret_media = DM_MEDIA_PDF;
    else if (dm_str_eq_nocase(bare, DM_STR("text/markdown")))
        *ret_media = DM_MEDIA_TEXT;
    else
        return false;
    return true;
}

/* EPUB's container format: a zip whose first entry is named "mimetype", stored plain, with the type as content. */
static bool is_epub(struct dm_str head)
{
    return dm_str_starts(head, DM_STR("PK\x03\x04")) &&
           dm_str_starts(dm_str_from(head, 30), DM_STR("mimetypeapplication/epub+zip"));
}

static enum dm_media by_signature(struct dm_str head)
{
    struct dm_str first = dm_str_cut(head, 0, 1024);
    if (dm_str_find(first, DM_STR("%PDF-")) < first.len)
        return DM_MEDIA_PDF;
    if (dm_str_starts(head, DM_STR("\x89PNG\r\n\x1a\n")))
        return DM_MEDIA_PNG;
    if (dm_str_starts(head, DM_STR("\xff\xd8\xff")))
        return DM_MEDIA_JPEG;
    if (dm_str_starts(head, DM_STR("II*\0")) || dm_str_starts(head, DM_STR("MM\0*")))
        return DM_MEDIA_TIFF;
    return is_epub(head) ? DM_MEDIA_EPUB : DM_MEDIA_NONE;
}

/* No control characters but white space, form feed and escape-free Latin: what people save as text. */
static bool is_text(struct dm_str head)
{
    for (size_t i = 0; i < head.len; i++) {
        unsigned char c = (unsigned char)head.at[i];
        if (c < 0x20 && (c < '\t' || c > '\r'))
            return false;
        if (c == 0x7f)
            return false;
    }
    return true;
}

static bool named_text(struct dm_str name)
{
    static const struct dm_str endings[] = { DM_STR_INIT(".txt"), DM_STR_INIT(".md") };
    for (size_t i = 0; i < DM_COUNT(endings); i++)
        if (name.len > endings[i].len && dm_str_eq_nocase(dm_str_from(name, name.len - endings[i].len), endings[i]))
            return true;
    return false;
}

enum dm_code dm_media_detect(struct dm_str head, struct dm_str name, struct dm_str declared, enum dm_media *ret_media,
                             struct dm_err *err)
{
    static const char remedy[] =
        "docmill reads PDF, PNG, JPEG, TIFF, EPUB, and plain text whose name ends in .txt or .md";
    enum dm_media seen = by_signature(head);
    enum dm_media said = DM_MEDIA_NONE;
    bool has_said = dm_media_parse(declared, &said);
    if (seen == DM_MEDIA_NONE && (said == DM_MEDIA_TEXT || (!has_said && named_text(name))) && is_text(head))
        seen = DM_MEDIA_TEXT;
    if (seen == DM_MEDIA_NONE)
        return dm_fail(err, DM_UNSUPPORTED, "the first bytes are of no document kind that docmill knows; %s", remedy);
    if (has_said && said != seen)
        return dm_fail(err, DM_UNSUPPORTED,
                       "the upload says %s but its first bytes are %s; send the right type or none", kinds[said].type,
                       kinds[seen].people);
    *ret_media = seen;
    return DM_OK;
}
