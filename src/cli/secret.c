/* secret.c: docmill secret: tenants' own keys. The value comes from standard input or a terminal, never from the command line. */
#include "cli/secret.h"

#include <errno.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "models/models.h"
#include "pipeline/pipeline.h"

enum {
    TEXT_MAX = 16 * 1024,
    TABLE_BYTES = 64 * 1024 * 1024,
    SAID_MAX = 64 * 1024 * 1024,
    CTRL_C = 3,
    CTRL_D = 4,
    CTRL_U = 21,
    DELETE = 127
};

static enum dm_exit usage(const struct dm_call *call, const char *sentence)
{
    return dm_say_trouble(call, &(struct dm_trouble){ .exit = DM_EXIT_USAGE,
                                                      .code = "usage",
                                                      .sentence = sentence,
                                                      .hint = "docmill secret --help has examples." });
}

/* ---- the value --------------------------------------------------------------------------------------------------- */

static ssize_t read_byte(char *ret)
{
    ssize_t got;
    do
        got = read(STDIN_FILENO, ret, 1);
    while (got < 0 && errno == EINTR);
    return got;
}

/* What is too long is cut a byte too late, and refused where it is used. */
static bool read_all(struct dm_buf *value)
{
    char c;
    ssize_t got;
    while ((got = read_byte(&c)) > 0)
        if (value->len < value->max)
            dm_buf_add_char(value, c);
    return got == 0;
}

/* A line as it is typed; false: it was broken off with Ctrl-C. */
static bool read_line(struct dm_buf *value)
{
    char c;
    while (read_byte(&c) > 0) {
        if (c == CTRL_C)
            return false;
        if (c == '\n' || c == '\r' || c == CTRL_D)
            return true;
        if (c == CTRL_U)
            value->len = 0;
        else if (c == '\b' || c == DELETE)
            value->len -= value->len > 0;
        else if (value->len < value->max)
            dm_buf_add_char(value, c);
    }
    return false;
}

/* Without showing it. Keys that would end the program are bytes meanwhile, so that the terminal is never left silent. */
static bool read_hidden(const char *name, const char *tenant, struct dm_buf *value)
{
    struct termios before, hidden;
    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return false;
    hidden = before;
    hidden.c_lflag &= (tcflag_t) ~(ECHO | ECHONL | ISIG | ICANON);
    hidden.c_cc[VMIN] = 1;
    hidden.c_cc[VTIME] = 0;
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) != 0)
        return false;
    (void)fprintf(stderr, "%s of %s: ", name, tenant ? tenant : "all");
    (void)fflush(stderr);
    bool whole = read_line(value);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    (void)fputc('\n', stderr);
    return whole;
}

static struct dm_str without_line_end(struct dm_str text)
{
    if (dm_str_ends(text, DM_STR("\n")))
        text.len--;
    if (dm_str_ends(text, DM_STR("\r")))
        text.len--;
    return text;
}

static enum dm_exit read_value(const struct dm_call *call, const char *name, struct dm_secret *ret)
{
    struct dm_err err;
    struct dm_buf value = dm_buf_make(DM_TENANT_KEY_MAX + 3);
    enum dm_exit exit = DM_EXIT_DONE;
    bool whole = dm_buf_reserve(&value, value.max) &&
                 (isatty(STDIN_FILENO) ? read_hidden(name, call->options.tenant, &value) : read_all(&value));
    struct dm_str key = without_line_end(dm_buf_str(&value));
    if (!whole)
        exit = dm_say_trouble(call,
                              &(struct dm_trouble){ .exit = DM_EXIT_FAILED,
                                                    .code = "no-value",
                                                    .sentence = "the value could not be read; nothing was changed" });
    else if (key.len == 0)
        exit = usage(call, "the value on standard input is empty; nothing was changed");
    else if (dm_secret_make(key, name, ret, &err) != DM_OK)
        exit = dm_say_error(call, DM_EXIT_FAILED, "", &err, "");
    dm_buf_wipe(&value);
    return exit;
}

/* ---- the verbs --------------------------------------------------------------------------------------------------- */

static enum dm_exit say_done(const struct dm_call *call, const struct dm_tenant *tenant, struct dm_str name,
                             const char *word, const char *words)
{
    DM_AUTO(dm_buf) said = dm_buf_make(TEXT_MAX);
    if (call->options.json && tenant)
        dm_buf_addf(&said, "{\"tenantId\":\"%s\",\"name\":\"%.*s\",\"status\":\"%s\"}\n", tenant->id, DM_STR_ARG(name),
                    word);
    else if (call->options.json)
        dm_buf_addf(&said, "{\"name\":\"%.*s\",\"status\":\"%s\"}\n", DM_STR_ARG(name), word);
    else if (tenant)
        dm_buf_addf(&said, "The %.*s of %s %s.\n", DM_STR_ARG(name), tenant->id, words);
    else
        dm_buf_addf(&said, "The parameter of %.*s is %s; servers see that within their SSM_REFRESH_SECONDS.\n",
                    DM_STR_ARG(name), word);
    return dm_say(call, &said);
}

static enum dm_exit set(const struct dm_call *call, const struct dm_secret_place *place, const struct dm_tenant *tenant,
                        const char *name)
{
    DM_AUTO(dm_secret) value = { 0 };
    enum dm_exit exit = read_value(call, name, &value);
    if (exit == DM_EXIT_DONE)
        exit = place->set(call, tenant, dm_str_z(name), &value);
    return exit == DM_EXIT_DONE ? say_done(call, tenant, dm_str_z(name), "set", "is set") : exit;
}

static enum dm_exit take_away(const struct dm_call *call, const struct dm_secret_place *place,
                              const struct dm_tenant *tenant, const char *name)
{
    enum dm_exit exit = place->remove(call, tenant, dm_str_z(name));
    return exit == DM_EXIT_DONE
               ? say_done(call, tenant, dm_str_z(name), "removed", "is removed; the common key is used from now on")
               : exit;
}

static void add_table(struct dm_buf *said, const json_t *secrets, const struct dm_look *look)
{
    static const char *const headings[] = { "TENANT", "NAME", "SET", "CHANGED" };
    struct dm_arena arena = dm_arena_make(TABLE_BYTES);
    struct dm_table table = { .arena = &arena, .columns = DM_COUNT(headings), .flexible = 0 };
    size_t i;
    json_t *one;
    for (i = 0; i < DM_COUNT(headings); i++)
        dm_table_add(&table, dm_str_z(headings[i]), DM_TONE_PLAIN);
    json_array_foreach (secrets, i, one) {
        dm_table_add(&table, dm_json_str(one, "tenantId"), DM_TONE_PLAIN);
        dm_table_add(&table, dm_json_str(one, "name"), DM_TONE_PLAIN);
        dm_table_add(&table, dm_text_time(&arena, dm_json_str(one, "created")), DM_TONE_FAINT);
        dm_table_add(&table, dm_text_time(&arena, dm_json_str(one, "changed")), DM_TONE_FAINT);
    }
    dm_table_print(&table, look, said);
    dm_arena_free(&arena);
}

static enum dm_exit list(const struct dm_call *call, const struct dm_secret_place *place,
                         const struct dm_tenant *tenant)
{
    DM_AUTO(dm_buf) said = dm_buf_make(SAID_MAX);
    json_auto_t *answer = NULL;
    enum dm_exit exit = place->list(call, tenant, &answer);
    if (exit != DM_EXIT_DONE)
        return exit;
    const json_t *secrets = json_object_get(answer, "secrets");
    size_t i;
    json_t *one;
    if (call->options.json) {
        dm_json_add(&said, answer);
        dm_buf_add_char(&said, '\n');
    } else {
        json_array_foreach (json_object_get(answer, "failing"), i, one)
            dm_buf_addf(&said, "The key of %.*s does not work: %.*s (%.*s).\n",
                        DM_STR_ARG(dm_json_str(one, "tenantId")), DM_STR_ARG(dm_json_str(one, "detail")),
                        DM_STR_ARG(dm_json_str(one, "reason")));
        if (json_array_size(secrets) == 0)
            dm_buf_add_z(&said, "No tenant has a key of its own.\n");
        else
            add_table(&said, secrets, &call->term.out);
    }
    return dm_say(call, &said);
}

enum dm_exit dm_command_secret(struct dm_call *call)
{
    struct dm_str verb = dm_str_z(call->operands[0]);
    bool sets = dm_str_eq(verb, DM_STR("set")), removes = dm_str_eq(verb, DM_STR("remove"));
    bool named = sets || removes;
    bool everybodys = named && !call->options.tenant && !call->options.data && call->settings.ssm_path.len > 0;
    const struct dm_secret_place *place = everybodys           ? &dm_secret_parameters
                                          : call->options.data ? &dm_secret_folder
                                                               : &dm_secret_server;
    struct dm_tenant tenant;
    const struct dm_tenant *whose = call->options.tenant ? &tenant : NULL;
    struct dm_err err;
    if (!named && !dm_str_eq(verb, DM_STR("list")))
        return usage(call, "docmill secret knows set NAME, list and remove NAME");
    if (call->operand_count > (named ? 2U : 1U))
        return usage(
            call, "the command line has more than the name; a value comes from standard input, where nobody sees it");
    if (named && (call->operand_count < 2 || !dm_model_is_key_setting(dm_str_z(call->operands[1]))))
        return usage(call, "the name must be the setting of a model provider's key, like GEMINI_API_KEY");
    if (named && !whose && !everybodys)
        return usage(call, "--tenant must say whose secret it is, or SSM_PARAMETER_PATH where everybody's lies");
    if (call->options.tenant && dm_tenant_parse(dm_str_z(call->options.tenant), &tenant, &err) != DM_OK)
        return dm_say_error(call, DM_EXIT_USAGE, "--tenant", &err, "");
    if (sets)
        return set(call, place, whose, call->operands[1]);
    if (removes)
        return take_away(call, place, whose, call->operands[1]);
    return list(call, place, whose);
}
