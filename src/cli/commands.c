/* commands.c: the subcommands, one row each. */
#include "cli/commands.h"

#define AT(member) offsetof(struct dm_options, member)
#define FLAGS(rows) .flags = (rows), .flag_count = DM_COUNT(rows)

static const struct dm_flag common[] = {
    { .name = "json",
      .kind = DM_FLAG_SWITCH,
      .offset = AT(json),
      .help = "JSON alone on standard output; errors are JSON on standard error." },
    { .name = "quiet", .letter = 'q', .kind = DM_FLAG_SWITCH, .offset = AT(quiet), .help = "No progress, no advice." },
    { .name = "config",
      .kind = DM_FLAG_TEXT,
      .value = "FILE",
      .completes_files = true,
      .offset = AT(config),
      .help = "Reads settings from a file of lines NAME=value." },
    { .name = "help", .letter = 'h', .kind = DM_FLAG_SWITCH, .offset = AT(help), .help = "Shows this text." },
};

/* Flags that several subcommands share are written once. */
#define FLAG_PAGES(words)                                                                                              \
    {                                                                                                                  \
        .name = "pages", .kind = DM_FLAG_TEXT, .value = "RANGES", .offset = AT(pages), .help = words                   \
    }
#define FLAG_FORMAT(words)                                                                                             \
    {                                                                                                                  \
        .name = "format", .kind = DM_FLAG_CHOICE, .value = "FORMAT", .choices = "json|md|jsonl", .offset = AT(format), \
        .help = words                                                                                                  \
    }
#define FLAG_PASSWORD_FILE                                                                                             \
    {                                                                                                                  \
        .name = "password-file", .kind = DM_FLAG_TEXT, .value = "FILE", .completes_files = true,                       \
        .offset = AT(password_file),                                                                                   \
        .help = "Opens encrypted documents with the first line of FILE; - is standard input."                          \
    }
#define FLAG_NAME                                                                                                      \
    {                                                                                                                  \
        .name = "name", .kind = DM_FLAG_TEXT, .value = "NAME", .offset = AT(name),                                     \
        .help = "What the document is called, in place of the file's own name."                                        \
    }
#define FLAG_TIMEOUT                                                                                                   \
    {                                                                                                                  \
        .name = "timeout", .kind = DM_FLAG_COUNT, .value = "SECONDS", .least = 1, .most = 604800,                      \
        .offset = AT(timeout_s),                                                                                       \
        .help = "Waits no longer than this; then the exit status is 2 and the document goes on."                       \
    }

static const struct dm_flag run_flags[] = {
    FLAG_FORMAT("json (the default), md (Markdown to read) or jsonl (one page a line)."),
    FLAG_PAGES("Reads only these pages, like 1-5,9 or 12- (to the end)."),
    FLAG_PASSWORD_FILE,
    { .name = "out",
      .letter = 'o',
      .kind = DM_FLAG_TEXT,
      .value = "DIR",
      .completes_files = true,
      .offset = AT(out),
      .help = "Writes one file for each document into DIR instead of standard output." },
    FLAG_NAME,
};

static const struct dm_flag submit_flags[] = {
    { .name = "wait",
      .letter = 'w',
      .kind = DM_FLAG_SWITCH,
      .offset = AT(wait),
      .help = "Waits for the documents' ends; the exit status then speaks of them." },
    FLAG_TIMEOUT,
    FLAG_PAGES("Reads only these pages, like 1-5,9 or 12- (to the end)."),
    FLAG_PASSWORD_FILE,
    { .name = "metadata",
      .kind = DM_FLAG_TEXT,
      .value = "JSON",
      .offset = AT(metadata),
      .help = "A JSON object of your own that stays with the document and comes back in its events." },
    { .name = "priority",
      .kind = DM_FLAG_CHOICE,
      .value = "N",
      .choices = "0|1|2|3|4|5|6|7|8|9",
      .offset = AT(priority),
      .help = "0 is read first, 9 last; 5 unless given." },
    { .name = "idempotency-key",
      .kind = DM_FLAG_TEXT,
      .value = "KEY",
      .offset = AT(idempotency_key),
      .help = "Under the same key the same file is accepted once, however often it is submitted within a day." },
    FLAG_NAME,
};

static const struct dm_flag watch_flags[] = { FLAG_TIMEOUT };

static const struct dm_flag results_flags[] = {
    FLAG_FORMAT("json (the default), md (Markdown to read) or jsonl (one page a line)."),
    { .name = "partial",
      .kind = DM_FLAG_SWITCH,
      .offset = AT(partial),
      .help = "Takes what there is by now of a document that has not ended." },
    { .name = "out",
      .letter = 'o',
      .kind = DM_FLAG_TEXT,
      .value = "FILE",
      .completes_files = true,
      .offset = AT(out),
      .help = "Writes into FILE, which appears when it is complete." },
};

static const struct dm_flag pages_flags[] = {
    { .name = "text", .kind = DM_FLAG_SWITCH, .offset = AT(text), .help = "Of page N only the text that was read." },
    { .name = "image",
      .kind = DM_FLAG_TEXT,
      .value = "FILE",
      .completes_files = true,
      .offset = AT(image),
      .help = "Writes a picture of page N into FILE." },
};

static const struct dm_flag retry_flags[] = {
    FLAG_PAGES("Reads these pages again, whether they failed or not."),
};

static const struct dm_flag jobs_flags[] = {
    { .name = "status",
      .kind = DM_FLAG_CHOICE,
      .value = "STATUS",
      .choices = "pending|chunking|processing|aggregating|completed|failed|cancelled",
      .offset = AT(status),
      .help = "Only documents of this status." },
    { .name = "from",
      .kind = DM_FLAG_TEXT,
      .value = "TIME",
      .offset = AT(from),
      .help = "Uploaded at this time or later: 2026-11-24 or 2026-11-24T08:00:00Z." },
    { .name = "to", .kind = DM_FLAG_TEXT, .value = "TIME", .offset = AT(to), .help = "Uploaded before this time." },
    { .name = "limit",
      .kind = DM_FLAG_COUNT,
      .value = "N",
      .least = 1,
      .most = 1000000,
      .offset = AT(limit),
      .help = "At most so many; 20 unless given." },
    { .name = "all", .kind = DM_FLAG_SWITCH, .offset = AT(all), .help = "All there are." },
};

#define FLAG_TENANT(words)                                                                                             \
    {                                                                                                                  \
        .name = "tenant", .kind = DM_FLAG_TEXT, .value = "TENANT", .offset = AT(tenant), .help = words                 \
    }
#define FLAG_OLDER_THAN                                                                                                \
    {                                                                                                                  \
        .name = "older-than", .kind = DM_FLAG_TEXT, .value = "TIME", .offset = AT(older_than),                         \
        .help = "A document is stuck once it made no progress for so long: 90s, 5m (unless given), 2h, 1d; 0s: any."   \
    }

static const struct dm_flag stuck_flags[] = {
    FLAG_OLDER_THAN,
    FLAG_TENANT("Only documents of this tenant."),
    { .name = "limit",
      .kind = DM_FLAG_COUNT,
      .value = "N",
      .least = 1,
      .most = 1000000,
      .offset = AT(limit),
      .help = "At most so many; 100 unless given." },
};

static const struct dm_flag redrive_flags[] = {
    { .name = "all-stuck",
      .kind = DM_FLAG_SWITCH,
      .offset = AT(all_stuck),
      .help = "All documents that docmill stuck lists, in place of IDs." },
    FLAG_OLDER_THAN,
    FLAG_TENANT("Only documents of this tenant."),
};

static const struct dm_flag pause_flags[] = { FLAG_TENANT("Only this tenant's work; everybody's unless given.") };

static const struct dm_flag resume_flags[] = { FLAG_TENANT("Only this tenant's pause; all pauses unless given.") };

static const struct dm_flag secret_flags[] = {
    FLAG_TENANT("Whose secret; list shows everybody's unless given."),
    { .name = "data",
      .kind = DM_FLAG_TEXT,
      .value = "FOLDER",
      .completes_files = true,
      .offset = AT(data),
      .help = "Opens the data folder itself, for as long as no server uses it: for the first key, without which one "
              "would not "
              "start." },
};

static const struct dm_flag drain_flags[] = {
    { .name = "timeout",
      .kind = DM_FLAG_COUNT,
      .value = "SECONDS",
      .least = 1,
      .most = 86400,
      .offset = AT(timeout_s),
      .help = "Waits no longer than this for the server's end, which comes all the same; then the exit status is 2. "
              "Unless given, somewhat longer than the server's DRAIN_SECONDS." },
};

static const struct dm_flag settings_flags[] = {
    { .name = "markdown",
      .kind = DM_FLAG_SWITCH,
      .offset = AT(markdown),
      .help = "Prints the reference of all settings, as in docs/settings.md." },
};

static const struct dm_flag help_flags[] = {
    { .name = "man",
      .kind = DM_FLAG_SWITCH,
      .offset = AT(man),
      .help = "Prints the manual page, as in docs/docmill.1." },
};

static const struct dm_command commands[] = {
    { .name = "run",
      .operands = "FILE...",
      .summary = "reads documents here and now, without a server",
      .text =
          "Reads each FILE with the model and prints the result. Nothing stays behind: the work is done in a folder "
          "under TMPDIR that is removed at the end, also after Ctrl-C. - reads a document from standard input.\n\n"
          "Several files give a JSON array, or one after the other in the other formats. Where a document fails, its "
          "place in the array says why, the others are read all the same, and the exit status is 1; it is 1 too where "
          "single pages failed.",
      .examples = { { "docmill run report.pdf --format md", "The result as Markdown." },
                    { "docmill run report.pdf | jq .document.summary", "One member of the JSON." },
                    { "docmill run *.pdf --out results/", "One file for each document." },
                    { "docmill run --pages 1-3 book.epub", "Only the first three pages." } },
      FLAGS(run_flags),
      .users = DM_USER_RUN | DM_USER_UPLOAD,
      .operands_least = 1,
      .operands_most = 100000,
      .operands_missing = "docmill run needs the name of a document; for example docmill run report.pdf",
      .completes_files = true,
      .run = dm_command_run },
    { .name = "serve",
      .operands = "",
      .summary = "starts the server",
      .text =
          "Takes documents over HTTP, reads them and keeps the results, until it is told to stop. Everything it keeps "
          "lies in one folder (--data). A document that it has accepted survives a crash: the next start goes on with "
          "the pages that are missing.\n\n"
          "SIGTERM or Ctrl-C stop it: it takes nothing new, finishes what it can within DRAIN_SECONDS and exits with "
          "0; a second signal ends it at once. It listens on loopback only, for requests carry no credentials yet.",
      .examples = { { "docmill serve", "On 127.0.0.1:3005, with a folder in your home." },
                    { "docmill serve --data /var/lib/docmill --port 8080", "Another folder and port." },
                    { "docmill serve --config /etc/docmill.conf", "With settings from a file." } },
      .users = DM_USER_SERVER,
      .run = dm_command_serve },
    { .name = "submit",
      .operands = "FILE...",
      .summary = "hands documents to a server",
      .text =
          "Uploads each FILE and prints its id, one a line. What the server has accepted it does not lose. - uploads "
          "from standard input (give it a --name).\n\n"
          "An upload that breaks off is tried again under the same Idempotency-Key, so it cannot become two documents.",
      .examples = { { "docmill submit report.pdf --wait", "Shows progress until the document has ended." },
                    { "docmill submit *.pdf", "All of them at once; then docmill jobs shows them." },
                    { "id=$(docmill submit --quiet report.pdf)", "For scripts." } },
      FLAGS(submit_flags),
      .users = DM_USER_CLIENT | DM_USER_UPLOAD,
      .operands_least = 1,
      .operands_most = 100000,
      .operands_missing = "docmill submit needs the name of a document; for example docmill submit report.pdf",
      .completes_files = true,
      .run = dm_command_submit },
    { .name = "status",
      .operands = "ID",
      .summary = "says how a document is doing",
      .text =
          "The exit status says it too: 0 completed, 1 failed, cancelled or completed without some pages, 2 not ended "
          "yet or not known.",
      .examples = { { "docmill status 0192f3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b", "" },
                    { "docmill status ID --json | jq .percent", "For scripts." } },
      .users = DM_USER_CLIENT,
      .operands_least = 1,
      .operands_most = 1,
      .operands_missing = "docmill status needs the id of a document; docmill jobs lists them",
      .run = dm_command_status },
    { .name = "watch",
      .operands = "ID...",
      .summary = "follows documents to their ends",
      .text = "Shows progress and ends with the last of the documents. Ctrl-C ends only the watching.",
      .examples = { { "docmill watch 0192f3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b", "" },
                    { "docmill watch $(docmill submit *.pdf)", "Several at once." } },
      FLAGS(watch_flags),
      .users = DM_USER_CLIENT,
      .operands_least = 1,
      .operands_most = 10000,
      .operands_missing = "docmill watch needs the id of a document; docmill jobs lists them",
      .run = dm_command_watch },
    { .name = "results",
      .operands = "ID",
      .summary = "prints the result of a document",
      .text =
          "The result lists every page in order, with what the model said of it, and of the document as a whole. While "
          "there is none yet the exit status is 2, and 1 where there never will be.",
      .examples = { { "docmill results ID --format md", "To read." },
                    { "docmill results ID --out report.json", "Into a file." },
                    { "docmill results ID --partial", "What there is while pages are still being read." } },
      FLAGS(results_flags),
      .users = DM_USER_CLIENT,
      .operands_least = 1,
      .operands_most = 1,
      .operands_missing = "docmill results needs the id of a document; docmill jobs lists them",
      .run = dm_command_results },
    { .name = "pages",
      .operands = "ID [N]",
      .summary = "shows the pages of a document, or one of them",
      .text =
          "Without N a table of all pages: how each ended, after how many attempts, and why where it failed. With N "
          "everything about that page.",
      .examples = { { "docmill pages ID", "" },
                    { "docmill pages ID 7", "What was read on page 7." },
                    { "docmill pages ID 7 --image page7.png", "What it looks like." } },
      FLAGS(pages_flags),
      .users = DM_USER_CLIENT,
      .operands_least = 1,
      .operands_most = 2,
      .operands_missing = "docmill pages needs the id of a document; docmill jobs lists them",
      .run = dm_command_pages },
    { .name = "cancel",
      .operands = "ID",
      .summary = "stops a document",
      .text = "No further page of it is read. What was read stays: docmill results ID --partial.",
      .examples = { { "docmill cancel 0192f3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b", "" } },
      .users = DM_USER_CLIENT,
      .operands_least = 1,
      .operands_most = 1,
      .operands_missing = "docmill cancel needs the id of a document; docmill jobs lists them",
      .run = dm_command_cancel },
    { .name = "retry",
      .operands = "ID",
      .summary = "reads the failed pages of a document again",
      .text = "Only those; the others keep their analyses. The old result stays until the new one is there.",
      .examples = { { "docmill retry ID", "The failed pages." }, { "docmill retry ID --pages 3,7", "These two." } },
      FLAGS(retry_flags),
      .users = DM_USER_CLIENT,
      .operands_least = 1,
      .operands_most = 1,
      .operands_missing = "docmill retry needs the id of a document; docmill jobs lists them",
      .run = dm_command_retry },
    { .name = "delete",
      .operands = "ID...",
      .summary = "removes documents and all that was read of them",
      .text = "At once and for good, also while they are being read.",
      .examples = { { "docmill delete 0192f3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b", "" } },
      .users = DM_USER_CLIENT,
      .operands_least = 1,
      .operands_most = 10000,
      .operands_missing = "docmill delete needs the id of a document; docmill jobs lists them",
      .run = dm_command_delete },
    { .name = "jobs",
      .operands = "",
      .summary = "lists documents, the newest first",
      .text = "With --json one object with the member jobs.",
      .examples = { { "docmill jobs", "" },
                    { "docmill jobs --status failed --from 2026-11-24", "What failed since that day." } },
      FLAGS(jobs_flags),
      .users = DM_USER_CLIENT,
      .run = dm_command_jobs },
    { .name = "stuck",
      .operands = "",
      .summary = "lists documents that do not get on, and what each waits for",
      .text =
          "A document is stuck when it made no progress for a while (--older-than): no page of it ended, nobody took "
          "it up, "
          "its result was not begun. Of each it says what it waits for: its turn, the worker that owns pages of it, "
          "pages to be "
          "tried again, the aggregator. It also says what is paused.\n\n"
          "For whoever runs the server: it looks at all tenants. The exit status is 0 where nothing is stuck, 1 where "
          "something is, 2 where that is not known.",
      .examples = { { "docmill stuck", "" },
                    { "docmill stuck --older-than 1h --json", "For a watchdog." },
                    { "docmill stuck || docmill redrive --all-stuck", "Looks, and puts them back." } },
      FLAGS(stuck_flags),
      .users = DM_USER_OPERATOR,
      .run = dm_command_stuck },
    { .name = "redrive",
      .operands = "[ID...]",
      .summary = "puts documents back that do not get on",
      .text = "Whatever holds a stuck document back is let go at once: pages go back from owners that do not get on, "
              "without "
              "counting a loss; pages that wait for their time need not any more; the aggregator's lease is over. A "
              "document that "
              "failed through no fault of its own (internal, crashed, expired, or trouble of the model's provider) is "
              "read again. "
              "What made progress lately is left alone.\n\n"
              "It says what it did for each. The exit status is 1 where one of them is not there, has ended, or could "
              "not be "
              "read again.",
      .examples = { { "docmill redrive 0192f3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b", "" },
                    { "docmill redrive ID --older-than 0s", "Whether it is stuck or not." },
                    { "docmill redrive --all-stuck --older-than 1h", "All at once." } },
      FLAGS(redrive_flags),
      .users = DM_USER_OPERATOR,
      .operands_most = 10000,
      .run = dm_command_redrive },
    { .name = "pause",
      .operands = "",
      .summary = "begins no more work, of one tenant or of all",
      .text = "From a second later on no page is begun, also after a restart of the server, until docmill resume. What "
              "is at work "
              "is finished, results are written, and documents are still taken in. Health, docmill stuck and docmill "
              "status "
              "show it.",
      .examples = { { "docmill pause --tenant acme", "One tenant." }, { "docmill pause", "Everybody." } },
      FLAGS(pause_flags),
      .users = DM_USER_OPERATOR,
      .run = dm_command_pause },
    { .name = "resume",
      .operands = "",
      .summary = "ends a pause",
      .text = "Without --tenant every pause, also those of single tenants.",
      .examples = { { "docmill resume --tenant acme", "One tenant's." }, { "docmill resume", "All of them." } },
      FLAGS(resume_flags),
      .users = DM_USER_OPERATOR,
      .run = dm_command_resume },
    { .name = "secret",
      .operands = "set|list|remove [NAME]",
      .summary = "keeps tenants' own keys of the model's provider",
      .text =
          "A tenant whose key is set is read with it, and has its provider's limits, its refusals and its bill to "
          "itself; "
          "all others use the common key of the server's settings. NAME is the setting that holds the common one, "
          "such as "
          "GEMINI_API_KEY.\n\n"
          "set takes the key from standard input, or on a terminal asks for it without showing it; never from the "
          "command "
          "line, which others can see. It is sealed before it is stored, a new one is used within seconds, and "
          "list shows "
          "names and dates alone, and whose keys the provider refuses. After remove the common key is used again. "
          "The key "
          "that seals lies in secret.key in the data folder: a backup without it has no secrets.\n\n"
          "Without --tenant, and where SSM_PARAMETER_PATH is set, set and remove change the common key: a parameter "
          "of SSM, encrypted.",
      .examples = { { "docmill secret set GEMINI_API_KEY --tenant acme", "Asks for the key." },
                    { "pass show gemini/acme | docmill secret set GEMINI_API_KEY --tenant acme", "For scripts." },
                    { "docmill secret set GEMINI_API_KEY --tenant acme --data ./docmill-data",
                      "Before the first start." },
                    { "docmill secret list", "" },
                    { "docmill secret remove GEMINI_API_KEY --tenant acme", "" } },
      FLAGS(secret_flags),
      .users = DM_USER_OPERATOR | DM_USER_CLOUD,
      .operands_least = 1,
      .operands_most = 100, /* what is too much may be a key, and is not repeated */
      .operands_missing = "docmill secret needs to be told what to do: set NAME, list or remove NAME",
      .run = dm_command_secret },
    { .name = "drain",
      .operands = "",
      .summary = "lets the server finish what is at work, and ends it",
      .text = "As SIGTERM does: the server takes nothing new, finishes what it can within its DRAIN_SECONDS, hands the "
              "rest back "
              "without a loss, and exits. The command waits for that. The exit status is 0 once the server has ended, "
              "2 where "
              "that is not known when the time is over.",
      .examples = { { "docmill drain", "" }, { "docmill drain --timeout 60 && docmill-upgrade", "For scripts." } },
      FLAGS(drain_flags),
      .users = DM_USER_OPERATOR,
      .run = dm_command_drain },
    { .name = "init",
      .operands = "",
      .summary = "makes the table of STORE on AWS, and checks what is there",
      .text = "What is there already is left as it is; what can be added to a table is added. What it needs for that, "
              "and cannot do, "
              "is named with the permission.",
      .examples = { { "STORE=dynamodb:docmill docmill init", "" },
                    { "STORE=dynamodb:docmill BLOBS=s3:acme-documents docmill init", "Tries the bucket, too." } },
      .users = DM_USER_SERVER | DM_USER_RUN,
      .run = dm_command_init },
    { .name = "doctor",
      .operands = "",
      .summary = "checks whether everything is in order, and says what to mend",
      .text =
          "Looks at the settings, the folder, the helper that opens documents, the model, the clock, and the port. It "
          "takes the settings of serve, and disturbs no server that is running. The exit status is 1 where something "
          "must be mended.",
      .examples = { { "docmill doctor", "" }, { "docmill doctor --data /var/lib/docmill", "Of another folder." } },
      .users = DM_USER_SERVER | DM_USER_RUN,
      .takes_faults = true,
      .run = dm_command_doctor },
    { .name = "settings",
      .operands = "",
      .summary = "shows the settings in force and where they come from",
      .text = "Takes the same flags, file and environment as serve, so that it shows what serve would do.",
      .examples = { { "docmill settings", "" },
                    { "PORT=8080 docmill settings | grep PORT", "Whether a setting arrives." } },
      FLAGS(settings_flags),
      .users = DM_USER_SERVER | DM_USER_RUN | DM_USER_CLIENT | DM_USER_UPLOAD,
      .run = dm_command_settings },
    { .name = "completion",
      .operands = "bash|zsh",
      .summary = "prints a script that completes docmill's words in a shell",
      .text =
          "make install puts both where bash and zsh look for completions. Without it, load the script in ~/.bashrc, "
          "or in ~/.zshrc below compinit.",
      .examples = { { "source <(docmill completion bash)", "For this shell." },
                    { "docmill completion bash > ~/.local/share/bash-completion/completions/docmill", "For good." } },
      .operands_least = 1,
      .operands_most = 1,
      .operands_missing = "docmill completion needs the name of a shell: bash or zsh",
      .run = dm_command_completion },
    { .name = "help",
      .operands = "[COMMAND]",
      .summary = "explains docmill, or one of its commands",
      .text = "The same as docmill COMMAND --help.",
      .examples = { { "docmill help submit", "" }, { "docmill help --man | man -l -", "The manual." } },
      FLAGS(help_flags),
      .operands_most = 1,
      .run = dm_command_help },
};

const struct dm_command *dm_commands(uint32_t *ret_count)
{
    *ret_count = DM_COUNT(commands);
    return commands;
}

const struct dm_command *dm_command_find(struct dm_str name)
{
    for (size_t i = 0; i < DM_COUNT(commands); i++)
        if (dm_str_eq(dm_str_z(commands[i].name), name))
            return &commands[i];
    return NULL;
}

const struct dm_flag *dm_common_flags(uint32_t *ret_count)
{
    *ret_count = DM_COUNT(common);
    return common;
}
