/* cli.c: from argv to one row of the table of subcommands, and how trouble is told. */
#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/json.h"
#include "cli/args.h"
#include "cli/cloud.h"
#include "cli/help.h"
#include "cli/nearest.h"

enum { SAID_MAX = 1024 * 1024 };

/* ---- saying things ----------------------------------------------------------------------------------------------- */

enum dm_exit dm_say(const struct dm_call *call, const struct dm_buf *text)
{
    if (text->failed)
        return dm_say_trouble(call, &(struct dm_trouble){ .exit = DM_EXIT_FAILED,
                                                          .code = "too-large",
                                                          .sentence = "the answer is too large to be shown" });
    if (dm_put(STDOUT_FILENO, dm_buf_str(text)))
        return DM_EXIT_DONE;
    if (errno == EPIPE) /* whoever read it has seen enough */
        return DM_EXIT_FAILED;
    return dm_say_trouble(call, &(struct dm_trouble){ .exit = DM_EXIT_FAILED,
                                                      .code = "output",
                                                      .sentence = "cannot write to standard output" });
}

static void trouble_json(const struct dm_trouble *trouble, struct dm_buf *buf)
{
    dm_buf_addf(buf, "{\"error\":{\"code\":\"%s\",\"message\":", trouble->code);
    dm_buf_add_json_string(buf, dm_str_z(trouble->sentence));
    if (trouble->hint && *trouble->hint) {
        dm_buf_add_z(buf, ",\"hint\":");
        dm_buf_add_json_string(buf, dm_str_z(trouble->hint));
    }
    if (trouble->status)
        dm_buf_addf(buf, ",\"status\":%u", trouble->status);
    dm_buf_addf(buf, ",\"exit\":%d}}\n", (int)trouble->exit);
}

enum dm_exit dm_say_trouble(const struct dm_call *call, const struct dm_trouble *trouble)
{
    DM_AUTO(dm_buf) buf = dm_buf_make(SAID_MAX);
    const struct dm_look *look = &call->term.err;
    if (call->options.json) {
        trouble_json(trouble, &buf);
    } else {
        struct dm_look shown = { .utf8 = look->utf8 };
        dm_text_add_tone(&buf, "docmill:", DM_TONE_BAD, look);
        dm_buf_add_char(&buf, ' ');
        dm_text_add_clean(&buf, dm_str_z(trouble->sentence), &shown);
        dm_buf_add_char(&buf, '\n');
        if (trouble->hint && *trouble->hint) {
            dm_buf_add_z(&buf, "         ");
            dm_text_add_clean(&buf, dm_str_z(trouble->hint), &shown);
            dm_buf_add_char(&buf, '\n');
        }
    }
    (void)dm_put(STDERR_FILENO, dm_buf_str(&buf));
    return trouble->exit;
}

enum dm_exit dm_say_error(const struct dm_call *call, enum dm_exit exit, const char *doing, const struct dm_err *err,
                          const char *hint)
{
    DM_AUTO(dm_buf) sentence = dm_buf_make(SAID_MAX);
    char code[32] = "";
    if (*doing)
        dm_buf_addf(&sentence, "%s: ", doing);
    dm_buf_add_z(&sentence, err->text);
    const char *name = dm_code_name(err->code);
    for (size_t i = 0; name[i] && i + 1 < sizeof(code); i++)
        code[i] = (char)(name[i] == '_' ? '-' : name[i] + ('a' - 'A'));
    return dm_say_trouble(
        call, &(struct dm_trouble){ .exit = exit, .code = code, .sentence = dm_buf_z(&sentence), .hint = hint });
}

/* Everything that is wrong with a command line or with settings, at once. */
static enum dm_exit say_faults(const struct dm_call *call, const struct dm_buf *faults)
{
    DM_AUTO(dm_buf) said = dm_buf_make(SAID_MAX);
    struct dm_str rest = dm_buf_str(faults), line;
    struct dm_look shown = { .utf8 = call->term.err.utf8 };
    while (dm_str_next(&rest, '\n', &line)) {
        if (line.len == 0)
            continue;
        if (call->options.json) {
            dm_buf_add_z(&said, said.len ? "; " : "");
        } else {
            dm_text_add_tone(&said, "docmill:", DM_TONE_BAD, &call->term.err);
            dm_buf_add_char(&said, ' ');
        }
        dm_text_add_clean(&said, line, &shown);
        if (!call->options.json)
            dm_buf_add_char(&said, '\n');
    }
    if (call->options.json)
        return dm_say_trouble(
            call, &(struct dm_trouble){ .exit = DM_EXIT_USAGE, .code = "usage", .sentence = dm_buf_z(&said) });
    dm_buf_addf(&said, "         docmill help %s explains it.\n", call->command->name);
    (void)dm_put(STDERR_FILENO, dm_buf_str(&said));
    return DM_EXIT_USAGE;
}

/* ---- from argv to a row ------------------------------------------------------------------------------------------ */

enum dm_exit dm_say_no_command(const struct dm_call *call, const char *given)
{
    DM_AUTO(dm_buf) said = dm_buf_make(SAID_MAX);
    struct dm_nearest nearest = { .word = dm_str_z(given) };
    uint32_t count;
    const struct dm_command *commands = dm_commands(&count);
    for (uint32_t i = 0; i < count; i++)
        dm_nearest_offer(&nearest, commands[i].name);
    dm_buf_addf(&said, "there is no command %s", given);
    if (nearest.best)
        dm_buf_addf(&said, "; did you mean docmill %s?", nearest.best);
    return dm_say_trouble(call, &(struct dm_trouble){ .exit = DM_EXIT_USAGE,
                                                      .code = "usage",
                                                      .sentence = dm_buf_z(&said),
                                                      .hint = "docmill --help lists the commands." });
}

/* What stands before the first subcommand's name belongs to nobody; asked for anything else, docmill teaches. */
static enum dm_exit without_command(struct dm_call *call, const char *given)
{
    DM_AUTO(dm_buf) said = dm_buf_make(SAID_MAX);
    struct dm_str word = dm_str_z(given);
    if (word.len == 0 || dm_str_eq(word, DM_STR("--help")) || dm_str_eq(word, DM_STR("-h"))) {
        dm_help_overview(&said, &call->term.out);
        return dm_say(call, &said);
    }
    if (dm_str_eq(word, DM_STR("--version")) || dm_str_eq(word, DM_STR("-V"))) {
        dm_buf_add_z(&said, "docmill " DM_VERSION "\n");
        return dm_say(call, &said);
    }
    if (word.at[0] != '-')
        return dm_say_no_command(call, given);
    dm_buf_addf(&said, "flags stand behind a command, and %s stands before it", given);
    return dm_say_trouble(call, &(struct dm_trouble){ .exit = DM_EXIT_USAGE,
                                                      .code = "usage",
                                                      .sentence = dm_buf_z(&said),
                                                      .hint = "docmill --help lists the commands." });
}

/* Twice where some lie with Amazon: first for where, and then with what was found there. */
static enum dm_exit load_settings(struct dm_call *call, const struct dm_setting_flags *flags, struct dm_buf *faults,
                                  uint32_t *ret_wrong)
{
    struct dm_setting_sources sources = { .flags = flags->of,
                                          .environment = call->environment,
                                          .config = call->options.config };
    DM_AUTO(dm_buf) known = dm_buf_make(SAID_MAX);
    struct dm_err err;
    dm_settings_free(&call->settings);
    (void)dm_settings_load(&sources, call->command->users, &call->settings, &call->values, &known);
    enum dm_code rc = call->command->users & (DM_USER_SERVER | DM_USER_RUN)
                          ? dm_cloud_parameters(&call->settings, &call->parameters, &err)
                          : DM_OK;
    if (rc != DM_OK && !call->command->takes_faults)
        return dm_say_error(call, DM_EXIT_FAILED, "the settings cannot be read", &err,
                            "docmill doctor tries it, too; without SSM_PARAMETER_PATH there are no parameters.");
    sources.parameters = &call->parameters;
    dm_settings_free(&call->settings);
    *ret_wrong = dm_settings_load(&sources, call->command->users, &call->settings, &call->values, faults);
    if (rc != DM_OK) {
        dm_buf_addf(faults, "%s\n", err.text);
        (*ret_wrong)++;
    }
    return DM_EXIT_DONE;
}

static enum dm_exit with_command(struct dm_call *call, int argc, char **argv)
{
    DM_AUTO(dm_buf) faults = dm_buf_make(SAID_MAX);
    struct dm_setting_flags flags;
    bool fine =
        dm_args_read(call->command, argc, argv, &call->options, &flags, &call->operands, &call->operand_count, &faults);
    if (call->options.help) {
        DM_AUTO(dm_buf) said = dm_buf_make(SAID_MAX);
        dm_help_command(&said, call->command, &call->term.out);
        return dm_say(call, &said);
    }
    uint32_t wrong = 0;
    enum dm_exit loaded = load_settings(call, &flags, &faults, &wrong);
    if (loaded != DM_EXIT_DONE)
        return loaded;
    if (!fine || (wrong > 0 && !call->command->takes_faults))
        return say_faults(call, &faults);
    call->faults = &faults;
    return call->command->run(call);
}

int dm_cli_main(int argc, char **argv, const char *libexec_dir)
{
    struct dm_call call = { .libexec_dir = libexec_dir, .environment = (const char *const *)environ };
    DM_AUTO(dm_buf) faults = dm_buf_make(SAID_MAX);
    /* A reader that went away is an error of the write, not the end of the program. */
    (void)signal(SIGPIPE, SIG_IGN);
    dm_alloc_setup();
    dm_json_setup();
    struct dm_setting_sources sources = { .environment = call.environment };
    (void)dm_settings_load(&sources, 0, &call.settings, NULL, &faults);
    call.term = dm_term_look(&call.settings);
    dm_log_colour(call.term.err.color);
    call.command = argc > 1 ? dm_command_find(dm_str_z(argv[1])) : NULL;
    int status =
        call.command ? with_command(&call, argc - 1, argv + 1) : without_command(&call, argc > 1 ? argv[1] : "");
    dm_settings_free(&call.settings);
    dm_parameters_free(&call.parameters);
    return status;
}
