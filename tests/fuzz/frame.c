/* frame.c: the frames spoken with the document helper, as bytes. */
#include "base/frame.h"

#include <string.h>

#include "fuzz.h"

enum { ROOM = 1 << 20 };

/* The payload's fields by any types that the payload itself names, written again. */
static void check_fields(struct dm_str payload)
{
    struct dm_frame_fields fields = { .rest = payload };
    DM_AUTO(dm_buf) again = dm_buf_make(ROOM);
    for (size_t i = 0; !fields.failed; i++) {
        unsigned kind = i < payload.len ? (unsigned char)payload.at[i] & 3 : 0;
        uint32_t u32 = 0;
        float f32 = 0;
        size_t before = again.len;
        if (kind == 0)
            dm_frame_add_u8(&again, dm_frame_u8(&fields));
        else if (kind == 1)
            dm_frame_add_u32(&again, u32 = dm_frame_u32(&fields));
        else if (kind == 2)
            dm_frame_add_u64(&again, dm_frame_u64(&fields));
        else
            dm_frame_add_f32(&again, f32 = dm_frame_f32(&fields));
        if (fields.failed) {
            EXPECT(u32 == 0 && f32 == 0);
            dm_buf_cut(&again, before);
        }
    }
    EXPECT(dm_str_starts(payload, dm_buf_str(&again)) || memchr(payload.at, '\x7f', payload.len) ||
           memchr(payload.at, '\xff', payload.len)); /* the bits of a NaN may change on the way */
    EXPECT(!dm_frame_fields_done(&fields));
}

static void check_built(const struct dm_frame_head *head, struct dm_str payload)
{
    DM_AUTO(dm_buf) built = dm_buf_make(ROOM);
    struct dm_frame_head again;
    struct dm_str payload_again;
    dm_buf_add_z(&built, "before");
    size_t begun = dm_frame_begin(&built, head->kind, head->number);
    dm_buf_add(&built, payload);
    dm_frame_end(&built, begun);
    EXPECT(!built.failed);
    struct dm_str frame = dm_str_from(dm_buf_str(&built), 6);
    EXPECT(dm_frame_take(frame, &again, &payload_again) == DM_FRAME_WHOLE);
    EXPECT(again.kind == head->kind && again.number == head->number && again.size == head->size);
    EXPECT(dm_str_eq(payload, payload_again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = input_of(data, size);
    struct dm_str bytes = input_rest(&input);
    struct dm_frame_head head;
    struct dm_str payload;
    enum dm_frame_fit fit;
    while ((fit = dm_frame_take(bytes, &head, &payload)) == DM_FRAME_WHOLE) {
        unsigned char written[DM_FRAME_HEAD];
        EXPECT(head.size <= dm_frame_max(head.kind) && payload.len == head.size);
        EXPECT(dm_frame_name(head.kind)[0] != '?');
        dm_frame_head_write(head, written);
        EXPECT(memcmp(written, bytes.at, DM_FRAME_HEAD) == 0);
        size_t whole = DM_FRAME_HEAD + payload.len;
        for (size_t len = 0; len < whole; len += whole / 16 + 1) {
            struct dm_frame_head no_head;
            struct dm_str no_payload;
            EXPECT(dm_frame_take(dm_str_cut(bytes, 0, len), &no_head, &no_payload) == DM_FRAME_MORE);
        }
        check_fields(payload);
        check_built(&head, payload);
        enum dm_code code = DM_OK;
        if (payload.len && dm_frame_failure_code((unsigned char)payload.at[0], &code))
            EXPECT(code != DM_OK);
        bytes = dm_str_from(bytes, whole);
    }
    EXPECT(fit == DM_FRAME_BAD || bytes.len < DM_FRAME_HEAD ||
           dm_frame_head_parse((const unsigned char *)bytes.at, &head));
    input_free(&input);
    return 0;
}
