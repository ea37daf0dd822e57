/* settings_text.c: the table of settings in words: ranges, docs/settings.md, and their part of the manual page. */
#include "cli/settings.h"

#include "cli/text.h"

static void add_number(struct dm_buf *buf, double number)
{
    dm_buf_addf(buf, "%.10g", number);
}

void dm_setting_range(const struct dm_setting *setting, struct dm_buf *buf)
{
    switch (setting->kind) {
    case DM_SETTING_COUNT:
    case DM_SETTING_MEGABYTES:
    case DM_SETTING_SECONDS:
    case DM_SETTING_DAYS:
        add_number(buf, setting->least);
        dm_buf_add_z(buf, " to ");
        add_number(buf, setting->most);
        if (setting->kind != DM_SETTING_COUNT)
            dm_buf_add_z(buf, ", also with a decimal point");
        return;
    case DM_SETTING_CHOICE:
    case DM_SETTING_ROLES: {
        struct dm_str rest = dm_str_z(setting->choices), choice;
        for (bool first = true; dm_str_next(&rest, '|', &choice); first = false) {
            if (!first)
                dm_buf_add_z(buf, rest.len ? ", " : " or ");
            dm_buf_add(buf, choice);
        }
        if (setting->kind == DM_SETTING_ROLES)
            dm_buf_add_z(buf, ", or several with commas");
        return;
    }
    case DM_SETTING_TEXT:
    case DM_SETTING_SWITCH:
    case DM_SETTING_KIND_COUNT:
        return;
    }
}

static const char *heading_of(enum dm_setting_group group)
{
#define DM_HEADING(name, heading) [DM_GROUP_##name] = heading,
    static const char *const headings[DM_GROUP_COUNT] = { DM_SETTING_GROUPS(DM_HEADING) };
#undef DM_HEADING
    return headings[group];
}

static void markdown_row(const struct dm_setting *setting, struct dm_buf *buf)
{
    dm_buf_addf(buf, "| `%s`", setting->name);
    if (setting->flag)
        dm_buf_addf(buf, "<br>`--%s`", setting->flag);
    if (setting->fallback)
        dm_buf_addf(buf, " | `%s` | ", setting->fallback);
    else
        dm_buf_addf(buf, " | %s | ", setting->fallback_words);
    size_t before = buf->len;
    dm_setting_range(setting, buf);
    if (buf->len == before)
        dm_buf_addf(buf, "such as `%s`", setting->example);
    dm_buf_addf(buf, " | %s | %s |\n", setting->help, setting->since);
}

void dm_settings_markdown(struct dm_buf *buf)
{
    dm_buf_add_z(buf,
                 "# Settings\n\n"
                 "<!-- Written by `docmill settings --markdown` from the table in src/cli/settings_table.c; a "
                 "test compares them. -->\n\n"
                 "A setting takes its value from the first of these that has one:\n\n"
                 "1. its flag, for example `docmill serve --port 8080`\n"
                 "2. the environment variable of its name, for example `PORT=8080`\n"
                 "3. the file given with `--config FILE`: lines `NAME=value`; `#` begins a comment line\n"
                 "4. the parameter of its name below `SSM_PARAMETER_PATH` ([on AWS](aws.md#settings-and-keys-in-ssm))\n"
                 "5. its default\n\n"
                 "An empty value is the same as none. A name that the file or a parameter misspells, and every value "
                 "that is out "
                 "of range, is reported when\n"
                 "docmill starts, all at once, and it does not start. `docmill settings` shows what is in force "
                 "and where it comes from.\n\n"
                 "1 MB is 1,048,576 bytes.\n");
    uint32_t count;
    const struct dm_setting *table = dm_settings_table(&count);
    for (int group = 0; group < DM_GROUP_COUNT; group++) {
        dm_buf_addf(buf, "\n## %s\n\n", heading_of((enum dm_setting_group)group));
        dm_buf_add_z(buf, "| setting | default | values | meaning | since |\n|---|---|---|---|---|\n");
        for (uint32_t i = 0; i < count; i++)
            if ((int)table[i].group == group)
                markdown_row(&table[i], buf);
    }
}

void dm_settings_man(struct dm_buf *buf)
{
    uint32_t count;
    const struct dm_setting *table = dm_settings_table(&count);
    for (int group = 0; group < DM_GROUP_COUNT; group++) {
        dm_buf_add_z(buf, ".SS ");
        dm_man_text(buf, dm_str_z(heading_of((enum dm_setting_group)group)));
        dm_buf_add_z(buf, "\n");
        for (uint32_t i = 0; i < count; i++) {
            if ((int)table[i].group != group)
                continue;
            dm_buf_addf(buf, ".TP\n.B %s", table[i].name);
            dm_buf_add_z(buf, " (default ");
            dm_man_text(buf, dm_str_z(table[i].fallback ? table[i].fallback : table[i].fallback_words));
            dm_buf_add_z(buf, ")\n");
            dm_man_text(buf, dm_str_z(table[i].help));
            size_t before = buf->len;
            dm_buf_add_z(buf, " Values: ");
            size_t begun = buf->len;
            dm_setting_range(&table[i], buf);
            if (buf->len == begun)
                dm_buf_cut(buf, before);
            else
                dm_buf_add_z(buf, ".");
            dm_buf_add_z(buf, "\n");
        }
    }
}
