/* order.c: recursive cutting along white space. */
#include "order.h"

#include <string.h>

enum { DEPTH_MAX = 64 };

static const float gutter_points = 6.0F; /* the least white between two columns */

struct cut {
    const struct box *boxes;
    uint32_t *scratch;
};

enum key { BY_X, BY_Y, AS_DRAWN };

static bool not_after(const struct cut *cut, uint32_t a, uint32_t b, enum key key)
{
    switch (key) {
    case BY_X:
        return cut->boxes[a].x0 <= cut->boxes[b].x0;
    case BY_Y:
        return cut->boxes[a].y0 <= cut->boxes[b].y0;
    case AS_DRAWN:
        break;
    }
    return a <= b;
}

/* Merge sort, because it keeps the order of equals and no input is bad for it. */
static void sort(const struct cut *cut, uint32_t *part, uint32_t count, enum key key)
{
    for (uint32_t width = 1; width < count; width *= 2) {
        for (uint32_t start = 0; start < count; start += 2 * width) {
            uint32_t middle = start + width < count ? start + width : count;
            uint32_t end = start + 2 * width < count ? start + 2 * width : count;
            uint32_t left = start;
            uint32_t right = middle;
            for (uint32_t to = start; to < end; to++) {
                bool take_left = left < middle && (right >= end || not_after(cut, part[left], part[right], key));
                cut->scratch[to] = take_left ? part[left++] : part[right++];
            }
        }
        memcpy(part, cut->scratch, count * sizeof(*part));
    }
}

/* Whether reading these as they stand never goes back up in a column. */
static bool is_natural(const struct cut *cut, const uint32_t *part, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        const struct box *box = &cut->boxes[part[i]];
        float height = box->y1 - box->y0;
        for (uint32_t j = 0; j < i; j++) {
            const struct box *before = &cut->boxes[part[j]];
            float overlap = before->y1 - before->y0 < height ? before->y1 - before->y0 : height;
            bool above = box->y1 < before->y0 + overlap * 0.3F;
            if (above && box->x0 < before->x1 && before->x0 < box->x1)
                return false;
        }
    }
    return true;
}

/* Sorts by x and returns where the right side of the widest gutter begins; 0 where there is none. */
static uint32_t find_gutter(const struct cut *cut, uint32_t *part, uint32_t count)
{
    sort(cut, part, count, BY_X);
    uint32_t at = 0;
    float widest = gutter_points;
    float reach = cut->boxes[part[0]].x1;
    for (uint32_t i = 1; i < count; i++) {
        const struct box *box = &cut->boxes[part[i]];
        if (box->x0 - reach > widest) {
            widest = box->x0 - reach;
            at = i;
        }
        if (box->x1 > reach)
            reach = box->x1;
    }
    return at;
}

/* With the boxes sorted by y: how many from `start` on belong to one band, over which no white line runs. */
static uint32_t band(const struct cut *cut, const uint32_t *part, uint32_t start, uint32_t count)
{
    float reach = cut->boxes[part[start]].y1;
    uint32_t i = start + 1;
    for (; i < count; i++) {
        const struct box *box = &cut->boxes[part[i]];
        /* Lines set tight overlap a little. */
        if (box->y0 > reach - (box->y1 - box->y0) * 0.2F)
            break;
        if (box->y1 > reach)
            reach = box->y1;
    }
    return i - start;
}

static void cut_part(const struct cut *cut, uint32_t *part, uint32_t count, int depth);

/* Bands from top to bottom. Neighbours that share a gutter are one: else two columns whose paragraphs
 * happen to end at the same height would be read across. */
static void cut_bands(const struct cut *cut, uint32_t *part, uint32_t count, int depth)
{
    sort(cut, part, count, BY_Y);
    for (uint32_t start = 0; start < count;) {
        uint32_t taken = band(cut, part, start, count);
        while (start + taken < count) {
            uint32_t more = taken + band(cut, part, start + taken, count);
            bool shared = find_gutter(cut, part + start, more) != 0;
            sort(cut, part + start, more, BY_Y);
            if (!shared)
                break;
            taken = more;
        }
        if (taken < count)
            cut_part(cut, part + start, taken, depth + 1);
        else
            sort(cut, part, count, AS_DRAWN); /* no white line at all: leave it as it was */
        start += taken;
    }
}

static void cut_part(const struct cut *cut, uint32_t *part, uint32_t count, int depth)
{
    if (count < 2 || depth > DEPTH_MAX)
        return;
    uint32_t right = find_gutter(cut, part, count);
    if (right == 0) {
        cut_bands(cut, part, count, depth);
        return;
    }
    cut_part(cut, part, right, depth + 1);
    cut_part(cut, part + right, count - right, depth + 1);
}

/* Sorts by y and returns how many blocks at the start stand alone, each over all that follow. */
static uint32_t count_heads(const struct cut *cut, uint32_t *part, uint32_t count)
{
    sort(cut, part, count, BY_Y);
    uint32_t heads = 0;
    while (heads < count && band(cut, part, heads, count) == 1)
        heads++;
    return heads;
}

/* With the blocks sorted by y: how many at the end stand alone, each under all before it. */
static uint32_t count_feet(const struct cut *cut, const uint32_t *part, uint32_t count)
{
    uint32_t feet = 0;
    for (uint32_t start = 0; start < count;) {
        uint32_t taken = band(cut, part, start, count);
        feet = taken == 1 ? feet + 1 : 0;
        start += taken;
    }
    return feet;
}

void order_boxes(const struct box *boxes, uint32_t count, uint32_t *order, uint32_t *scratch)
{
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    struct cut cut = { boxes, scratch };
    if (count > ORDER_BOXES_MAX || is_natural(&cut, order, count))
        return;
    uint32_t heads = count_heads(&cut, order, count);
    uint32_t feet = heads < count ? count_feet(&cut, order + heads, count - heads) : 0;
    uint32_t *core = order + heads;
    uint32_t core_count = count - heads - feet;
    sort(&cut, core, core_count, AS_DRAWN);
    if (!is_natural(&cut, core, core_count))
        cut_part(&cut, core, core_count, 0);
}
