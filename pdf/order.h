/* order.h: in which order the blocks of a page are read.
 *
 * A PDF may draw its text in any order. Most programs write it as it is read, and then that order is the
 * best there is: better than any guess from positions. So it is kept unless it contradicts itself, by going
 * back up in a column. Then heads and feet are put in their places, which is often all there is to it (a
 * page number written first); and if what is left still contradicts itself it is cut along white space into
 * columns and bands (a recursive X-Y cut). */
#ifndef DM_PDF_ORDER_H
#define DM_PDF_ORDER_H

#include <stdbool.h>
#include <stdint.h>

struct box {
    float x0, y0, x1, y1; /* y grows downwards */
};

enum { ORDER_BOXES_MAX = 2000 }; /* pages with more blocks keep their order: the comparison is quadratic */

/* Fills `order` with the indices of the boxes as they are to be read; `scratch` has room for as many. */
void order_boxes(const struct box *boxes, uint32_t count, uint32_t *order, uint32_t *scratch);

#endif
