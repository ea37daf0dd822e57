/* talk.h: one side of the conversation between docmill and its helper, played by the input. */
#ifndef DM_TESTS_FUZZ_TALK_H
#define DM_TESTS_FUZZ_TALK_H

#include "base/frame.h"
#include "fuzz.h"

/* Frames made of the input: a byte that says which kind (by place in the list), two of the payload's size, the payload.
 * A first byte of 0xff sends all that follows as it is. Numbers count up from 1, unless the kind's byte has its
 * highest bit set: then the frame repeats the number before. */
void talk_write(struct input *input, struct dm_buf *ret);

#endif
