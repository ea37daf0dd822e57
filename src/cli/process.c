/* process.c: which process a number means. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/works.h"

enum { STAT_MAX = 1024, BEGAN_AT = 19 /* field 22, counted from the one behind the name */ };

uint64_t dm_process_began(int64_t pid)
{
    char path[64], text[STAT_MAX];
    snprintf(path, sizeof(path), "/proc/%" PRId64 "/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text));
    if (fd >= 0)
        (void)close(fd);
    struct dm_str rest = dm_str_of(text, size > 0 ? (size_t)size : 0);
    struct dm_str field;
    uint64_t began = 0;
    /* The name may hold anything; nothing behind it holds a parenthesis. */
    while (rest.len > 0 && dm_str_find_char(rest, ')') < rest.len)
        rest = dm_str_from(rest, dm_str_find_char(rest, ')') + 1);
    if (rest.len > 0)
        rest = dm_str_from(rest, 1);
    for (int i = 0; dm_str_next(&rest, ' ', &field); i++) {
        if (i == 0 && (dm_str_eq(field, DM_STR("Z")) || dm_str_eq(field, DM_STR("X"))))
            return 0; /* it has ended, and its parent has not looked yet */
        if (i == BEGAN_AT)
            return dm_str_to_u64(field, &began) ? began : 0;
    }
    return 0;
}
