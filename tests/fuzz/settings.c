/* settings.c: settings from flags, the environment and a file.
 *
 * Byte 1: who uses them, as bits. Then lines: "E NAME=value" of the environment, "F NAME=value" for the flag of that
 * setting; with the first other line the file of --config begins. */
#include "cli/settings.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

enum { ENVIRONMENT_MAX = 32, ROOM = 1 << 20 };

struct given {
    const char *environment[ENVIRONMENT_MAX + 1];
    const char *flags[DM_SETTINGS_MAX];
    struct dm_str file;
};

static void take_lines(struct input *input, struct given *given)
{
    uint32_t variables = 0, count;
    const struct dm_setting *table = dm_settings_table(&count);
    while (input->left > 2 && (input->at[0] == 'E' || input->at[0] == 'F') && input->at[1] == ' ') {
        bool flag = input->at[0] == 'F';
        struct dm_str line = dm_str_from(input_line(input), 2);
        char *text = input_z(input, line);
        struct dm_str name = dm_str_cut(line, 0, dm_str_find_char(line, '='));
        const struct dm_setting *setting = dm_setting_find(name);
        if (!flag && variables < ENVIRONMENT_MAX)
            given->environment[variables++] = text;
        else if (flag && setting && setting->flag && name.len < strlen(text))
            given->flags[setting - table] = text + name.len + 1;
    }
    given->file = input_rest(input);
}

/* One line per fault, and nothing in it that a terminal would obey. */
static void check_faults(const struct dm_buf *faults, uint32_t wrong)
{
    struct dm_str rest = dm_buf_str(faults), line;
    uint32_t lines = 0;
    EXPECT(!faults->failed);
    if (wrong > 0)
        EXPECT(faults->at[faults->len - 1] == '\n');
    while (dm_str_next(&rest, '\n', &line)) {
        if (line.len == 0)
            continue;
        lines++;
        EXPECT(fuzz_is_plain_utf8(line));
    }
    EXPECT(lines == wrong);
}

static void check_value(const struct dm_settings *settings, const struct dm_setting *row, struct dm_str given)
{
    const char *at = (const char *)settings + row->offset;
    if (row->kind == DM_SETTING_TEXT) {
        struct dm_str text = *(const struct dm_str *)(const void *)at;
        EXPECT(text.len == 0 || text.at[text.len] == '\0');
        EXPECT(given.len == 0 || dm_str_eq(text, given));
    } else if (row->kind == DM_SETTING_COUNT && given.len) {
        uint32_t number = *(const uint32_t *)(const void *)at;
        EXPECT((double)number >= row->least && (double)number <= row->most);
    } else if (row->kind == DM_SETTING_MEGABYTES && given.len) {
        uint64_t bytes = *(const uint64_t *)(const void *)at;
        EXPECT((double)bytes <= row->most * DM_MEGABYTE + 1);
    } else if ((row->kind == DM_SETTING_SECONDS || row->kind == DM_SETTING_DAYS) && given.len) {
        EXPECT(*(const int64_t *)(const void *)at >= 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = input_of(data, size);
    unsigned users = input_u8(&input);
    struct given given = { .file = DM_STR("") };
    take_lines(&input, &given);
    char path[64];
    int fd = fuzz_file(given.file);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    struct dm_setting_sources sources = { .flags = given.flags,
                                          .environment = given.environment,
                                          .config = given.file.len ? path : NULL };
    struct dm_settings settings;
    struct dm_setting_values values;
    DM_AUTO(dm_buf) faults = dm_buf_make(ROOM);
    uint32_t wrong = dm_settings_load(&sources, users, &settings, &values, &faults);
    check_faults(&faults, wrong);
    uint32_t count;
    const struct dm_setting *table = dm_settings_table(&count);
    for (uint32_t i = 0; wrong == 0 && i < count; i++)
        if (table[i].users & (users | DM_USER_ANY))
            check_value(&settings, &table[i], values.of[i].text);
    if (wrong == 0 && (users & DM_USER_SERVER)) {
        EXPECT(dm_server_address_is_loopback(&settings.address));
        EXPECT(settings.data.len && settings.store.len && settings.blobs.len);
    }
    dm_settings_free(&settings);
    close(fd);
    input_free(&input);
    return 0;
}
