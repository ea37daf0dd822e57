/* args.c: see args.h. */
#include "cli/args.h"

#include <getopt.h>

#include "cli/nearest.h"

enum { OPTIONS_MAX = 96, FIRST_VALUE = 1000, GIVEN_COLUMNS = 60 };

/* What getopt_long is told, and what each of its numbers means. */
struct options {
    struct option of[OPTIONS_MAX];
    const struct dm_flag *flags[OPTIONS_MAX]; /* NULL: the row of a setting */
    uint32_t rows[OPTIONS_MAX];
    uint32_t count;
    char letters[2 * OPTIONS_MAX];
    uint32_t letter_count;
};

static void add_flags(struct options *options, const struct dm_flag *flags, uint32_t count)
{
    for (uint32_t i = 0; i < count && options->count < OPTIONS_MAX - 1; i++) {
        uint32_t at = options->count++;
        options->flags[at] = &flags[i];
        options->of[at] = (struct option){ .name = flags[i].name,
                                           .has_arg = flags[i].kind == DM_FLAG_SWITCH ? no_argument : required_argument,
                                           .val = FIRST_VALUE + (int)at };
        if (flags[i].letter) {
            options->letters[options->letter_count++] = flags[i].letter;
            if (flags[i].kind != DM_FLAG_SWITCH)
                options->letters[options->letter_count++] = ':';
        }
    }
}

static void collect(struct options *options, const struct dm_command *command)
{
    uint32_t count;
    /* A leading colon tells a missing value from an unknown flag. */
    options->letters[options->letter_count++] = ':';
    add_flags(options, command->flags, command->flag_count);
    const struct dm_flag *common = dm_common_flags(&count);
    add_flags(options, common, count);
    const struct dm_setting *settings = dm_settings_table(&count);
    for (uint32_t i = 0; i < count && options->count < OPTIONS_MAX - 1; i++) {
        if (!settings[i].flag || !(settings[i].users & (command->users | DM_USER_ANY)))
            continue;
        uint32_t at = options->count++;
        options->rows[at] = i;
        options->of[at] =
            (struct option){ .name = settings[i].flag, .has_arg = required_argument, .val = FIRST_VALUE + (int)at };
    }
}

/* An argument as it was given, fit to be shown. */
static void add_given(struct dm_buf *faults, const char *given)
{
    const struct dm_look plain = { .utf8 = true };
    dm_text_add_fit(faults, dm_str_z(given), GIVEN_COLUMNS, &plain);
}

static void fault_unknown(const struct options *options, const struct dm_command *command, const char *given,
                          struct dm_buf *faults)
{
    struct dm_str name = dm_str_z(given);
    dm_buf_addf(faults, "docmill %s takes no ", command->name);
    add_given(faults, given);
    while (name.len > 0 && name.at[0] == '-')
        name = dm_str_from(name, 1);
    struct dm_nearest nearest = { .word = dm_str_cut(name, 0, dm_str_find_char(name, '=')) };
    for (uint32_t i = 0; i < options->count; i++)
        dm_nearest_offer(&nearest, options->of[i].name);
    if (nearest.best)
        dm_buf_addf(faults, "; did you mean --%s?", nearest.best);
    dm_buf_add_char(faults, '\n');
}

static void land(const struct dm_flag *flag, const char *value, struct dm_options *ret, struct dm_buf *faults)
{
    void *at = (char *)ret + flag->offset;
    if (flag->kind == DM_FLAG_SWITCH) {
        *(bool *)at = true;
    } else if (flag->kind == DM_FLAG_TEXT) {
        *(const char **)at = value;
    } else if (flag->kind == DM_FLAG_COUNT) {
        uint64_t number;
        if (!dm_str_to_u64(dm_str_z(value), &number) || number < flag->least || number > flag->most) {
            dm_buf_addf(faults, "--%s takes a number from %u to %u\n", flag->name, flag->least, flag->most);
            return;
        }
        *(uint32_t *)at = (uint32_t)number;
    } else {
        struct dm_str rest = dm_str_z(flag->choices), choice;
        while (dm_str_next(&rest, '|', &choice)) {
            if (dm_str_eq(choice, dm_str_z(value))) {
                *(const char **)at = value;
                return;
            }
        }
        dm_buf_addf(faults, "--%s takes one of %s\n", flag->name, flag->choices);
    }
}

bool dm_args_read(const struct dm_command *command, int argc, char **argv, struct dm_options *ret_options,
                  struct dm_setting_flags *ret_settings, char *const **ret_operands, uint32_t *ret_operand_count,
                  struct dm_buf *faults)
{
    struct options options = { .count = 0 };
    collect(&options, command);
    *ret_options = (struct dm_options){ .help = false };
    *ret_settings = (struct dm_setting_flags){ .of = { NULL } };
    size_t before = faults->len;
    opterr = 0;
    optind = 0; /* glibc: begin anew, also with the letters' leading colon */
    for (;;) {
        int got = getopt_long(argc, argv, options.letters, options.of, NULL);
        if (got == -1)
            break;
        uint32_t at = OPTIONS_MAX;
        if (got >= FIRST_VALUE)
            at = (uint32_t)(got - FIRST_VALUE);
        for (uint32_t i = 0; got < FIRST_VALUE && i < options.count; i++)
            if (options.flags[i] && options.flags[i]->letter && options.flags[i]->letter == got)
                at = i;
        if (got == ':') {
            add_given(faults, argv[optind - 1]);
            dm_buf_add_z(faults, " needs a value\n");
        } else if (at == OPTIONS_MAX && optopt > 0 && optopt < FIRST_VALUE) {
            dm_buf_addf(faults, "docmill %s takes no -%c\n", command->name,
                        optopt > ' ' && optopt < 0x7f ? optopt : '?');
        } else if (at == OPTIONS_MAX && optopt >= FIRST_VALUE) {
            dm_buf_addf(faults, "--%s takes no value\n", options.of[optopt - FIRST_VALUE].name);
        } else if (at == OPTIONS_MAX) {
            fault_unknown(&options, command, argv[optind - 1], faults);
        } else if (options.flags[at]) {
            land(options.flags[at], optarg, ret_options, faults);
        } else {
            ret_settings->of[options.rows[at]] = optarg;
        }
    }
    *ret_operands = argv + optind;
    *ret_operand_count = (uint32_t)(argc - optind);
    if (ret_options->help)
        return true;
    if (*ret_operand_count < command->operands_least)
        dm_buf_addf(faults, "%s\n", command->operands_missing);
    if (*ret_operand_count > command->operands_most) {
        dm_buf_addf(faults, "docmill %s takes %s, and here is one too many: ", command->name,
                    command->operands_most ? command->operands : "nothing but flags");
        add_given(faults, (*ret_operands)[command->operands_most]);
        dm_buf_add_char(faults, '\n');
    }
    return faults->len == before;
}
