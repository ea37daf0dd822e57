/* remote.c: calls over the asynchronous client.
 *
 * A call belongs to `start` until the client has taken its request, and to the client's thread from then on: `start` touches
 * nothing of it after dm_multi_send, so that for the caller `done` comes after `start`. The monitor guards the few
 * things that calls have in common. Headers, and the key with them, live only until the request is handed over. */
#include "models/remote.h"

#include <stdio.h>

#include "answer.h"
#include "base/alloc.h"
#include "base/check.h"
#include "net/multi.h"
#include "prices.h"
#include "prompt.h"
#include "provider.h"

enum {
    DEADLINE_MS = 120000,
    CONNECT_MS = 10000,
    REQUEST_MAX = 20 * 1000 * 1000,
    ANSWER_MAX = 1024 * 1024,
    CONCURRENCY = 8,
    PAGES_MAX = 1000001,     /* numbers of pages that a reduction may name: MAX_PAGES at its most */
    DIGESTS_MAX = 48 * 1024, /* some 12,000 tokens, which every model takes */
    KEY_SHOWN_MAX = 16,      /* characters of a key that an answer may repeat: many begin alike */
    DOWN_AFTER = 3           /* failures of the way there in a row, until `check` says so */
};

struct remote {
    struct dm_model_remote_options options; /* with the defaults filled in; its texts are those below */
    const struct dm_provider *provider;
    char *name;
    struct dm_str model; /* in `name` */
    char *base_url;
    char *region;
    struct dm_secret key;
    uint64_t salt;              /* of the numbers of accounts, which say nothing of their keys */
    struct dm_monitor *monitor; /* guards what follows */
    uint32_t in_flight;
    bool stopping;
    bool schema_refused;
    enum dm_reason last; /* of the calls with the common key */
    uint32_t down;       /* of these, failures of the way there in a row */
    char last_detail[160];
};

struct call {
    struct remote *remote;
    const struct dm_model_request *request;
    dm_model_done *done;
    void *context;
    struct dm_secret key;                  /* the tenant's own; empty: the common one */
    struct dm_secret common;               /* that of now; empty: it stays what it was at the start */
    struct dm_aws_credentials credentials; /* that sign it */
    struct dm_buf body;
    bool with_schema;
    int64_t started_ms;
};

static void call_free(struct call *call)
{
    dm_secret_free(&call->key);
    dm_aws_credentials_free(&call->credentials);
    dm_secret_free(&call->common);
    dm_buf_free(&call->body);
    dm_free(call);
}

/* ---- what calls have in common ---- */

static enum dm_code enter(struct remote *remote, bool *ret_with_schema, struct dm_err *err)
{
    enum dm_code rc = DM_OK;
    dm_lock(remote->options.runtime, remote->monitor);
    if (remote->stopping)
        rc = dm_fail(err, DM_CANCELLED, "the model is stopping");
    else
        remote->in_flight++;
    *ret_with_schema = !remote->schema_refused;
    dm_unlock(remote->options.runtime, remote->monitor);
    return rc;
}

static void leave(struct remote *remote)
{
    struct dm_runtime runtime = remote->options.runtime;
    dm_lock(runtime, remote->monitor);
    if (--remote->in_flight == 0)
        dm_wake_all(runtime, remote->monitor);
    dm_unlock(runtime, remote->monitor);
}

static bool is_down(enum dm_reason reason)
{
    return reason == DM_REASON_NETWORK || reason == DM_REASON_OVERLOADED || reason == DM_REASON_MODEL_TIMEOUT;
}

static void note(const struct call *call, const struct dm_model_answer *answer)
{
    struct remote *remote = call->remote;
    if (dm_secret_is_set(&call->key) || answer->reason == DM_REASON_CANCELLED || answer->adapted)
        return;
    dm_lock(remote->options.runtime, remote->monitor);
    remote->last = answer->reason;
    remote->down = is_down(answer->reason) ? remote->down + 1 : 0;
    snprintf(remote->last_detail, sizeof(remote->last_detail), "%s", answer->detail);
    dm_unlock(remote->options.runtime, remote->monitor);
}

/* ---- the request ---- */

static bool is_signed(const struct call *call)
{
    return dm_secret_is_set(&call->credentials.key_id);
}

static const struct dm_secret *key_of(const struct call *call)
{
    return dm_secret_is_set(&call->key)      ? &call->key
           : dm_secret_is_set(&call->common) ? &call->common
                                             : &call->remote->key;
}

static enum dm_code write_call(struct call *call, struct dm_provider_call *ret, struct dm_err *err)
{
    const struct remote *remote = call->remote;
    const struct dm_model_request *request = call->request;
    const struct dm_prompt_options how = { .output_tokens = remote->options.output_tokens,
                                           .schema_in_words = !call->with_schema };
    DM_AUTO(dm_prompt) prompt = { 0 };
    enum dm_code rc = dm_prompt_make(request, &how, &prompt, err);
    if (rc != DM_OK)
        return rc;
    const struct dm_provider_ask ask = {
        .model = remote->model,
        .system = prompt.system,
        .prompt = dm_buf_str(&prompt.text),
        .picture = request->picture,
        .picture_media = request->picture_media,
        .schema_name = prompt.schema_name,
        .schema = call->with_schema ? prompt.schema : DM_STR(""),
        .rejected = prompt.complaint.len > 0 ? request->rejected : DM_STR(""),
        .complaint = dm_buf_str(&prompt.complaint),
        .output_tokens = prompt.output_tokens,
    };
    const struct dm_provider_access access = {
        .base_url = dm_str_z(remote->base_url),
        .region = dm_str_z(remote->region),
        .key = key_of(call),
        .credentials = is_signed(call) ? &call->credentials : NULL,
        .wall_ms = dm_wall_ms(remote->options.runtime),
    };
    return remote->provider->write(&ask, &access, ret, err);
}

static void on_done(void *context, enum dm_code code, struct dm_http_answer *http, const struct dm_err *err);

/* On DM_OK the call belongs to the client. */
static enum dm_code send_call(struct call *call, struct dm_err *err)
{
    const struct dm_model_remote_options *options = &call->remote->options;
    DM_AUTO(dm_provider_call)
    out = { .url = dm_buf_make(DM_PROVIDER_URL_MAX), .body = dm_buf_make(options->request_max) };
    struct dm_http_pair headers[DM_PROVIDER_HEADERS_MAX];
    enum dm_code rc = write_call(call, &out, err);
    if (rc != DM_OK)
        return rc;
    for (uint32_t i = 0; i < out.header_count; i++)
        headers[i] = (struct dm_http_pair){ out.headers[i].name, dm_secret_reveal(&out.headers[i].value) };
    call->body = dm_buf_move(&out.body);
    const struct dm_http_request request = {
        .method = "POST",
        .url = dm_buf_str(&out.url),
        .headers = headers,
        .header_count = out.header_count,
        .body = dm_buf_str(&call->body),
        .connect_ms = options->connect_ms,
        .total_ms = options->deadline_ms,
        .stall_ms = options->deadline_ms, /* a model says nothing while it thinks */
        .answer_max = options->answer_max,
    };
    return dm_multi_send(options->multi, &request, on_done, call, err);
}

static enum dm_code check_picture(const struct remote *remote, const struct dm_model_request *request,
                                  struct dm_err *err)
{
    enum dm_media media = request->picture_media;
    if (request->picture.len == 0)
        return DM_OK;
    unsigned needed = media == DM_MEDIA_PDF                             ? DM_MODEL_TAKES_PDF
                      : media == DM_MEDIA_PNG || media == DM_MEDIA_JPEG ? DM_MODEL_TAKES_IMAGE
                                                                        : 0;
    if (needed & remote->provider->takes)
        return DM_OK;
    return dm_fail(err, DM_UNSUPPORTED, "%s does not take this kind of picture", remote->name);
}

/* The same number for the same text (FNV-1a); 0 for none. */
static uint64_t account_of(const struct remote *remote, struct dm_str text)
{
    uint64_t number = remote->salt;
    for (size_t i = 0; i < text.len; i++)
        number = (number ^ (unsigned char)text.at[i]) * 1099511628211U;
    return text.len == 0 ? 0 : number ? number : 1;
}

/* A tenant whose key cannot be had has an account of its own, too: that is nobody else's trouble. */
static enum dm_code model_account(void *self, const struct dm_tenant *tenant, uint64_t *ret, struct dm_err *err)
{
    const struct remote *remote = self;
    const struct dm_model_remote_options *options = &remote->options;
    struct dm_secret key = { 0 };
    enum dm_code rc = options->key_of ? options->key_of(options->key_of_context, tenant, &key, err) : DM_OK;
    if (rc == DM_OK || rc == DM_DENIED)
        *ret = account_of(remote, rc == DM_OK ? dm_secret_reveal(&key) : dm_str_z(tenant->id));
    dm_secret_free(&key);
    return rc == DM_DENIED ? DM_OK : rc;
}

static enum dm_code get_key(struct call *call, const struct dm_tenant *tenant, struct dm_err *err)
{
    const struct remote *remote = call->remote;
    const struct dm_model_remote_options *options = &remote->options;
    enum dm_code rc = options->key_of ? options->key_of(options->key_of_context, tenant, &call->key, err) : DM_OK;
    if (rc != DM_OK && rc != DM_DENIED)
        return rc;
    if (account_of(remote, rc == DM_OK ? dm_secret_reveal(&call->key) : dm_str_z(tenant->id)) != call->request->account)
        return dm_fail(err, DM_CONFLICT, "the tenant's key has changed");
    if (rc != DM_OK)
        return rc;
    struct dm_err none;
    if (!dm_secret_is_set(&call->key) && options->key_of_now &&
        options->key_of_now(options->key_of_now_context, &call->common, &none) == DM_NO_MEMORY)
        return dm_fail_memory(err);
    if (dm_secret_is_set(key_of(call)) || remote->provider->key_optional)
        return DM_OK;
    if (remote->provider->signs && options->credentials_of)
        return options->credentials_of(options->credentials_context, &call->credentials, err);
    return dm_fail(err, DM_DENIED, "there is no key for %s: set %s", remote->provider->name,
                   remote->provider->key_setting);
}

static enum dm_code model_start(void *self, const struct dm_tenant *tenant, const struct dm_model_request *request,
                                dm_model_done *done, void *context, struct dm_err *err)
{
    struct remote *remote = self;
    bool with_schema;
    enum dm_code rc = check_picture(remote, request, err);
    if (rc == DM_OK)
        rc = enter(remote, &with_schema, err);
    if (rc != DM_OK)
        return rc;
    struct call *call = dm_alloc_zero(1, sizeof(*call));
    if (!call) {
        leave(remote);
        return dm_fail_memory(err);
    }
    *call = (struct call){ .remote = remote,
                           .request = request,
                           .done = done,
                           .context = context,
                           .with_schema = with_schema,
                           .started_ms = dm_mono_ms(remote->options.runtime) };
    rc = get_key(call, tenant, err);
    if (rc == DM_OK)
        rc = send_call(call, err);
    if (rc == DM_OK)
        return DM_OK;
    call_free(call);
    leave(remote);
    return rc;
}

/* ---- the answer ---- */

static enum dm_reason reason_of(enum dm_code code)
{
    switch (code) {
    case DM_TIMEOUT:
        return DM_REASON_MODEL_TIMEOUT;
    case DM_CANCELLED:
        return DM_REASON_CANCELLED;
    case DM_TOO_LARGE:
        return DM_REASON_INVALID_JSON;
    case DM_NO_MEMORY:
    case DM_BUSY:
        return DM_REASON_OVERLOADED;
    case DM_INVALID:
        return DM_REASON_BAD_REQUEST;
    default:
        return DM_REASON_NETWORK;
    }
}

static void fail_answer(struct dm_model_answer *answer, enum dm_reason reason, const char *detail)
{
    answer->reason = reason;
    snprintf(answer->detail, sizeof(answer->detail), "%.*s", (int)sizeof(answer->detail) - 1, detail);
}

static void add_pages(const struct dm_model_request *request, struct dm_buf *ret)
{
    for (uint32_t i = 0; i < request->digest_count; i++) {
        const struct dm_page_digest *digest = &request->digests[i];
        for (uint32_t page = digest->page; page == digest->page || page <= digest->last_page; page++)
            dm_buf_add(ret, dm_str_of((const char *)&page, sizeof(page)));
    }
}

/* The provider is content; is the text what was asked for? */
static void check_text(const struct call *call, const struct dm_provider_heard *heard, struct dm_model_answer *answer)
{
    const struct dm_model_request *request = call->request;
    struct dm_err err = { 0 };
    DM_AUTO(dm_buf) pages = dm_buf_make(PAGES_MAX * sizeof(uint32_t));
    add_pages(request, &pages);
    answer->analysis = dm_buf_make(2 * DM_ANSWER_BYTES_MAX);
    const struct dm_answer_pages given = { (const uint32_t *)(const void *)pages.at,
                                           (uint32_t)(pages.len / sizeof(uint32_t)) };
    enum dm_reason reason =
        pages.failed ? DM_REASON_OVERLOADED
                     : dm_answer_read(request->task, dm_buf_str(&heard->text), given, &answer->analysis, &err);
    if (reason == DM_REASON_NONE)
        return;
    dm_buf_free(&answer->analysis);
    fail_answer(answer, reason, pages.failed ? "memory is out" : err.text);
    if (reason == DM_REASON_OVERLOADED)
        return;
    if (heard->doubtful) {
        fail_answer(answer, DM_REASON_EMPTY_ANSWER, heard->detail);
        return;
    }
    answer->rejected = dm_buf_make(DM_MODEL_REJECTED_MAX);
    dm_buf_add(&answer->rejected, dm_str_cut(dm_buf_str(&heard->text), 0, DM_MODEL_REJECTED_MAX));
}

/* What is to be done about it, before what the provider said. Whatever that repeats of a key, it is not repeated here. */
static void explain(const struct call *call, const struct dm_provider_heard *heard, struct dm_model_answer *answer)
{
    const struct dm_provider *provider = call->remote->provider;
    struct dm_str key = dm_secret_reveal(key_of(call));
    char *detail = answer->detail;
    const size_t room = sizeof(answer->detail);
    if (key.len > KEY_SHOWN_MAX) /* the sentence may have been cut in the middle of it */
        key.len = KEY_SHOWN_MAX;
    if (key.len > 0 && dm_str_find(dm_str_z(detail), key) < strlen(detail))
        snprintf(detail, room, "HTTP %u", answer->status);
    const struct dm_model_remote_options *options = &call->remote->options;
    if (answer->reason == DM_REASON_AUTH_FAILED && !dm_secret_is_set(&call->key) && options->key_was_refused)
        options->key_was_refused(options->key_of_now_context);
    char said[sizeof(answer->detail)];
    memcpy(said, detail, sizeof(said));
    if (answer->reason == DM_REASON_AUTH_FAILED && is_signed(call))
        snprintf(detail, room, "%s refused the credentials of AWS (%.90s)", provider->name, said);
    else if (answer->reason == DM_REASON_AUTH_FAILED)
        snprintf(detail, room, "%s refused the key in %s (%.90s)", provider->name,
                 dm_secret_is_set(&call->key) ? "the tenant's settings" : provider->key_setting, said);
    else if (heard->model_unknown)
        snprintf(detail, room, "%s knows no such model: correct MODEL (%.90s)", provider->name, said);
    else if (heard->too_long)
        snprintf(detail, room, "longer than the model takes: name one in MODEL that takes more (%.90s)", said);
    else if (answer->status == 404 || (answer->status >= 300 && answer->status < 400))
        snprintf(detail, room, "%s is not at this address: correct %s (%.60s)", provider->name, provider->url_setting,
                 said);
}

static void take_heard(const struct call *call, struct dm_provider_heard *heard, struct dm_model_answer *answer)
{
    const struct remote *remote = call->remote;
    answer->retry_after_ms = heard->retry_after_ms;
    answer->limits = heard->limits;
    memcpy(answer->request_id, heard->request_id, sizeof(answer->request_id));
    answer->usage.input_tokens = heard->tokens.input;
    answer->usage.output_tokens = heard->tokens.output;
    answer->usage.cost_micros = dm_price_micros(dm_str_z(remote->provider->name), remote->model, &heard->tokens,
                                                dm_wall_ms(remote->options.runtime));
    if (heard->reason == DM_REASON_NONE)
        check_text(call, heard, answer);
    else
        fail_answer(answer, heard->reason, heard->detail);
}

/* True: what made the call fail is no more. */
static bool adapt(const struct call *call, const struct dm_provider_heard *heard)
{
    struct remote *remote = call->remote;
    const struct dm_model_remote_options *options = &remote->options;
    if (heard->credentials_unknown && is_signed(call) && options->credentials_expired)
        return options->credentials_expired(options->credentials_context, &call->credentials);
    if (!heard->schema_refused || !call->with_schema)
        return false;
    dm_lock(remote->options.runtime, remote->monitor);
    remote->schema_refused = true;
    dm_unlock(remote->options.runtime, remote->monitor);
    return true;
}

static void on_done(void *context, enum dm_code code, struct dm_http_answer *http, const struct dm_err *err)
{
    struct call *call = context;
    struct remote *remote = call->remote;
    struct dm_runtime runtime = remote->options.runtime;
    struct dm_model_answer answer = { .status = code == DM_OK ? http->status : 0 };
    DM_AUTO(dm_provider_heard) heard = { .text = dm_buf_make(DM_ANSWER_BYTES_MAX) };
    if (code == DM_OK) {
        remote->provider->read(http, dm_wall_ms(runtime), &heard);
        take_heard(call, &heard, &answer);
        answer.adapted = adapt(call, &heard);
    } else {
        fail_answer(&answer, reason_of(code), err->text);
    }
    answer.usage.model_calls = 1;
    answer.usage.model_ms = (uint64_t)(dm_mono_ms(runtime) - call->started_ms);
    explain(call, &heard, &answer);
    note(call, &answer);
    call->done(call->context, &answer);
    call_free(call);
    leave(remote);
}

/* ---- the port ---- */

static uint32_t model_concurrency(void *self)
{
    const struct remote *remote = self;
    return remote->options.concurrency;
}

/* Asks nobody: says what became of the last calls. */
static enum dm_code model_check(void *self, struct dm_err *err)
{
    struct remote *remote = self;
    enum dm_code rc = DM_OK;
    dm_lock(remote->options.runtime, remote->monitor);
    const char *word = dm_reason_text(remote->last);
    if (remote->stopping)
        rc = dm_fail(err, DM_CANCELLED, "the model is stopping");
    else if (remote->last == DM_REASON_AUTH_FAILED)
        rc = dm_fail(err, DM_DENIED, "%s: %s", word, remote->last_detail);
    else if (remote->last == DM_REASON_QUOTA_EXHAUSTED)
        rc = dm_fail(err, DM_THROTTLED, "%s: %s", word, remote->last_detail);
    else if (remote->down >= DOWN_AFTER)
        rc = dm_fail(err, DM_UNAVAILABLE, "%s, %u times in a row: %s", word, remote->down, remote->last_detail);
    dm_unlock(remote->options.runtime, remote->monitor);
    return rc;
}

static void model_interrupt(void *self)
{
    const struct remote *remote = self;
    dm_multi_interrupt(remote->options.multi);
}

static const struct dm_model_ops ops = {
    .start = model_start,
    .concurrency = model_concurrency,
    .check = model_check,
    .interrupt = model_interrupt,
    .account = model_account,
};

/* ---- making ---- */

static void remote_free(struct remote *remote)
{
    dm_monitor_free(remote->options.runtime, remote->monitor);
    dm_secret_free(&remote->key);
    dm_free(remote->name);
    dm_free(remote->base_url);
    dm_free(remote->region);
    dm_free(remote);
}

static void fill_in(struct dm_model_remote_options *options)
{
    options->deadline_ms = options->deadline_ms > 0 ? options->deadline_ms : DEADLINE_MS;
    options->connect_ms = options->connect_ms > 0 ? options->connect_ms : CONNECT_MS;
    options->request_max = options->request_max ? options->request_max : REQUEST_MAX;
    options->answer_max = options->answer_max ? options->answer_max : ANSWER_MAX;
    options->concurrency = options->concurrency ? options->concurrency : CONCURRENCY;
}

static struct dm_str without_slashes(struct dm_str url)
{
    while (url.len > 0 && url.at[url.len - 1] == '/')
        url.len--;
    return url;
}

static bool is_plain(struct dm_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] <= ' ' || text.at[i] >= 0x7f)
            return false;
    return true;
}

static enum dm_code check_options(const struct dm_model_remote_options *options, const struct dm_provider *provider,
                                  struct dm_err *err)
{
    struct dm_str url = dm_str_z(options->base_url);
    struct dm_str region = dm_str_z(options->region);
    bool keyed = options->key && dm_secret_is_set(options->key);
    bool web = dm_str_starts(url, DM_STR("https://")) || dm_str_starts(url, DM_STR("http://"));
    bool signed_for = provider->signs && options->credentials_of;
    if (!keyed && !options->key_of && !provider->key_optional && !signed_for)
        return dm_fail(err, DM_INVALID, "%s must be set for MODEL=%s", provider->key_setting, options->name);
    if (keyed && !is_plain(dm_secret_reveal(options->key)))
        return dm_fail(err, DM_INVALID, "%s must have no spaces, line breaks or letters beyond ASCII",
                       provider->key_setting);
    if (url.len > 0 && (!web || !is_plain(url) || dm_str_find_char(url, '?') < url.len || url.len > 1024))
        return dm_fail(err, DM_INVALID,
                       "the base URL for MODEL=%s must begin with http:// or https:// and have no query",
                       options->name);
    bool named = region.len > 0 && region.len <= 32 && is_plain(region) && dm_str_find_char(region, '/') == region.len;
    if (provider->signs && !named && (url.len == 0 || !keyed))
        return dm_fail(err, DM_INVALID, "AWS_REGION must be set for MODEL=%s, as in us-east-1", options->name);
    return DM_OK;
}

static enum dm_code copy_options(struct remote *remote, const struct dm_model_remote_options *options,
                                 struct dm_err *err)
{
    remote->options = *options;
    remote->options.key = NULL; /* the copy counts */
    fill_in(&remote->options);
    remote->name = dm_str_dup_z(dm_str_z(options->name));
    remote->base_url = dm_str_dup_z(without_slashes(dm_str_z(options->base_url)));
    remote->region = dm_str_dup_z(dm_str_z(options->region));
    if (!remote->name || !remote->base_url || !remote->region)
        return dm_fail_memory(err);
    remote->model = dm_str_from(dm_str_z(remote->name), strlen(remote->provider->name) + 1);
    enum dm_code rc =
        options->key ? dm_secret_make(dm_secret_reveal(options->key), remote->provider->key_setting, &remote->key, err)
                     : DM_OK;
    return rc == DM_OK ? dm_monitor_make(options->runtime, &remote->monitor, err) : rc;
}

enum dm_code dm_model_remote_start(const struct dm_model_remote_options *options, struct dm_model *ret,
                                   struct dm_err *err)
{
    struct dm_model_name name;
    struct dm_err why;
    if (dm_model_name_parse(dm_str_z(options->name), &name, &why) != DM_OK)
        return dm_fail(err, DM_INVALID, "MODEL %s", why.text);
    const struct dm_provider *provider = dm_provider_named(name.provider);
    if (!provider)
        return dm_fail(err, DM_INVALID, "MODEL=%s is no provider's", options->name);
    enum dm_code rc = check_options(options, provider, err);
    if (rc != DM_OK)
        return rc;
    struct remote *remote = dm_alloc_zero(1, sizeof(*remote));
    if (!remote)
        return dm_fail_memory(err);
    remote->provider = provider;
    dm_random(options->runtime, &remote->salt, sizeof(remote->salt));
    rc = copy_options(remote, options, err);
    if (rc != DM_OK) {
        remote_free(remote);
        return rc;
    }
    *ret = (struct dm_model){
        .ops = &ops, .self = remote, .name = remote->name, .takes = provider->takes, .digests_max = DIGESTS_MAX
    };
    return DM_OK;
}

void dm_model_remote_stop(struct dm_model *model)
{
    DM_CHECK(model->ops == &ops);
    struct remote *remote = model->self;
    struct dm_runtime runtime = remote->options.runtime;
    dm_lock(runtime, remote->monitor);
    remote->stopping = true;
    while (remote->in_flight > 0)
        (void)dm_wait_until(runtime, remote->monitor, DM_FOREVER);
    dm_unlock(runtime, remote->monitor);
    remote_free(remote);
    *model = (struct dm_model){ 0 };
}
