/* settings.h: private to cli: what an operator may change.
 *
 * Each setting is one row of one table (settings_table.c): its name, kind, default, limits, where it lands and what it is for. Its
 * value comes from the first of: a flag, the environment variable of that name, the file given with --config, the parameter of that
 * name below SSM_PARAMETER_PATH, the default. An empty value is the same as none. Nothing else in docmill reads the environment.
 *
 * All wrong settings are reported at once. A subcommand loads only the settings that it uses, so a mistyped setting of
 * the server does not keep anybody from asking how a document is doing. */
#ifndef DM_CLI_SETTINGS_H
#define DM_CLI_SETTINGS_H

#include "aws/aws.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "server/server.h"

/* Who uses a setting; bits. */
enum dm_user {
    DM_USER_SERVER = 1,
    DM_USER_RUN = 2,
    DM_USER_CLIENT = 4,
    DM_USER_UPLOAD = 8,
    DM_USER_ANY = 16,
    DM_USER_OPERATOR = 32,
    DM_USER_CLOUD = 64 /* of what is needed to reach Amazon's services, and no more */
};

#define DM_SETTING_KINDS(X) /* name, lands in, what a value looks like */                                              \
    X(TEXT, "struct dm_str", "text")                                                                                   \
    X(COUNT, "uint32_t", "number")                                                                                     \
    X(MEGABYTES, "uint64_t, bytes", "MB")                                                                              \
    X(SECONDS, "int64_t, milliseconds", "seconds")                                                                     \
    X(DAYS, "int64_t, milliseconds", "days")                                                                           \
    X(CHOICE, "uint32_t, place in the list", "one of")                                                                 \
    X(ROLES, "uint32_t, bits", "list")                                                                                 \
    X(SWITCH, "bool, whether it has a value", "any text")

#define DM_SETTING_KIND_ENUM(name, lands, looks) DM_SETTING_##name,
enum dm_setting_kind { DM_SETTING_KINDS(DM_SETTING_KIND_ENUM) DM_SETTING_KIND_COUNT };
#undef DM_SETTING_KIND_ENUM

#define DM_SETTING_GROUPS(X) /* name, heading */                                                                       \
    X(LISTENING, "Where the server listens")                                                                           \
    X(FOLDER, "Where documents are kept")                                                                              \
    X(ACCEPTING, "What is accepted, and when an answer waits for it")                                                  \
    X(READING, "How documents are read")                                                                               \
    X(MODELS, "Providers of models")                                                                                   \
    X(KEEPING, "How long things are kept")                                                                             \
    X(RUNNING, "Starting, stopping and logging")                                                                       \
    X(CLIENT, "For the commands that talk to a server")                                                                \
    X(HABITS, "Habits of the system that docmill keeps to")

#define DM_SETTING_GROUP_ENUM(name, heading) DM_GROUP_##name,
enum dm_setting_group { DM_SETTING_GROUPS(DM_SETTING_GROUP_ENUM) DM_GROUP_COUNT };
#undef DM_SETTING_GROUP_ENUM

/* 1 MB is 1,048,576 bytes. */
enum { DM_MEGABYTE = 1024 * 1024 };

struct dm_setting {
    const char *name;
    const char *help;     /* full sentences */
    const char *flag;     /* without its dashes; NULL: it has none */
    const char *fallback; /* the default as somebody would type it; NULL: `fallback_words` say how it is found */
    const char *fallback_words;
    const char *choices; /* DM_SETTING_CHOICE and _ROLES: "off|on" */
    const char *example;
    const char *since; /* version that had it first */
    /* Says why not, in words that follow the setting's name; NULL: fine. */
    const char *(*refuse)(struct dm_str value);
    size_t offset;      /* in struct dm_settings */
    double least, most; /* of numbers, in the unit of the setting */
    enum dm_setting_kind kind;
    enum dm_setting_group group;
    unsigned users;
    bool secret; /* never printed */
};

enum { DM_SETTINGS_MAX = 128, DM_SETTING_NAME_MAX = 64 };

enum dm_role { DM_ROLE_API = 1, DM_ROLE_WORKER = 2, DM_ROLE_AGGREGATOR = 4 };

/* Every text ends with a NUL that is not counted and lives in `arena`. */
struct dm_settings {
    struct dm_str listen;
    uint32_t port;
    struct dm_address address; /* worked out of the two above; loopback */
    struct dm_str public_url;

    struct dm_str data;  /* worked out where it is not given: a folder */
    struct dm_str store; /* "sqlite:PATH"; worked out from `data` where it is not given; "dynamodb:TABLE" */
    struct dm_str dynamodb_table;
    struct dm_str stream;
    struct dm_str blobs; /* "file:DIR"; likewise; "s3:BUCKET" or "s3:BUCKET/PREFIX", also worked out from `s3_bucket` */
    struct dm_str s3_bucket, s3_results_bucket, s3_encryption, s3_kms_key;
    uint64_t free_bytes_min;
    uint32_t connections_max;

    uint64_t sync_bytes_max;
    int64_t sync_wait_ms;
    uint64_t file_bytes_max;
    uint32_t pages_max;

    struct dm_str model; /* worked out of `llm_provider` where that is given */
    uint32_t model_concurrency;
    uint32_t model_rpm;
    uint32_t model_tpm;
    uint32_t model_input; /* an enum dm_page_form */
    int64_t model_timeout_ms;
    uint32_t attempts_max;
    int64_t page_timeout_ms;
    uint32_t helpers;
    uint32_t ocr_helpers;
    int64_t ocr_timeout_ms;
    struct dm_str ocr_languages;
    struct dm_str ocr_data;
    uint64_t helper_bytes_max;
    struct dm_str helper;

    struct dm_str llm_provider, gemini_model, openai_model, anthropic_model, bedrock_model;
    struct dm_str gemini_key, openai_key, anthropic_key, bedrock_key;
    struct dm_str gemini_url, openai_url, anthropic_url, bedrock_url;
    struct dm_str aws_region, aws_default_region, aws_profile;
    struct dm_str aws_key_id, aws_secret_key, aws_session;
    struct dm_str aws_credentials_file, aws_config_file;
    struct dm_str aws_url, aws_url_s3, aws_url_dynamodb, aws_url_sts, aws_url_ssm, aws_url_kms;
    struct dm_str ssm_path, kms_keys;
    int64_t ssm_every_ms;

    int64_t retention_source_ms;
    int64_t retention_pages_ms;
    int64_t retention_results_ms;

    uint32_t roles;
    uint32_t auth;
    int64_t drain_ms;
    uint32_t log_level; /* an enum dm_log_level */

    struct dm_str server;
    struct dm_str tenant;
    struct dm_str password;

    bool no_color;
    struct dm_str terminal;
    struct dm_str temporary;
    struct dm_str home;
    struct dm_str data_home;

    /* By row of the table: which parameter below `ssm_path` the value came from; NULL: from none. */
    const char *parameters[DM_SETTINGS_MAX];

    struct dm_arena arena;
};

enum dm_origin { DM_ORIGIN_DEFAULT, DM_ORIGIN_PARAMETER, DM_ORIGIN_FILE, DM_ORIGIN_ENVIRONMENT, DM_ORIGIN_FLAG };

/* Where the values may come from. */
struct dm_setting_sources {
    const char *const *flags;       /* by row of the table, NULL where not given; NULL: no flags at all */
    const char *const *environment; /* NAME=value, ends with NULL, like environ */
    const char *config;             /* path of the file; NULL: none */
    /* NULL: none. They must live as long as the values do. */
    const struct dm_parameters *parameters;
};

/* What was found for a row, before it was understood. */
struct dm_setting_value {
    struct dm_str text; /* empty: nothing, its default is worked out */
    enum dm_origin origin;
    uint32_t line; /* of the file */
};

struct dm_setting_values {
    struct dm_setting_value of[DM_SETTINGS_MAX];
};

const struct dm_setting *dm_settings_table(uint32_t *ret_count);
/* The row of that name, or NULL. */
const struct dm_setting *dm_setting_find(struct dm_str name);
/* Likewise for a parameter's, of which the last part is the setting's name, or that in small letters with dashes:
 * "team/gemini-api-key" is GEMINI_API_KEY. */
const struct dm_setting *dm_setting_of_parameter(struct dm_str name);

/* Reads and checks what the `users` use. Returns how many faults there are and appends one line to `faults` for each; only with 0 is
 * `*ret` good. `ret_values` may be NULL. Free `*ret` in either case. */
uint32_t dm_settings_load(const struct dm_setting_sources *sources, unsigned users, struct dm_settings *ret,
                          struct dm_setting_values *ret_values, struct dm_buf *faults);
void dm_settings_free(struct dm_settings *settings);

/* "0 to 65535", "off or on"; for help, documentation and faults. Empty where anything goes. */
void dm_setting_range(const struct dm_setting *setting, struct dm_buf *buf);
/* Both print all rows; docs/settings.md is the first. */
void dm_settings_markdown(struct dm_buf *buf);
void dm_settings_man(struct dm_buf *buf);

/* settings_rules.c. Each says why it refuses a value, or NULL. */
const char *dm_refuse_model(struct dm_str value);
const char *dm_refuse_provider(struct dm_str value);
const char *dm_refuse_store(struct dm_str value);
const char *dm_refuse_table(struct dm_str value);
const char *dm_refuse_stream(struct dm_str value);
const char *dm_refuse_blobs(struct dm_str value);
const char *dm_refuse_bucket(struct dm_str value);
const char *dm_refuse_encryption(struct dm_str value);
const char *dm_refuse_parameter_path(struct dm_str value);
const char *dm_refuse_kms_keys(struct dm_str value);
const char *dm_refuse_url(struct dm_str value);
const char *dm_refuse_auth(struct dm_str value);
const char *dm_refuse_tenant(struct dm_str value);

/* The address to listen on, "127.0.0.1:3005" or "[::1]:3005". DM_INVALID: it is none. DM_DENIED: it is not loopback. */
DM_MUST_USE enum dm_code dm_listen_parse(struct dm_str text, struct dm_address *ret, struct dm_err *err);

#endif
