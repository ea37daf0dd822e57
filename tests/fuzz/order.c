/* order.c: in which order the blocks of a page are read, wherever a document says they stand: any floats. */
#include "order.h"

#include <string.h>

#include "fuzz.h"

enum { BOXES_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = input_of(data, size);
    struct box boxes[BOXES_MAX];
    uint32_t order[BOXES_MAX], again[BOXES_MAX], scratch[BOXES_MAX], count = 0;
    bool seen[BOXES_MAX] = { false };
    for (; count < BOXES_MAX && input.left >= sizeof(boxes[0]); count++) {
        struct dm_str bytes = input_text(&input, sizeof(boxes[0]));
        memcpy(&boxes[count], bytes.at, sizeof(boxes[0]));
    }
    order_boxes(boxes, count, order, scratch);
    for (uint32_t i = 0; i < count; i++) {
        EXPECT(order[i] < count && !seen[order[i]]);
        seen[order[i]] = true;
    }
    order_boxes(boxes, count, again, scratch);
    EXPECT(count == 0 || memcmp(order, again, count * sizeof(order[0])) == 0);
    input_free(&input);
    return 0;
}
