/* media.c: what kind a document is. Line 1: its name. Line 2: the declared type. Then its first bytes. */
#include "domain/media.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = input_of(data, size);
    struct dm_str name = input_line(&input);
    struct dm_str declared = input_line(&input);
    struct dm_str head = input_text(&input, DM_MEDIA_HEAD);
    enum dm_media media = DM_MEDIA_NONE, said = DM_MEDIA_NONE, again;
    struct dm_err err;
    enum dm_code rc = dm_media_detect(head, name, declared, &media, &err);
    EXPECT(rc == DM_OK || (rc == DM_UNSUPPORTED && media == DM_MEDIA_NONE));
    bool has_said = dm_media_parse(declared, &said);
    if (has_said)
        EXPECT(dm_media_parse(dm_str_z(dm_media_type(said)), &again) && again == said);
    if (rc == DM_OK) {
        EXPECT(media > DM_MEDIA_NONE && media < DM_MEDIA_COUNT);
        EXPECT(!has_said || said == media);
        if (media == DM_MEDIA_TEXT)
            EXPECT(dm_str_find_char(head, '\0') == head.len);
        /* Saying what it is changes nothing. */
        EXPECT(dm_media_detect(head, name, dm_str_z(dm_media_type(media)), &again, &err) == DM_OK && again == media);
        EXPECT(dm_media_extension(media)[0] == '.');
    }
    input_free(&input);
    return 0;
}
