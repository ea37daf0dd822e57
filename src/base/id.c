/* id.c: UUID version 7. */
#include "base/id.h"

#include <string.h>

#include "base/encode.h"

struct dm_str dm_id_text(int64_t wall_ms, const unsigned char random[DM_ID_RANDOM], char text[DM_ID_TEXT])
{
    unsigned char bytes[16];
    for (int i = 0; i < 6; i++)
        bytes[i] = (unsigned char)((uint64_t)wall_ms >> (8 * (5 - i)));
    for (int i = 0; i < DM_ID_RANDOM; i++)
        bytes[6 + i] = random[i];
    bytes[6] = (unsigned char)(0x70 | (bytes[6] & 0x0f));
    bytes[8] = (unsigned char)(0x80 | (bytes[8] & 0x3f));
    char hex[33];
    dm_hex_text(bytes, sizeof(bytes), hex);
    memcpy(text, hex, 8);
    memcpy(text + 9, hex + 8, 4);
    memcpy(text + 14, hex + 12, 4);
    memcpy(text + 19, hex + 16, 4);
    memcpy(text + 24, hex + 20, 12);
    text[8] = text[13] = text[18] = text[23] = '-';
    text[DM_ID_TEXT - 1] = '\0';
    return (struct dm_str){ text, DM_ID_TEXT - 1 };
}

bool dm_id_valid(struct dm_str text)
{
    if (text.len != DM_ID_TEXT - 1)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
        if (hyphen ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
    }
    return true;
}
