/* sources.c: credentials of roles, from those servers that give them: see sources.h.
 *
 * Each answers on a link-local or loopback address in the clear, or is STS. So who is asked is checked as an address, never by
 * how a text begins; answers are small, and come at once or not at all. */
#include "aws/sources.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "aws/answer.h"
#include "aws/exchange.h"
#include "aws/xml.h"
#include "base/calendar.h"
#include "base/encode.h"
#include "base/json.h"

enum {
    CONTAINER_MS = 2000,
    INSTANCE_MS = 1000,
    STS_MS = 5000,
    TRIES = 3,
    PAUSE_MS = 1000,
    ANSWER_MAX = 64 * 1024,
    TOKEN_MAX = 24 * 1024,
    URL_MAX = 2048,
    BODY_MAX = 96 * 1024,
    ROLE_MAX = 128,
    PATH_BYTES_MAX = 4096
};

static struct dm_str variable(const struct dm_aws_sourcing *how, const char *name)
{
    return how->environment.variable(how->environment.context, name);
}

/* ---- asking ----------------------------------------------------------------------------------------------------- */

/* Tries again, a little later, where nobody answered or the answer was a fault of the server's. */
static enum dm_code ask(const struct dm_aws_sourcing *how, const struct dm_http_request *request, int tries,
                        struct dm_http_answer *ret, struct dm_err *err)
{
    for (int i = 1;; i++) {
        enum dm_code rc = dm_aws_exchange(how->runtime, how->multi, request, ret, err);
        bool again = rc == DM_UNAVAILABLE || rc == DM_TIMEOUT || (rc == DM_OK && ret->status >= 500);
        if (!again || i == tries)
            return rc;
        dm_http_answer_free(ret);
        dm_sleep_until(how->runtime, dm_mono_ms(how->runtime) + PAUSE_MS);
    }
}

static void free_secretly(struct dm_http_answer *answer)
{
    dm_buf_wipe(&answer->body);
    dm_http_answer_free(answer);
}

/* The time that is left, by the clock of who answered; by ours where it has none. */
static enum dm_code take_expiry(const struct dm_aws_sourcing *how, const struct dm_http_answer *answer,
                                struct dm_str text, const char *what, struct dm_aws_fetched *fetched,
                                struct dm_err *err)
{
    int64_t expires_ms, there_ms;
    if (!dm_time_parse(text, &expires_ms))
        return dm_fail(err, DM_UNAVAILABLE, "%s does not say when its credentials expire", what);
    if (!dm_aws_http_date(dm_http_answer_header(answer, DM_STR("date")), &there_ms))
        there_ms = dm_wall_ms(how->runtime);
    fetched->left_ms = expires_ms - there_ms;
    fetched->credentials.expires_wall_ms = dm_wall_ms(how->runtime) + fetched->left_ms;
    return DM_OK;
}

static void wipe_texts(json_t *object)
{
    const char *name;
    json_t *value;
    json_object_foreach (object, name, value) {
        if (json_is_string(value))
            dm_wipe((char *)(uintptr_t)json_string_value(value), json_string_length(value));
    }
}

/* {"AccessKeyId":…,"SecretAccessKey":…,"Token":…,"Expiration":…}, of containers and instances. */
static enum dm_code take_json(const struct dm_aws_sourcing *how, const struct dm_http_answer *answer, const char *what,
                              struct dm_aws_fetched *ret, struct dm_err *err)
{
    json_auto_t *body = NULL;
    if (answer->status != 200)
        return dm_fail(err, answer->status >= 500 ? DM_UNAVAILABLE : DM_DENIED, "%s answers HTTP %u", what,
                       answer->status);
    if (dm_json_parse(dm_buf_str(&answer->body), what, &body, NULL) != DM_OK)
        return dm_fail(err, DM_UNAVAILABLE, "the answer of %s is no JSON", what);
    struct dm_str key_id = dm_json_str(body, "AccessKeyId"), key = dm_json_str(body, "SecretAccessKey");
    struct dm_aws_fetched fetched = { .left_ms = 0 };
    enum dm_code rc = DM_OK;
    if (key_id.len == 0 || key.len == 0)
        rc = dm_fail(err, DM_UNAVAILABLE, "the answer of %s holds no credentials", what);
    if (rc == DM_OK)
        rc = dm_aws_credentials_take(key_id, key, dm_json_str(body, "Token"), what, &fetched.credentials, err);
    if (rc == DM_OK)
        rc = take_expiry(how, answer, dm_json_str(body, "Expiration"), what, &fetched, err);
    wipe_texts(body);
    if (rc == DM_OK)
        *ret = fetched;
    else
        dm_aws_credentials_free(&fetched.credentials);
    return rc;
}

/* ---- containers ------------------------------------------------------------------------------------------------- */

static bool is_loopback_or_agent(const char *host)
{
    static const char *const agents[] = { "169.254.170.2", "169.254.170.23", "fd00:ec2::23", "::1" };
    struct in_addr given, agent;
    struct in6_addr given6, agent6;
    bool v4 = inet_pton(AF_INET, host, &given) == 1, v6 = inet_pton(AF_INET6, host, &given6) == 1;
    if (v4 && ntohl(given.s_addr) >> 24 == IN_LOOPBACKNET)
        return true;
    for (size_t i = 0; i < DM_COUNT(agents); i++) {
        if (v4 && inet_pton(AF_INET, agents[i], &agent) == 1 && agent.s_addr == given.s_addr)
            return true;
        if (v6 && inet_pton(AF_INET6, agents[i], &agent6) == 1 && memcmp(&agent6, &given6, sizeof(agent6)) == 0)
            return true;
    }
    return strcmp(host, "localhost") == 0;
}

/* A token goes there: so over TLS, or to this machine and its agents alone. */
static enum dm_code check_full_uri(struct dm_str uri, struct dm_err *err)
{
    static const char what[] = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
    struct dm_aws_endpoint endpoint = { .host = NULL };
    struct dm_str base = dm_str_cut(uri, 0, dm_str_find_char(uri, '?'));
    enum dm_code rc = dm_aws_endpoint_parse(base, what, &endpoint, err);
    if (rc != DM_OK)
        return rc;
    DM_AUTO(dm_buf) host = dm_buf_make(URL_MAX);
    struct dm_str name = dm_str_z(endpoint.host);
    if (dm_str_starts(name, DM_STR("[")))
        name = dm_str_cut(name, 1, dm_str_find_char(name, ']') - 1);
    else
        name = dm_str_cut(name, 0, dm_str_find_char(name, ':'));
    dm_buf_add(&host, name);
    if (!endpoint.https && !is_loopback_or_agent(dm_buf_z(&host)))
        rc = dm_fail(err, DM_INVALID,
                     "%s must begin with https://, or name a loopback address, 169.254.170.2, 169.254.170.23 or "
                     "[fd00:ec2::23]",
                     what);
    dm_aws_endpoint_free(&endpoint);
    return rc;
}

static enum dm_code container_url(const struct dm_aws_sourcing *how, struct dm_buf *ret, struct dm_err *err)
{
    struct dm_str relative = variable(how, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    struct dm_str full = variable(how, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    if (relative.len > 0) {
        if (relative.at[0] != '/')
            return dm_fail(err, DM_INVALID, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI must begin with /");
        dm_buf_add_z(ret, "http://169.254.170.2");
        dm_buf_add(ret, relative);
    } else {
        enum dm_code rc = check_full_uri(full, err);
        if (rc != DM_OK)
            return rc;
        dm_buf_add(ret, full);
    }
    return dm_buf_check(ret, "the address of the container's credentials", err);
}

/* Read anew each time: the platform changes it. */
static enum dm_code container_token(const struct dm_aws_sourcing *how, struct dm_buf *ret, struct dm_err *err)
{
    struct dm_str path = variable(how, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    enum dm_code rc = DM_OK;
    if (path.len > 0) {
        DM_AUTO(dm_buf) path_z = dm_buf_make(PATH_BYTES_MAX);
        dm_buf_add(&path_z, path);
        rc = dm_aws_file_read(dm_buf_z(&path_z), false, ret, err);
        if (rc != DM_OK)
            return rc;
    } else {
        dm_buf_add(ret, variable(how, "AWS_CONTAINER_AUTHORIZATION_TOKEN"));
    }
    struct dm_str token = dm_buf_str(ret);
    if (dm_str_find_char(token, '\n') < token.len || dm_str_find_char(token, '\r') < token.len)
        return dm_fail(err, DM_INVALID, "the token in %s has a line break in it",
                       path.len > 0 ? "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE" : "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    return dm_buf_check(ret, "the token for the container's credentials", err);
}

enum dm_code dm_aws_fetch_container(const struct dm_aws_sourcing *how, struct dm_aws_fetched *ret, struct dm_err *err)
{
    DM_AUTO(dm_buf) url = dm_buf_make(URL_MAX);
    struct dm_buf token = dm_buf_make(TOKEN_MAX);
    struct dm_http_answer answer = { .status = 0 };
    enum dm_code rc = container_url(how, &url, err);
    if (rc == DM_OK)
        rc = container_token(how, &token, err);
    const struct dm_http_pair headers[] = { { DM_STR("Accept"), DM_STR("application/json") },
                                            { DM_STR("Authorization"), dm_buf_str(&token) } };
    const struct dm_http_request request = { .url = dm_buf_str(&url),
                                             .headers = headers,
                                             .header_count = token.len > 0 ? 2 : 1,
                                             .connect_ms = CONTAINER_MS,
                                             .total_ms = CONTAINER_MS,
                                             .answer_max = ANSWER_MAX };
    struct dm_err why = { .code = DM_OK };
    if (rc == DM_OK && (rc = ask(how, &request, TRIES, &answer, &why)) != DM_OK)
        rc = dm_fail(err, rc, "the container's credentials: %s", why.text);
    if (rc == DM_OK)
        rc = take_json(how, &answer, "the endpoint of the container's credentials", ret, err);
    free_secretly(&answer);
    dm_buf_wipe(&token);
    return rc;
}

/* ---- instances -------------------------------------------------------------------------------------------------- */

static const char metadata[] = "the instance's metadata service";

static enum dm_code ask_instance(const struct dm_aws_sourcing *how, const char *method, struct dm_str path,
                                 struct dm_http_pair header, struct dm_http_answer *ret, struct dm_err *err)
{
    DM_AUTO(dm_buf) url = dm_buf_make(URL_MAX);
    struct dm_str base = variable(how, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    bool v6 = dm_str_eq_nocase(variable(how, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"), DM_STR("ipv6"));
    if (base.len == 0)
        base = v6 ? DM_STR("http://[fd00:ec2::254]") : DM_STR("http://169.254.169.254");
    while (dm_str_ends(base, DM_STR("/")))
        base.len--;
    dm_buf_addf(&url, "%.*s%.*s", DM_STR_ARG(base), DM_STR_ARG(path));
    enum dm_code rc = dm_buf_check(&url, "AWS_EC2_METADATA_SERVICE_ENDPOINT", err);
    const struct dm_http_request request = { .method = method,
                                             .url = dm_buf_str(&url),
                                             .headers = &header,
                                             .header_count = 1,
                                             .connect_ms = INSTANCE_MS,
                                             .total_ms = INSTANCE_MS,
                                             .answer_max = ANSWER_MAX };
    /* Whether there is such a service at all shows at the first request, and most machines have none: that one is made once. */
    bool first = strcmp(method, "PUT") == 0;
    return rc == DM_OK ? ask(how, &request, first ? 1 : TRIES, ret, err) : rc;
}

/* No machine of Amazon's, or one without a role: the last place there is to look has nothing. */
static enum dm_code nobody(struct dm_err *err, const char *why)
{
    return dm_fail(err, DM_NOT_FOUND,
                   "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile of "
                   "~/.aws/credentials in AWS_PROFILE (%s)",
                   why);
}

static enum dm_code instance_token(const struct dm_aws_sourcing *how, struct dm_http_answer *ret, struct dm_err *err)
{
    const struct dm_http_pair life = { DM_STR("X-aws-ec2-metadata-token-ttl-seconds"), DM_STR("21600") };
    struct dm_err why = { .code = DM_OK };
    enum dm_code rc = ask_instance(how, "PUT", DM_STR("/latest/api/token"), life, ret, &why);
    if (rc == DM_UNAVAILABLE || rc == DM_TIMEOUT)
        return nobody(err, "and no metadata service of an instance answers");
    if (rc != DM_OK)
        return dm_fail(err, rc, "%s: %s", metadata, why.text);
    if (ret->status >= 500)
        return dm_fail(err, DM_UNAVAILABLE, "%s answers HTTP %u", metadata, ret->status);
    if (ret->status != 200)
        return nobody(err, "and the instance's metadata service has no version 2");
    return DM_OK;
}

/* The role's name becomes a part of the next path. */
static bool is_role(struct dm_str name)
{
    static const char others[] = "+=,.@_-";
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && (c == '\0' || !strchr(others, c)))
            return false;
    }
    return name.len > 0 && name.len <= ROLE_MAX;
}

static enum dm_code instance_role(const struct dm_aws_sourcing *how, struct dm_http_pair token, struct dm_buf *path,
                                  struct dm_err *err)
{
    struct dm_http_answer answer = { .status = 0 };
    dm_buf_add_z(path, "/latest/meta-data/iam/security-credentials/");
    enum dm_code rc = ask_instance(how, "GET", dm_buf_str(path), token, &answer, err);
    struct dm_str name = dm_buf_str(&answer.body);
    name = dm_str_trim(dm_str_cut(name, 0, dm_str_find_char(name, '\n')));
    if (rc == DM_OK && answer.status == 404)
        rc = nobody(err, "and the instance has no role");
    else if (rc == DM_OK && (answer.status != 200 || !is_role(name)))
        rc = dm_fail(err, DM_UNAVAILABLE, "%s does not name a role (HTTP %u)", metadata, answer.status);
    if (rc == DM_OK) {
        dm_buf_add(path, name);
        rc = dm_buf_check(path, "the name of the instance's role", err);
    }
    dm_http_answer_free(&answer);
    return rc;
}

enum dm_code dm_aws_fetch_instance(const struct dm_aws_sourcing *how, struct dm_aws_fetched *ret, struct dm_err *err)
{
    if (dm_str_eq_nocase(variable(how, "AWS_EC2_METADATA_DISABLED"), DM_STR("true")))
        return nobody(err, "AWS_EC2_METADATA_DISABLED is true");
    struct dm_http_answer token = { .status = 0 }, answer = { .status = 0 };
    DM_AUTO(dm_buf) path = dm_buf_make(URL_MAX);
    enum dm_code rc = instance_token(how, &token, err);
    const struct dm_http_pair header = { DM_STR("X-aws-ec2-metadata-token"), dm_buf_str(&token.body) };
    if (rc == DM_OK)
        rc = instance_role(how, header, &path, err);
    if (rc == DM_OK)
        rc = ask_instance(how, "GET", dm_buf_str(&path), header, &answer, err);
    if (rc == DM_OK)
        rc = take_json(how, &answer, metadata, ret, err);
    free_secretly(&answer);
    free_secretly(&token);
    return rc;
}

/* ---- web identity ----------------------------------------------------------------------------------------------- */

static enum dm_code read_token(const struct dm_aws_sourcing *how, struct dm_buf *ret, struct dm_err *err)
{
    DM_AUTO(dm_buf) path = dm_buf_make(PATH_BYTES_MAX);
    dm_buf_add(&path, variable(how, "AWS_WEB_IDENTITY_TOKEN_FILE"));
    struct dm_err why = { .code = DM_OK };
    enum dm_code rc = dm_aws_file_read(dm_buf_z(&path), false, ret, &why);
    if (rc == DM_OK && dm_str_trim(dm_buf_str(ret)).len == 0)
        rc = dm_fail(&why, DM_INVALID, "%s is empty", dm_buf_z(&path));
    return rc == DM_OK ? DM_OK : dm_fail(err, rc, "AWS_WEB_IDENTITY_TOKEN_FILE: %s", why.text);
}

static enum dm_code write_form(const struct dm_aws_sourcing *how, struct dm_buf *body, struct dm_err *err)
{
    struct dm_str role = variable(how, "AWS_ROLE_ARN"), session = variable(how, "AWS_ROLE_SESSION_NAME");
    if (role.len == 0)
        return dm_fail(err, DM_INVALID, "AWS_WEB_IDENTITY_TOKEN_FILE is set, AWS_ROLE_ARN is not: set both or neither");
    struct dm_buf token = dm_buf_make(TOKEN_MAX);
    enum dm_code rc = read_token(how, &token, err);
    if (rc == DM_OK && dm_buf_reserve(body, BODY_MAX - 1)) {
        dm_buf_add_z(body, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=");
        dm_buf_add_percent(body, role, false);
        dm_buf_add_z(body, "&RoleSessionName=");
        dm_buf_add_percent(body, session.len > 0 ? session : DM_STR("docmill"), false);
        dm_buf_add_z(body, "&WebIdentityToken=");
        dm_buf_add_percent(body, dm_str_trim(dm_buf_str(&token)), false);
    }
    dm_buf_wipe(&token);
    return rc == DM_OK ? dm_buf_check(body, "the token in AWS_WEB_IDENTITY_TOKEN_FILE", err) : rc;
}

/* Texts of the answer, made for secrets: room before the first byte. */
struct role {
    struct dm_buf key_id, key, session, expiration;
};

static enum dm_code take_element(void *context, struct dm_str path, struct dm_str text, struct dm_err *err)
{
    struct role *role = context;
    struct {
        struct dm_str end;
        struct dm_buf *to;
    } const parts[] = { { DM_STR("/Credentials/AccessKeyId"), &role->key_id },
                        { DM_STR("/Credentials/SecretAccessKey"), &role->key },
                        { DM_STR("/Credentials/SessionToken"), &role->session },
                        { DM_STR("/Credentials/Expiration"), &role->expiration } };
    for (size_t i = 0; i < DM_COUNT(parts); i++) {
        if (dm_str_ends(path, parts[i].end) && dm_buf_reserve(parts[i].to, text.len + 1))
            dm_buf_add(parts[i].to, text);
    }
    return DM_OK;
}

static enum dm_code take_role(const struct dm_aws_sourcing *how, const struct dm_http_answer *answer,
                              struct dm_aws_fetched *ret, struct dm_err *err)
{
    struct role role = { dm_buf_make(DM_SECRET_MAX), dm_buf_make(DM_SECRET_MAX), dm_buf_make(DM_SECRET_MAX),
                         dm_buf_make(DM_SECRET_MAX) };
    struct dm_aws_fetched fetched = { .left_ms = 0 };
    struct dm_err why = { .code = DM_OK };
    enum dm_code rc = dm_aws_xml_read(dm_buf_str(&answer->body), "the answer of STS", take_element, &role, &why);
    if (rc != DM_OK || role.key_id.len == 0 || role.key.len == 0)
        rc = dm_fail(err, DM_UNAVAILABLE, "%s", rc ? why.text : "the answer of STS holds no credentials");
    if (rc == DM_OK)
        rc = dm_aws_credentials_take(dm_buf_str(&role.key_id), dm_buf_str(&role.key), dm_buf_str(&role.session),
                                     "credentials of STS", &fetched.credentials, err);
    if (rc == DM_OK)
        rc = take_expiry(how, answer, dm_buf_str(&role.expiration), "the answer of STS", &fetched, err);
    struct dm_buf *all[] = { &role.key_id, &role.key, &role.session, &role.expiration };
    for (size_t i = 0; i < DM_COUNT(all); i++)
        dm_buf_wipe(all[i]);
    if (rc == DM_OK)
        *ret = fetched;
    else
        dm_aws_credentials_free(&fetched.credentials);
    return rc;
}

/* Once: the file is read anew, and so may hold another token by the time of the next. */
static enum dm_code assume_role(const struct dm_aws_sourcing *how, struct dm_aws_fetched *ret, struct dm_err *err)
{
    static const struct dm_aws_operation operation = { .service = DM_AWS_STS, .name = "AssumeRoleWithWebIdentity" };
    DM_AUTO(dm_buf) url = dm_buf_make(URL_MAX);
    struct dm_buf body = dm_buf_make(BODY_MAX);
    dm_buf_addf(&url, "%s://%s%s/", how->sts->https ? "https" : "http", how->sts->host, how->sts->prefix);
    enum dm_code rc = write_form(how, &body, err);
    const struct dm_http_pair header = { DM_STR("Content-Type"), DM_STR(DM_AWS_FORM) };
    const struct dm_http_request request = { .method = "POST",
                                             .url = dm_buf_str(&url),
                                             .headers = &header,
                                             .header_count = 1,
                                             .body = dm_buf_str(&body),
                                             .total_ms = STS_MS,
                                             .answer_max = ANSWER_MAX };
    struct dm_aws_answer answer = { .status = 0 };
    struct dm_err why = { .code = DM_OK };
    if (rc == DM_OK && (rc = ask(how, &request, TRIES, &answer.http, &why)) != DM_OK)
        rc = dm_fail(err, rc, "STS AssumeRoleWithWebIdentity: %s", why.text);
    answer.status = answer.http.status;
    if (rc == DM_OK) {
        enum dm_aws_outcome outcome = dm_aws_answer_judge(&operation, &answer);
        rc = outcome == DM_AWS_DONE ? take_role(how, &answer.http, ret, err)
                                    : dm_aws_answer_fail(&operation, &answer, outcome, err);
        if (rc == DM_DENIED && outcome == DM_AWS_EXPIRED)
            rc = dm_fail(err, DM_CONFLICT, "the token in AWS_WEB_IDENTITY_TOKEN_FILE has expired");
    }
    dm_buf_wipe(&answer.http.body);
    dm_aws_answer_free(&answer);
    dm_buf_wipe(&body);
    return rc;
}

enum dm_code dm_aws_fetch_web_identity(const struct dm_aws_sourcing *how, struct dm_aws_fetched *ret,
                                       struct dm_err *err)
{
    struct dm_err why = { .code = DM_OK };
    enum dm_code rc = assume_role(how, ret, &why);
    if (rc == DM_CONFLICT)
        rc = assume_role(how, ret, &why);
    return rc == DM_OK ? DM_OK : dm_fail(err, rc, "%s", why.text);
}
