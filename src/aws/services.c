/* services.c: see services.h. */
#include "aws/services.h"

#include "base/alloc.h"

enum { HOST_MAX = 300, URL_MAX = 2048, VARIABLE_MAX = 64, REGION_MAX = 40, BUCKET_MIN = 3, BUCKET_MAX = 63 };

const struct dm_aws_service_row *dm_aws_service(enum dm_aws_service service)
{
#define ROW(name, ...) { __VA_ARGS__ },
    static const struct dm_aws_service_row rows[] = { DM_AWS_SERVICES(ROW) };
#undef ROW
    return &rows[service];
}

void dm_aws_endpoint_free(struct dm_aws_endpoint *endpoint)
{
    dm_free(endpoint->host);
    dm_free(endpoint->prefix);
    *endpoint = (struct dm_aws_endpoint){ .host = NULL };
}

static bool consists_of(struct dm_str text, const char *others)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!plain && (c == '\0' || !strchr(others, c)))
            return false;
    }
    return true;
}

bool dm_aws_region_valid(struct dm_str region)
{
    return region.len > 0 && region.len <= REGION_MAX && consists_of(region, "-");
}

bool dm_s3_bucket_valid(struct dm_str bucket)
{
    return bucket.len >= BUCKET_MIN && bucket.len <= BUCKET_MAX && consists_of(bucket, "-.") &&
           dm_str_find(bucket, DM_STR("..")) == bucket.len && consists_of(dm_str_cut(bucket, 0, 1), "") &&
           consists_of(dm_str_from(bucket, bucket.len - 1), "");
}

/* ---- what somebody names ---------------------------------------------------------------------------------------- */

/* Without what is the scheme's own anyway: signatures and libcurl leave it out. */
static struct dm_str without_default_port(struct dm_str host, bool https)
{
    struct dm_str port = https ? DM_STR(":443") : DM_STR(":80");
    return dm_str_ends(host, port) ? dm_str_cut(host, 0, host.len - port.len) : host;
}

/* A name, an IPv4 address or an IPv6 one in brackets, and perhaps a port. */
static bool is_host(struct dm_str host)
{
    size_t end = dm_str_starts(host, DM_STR("[")) ? dm_str_find_char(host, ']') + 1 : dm_str_find_char(host, ':');
    if (end < host.len) {
        if (host.at[end] != ':')
            return false;
        uint64_t number;
        if (!dm_str_to_u64(dm_str_from(host, end + 1), &number) || number == 0 || number > UINT16_MAX)
            return false;
    }
    return end > 0 && end <= host.len && host.len < HOST_MAX &&
           consists_of(dm_str_cut(host, 0, end), "-._[]:ABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

enum dm_code dm_aws_endpoint_parse(struct dm_str url, const char *what, struct dm_aws_endpoint *ret, struct dm_err *err)
{
    bool https = dm_str_starts(url, DM_STR("https://"));
    struct dm_str rest = DM_STR("");
    if (https || dm_str_starts(url, DM_STR("http://")))
        rest = dm_str_from(url, https ? DM_STR("https://").len : DM_STR("http://").len);
    size_t slash = dm_str_find_char(rest, '/');
    struct dm_str host = dm_str_cut(rest, 0, slash), path = dm_str_from(rest, slash);
    while (dm_str_ends(path, DM_STR("/")))
        path.len--;
    bool plain = url.len < URL_MAX && consists_of(path, "-._~/%ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    if (!is_host(host) || !plain)
        return dm_fail(err, DM_INVALID,
                       "%s must be http:// or https:// and a host, perhaps with a port and a path, like "
                       "http://127.0.0.1:4566",
                       what);
    host = without_default_port(host, https);
    struct dm_aws_endpoint endpoint = {
        .https = https, .given = true, .host = dm_str_dup_z(host), .prefix = dm_str_dup_z(path)
    };
    if (!endpoint.host || !endpoint.prefix) {
        dm_aws_endpoint_free(&endpoint);
        return dm_fail_memory(err);
    }
    /* In signatures hosts are in small letters, and what is signed is what is asked for. */
    for (char *c = endpoint.host; *c; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + ('a' - 'A') : *c);
    *ret = endpoint;
    return DM_OK;
}

/* ---- what the region says --------------------------------------------------------------------------------------- */

/* Amazon keeps some regions apart from the others, under names of their own. */
static const char *domain_of(struct dm_str region)
{
    static const struct {
        const char *begin, *domain;
    } apart[] = { { "cn-", "amazonaws.com.cn" },    { "us-iso-", "c2s.ic.gov" },      { "us-isob-", "sc2s.sgov.gov" },
                  { "us-isof-", "csp.hci.ic.gov" }, { "eu-isoe-", "cloud.adc-e.uk" }, { "eusc-", "amazonaws.eu" } };
    for (size_t i = 0; i < DM_COUNT(apart); i++) {
        if (dm_str_starts(region, dm_str_z(apart[i].begin)))
            return apart[i].domain;
    }
    return "amazonaws.com";
}

static enum dm_code of_region(enum dm_aws_service service, struct dm_str region, struct dm_aws_endpoint *ret,
                              struct dm_err *err)
{
    DM_AUTO(dm_buf) host = dm_buf_make(HOST_MAX);
    dm_buf_addf(&host, "%s.%.*s.%s", dm_aws_service(service)->host, DM_STR_ARG(region), domain_of(region));
    struct dm_aws_endpoint endpoint = { .https = true,
                                        .host = dm_str_dup_z(dm_buf_str(&host)),
                                        .prefix = dm_str_dup_z(DM_STR("")) };
    if (host.failed || !endpoint.host || !endpoint.prefix) {
        dm_aws_endpoint_free(&endpoint);
        return dm_fail_memory(err);
    }
    *ret = endpoint;
    return DM_OK;
}

enum dm_code dm_aws_endpoint_find(const struct dm_aws_environment *environment, enum dm_aws_service service,
                                  struct dm_str region, struct dm_aws_endpoint *ret, struct dm_err *err)
{
    DM_AUTO(dm_buf) name = dm_buf_make(VARIABLE_MAX);
    dm_buf_addf(&name, "AWS_ENDPOINT_URL_%s", dm_aws_service(service)->variable);
    const char *variable = dm_buf_z(&name);
    struct dm_str url = DM_STR("");
    if (!dm_str_eq_nocase(environment->variable(environment->context, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"),
                          DM_STR("true"))) {
        url = environment->variable(environment->context, variable);
        if (url.len == 0)
            url = environment->variable(environment->context, variable = "AWS_ENDPOINT_URL");
    }
    return url.len > 0 ? dm_aws_endpoint_parse(url, variable, ret, err) : of_region(service, region, ret, err);
}

/* ---- requests --------------------------------------------------------------------------------------------------- */

void dm_aws_endpoint_place(const struct dm_aws_endpoint *endpoint, struct dm_str bucket, struct dm_str path,
                           struct dm_buf *ret_host, struct dm_buf *ret_path)
{
    /* A certificate for *.s3.… covers one label, not the two that a name with a dot makes. */
    bool in_path = endpoint->given || dm_str_find_char(bucket, '.') < bucket.len;
    if (bucket.len > 0 && !in_path) {
        dm_buf_add(ret_host, bucket);
        dm_buf_add_char(ret_host, '.');
    }
    dm_buf_add_z(ret_host, endpoint->host);
    dm_buf_add_z(ret_path, endpoint->prefix);
    if (bucket.len > 0 && in_path) {
        dm_buf_add_char(ret_path, '/');
        dm_buf_add(ret_path, bucket);
    }
    dm_buf_add(ret_path, path.len > 0 ? path : DM_STR("/"));
}
