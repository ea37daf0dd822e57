/* remote.h: the model port over a provider's protocol.
 *
 * A model is named "provider:name", as in "gemini:gemini-2.5-flash". A call becomes one request; its answer is read,
 * checked against the shape that was asked for, and told as ports/model.h says. Nothing is tried again here (libcurl alone
 * tries a fresh connection where a kept one turns out to be closed before a byte came back). A server that refuses
 * to be given a JSON Schema is never given one again: the call fails as `adapted`, and the next one has the schema in its prompt.
 *
 * Answers of the network become these reasons: no connection, or one that broke: `network`; the deadline: `model_timeout`; an answer
 * over the limit of bytes: `invalid_json`; docmill stops: `cancelled`. The providers' own are in docs/providers.md.
 *
 * `start` fails at once, without a call, with
 *   DM_BUSY         the client's bounded queue is full
 *   DM_DENIED       there is no key for this tenant; the sentence names the setting
 *   DM_CONFLICT     the tenant has another key than the one whose account request->account names
 *   DM_TOO_LARGE    the page makes a larger request than `request_max`
 *   DM_UNSUPPORTED  a picture of a kind that this provider does not read
 *   DM_CANCELLED    it is stopping
 * and with what `key_of` or `credentials_of` said. */
#ifndef DM_MODELS_REMOTE_H
#define DM_MODELS_REMOTE_H

#include "base/secret.h"
#include "ports/model.h"
#include "ports/runtime.h"

struct dm_multi;
struct dm_aws_credentials;

enum { DM_MODEL_NAME_MAX = 256 };

/* Both parts borrowed from the text. */
struct dm_model_name {
    struct dm_str provider; /* "extractive", "gemini", … */
    struct dm_str model;    /* empty for the built-in one */
};

/* DM_INVALID with what is wrong and an example; the sentence goes on from the name of the setting ("… must be …"). */
DM_MUST_USE enum dm_code dm_model_name_parse(struct dm_str text, struct dm_model_name *ret, struct dm_err *err);
/* DM_INVALID with those there are, in words that go on from the name of the setting. */
DM_MUST_USE enum dm_code dm_model_provider_check(struct dm_str provider, struct dm_err *err);
/* The settings that hold the name of the provider's model (beside LLM_PROVIDER), its key and its address, as in "GEMINI_MODEL",
 * "GEMINI_API_KEY" and "GEMINI_BASE_URL"; NULL for the built-in one and unknown ones. */
const char *dm_model_name_setting(struct dm_str provider);
const char *dm_model_key_setting(struct dm_str provider);
const char *dm_model_url_setting(struct dm_str provider);
/* Whether the provider may be called without a key, as many servers of one's own can. */
bool dm_model_key_optional(struct dm_str provider);
/* Whether it is the setting of some provider's key. */
bool dm_model_is_key_setting(struct dm_str name);
bool dm_model_signs(struct dm_str provider); /* without a key requests are signed with the credentials of AWS */

/* A tenant's own key, or none ({ 0 }): then the common one is used. Called by `start`; must not block for long. DM_DENIED where there
 * is one and it cannot be had: the tenant's calls are refused. */
typedef enum dm_code dm_model_key_of(void *context, const struct dm_tenant *tenant, struct dm_secret *ret,
                                     struct dm_err *err);

/* The common key of now, where it may change. Called by `start`; must not wait for anybody. Where it says none, `key` is used. */
typedef enum dm_code dm_model_key_of_now(void *context, struct dm_secret *ret, struct dm_err *err);

/* Credentials of AWS of now, to be freed by the caller. Called by `start`; must not block for long. */
typedef enum dm_code dm_model_credentials_of(void *context, struct dm_aws_credentials *ret, struct dm_err *err);
/* The provider does not know these, or not any more. True: `credentials_of` has others or will look for some, so it is worth asking
 * again: the call fails as `adapted`. Quick and never blocking. */
typedef bool dm_model_credentials_expired(void *context, const struct dm_aws_credentials *credentials);

/* Texts and secrets are copied; what else is pointed to must outlive the model. 0 and NULL: the default. */
struct dm_model_remote_options {
    struct dm_runtime runtime;
    struct dm_multi *multi;
    const char *name;                       /* "gemini:gemini-2.5-flash" */
    const char *base_url;                   /* as in "http://127.0.0.1:8000/v1"; the provider's own */
    const struct dm_secret *key;            /* the common one */
    dm_model_key_of_now *key_of_now;        /* NULL: it stays what it is */
    void (*key_was_refused)(void *context); /* by the provider: the common one; must not wait. NULL: nobody is told */
    void *key_of_now_context;
    dm_model_key_of *key_of; /* NULL: all tenants use the common key */
    void *key_of_context;
    const char *region;                                /* bedrock; needed there, except with `base_url` and a key */
    dm_model_credentials_of *credentials_of;           /* bedrock, where there is no key: requests are signed */
    dm_model_credentials_expired *credentials_expired; /* NULL: there are never others */
    void *credentials_context;
    int64_t deadline_ms;    /* of a call: 120 s */
    int64_t connect_ms;     /* 10 s */
    size_t request_max;     /* bytes of a request: 20 MB */
    size_t answer_max;      /* bytes of an answer: 1 MiB */
    uint32_t output_tokens; /* that the model may write: 4,096 */
    uint32_t concurrency;   /* calls that may usefully be under way: 8 */
};

/* Sends nothing yet. DM_INVALID, with a sentence that names the setting, where name, address, key or region cannot be right. */
DM_MUST_USE enum dm_code dm_model_remote_start(const struct dm_model_remote_options *options, struct dm_model *ret,
                                               struct dm_err *err);
/* Asks the provider whether there is such a model: Gemini, Anthropic and OpenAI's own hosts tell, and charge nothing. Waits
 * `wait_ms` at most. DM_NOT_FOUND, with a sentence that names MODEL: there is none. DM_OK: there is, or nobody can say now. */
DM_MUST_USE enum dm_code dm_model_remote_look(const struct dm_model_remote_options *options, int64_t wait_ms,
                                              struct dm_err *err);
/* Refuses new calls with DM_CANCELLED, waits for those under way, and frees the model. They end by their deadlines, or
 * at once where the dm_multi was freed before; in that case nobody may call the model from then on. */
void dm_model_remote_stop(struct dm_model *model);

#endif
