/* main.c: docmill. What it does when it is typed lives in cli/; this file only knows where the build put things. */
#include "cli/cli.h"

#ifndef DM_LIBEXEC_DIR
#define DM_LIBEXEC_DIR "/usr/local/libexec/docmill"
#endif

int main(int argc, char **argv)
{
    return dm_cli_main(argc, argv, DM_LIBEXEC_DIR);
}
