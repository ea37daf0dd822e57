/* conversation.h: the questions to a worker, and what of its answers is believed.
 *
 * Each returns how the talk went. With DM_TALK_OK `*ret_code` is DM_OK or the failure that the helper
 * reported; only with DM_OK are the other results set. After anything but DM_TALK_OK the worker is to be
 * ended. */
#ifndef DM_READER_CONVERSATION_H
#define DM_READER_CONVERSATION_H

#include "reader/class.h"

enum dm_talk dm_ask_open(struct dm_helper *worker, const struct dm_source *source, uint64_t size_bytes,
                         int64_t deadline_ms, enum dm_code *ret_code, uint32_t *ret_pages);
/* Fills text, lines, image, PDF, size and has_text_layer; the caller frees the content in any case. */
enum dm_talk dm_ask_page(struct dm_helper *worker, uint32_t page, const struct dm_page_want *want, int64_t deadline_ms,
                         enum dm_code *ret_code, struct dm_page_content *content);

/* A page as pixels, as the text helper gave it and the OCR helper takes it. */
struct dm_scan {
    bool blank;            /* nothing on it: there are no pixels */
    struct dm_str payload; /* of the frame; valid until the worker is asked again */
};

enum dm_talk dm_ask_scan(struct dm_helper *worker, uint32_t page, int64_t deadline_ms, enum dm_code *ret_code,
                         struct dm_scan *ret_scan);
/* Replaces text and lines of the content by what is read off the pixels. */
enum dm_talk dm_ask_recognise(struct dm_helper *worker, const struct dm_scan *scan, bool lines, int64_t deadline_ms,
                              enum dm_code *ret_code, struct dm_page_content *content);

#endif
