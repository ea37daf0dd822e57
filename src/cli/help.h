/* help.h: private to cli: what the tables say, in words. */
#ifndef DM_CLI_HELP_H
#define DM_CLI_HELP_H

#include "cli/commands.h"

/* What docmill is and what to type first. */
void dm_help_overview(struct dm_buf *buf, const struct dm_look *look);
void dm_help_command(struct dm_buf *buf, const struct dm_command *command, const struct dm_look *look);
/* docs/docmill.1 */
void dm_help_man(struct dm_buf *buf);
/* completions/docmill.bash */
void dm_help_bash(struct dm_buf *buf);
void dm_help_zsh(struct dm_buf *buf);

#endif
