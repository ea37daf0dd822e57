/* tell.c: the subcommands that only print what the tables say: settings, completion, help. */
#include "base/json.h"
#include "cli/commands.h"
#include "cli/help.h"

enum { SAID_MAX = 1024 * 1024, TABLE_BYTES = 1024 * 1024 };

static const char *origin_of(const struct dm_call *call, uint32_t row, struct dm_arena *arena)
{
    const struct dm_setting_value *value = &call->values.of[row];
    switch (value->origin) {
    case DM_ORIGIN_FILE:
        return dm_arena_fmt(arena, "%s line %u", call->options.config, value->line).at;
    case DM_ORIGIN_PARAMETER:
        return dm_arena_fmt(arena, "parameter %s", call->settings.parameters[row]).at;
    case DM_ORIGIN_ENVIRONMENT:
        return "environment";
    case DM_ORIGIN_FLAG:
        return "flag";
    case DM_ORIGIN_DEFAULT:
        break;
    }
    return "default";
}

/* The value in force: as given, or as worked out where a text was not given. */
static struct dm_str value_of(const struct dm_call *call, const struct dm_setting *setting, uint32_t row)
{
    struct dm_str given = call->values.of[row].text;
    if (given.len == 0 && setting->kind == DM_SETTING_TEXT)
        given = *(const struct dm_str *)(const void *)((const char *)&call->settings + setting->offset);
    return setting->secret && given.len > 0 ? DM_STR("***") : given;
}

static enum dm_exit settings_json(struct dm_call *call)
{
    DM_AUTO(dm_buf) said = dm_buf_make(SAID_MAX);
    struct dm_arena arena = dm_arena_make(TABLE_BYTES);
    uint32_t count;
    const struct dm_setting *table = dm_settings_table(&count);
    dm_buf_add_z(&said, "{\"settings\":[");
    for (uint32_t i = 0; i < count; i++) {
        dm_buf_addf(&said, "%s{\"name\":\"%s\",\"value\":", i ? "," : "", table[i].name);
        dm_buf_add_json_string(&said, value_of(call, &table[i], i));
        dm_buf_add_z(&said, ",\"from\":");
        dm_buf_add_json_string(&said, dm_str_z(origin_of(call, i, &arena)));
        dm_buf_add_char(&said, '}');
    }
    dm_buf_add_z(&said, "]}\n");
    dm_arena_free(&arena);
    return dm_say(call, &said);
}

enum dm_exit dm_command_settings(struct dm_call *call)
{
    DM_AUTO(dm_buf) said = dm_buf_make(SAID_MAX);
    if (call->options.markdown) {
        dm_settings_markdown(&said);
        return dm_say(call, &said);
    }
    if (call->options.json)
        return settings_json(call);
    struct dm_arena arena = dm_arena_make(TABLE_BYTES);
    struct dm_table shown = { .arena = &arena, .columns = 3, .flexible = 1 };
    uint32_t count;
    const struct dm_setting *table = dm_settings_table(&count);
    dm_table_add(&shown, DM_STR("SETTING"), DM_TONE_PLAIN);
    dm_table_add(&shown, DM_STR("VALUE"), DM_TONE_PLAIN);
    dm_table_add(&shown, DM_STR("FROM"), DM_TONE_PLAIN);
    for (uint32_t i = 0; i < count; i++) {
        bool given = call->values.of[i].origin != DM_ORIGIN_DEFAULT;
        struct dm_str value = value_of(call, &table[i], i);
        dm_table_add(&shown, dm_str_z(table[i].name), given ? DM_TONE_STRONG : DM_TONE_PLAIN);
        dm_table_add(&shown, value.len ? value : DM_STR("-"), given ? DM_TONE_STRONG : DM_TONE_PLAIN);
        dm_table_add(&shown, dm_str_z(origin_of(call, i, &arena)), DM_TONE_FAINT);
    }
    dm_table_print(&shown, &call->term.out, &said);
    dm_arena_free(&arena);
    return dm_say(call, &said);
}

enum dm_exit dm_command_completion(struct dm_call *call)
{
    DM_AUTO(dm_buf) said = dm_buf_make(SAID_MAX);
    struct dm_str shell = dm_str_z(call->operands[0]);
    if (dm_str_eq(shell, DM_STR("bash")))
        dm_help_bash(&said);
    else if (dm_str_eq(shell, DM_STR("zsh")))
        dm_help_zsh(&said);
    else
        return dm_say_trouble(call, &(struct dm_trouble){ .exit = DM_EXIT_USAGE,
                                                          .code = "usage",
                                                          .sentence = "completions are there for bash and zsh",
                                                          .hint = "docmill help completion explains it." });
    return dm_say(call, &said);
}

enum dm_exit dm_command_help(struct dm_call *call)
{
    DM_AUTO(dm_buf) said = dm_buf_make(SAID_MAX);
    if (call->options.man) {
        dm_help_man(&said);
        return dm_say(call, &said);
    }
    if (call->operand_count == 0) {
        dm_help_overview(&said, &call->term.out);
        return dm_say(call, &said);
    }
    const struct dm_command *command = dm_command_find(dm_str_z(call->operands[0]));
    if (!command)
        return dm_say_no_command(call, call->operands[0]);
    dm_help_command(&said, command, &call->term.out);
    return dm_say(call, &said);
}
