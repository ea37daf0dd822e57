/* arguments.c: a command line. Line 1: the subcommand. Then an argument a line. */
#include <string.h>

#include "cli/args.h"
#include "fuzz.h"

enum { ARGUMENTS_MAX = 24, ROOM = 64 << 10 };

static void check_faults(const struct dm_buf *faults)
{
    struct dm_str rest = dm_buf_str(faults), line;
    EXPECT(!faults->failed);
    while (dm_str_next(&rest, '\n', &line))
        EXPECT(fuzz_is_plain_utf8(line));
}

static bool is_argument(char *const *argv, int argc, const char *text)
{
    for (int i = 1; i < argc; i++)
        if (text >= argv[i] && text <= argv[i] + strlen(argv[i]))
            return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = input_of(data, size);
    const struct dm_command *command = dm_command_find(input_line(&input));
    char *argv[ARGUMENTS_MAX + 1] = { input_z(&input, DM_STR("it")) };
    int argc = 1;
    while (input.left > 0 && argc < ARGUMENTS_MAX) {
        argv[argc++] = input_z(&input, input_line(&input));
    }
    if (!command)
        command = dm_command_find(DM_STR("submit"));
    struct dm_options options;
    struct dm_setting_flags settings;
    char *const *operands;
    uint32_t operand_count, rows;
    DM_AUTO(dm_buf) faults = dm_buf_make(ROOM);
    bool fine = dm_args_read(command, argc, argv, &options, &settings, &operands, &operand_count, &faults);
    check_faults(&faults);
    EXPECT(operands >= argv && operands + operand_count == argv + argc);
    dm_settings_table(&rows);
    for (uint32_t i = 0; i < rows; i++)
        EXPECT(settings.of[i] == NULL || is_argument(argv, argc, settings.of[i]));
    if (fine && !options.help)
        EXPECT(faults.len == 0 && operand_count >= command->operands_least && operand_count <= command->operands_most);
    else
        EXPECT(options.help || faults.len > 0);
    input_free(&input);
    return 0;
}
