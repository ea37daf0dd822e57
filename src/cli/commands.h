/* commands.h: private to cli: the subcommands, one row each, and what one call of them is given.
 *
 * Flags that belong to one subcommand are rows of its own; flags that are settings (settings.h) come with the users a
 * subcommand names. Help, manual, completions and parsing walk the same rows. */
#ifndef DM_CLI_COMMANDS_H
#define DM_CLI_COMMANDS_H

#include "cli/exits.h"
#include "cli/settings.h"
#include "cli/term.h"

enum dm_flag_kind { DM_FLAG_SWITCH, DM_FLAG_TEXT, DM_FLAG_COUNT, DM_FLAG_CHOICE };

struct dm_flag {
    const char *name;
    const char *help;
    const char *value;   /* what help calls the value: "FILE" */
    const char *choices; /* DM_FLAG_CHOICE: "json|md" */
    size_t offset;       /* in struct dm_options: bool, const char *, uint32_t, const char * */
    enum dm_flag_kind kind;
    uint32_t least, most; /* DM_FLAG_COUNT */
    char letter;          /* short form; 0: none */
    bool completes_files;
};

/* Where flags land. Texts are NULL, counts 0 where not given. */
struct dm_options {
    bool help;
    bool json;
    bool quiet;
    bool wait;
    bool partial;
    bool text;
    bool markdown;
    bool man;
    bool all;
    bool all_stuck;
    const char *config;
    const char *pages;
    const char *password_file;
    const char *metadata;
    const char *idempotency_key;
    const char *priority;
    const char *name;
    const char *format;
    const char *out;
    const char *image;
    const char *status;
    const char *from;
    const char *to;
    const char *tenant; /* of an operator's command: only this one's */
    const char *older_than;
    const char *data; /* of docmill secret: the folder itself, in place of its server */
    uint32_t timeout_s;
    uint32_t limit;
};

struct dm_command;

/* One call of a subcommand. */
struct dm_call {
    const struct dm_command *command;
    struct dm_options options;
    struct dm_settings settings;
    struct dm_setting_values values;
    struct dm_parameters parameters; /* that some of the values came from */
    struct dm_term term;
    char *const *operands; /* what follows the flags; ends with NULL */
    uint32_t operand_count;
    const char *libexec_dir;
    const char *const *environment;
    const struct dm_buf *faults; /* of the settings, where the command takes them: one a line */
};

struct dm_example {
    const char *line;
    const char *does;
};

enum { DM_EXAMPLES_MAX = 5 };

struct dm_command {
    const char *name;
    const char *operands; /* in the synopsis: "FILE..." */
    const char *summary;  /* one line, without a full stop */
    const char *text;     /* paragraphs */
    struct dm_example examples[DM_EXAMPLES_MAX];
    const struct dm_flag *flags;
    uint32_t flag_count;
    unsigned users; /* whose settings it loads */
    uint32_t operands_least, operands_most;
    const char *operands_missing; /* what to say where there are too few */
    bool completes_files;         /* its operands are files */
    bool takes_faults;            /* it runs although settings are wrong, and says so itself */
    enum dm_exit (*run)(struct dm_call *call);
};

const struct dm_command *dm_commands(uint32_t *ret_count);
const struct dm_command *dm_command_find(struct dm_str name);
/* Flags that every subcommand takes. */
const struct dm_flag *dm_common_flags(uint32_t *ret_count);

/* ---- the functions behind the rows -------------------------------------------------------------------------------- */

enum dm_exit dm_command_run(struct dm_call *call);
enum dm_exit dm_command_serve(struct dm_call *call);
enum dm_exit dm_command_submit(struct dm_call *call);
enum dm_exit dm_command_status(struct dm_call *call);
enum dm_exit dm_command_watch(struct dm_call *call);
enum dm_exit dm_command_results(struct dm_call *call);
enum dm_exit dm_command_pages(struct dm_call *call);
enum dm_exit dm_command_cancel(struct dm_call *call);
enum dm_exit dm_command_retry(struct dm_call *call);
enum dm_exit dm_command_delete(struct dm_call *call);
enum dm_exit dm_command_jobs(struct dm_call *call);
enum dm_exit dm_command_stuck(struct dm_call *call);
enum dm_exit dm_command_redrive(struct dm_call *call);
enum dm_exit dm_command_pause(struct dm_call *call);
enum dm_exit dm_command_resume(struct dm_call *call);
enum dm_exit dm_command_secret(struct dm_call *call);
enum dm_exit dm_command_drain(struct dm_call *call);
enum dm_exit dm_command_init(struct dm_call *call);
enum dm_exit dm_command_doctor(struct dm_call *call);
enum dm_exit dm_command_settings(struct dm_call *call);
enum dm_exit dm_command_completion(struct dm_call *call);
enum dm_exit dm_command_help(struct dm_call *call);

/* ---- saying what went wrong --------------------------------------------------------------------------------------- */

/* What a person needs to know of a failure, and what to do about it. With --json it is JSON on standard error. */
struct dm_trouble {
    enum dm_exit exit;
    const char *code; /* for programs: "not-found"; of a problem document the end of its type */
    const char *sentence;
    const char *hint; /* what to type or do next; NULL or empty: nothing comes to mind */
    uint32_t status;  /* of HTTP; 0: none */
};

/* Prints it and returns its exit status. */
enum dm_exit dm_say_trouble(const struct dm_call *call, const struct dm_trouble *trouble);
/* There is no command `given`; the nearest that there is. */
enum dm_exit dm_say_no_command(const struct dm_call *call, const char *given);
/* The same for an error of a room below; `doing` begins the sentence: "cannot read scan.pdf". */
enum dm_exit dm_say_error(const struct dm_call *call, enum dm_exit exit, const char *doing, const struct dm_err *err,
                          const char *hint);
/* Prints to standard output; DM_EXIT_FAILED with a sentence where that is not possible. */
enum dm_exit dm_say(const struct dm_call *call, const struct dm_buf *text);

#endif
