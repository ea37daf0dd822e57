/* parameters.c: parameters of SSM, for test_ssm.py to look at.
 *
 *   parameters PATH read | get NAME | put NAME VALUE | new NAME VALUE | remove NAME | watch EVERY_MS
 *
 * Credentials and addresses come from the environment, and how long all may take (DEADLINE_MS). Prints a line with the code and the
 * sentence, and after it one for each parameter. `watch` goes on: it prints what it is told, and answers each line of its input, which is
 * the name of a parameter, "hurry" or "check", until that ends. */
#include <stdio.h>
#include <stdlib.h>

#include "aws/aws.h"
#include "embedded/embedded.h"

enum { DEADLINE_MS = 20000 };

static struct dm_str variable(void *context, const char *name)
{
    return dm_str_z(getenv(name));
}

static int64_t deadline(void)
{
    const char *text = getenv("DEADLINE_MS");
    return dm_mono_ms(dm_threads_runtime()) + (text ? atoi(text) : DEADLINE_MS);
}

static void tell(enum dm_code rc, const struct dm_err *err)
{
    (void)printf("%s|%s\n", dm_code_name(rc), rc == DM_OK ? "" : err->text);
    (void)fflush(stdout);
}

static void tell_parameter(const struct dm_parameter *one)
{
    struct dm_str value = dm_secret_reveal(&one->value);
    (void)printf("%s|%.*s|%lld|%s|%s\n", one->name, DM_STR_ARG(value), (long long)one->version,
                 one->encrypted ? "encrypted" : "plain", one->changed_wall_ms > 0 ? "dated" : "undated");
}

/* ---- the watch --------------------------------------------------------------------------------------------------- */

static void told(void *context, enum dm_parameter_news news, const char *name, const struct dm_err *why)
{
    static const char *const words[] = { "changed", "gone", "failing", "back" };
    (void)printf("%s %s\n", words[news], name ? name : why ? why->text : "");
    (void)fflush(stdout);
}

static void answer(struct dm_parameter_watch *watch, const char *word)
{
    struct dm_err err = { .code = DM_OK };
    DM_AUTO(dm_secret) value = { 0 };
    if (strcmp(word, "hurry") == 0) {
        dm_parameter_watch_hurry(watch);
    } else if (strcmp(word, "check") == 0) {
        tell(dm_parameter_watch_check(watch, &err), &err);
    } else if (dm_parameter_watch_get(watch, word, &value, &err) == DM_OK) {
        (void)printf("= %.*s\n", DM_STR_ARG(dm_secret_reveal(&value)));
        (void)fflush(stdout);
    } else {
        tell(err.code, &err);
    }
}

static void watch(struct dm_aws *aws, struct dm_str path, int every_ms)
{
    struct dm_err err = { .code = DM_OK };
    DM_AUTO(dm_parameters) first = { .at = NULL };
    struct dm_parameter_watch *made = NULL;
    char line[256];
    const struct dm_parameter_watch_options options = { .aws = aws, .path = path, .every_ms = every_ms, .told = told };
    enum dm_code rc = dm_parameters_read(aws, path, deadline(), &first, &err);
    if (rc == DM_OK)
        rc = dm_parameter_watch_start(&options, &first, &made, &err);
    tell(rc, &err);
    while (rc == DM_OK && fgets(line, sizeof(line), stdin)) {
        line[strcspn(line, "\n")] = '\0';
        answer(made, line);
    }
    dm_aws_interrupt(aws);
    dm_parameter_watch_stop(made);
}

/* ---- single calls ------------------------------------------------------------------------------------------------ */

static void read_all(struct dm_aws *aws, struct dm_str path)
{
    struct dm_err err = { .code = DM_OK };
    DM_AUTO(dm_parameters) all = { .at = NULL };
    tell(dm_parameters_read(aws, path, deadline(), &all, &err), &err);
    for (uint32_t i = 0; i < all.count; i++)
        tell_parameter(&all.at[i]);
}

static void run(struct dm_aws *aws, int count, char **arguments)
{
    struct dm_err err = { .code = DM_OK };
    struct dm_str path = dm_str_z(arguments[1]), word = dm_str_z(arguments[2]);
    struct dm_str name = count > 3 ? dm_str_z(arguments[3]) : DM_STR("");
    if (dm_str_eq(word, DM_STR("read"))) {
        read_all(aws, path);
    } else if (dm_str_eq(word, DM_STR("watch"))) {
        watch(aws, path, count > 3 ? atoi(arguments[3]) : 0);
    } else if (dm_str_eq(word, DM_STR("get"))) {
        struct dm_parameter one = { .name = NULL };
        enum dm_code rc = dm_parameter_get(aws, path, name, deadline(), &one, &err);
        tell(rc, &err);
        if (rc == DM_OK)
            tell_parameter(&one);
        dm_parameter_free(&one);
    } else if (dm_str_eq(word, DM_STR("remove"))) {
        tell(dm_parameter_remove(aws, path, name, deadline(), &err), &err);
    } else {
        DM_AUTO(dm_secret) value = { 0 };
        enum dm_code rc = dm_secret_make(count > 4 ? dm_str_z(arguments[4]) : DM_STR(""), "the value", &value, &err);
        const struct dm_parameter_write write = {
            .path = path, .name = name, .value = &value, .only_new = dm_str_eq(word, DM_STR("new"))
        };
        if (rc == DM_OK)
            rc = dm_parameter_put(aws, &write, deadline(), &err);
        tell(rc, &err);
    }
}

int main(int count, char **arguments)
{
    if (count < 3)
        return 2;
    const struct dm_aws_options options = { .runtime = dm_threads_runtime(), .environment = { variable, NULL } };
    struct dm_aws *aws = NULL;
    struct dm_err err = { .code = DM_OK };
    enum dm_code rc = dm_aws_open(&options, &aws, &err);
    if (rc == DM_OK)
        run(aws, count, arguments);
    else
        tell(rc, &err);
    dm_aws_close(aws);
    return 0;
}
