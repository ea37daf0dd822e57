/* nearest.c: the distance of Damerau and Levenshtein in its restricted form (no substring is edited twice). */
#include "cli/nearest.h"

enum { LONGEST = 64 };

static unsigned char fold(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (unsigned char)(c - 'A' + 'a');
    return (unsigned char)(c == '_' ? '-' : c);
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

uint32_t dm_distance(struct dm_str a, struct dm_str b)
{
    a = dm_str_cut(a, 0, LONGEST);
    b = dm_str_cut(b, 0, LONGEST);
    /* Three rows of the table: this one, the one before, and the one before that for swaps. */
    uint32_t rows[3][LONGEST + 1];
    uint32_t *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= b.len; j++)
        last[j] = before[j] = (uint32_t)j;
    for (size_t i = 1; i <= a.len; i++) {
        now[0] = (uint32_t)i;
        for (size_t j = 1; j <= b.len; j++) {
            uint32_t differ = fold(a.at[i - 1]) != fold(b.at[j - 1]);
            now[j] = least(least(last[j], now[j - 1]) + 1, last[j - 1] + differ);
            if (i > 1 && j > 1 && fold(a.at[i - 1]) == fold(b.at[j - 2]) && fold(a.at[i - 2]) == fold(b.at[j - 1]))
                now[j] = least(now[j], before[j - 2] + 1);
        }
        uint32_t *oldest = before;
        before = last;
        last = now;
        now = oldest;
    }
    return last[b.len];
}

void dm_nearest_offer(struct dm_nearest *nearest, const char *candidate)
{
    struct dm_str name = dm_str_z(candidate), word = nearest->word;
    if (word.len == 0)
        return;
    uint32_t distance = dm_distance(word, name);
    if (word.len >= 2 && word.len < name.len && dm_distance(word, dm_str_cut(name, 0, word.len)) == 0)
        distance = 1;
    /* Half of a short name replaced is another name: --port is no slip of --out. */
    uint32_t allowed = word.len < 8 ? 1 + (word.len > 5) : (uint32_t)(word.len / 3);
    if (distance <= allowed && (!nearest->best || distance < nearest->distance)) {
        nearest->best = candidate;
        nearest->distance = distance;
    }
}
