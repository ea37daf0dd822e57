/* term.c: see term.h. */
#include "cli/term.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { COLUMNS_USUAL = 80, COLUMNS_LEAST = 20 };

static uint32_t columns_of(int fd)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return COLUMNS_USUAL;
    return size.ws_col < COLUMNS_LEAST ? COLUMNS_LEAST : size.ws_col;
}

struct dm_term dm_term_look(const struct dm_settings *settings)
{
    struct dm_term term = { .out_tty = isatty(STDOUT_FILENO) == 1, .err_tty = isatty(STDERR_FILENO) == 1 };
    bool dumb = dm_str_eq(settings->terminal, DM_STR("dumb"));
    bool color = !settings->no_color && !dumb;
    bool utf8 = true;
    if (term.out_tty || term.err_tty) {
        (void)setlocale(LC_CTYPE, "");
        utf8 = dm_str_eq(dm_str_z(nl_langinfo(CODESET)), DM_STR("UTF-8"));
    }
    /* What is not a terminal is read by programs or later by people: as it is, and whole. */
    term.out = (struct dm_look){ .columns = term.out_tty ? columns_of(STDOUT_FILENO) : 0,
                                 .color = color && term.out_tty,
                                 .utf8 = utf8 || !term.out_tty };
    term.err = (struct dm_look){ .columns = term.err_tty ? columns_of(STDERR_FILENO) : 0,
                                 .color = color && term.err_tty,
                                 .utf8 = utf8 || !term.err_tty };
    term.live = term.err_tty && !dumb;
    return term;
}

bool dm_put(int fd, struct dm_str text)
{
    while (text.len > 0) {
        ssize_t written = write(fd, text.at, text.len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        text = dm_str_from(text, (size_t)written);
    }
    return true;
}
