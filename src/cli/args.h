/* args.h: private to cli: the command line against the tables. libc's getopt_long does the reading. */
#ifndef DM_CLI_ARGS_H
#define DM_CLI_ARGS_H

#include "cli/commands.h"

/* What a command line gave for settings, by row of the table. */
struct dm_setting_flags {
    const char *of[DM_SETTINGS_MAX];
};

/* Reads what follows the subcommand's name: argv[0] is that name. Operands end up behind each other at the end of argv. What is wrong
 * is appended to `faults`, one line each; false then. --help is always found, whatever else is wrong. */
bool dm_args_read(const struct dm_command *command, int argc, char **argv, struct dm_options *ret_options,
                  struct dm_setting_flags *ret_settings, char *const **ret_operands, uint32_t *ret_operand_count,
                  struct dm_buf *faults);

#endif
