/* provider.h: private to models: what a provider is: one file and one row.
 *
 * A provider turns what is asked, put in no provider's words, into a request, and what came back into a reason of the closed
 * list, a text and what it cost. Both are pure functions: no clock, no socket, no memory of earlier calls; so each can be
 * held against recorded bytes. Sending, deadlines, keys and checking the text are remote.c's.
 *
 * To add one: write its file after the model of anthropic.c (the shortest), declare its row below, name it in providers.c
 * and meson.build. docs/providers.md goes through it step by step. */
#ifndef DM_MODELS_PROVIDER_H
#define DM_MODELS_PROVIDER_H

#include "aws/aws.h"
#include "base/secret.h"
#include "net/net.h"
#include "ports/model.h"

/* Everything is borrowed. */
struct dm_provider_ask {
    struct dm_str model; /* as the provider calls it */
    struct dm_str system;
    struct dm_str prompt;
    struct dm_str picture; /* may be empty */
    enum dm_media picture_media;
    struct dm_str schema_name;
    struct dm_str schema;   /* JSON Schema as text; empty: the prompt describes it, and nothing is asked for natively */
    struct dm_str rejected; /* not empty: the answer to the same prompt that would not do, … */
    struct dm_str complaint; /* … and why */
    uint32_t output_tokens;  /* at most */
};

/* Where the request goes and what lets it in. */
struct dm_provider_access {
    struct dm_str base_url; /* without a slash at its end; empty: the provider's own */
    struct dm_str region;   /* bedrock */
    const struct dm_secret *key;
    const struct dm_aws_credentials *credentials; /* bedrock, where there is no key; NULL: none */
    int64_t wall_ms;                              /* signatures say when they were made */
};

enum { DM_PROVIDER_HEADERS_MAX = 8, DM_PROVIDER_URL_MAX = 2048 };

/* Headers are kept as secrets, all of them: so those that are leave nothing behind. */
struct dm_provider_call {
    struct dm_buf url;
    struct dm_buf body;
    struct {
        struct dm_str name; /* static */
        struct dm_secret value;
    } headers[DM_PROVIDER_HEADERS_MAX];
    uint32_t header_count;
};

void dm_provider_call_free(struct dm_provider_call *call); /* leaves it empty; accepts { 0 } */

struct dm_tokens {
    uint64_t input;  /* all of it, also what the provider had cached */
    uint64_t cached; /* of these */
    uint64_t output; /* with what the model thought */
};

struct dm_provider_heard {
    enum dm_reason reason; /* DM_REASON_NONE: `text` is there, and nothing is known of it yet */
    bool doubtful; /* it ended in a way not known here: the text counts if it is what was asked for, else it is empty */
    bool schema_refused;      /* it failed because this server or model takes no schema */
    bool model_unknown;       /* it failed because there is no such model there */
    bool too_long;            /* it failed because the model does not take so much at once */
    bool credentials_unknown; /* it failed because the credentials have run out, or are nobody's */
    char detail[160];         /* where it failed; ASCII */
    char request_id[64];      /* ASCII */
    struct dm_buf text;
    struct dm_tokens tokens;
    int64_t retry_after_ms; /* at most a day */
    struct dm_model_limits limits;
};

void dm_provider_heard_free(struct dm_provider_heard *heard);

struct dm_provider {
    const char *name;         /* before the colon of MODEL */
    const char *base_url;     /* where BASE_URL is not set; NULL: made from the region */
    const char *name_setting; /* "GEMINI_MODEL" */
    const char *key_setting;  /* "GEMINI_API_KEY" */
    const char *url_setting;  /* "GEMINI_BASE_URL" */
    const char *example;      /* of a model, for messages */
    bool key_optional;
    bool signs;     /* without a key it signs with AWS credentials */
    unsigned takes; /* DM_MODEL_TAKES_… */
    /* Appends to *ret, which is empty. DM_TOO_LARGE where the request passes ret->body.max. */
    enum dm_code (*write)(const struct dm_provider_ask *ask, const struct dm_provider_access *access,
                          struct dm_provider_call *ret, struct dm_err *err);
    /* Likewise a GET that is answered 404, in a way that `read` takes for model_unknown, where there is no such model. NULL: its
     * protocol has none. DM_UNSUPPORTED: not at this address. */
    enum dm_code (*look)(struct dm_str model, const struct dm_provider_access *access, struct dm_provider_call *ret,
                         struct dm_err *err);
    /* Any answer at all: fills *ret, which is zeroed but for text.max. `wall_ms` is for dates in headers. */
    void (*read)(const struct dm_http_answer *answer, int64_t wall_ms, struct dm_provider_heard *ret);
};

extern const struct dm_provider dm_provider_gemini;
extern const struct dm_provider dm_provider_openai;
extern const struct dm_provider dm_provider_anthropic;
extern const struct dm_provider dm_provider_bedrock;

/* The table; NULL past its end. */
const struct dm_provider *dm_provider_at(size_t i);
const struct dm_provider *dm_provider_named(struct dm_str name); /* NULL: none */

#endif
