/* help.c: help on the terminal. */
#include "cli/help.h"

enum { COLUMNS_MAX = 100, COLUMNS_USUAL = 80, FLAG_COLUMN = 26, HELP_MAX = 256 * 1024 };

static uint32_t columns_of(const struct dm_look *look)
{
    uint32_t columns = look->columns ? look->columns : COLUMNS_USUAL;
    return columns > COLUMNS_MAX ? COLUMNS_MAX : columns;
}

static void heading(struct dm_buf *buf, const char *text, const struct dm_look *look)
{
    dm_buf_add_char(buf, '\n');
    dm_text_add_tone(buf, text, DM_TONE_STRONG, look);
    dm_buf_add_char(buf, '\n');
}

/* A term on the left, its meaning wrapped on the right. */
static void entry(struct dm_buf *buf, struct dm_str term, struct dm_str meaning, uint32_t column,
                  const struct dm_look *look)
{
    uint32_t columns = columns_of(look), width = dm_text_width(term) + 2;
    DM_AUTO(dm_buf) wrapped = dm_buf_make(HELP_MAX);
    dm_buf_add_z(buf, "  ");
    dm_buf_add(buf, term);
    if (width + 2 > column) {
        dm_buf_add_char(buf, '\n');
        width = 0;
    }
    dm_text_add_wrapped(&wrapped, meaning, column, columns);
    dm_text_add_spaces(buf, column - width);
    dm_buf_add(buf, dm_str_from(dm_buf_str(&wrapped), column));
}

static void examples(struct dm_buf *buf, const struct dm_command *command, const struct dm_look *look)
{
    uint32_t longest = 0;
    for (int i = 0; i < DM_EXAMPLES_MAX && command->examples[i].line; i++) {
        uint32_t width = dm_text_width(dm_str_z(command->examples[i].line));
        if (width > longest)
            longest = width;
    }
    heading(buf, "Examples", look);
    for (int i = 0; i < DM_EXAMPLES_MAX && command->examples[i].line; i++) {
        struct dm_str does = dm_str_z(command->examples[i].does);
        if (does.len == 0)
            dm_buf_addf(buf, "  %s\n", command->examples[i].line);
        else
            entry(buf, dm_str_z(command->examples[i].line), does, longest + 6 > 44 ? 6 : longest + 6, look);
    }
}

static void flag_entry(struct dm_buf *buf, const struct dm_flag *flag, const struct dm_look *look)
{
    DM_AUTO(dm_buf) term = dm_buf_make(HELP_MAX);
    if (flag->letter)
        dm_buf_addf(&term, "-%c, ", flag->letter);
    dm_buf_addf(&term, "--%s", flag->name);
    if (flag->value)
        dm_buf_addf(&term, " %s", flag->value);
    entry(buf, dm_buf_str(&term), dm_str_z(flag->help), FLAG_COLUMN, look);
}

static void setting_entry(struct dm_buf *buf, const struct dm_setting *setting, const struct dm_look *look)
{
    DM_AUTO(dm_buf) term = dm_buf_make(HELP_MAX);
    DM_AUTO(dm_buf) meaning = dm_buf_make(HELP_MAX);
    dm_buf_addf(&term, "--%s VALUE", setting->flag);
    dm_buf_addf(&meaning, "%s [%s", setting->help, setting->name);
    if (setting->fallback)
        dm_buf_addf(&meaning, "=%s", setting->fallback);
    dm_buf_add_char(&meaning, ']');
    entry(buf, dm_buf_str(&term), dm_buf_str(&meaning), FLAG_COLUMN, look);
}

void dm_help_command(struct dm_buf *buf, const struct dm_command *command, const struct dm_look *look)
{
    uint32_t columns = columns_of(look), count;
    dm_buf_addf(buf, "docmill %s %s.\n\n", command->name, command->summary);
    dm_text_add_tone(buf, "Usage:", DM_TONE_STRONG, look);
    dm_buf_addf(buf, " docmill %s [flags]%s%s\n\n", command->name, command->operands[0] ? " " : "", command->operands);
    dm_text_add_wrapped(buf, dm_str_z(command->text), 0, columns);
    examples(buf, command, look);
    heading(buf, "Flags", look);
    for (uint32_t i = 0; i < command->flag_count; i++)
        flag_entry(buf, &command->flags[i], look);
    const struct dm_flag *common = dm_common_flags(&count);
    for (uint32_t i = 0; i < count; i++)
        flag_entry(buf, &common[i], look);

    const struct dm_setting *settings = dm_settings_table(&count);
    bool any = false;
    for (uint32_t i = 0; i < count; i++) {
        if (!settings[i].flag || !(settings[i].users & command->users))
            continue;
        if (!any)
            heading(buf, "Settings [variable in the environment or in --config=default]", look);
        any = true;
        setting_entry(buf, &settings[i], look);
    }
}

void dm_help_overview(struct dm_buf *buf, const struct dm_look *look)
{
    uint32_t columns = columns_of(look), count;
    dm_text_add_wrapped(buf,
                        DM_STR("docmill takes a document in, has a model read every page, and hands back one result."),
                        0, columns);
    heading(buf, "Begin here", look);
    static const struct dm_example first[] = {
        { "docmill run report.pdf --format md", "Reads a document here and now." },
        { "docmill serve", "Starts the server; then, in another terminal:" },
        { "docmill submit report.pdf --wait", "Hands it a document and shows progress." },
        { "docmill doctor", "Says what is missing, if something is." },
    };
    for (size_t i = 0; i < DM_COUNT(first); i++)
        entry(buf, dm_str_z(first[i].line), dm_str_z(first[i].does), 40, look);
    heading(buf, "Commands", look);
    const struct dm_command *commands = dm_commands(&count);
    for (uint32_t i = 0; i < count; i++)
        entry(buf, dm_str_z(commands[i].name), dm_str_z(commands[i].summary), 14, look);
    dm_buf_add_char(buf, '\n');
    dm_text_add_wrapped(
        buf,
        DM_STR("docmill help COMMAND explains one of them. Every command takes --json; progress is on standard "
               "error, the answer alone on standard output. Exit status: 0 done, 1 failed, 2 not known, 64 "
               "mistyped."),
        0, columns);
}
