/* manual.c: the manual page and the completions of shells, from the same tables as the help. */
#include "cli/help.h"

static void man_flag(struct dm_buf *buf, const struct dm_flag *flag)
{
    dm_buf_add_z(buf, ".TP\n.B ");
    if (flag->letter)
        dm_buf_addf(buf, "\\-%c, ", flag->letter);
    dm_buf_add_z(buf, "\\-\\-");
    dm_man_text(buf, dm_str_z(flag->name));
    if (flag->value)
        dm_buf_addf(buf, " \\fI%s\\fR", flag->value);
    dm_buf_add_char(buf, '\n');
    dm_man_text(buf, dm_str_z(flag->help));
    dm_buf_add_char(buf, '\n');
}

/* Paragraphs are divided by empty lines, which the formatter would show as such. */
static void man_paragraphs(struct dm_buf *buf, struct dm_str text)
{
    struct dm_str line;
    while (dm_str_next(&text, '\n', &line)) {
        if (line.len == 0) {
            dm_buf_add_z(buf, ".PP\n");
            continue;
        }
        dm_man_text(buf, line);
        dm_buf_add_char(buf, '\n');
    }
}

static void man_command(struct dm_buf *buf, const struct dm_command *command)
{
    uint32_t count;
    dm_buf_addf(buf, ".SS docmill %s", command->name);
    if (command->operands[0]) {
        dm_buf_add_char(buf, ' ');
        dm_man_text(buf, dm_str_z(command->operands));
    }
    dm_buf_add_z(buf, "\nIt ");
    dm_man_text(buf, dm_str_z(command->summary));
    dm_buf_add_z(buf, ".\n.PP\n");
    man_paragraphs(buf, dm_str_z(command->text));
    for (uint32_t i = 0; i < command->flag_count; i++)
        man_flag(buf, &command->flags[i]);
    if (command->users) {
        const struct dm_setting *settings = dm_settings_table(&count);
        bool any = false;
        for (uint32_t i = 0; i < count; i++) {
            if (!settings[i].flag || !(settings[i].users & command->users))
                continue;
            dm_buf_add_z(buf, any ? ", " : ".PP\nIts settings are also flags: ");
            dm_buf_add_z(buf, "\\-\\-");
            dm_man_text(buf, dm_str_z(settings[i].flag));
            any = true;
        }
        dm_buf_add_z(buf, any ? ".\n" : "");
    }
    dm_buf_add_z(buf, ".PP\n.nf\n");
    for (int i = 0; i < DM_EXAMPLES_MAX && command->examples[i].line; i++) {
        dm_buf_add_z(buf, "    ");
        dm_man_text(buf, dm_str_z(command->examples[i].line));
        dm_buf_add_char(buf, '\n');
    }
    dm_buf_add_z(buf, ".fi\n");
}

void dm_help_man(struct dm_buf *buf)
{
    uint32_t count;
    dm_buf_add_z(buf, ".\\\" Written by `docmill help --man` from the tables in src/cli; a test compares them.\n"
                      ".TH DOCMILL 1 \"\" \"docmill " DM_VERSION "\" \"User Commands\"\n"
                      ".SH NAME\n"
                      "docmill \\- has a model read every page of a document and hands back one result\n"
                      ".SH SYNOPSIS\n"
                      ".B docmill\n"
                      ".I command\n"
                      "[\\fIflags\\fR] [\\fIoperands\\fR]\n"
                      ".br\n"
                      ".B docmill \\-\\-help\n"
                      "|\n"
                      ".B \\-\\-version\n"
                      ".SH DESCRIPTION\n");
    man_paragraphs(
        buf,
        DM_STR("docmill takes a document in (PDF, PNG, JPEG, TIFF, EPUB, plain text), has a model read its pages in "
               "parallel, and hands back one result: what stands on each page and in the document as a whole.\n\n"
               "docmill run does that at once. docmill serve is a server that does it for others and loses no "
               "document that it accepted; the other commands talk to it.\n"));
    dm_buf_add_z(buf, ".SH COMMANDS\n");
    const struct dm_command *commands = dm_commands(&count);
    for (uint32_t i = 0; i < count; i++)
        man_command(buf, &commands[i]);
    dm_buf_add_z(buf, ".SS Flags of every command\n");
    const struct dm_flag *common = dm_common_flags(&count);
    for (uint32_t i = 0; i < count; i++)
        man_flag(buf, &common[i]);

    dm_buf_add_z(buf, ".SH EXIT STATUS\n");
#define DM_MAN_EXIT(name, status, meaning)                                                                             \
    dm_buf_addf(buf, ".TP\n.B %d\n", status);                                                                          \
    dm_man_text(buf, dm_str_z(meaning));                                                                               \
    dm_buf_add_char(buf, '\n');
    DM_EXITS(DM_MAN_EXIT)
#undef DM_MAN_EXIT
    dm_buf_add_z(
        buf,
        ".PP\nA command that a signal ends says so to the shell in the usual way (130 for Ctrl\\-C, 143 for SIGTERM).\n"
        ".SH SETTINGS\n"
        "A setting takes its value from the first that has one: its flag, the environment variable of its "
        "name, the file of \\-\\-config, its default.\n");
    dm_settings_man(buf);
}

/* ---- completions ------------------------------------------------------------------------------------------------- */

static void bash_choices(struct dm_buf *buf, const char *flag, const char *choices)
{
    struct dm_str rest = dm_str_z(choices), choice;
    dm_buf_addf(buf, "    --%s) COMPREPLY=($(compgen -W '", flag);
    for (bool first = true; dm_str_next(&rest, '|', &choice); first = false)
        dm_buf_addf(buf, "%s%.*s", first ? "" : " ", DM_STR_ARG(choice));
    dm_buf_add_z(buf, "' -- \"$word\")); return ;;\n");
}

static void bash_values(struct dm_buf *buf, const struct dm_flag *flags, uint32_t count, const char *command)
{
    for (uint32_t i = 0; i < count; i++) {
        if (flags[i].kind == DM_FLAG_SWITCH)
            continue;
        dm_buf_addf(buf, "    %s/", command);
        if (flags[i].choices) {
            struct dm_buf line = dm_buf_make(4096);
            bash_choices(&line, flags[i].name, flags[i].choices);
            dm_buf_add(buf, dm_str_from(dm_buf_str(&line), 4));
            dm_buf_free(&line);
        } else {
            dm_buf_addf(buf, "--%s) %sreturn ;;\n", flags[i].name,
                        flags[i].completes_files ? "compopt -o default; " : "");
        }
    }
}

static void bash_words(struct dm_buf *buf, const struct dm_command *command)
{
    uint32_t count;
    dm_buf_addf(buf, "    %s) words='", command->name);
    for (uint32_t i = 0; i < command->flag_count; i++)
        dm_buf_addf(buf, "--%s ", command->flags[i].name);
    const struct dm_setting *settings = dm_settings_table(&count);
    for (uint32_t i = 0; i < count; i++)
        if (settings[i].flag && (settings[i].users & command->users))
            dm_buf_addf(buf, "--%s ", settings[i].flag);
    const struct dm_flag *common = dm_common_flags(&count);
    for (uint32_t i = 0; i < count; i++)
        dm_buf_addf(buf, "%s--%s", i ? " " : "", common[i].name);
    dm_buf_addf(buf, "'%s ;;\n", command->completes_files ? "; files=yes" : "");
}

void dm_help_bash(struct dm_buf *buf)
{
    uint32_t count, common_count, setting_count;
    const struct dm_command *commands = dm_commands(&count);
    const struct dm_flag *common = dm_common_flags(&common_count);
    const struct dm_setting *settings = dm_settings_table(&setting_count);
    dm_buf_add_z(
        buf, "# Completes docmill's words in bash. Written by `docmill completion bash`; a test compares them.\n"
             "_docmill() {\n"
             "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}\n"
             "    local words= files=\n"
             "    COMPREPLY=()\n"
             "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
             "        COMPREPLY=($(compgen -W '");
    for (uint32_t i = 0; i < count; i++)
        dm_buf_addf(buf, "%s ", commands[i].name);
    dm_buf_add_z(buf, "--help --version' -- \"$word\"))\n"
                      "        return\n"
                      "    fi\n"
                      "    case $command/$before in\n");
    for (uint32_t i = 0; i < count; i++)
        bash_values(buf, commands[i].flags, commands[i].flag_count, commands[i].name);
    bash_values(buf, common, common_count, "*");
    for (uint32_t i = 0; i < setting_count; i++) {
        if (!settings[i].flag)
            continue;
        dm_buf_add_z(buf, "    */");
        if (settings[i].choices) {
            struct dm_buf line = dm_buf_make(4096);
            bash_choices(&line, settings[i].flag, settings[i].choices);
            dm_buf_add(buf, dm_str_from(dm_buf_str(&line), 4));
            dm_buf_free(&line);
        } else {
            dm_buf_addf(buf, "--%s) compopt -o default; return ;;\n", settings[i].flag);
        }
    }
    dm_buf_add_z(buf, "    esac\n"
                      "    case $command in\n");
    for (uint32_t i = 0; i < count; i++)
        bash_words(buf, &commands[i]);
    dm_buf_add_z(buf, "    esac\n"
                      "    case $command in\n"
                      "    help) words=\"$words");
    for (uint32_t i = 0; i < count; i++)
        dm_buf_addf(buf, " %s", commands[i].name);
    dm_buf_add_z(buf, "\" ;;\n"
                      "    completion) words=\"$words bash zsh\" ;;\n"
                      "    esac\n"
                      "    if [ -n \"$files\" ] && [[ $word != -* ]]; then\n"
                      "        compopt -o default\n"
                      "        return\n"
                      "    fi\n"
                      "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
                      "}\n"
                      "complete -F _docmill docmill\n");
}

/* A word inside _describe's or _arguments' single quotes. */
static void zsh_words(struct dm_buf *buf, struct dm_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '\'')
            dm_buf_add_z(buf, "'\\'");
        if (text.at[i] == ':' || text.at[i] == '[' || text.at[i] == ']' || text.at[i] == '\\')
            dm_buf_add_char(buf, '\\');
        dm_buf_add_char(buf, text.at[i]);
    }
}

static void zsh_flags(struct dm_buf *buf, const struct dm_flag *flags, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        dm_buf_addf(buf, "            '--%s[", flags[i].name);
        zsh_words(buf, dm_str_z(flags[i].help));
        dm_buf_add_char(buf, ']');
        if (flags[i].choices) {
            struct dm_str rest = dm_str_z(flags[i].choices), choice;
            dm_buf_addf(buf, ":%s:(", flags[i].value);
            for (bool first = true; dm_str_next(&rest, '|', &choice); first = false)
                dm_buf_addf(buf, "%s%.*s", first ? "" : " ", DM_STR_ARG(choice));
            dm_buf_add_char(buf, ')');
        } else if (flags[i].kind != DM_FLAG_SWITCH) {
            dm_buf_addf(buf, ":%s:%s", flags[i].value ? flags[i].value : "value",
                        flags[i].completes_files ? "_files" : "");
        }
        dm_buf_add_z(buf, "' \\\n");
    }
}

void dm_help_zsh(struct dm_buf *buf)
{
    uint32_t count, more;
    const struct dm_command *commands = dm_commands(&count);
    dm_buf_add_z(buf, "#compdef docmill\n"
                      "# Completes docmill's words in zsh. Written by `docmill completion zsh`.\n"
                      "_docmill() {\n"
                      "    local -a commands\n"
                      "    commands=(\n");
    for (uint32_t i = 0; i < count; i++) {
        dm_buf_addf(buf, "        '%s:", commands[i].name);
        zsh_words(buf, dm_str_z(commands[i].summary));
        dm_buf_add_z(buf, "'\n");
    }
    dm_buf_add_z(buf, "    )\n"
                      "    if (( CURRENT == 2 )); then\n"
                      "        _describe command commands\n"
                      "        return\n"
                      "    fi\n"
                      "    local command=$words[2]\n"
                      "    shift words\n"
                      "    (( CURRENT-- ))\n"
                      "    case $command in\n");
    for (uint32_t i = 0; i < count; i++) {
        dm_buf_addf(buf, "    %s)\n        _arguments \\\n", commands[i].name);
        zsh_flags(buf, commands[i].flags, commands[i].flag_count);
        const struct dm_flag *common = dm_common_flags(&more);
        zsh_flags(buf, common, more);
        const struct dm_setting *settings = dm_settings_table(&more);
        for (uint32_t j = 0; j < more; j++) {
            if (!settings[j].flag || !(settings[j].users & commands[i].users))
                continue;
            struct dm_flag flag = { .name = settings[j].flag,
                                    .kind = settings[j].choices ? DM_FLAG_CHOICE : DM_FLAG_TEXT,
                                    .value = "value",
                                    .choices = settings[j].choices,
                                    .completes_files = true,
                                    .help = settings[j].help };
            zsh_flags(buf, &flag, 1);
        }
        dm_buf_addf(buf, "            '*::operand:%s' ;;\n",
                    commands[i].completes_files                                   ? "_files"
                    : dm_str_eq(dm_str_z(commands[i].name), DM_STR("completion")) ? "(bash zsh)"
                                                                                  : "");
    }
    dm_buf_add_z(buf, "    esac\n"
                      "}\n"
                      /* Found by name in a folder of completions, the file is the function's first call. */
                      "if [[ $funcstack[1] == _docmill ]]; then\n"
                      "    _docmill \"$@\"\n"
                      "else\n"
                      "    compdef _docmill docmill\n"
                      "fi\n");
}
