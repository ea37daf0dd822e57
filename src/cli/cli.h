/* cli.h: the door of the command line: everything `docmill` does when it is typed.
 *
 * The room is made of tables. settings_table.c has one row per setting and commands.c one per subcommand, with its flags, its text and its
 * function; parsing, --help, the manual page, docs/settings.md and the shell completions all walk those rows. */
#ifndef DM_CLI_H
#define DM_CLI_H

/* Runs one subcommand and returns the exit status (exits.h). `libexec_dir` is where docmill-pdf lies once installed. */
int dm_cli_main(int argc, char **argv, const char *libexec_dir);

#endif
