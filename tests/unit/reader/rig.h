/* rig.h: a reader over a helper program, which checks at its end that nothing is left over. */
#ifndef DM_TESTS_READER_RIG_H
#define DM_TESTS_READER_RIG_H

#include <sys/types.h>

#include "base/log.h"
#include "embedded/embedded.h"
#include "reader/reader.h"

struct rig {
    struct dm_reader reader;
    struct dm_runtime runtime;
    struct dm_err err;
    int descriptors; /* open before */
    int replaced;    /* helpers, by the log */
};

/* The options that tests start from: two helpers of each class, the real helper, short waits. */
struct dm_reader_options rig_options(void);
void rig_start(struct rig *rig, const struct dm_reader_options *options);
/* Stops the reader; no process and no descriptor may be left. */
void rig_stop(struct rig *rig);

int rig_count_children(void);
/* The children of a process, by the kernel's list; those that ended and were not waited for count, too. */
int rig_children_of(pid_t parent, pid_t *ret, int max);
bool rig_wait_until_childless(pid_t parent); /* false: it never was */

/* Opens and expects success. */
struct dm_reader_handle *rig_open(struct rig *rig, int fd, enum dm_media media, uint32_t *ret_pages);
/* Opens and gives the code; a handle is closed at once. */
enum dm_code rig_try_open(struct rig *rig, int fd, enum dm_media media, const char *password);
/* Text of a page, without OCR; frees everything but the text, which the caller frees. */
enum dm_code rig_text(struct rig *rig, struct dm_reader_handle *handle, uint32_t page, struct dm_buf *text);
/* Expects this text. */
void rig_expect(struct rig *rig, struct dm_reader_handle *handle, uint32_t page, const char *text);

#endif
