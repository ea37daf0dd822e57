/* talk.c: see talk.h. */
#include "talk.h"

static const enum dm_frame_kind kinds[] = {
#define KIND(name, wire, max, meaning) DM_FRAME_##name,
    DM_FRAMES(KIND)
#undef KIND
};

void talk_write(struct input *input, struct dm_buf *ret)
{
    uint32_t number = 0;
    while (input->left > 0) {
        uint8_t choice = input_u8(input);
        if (choice == 0xff) {
            dm_buf_add(ret, input_rest(input));
            return;
        }
        number += (choice & 0x80) == 0 || number == 0;
        enum dm_frame_kind kind = kinds[(choice & 0x7f) % DM_COUNT(kinds)];
        uint32_t size = input_u8(input);
        size |= (uint32_t)input_u8(input) << 8;
        struct dm_str payload = input_text(input, size);
        unsigned char head[DM_FRAME_HEAD];
        dm_frame_head_write((struct dm_frame_head){ kind, number, (uint32_t)payload.len }, head);
        dm_buf_add(ret, dm_str_of(head, sizeof(head)));
        dm_buf_add(ret, payload);
    }
}
