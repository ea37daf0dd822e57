/* sign_requests.c: signs what it is told on its standard input, for a judge to compare (test_signatures.py).
 *
 * A request is lines of a word, a blank and a value, and ends with an empty line; "header" may come several times, "body" is
 * hexadecimal. For each the headers that the signature brings are printed, and an empty line; where "seconds" are told, the query of a
 * URL that holds for so long instead. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/aws.h"
#include "base/alloc.h"

enum { HEADERS_MAX = 32 };

struct told {
    struct dm_aws_request request;
    struct dm_http_pair headers[HEADERS_MAX];
    struct dm_aws_credentials credentials;
    int64_t wall_ms;
    int64_t seconds;              /* 0: the signature goes into headers */
    char *kept[HEADERS_MAX + 16]; /* what the slices point into */
    size_t kept_count;
};

static void told_free(struct told *told)
{
    for (size_t i = 0; i < told->kept_count; i++)
        dm_free(told->kept[i]);
    dm_aws_credentials_free(&told->credentials);
    *told = (struct told){ .kept_count = 0 };
}

static void fail(const char *what)
{
    (void)fprintf(stderr, "sign_requests: %s\n", what);
    exit(1);
}

static int nibble(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

static struct dm_str from_hex(char *text, size_t len)
{
    for (size_t i = 0; i + 1 < len; i += 2)
        text[i / 2] = (char)(nibble(text[i]) << 4 | nibble(text[i + 1]));
    return dm_str_of(text, len / 2);
}

static void take_secret(struct dm_secret *secret, struct dm_str value)
{
    if (dm_secret_make(value, "a value", secret, NULL) != DM_OK)
        fail("no memory");
}

static void take_header(struct told *told, struct dm_str value)
{
    size_t colon = dm_str_find_char(value, ':');
    if (told->request.header_count == HEADERS_MAX)
        fail("too many headers");
    told->headers[told->request.header_count++] =
        (struct dm_http_pair){ dm_str_cut(value, 0, colon), dm_str_from(value, colon + 1) };
}

static void take_line(struct told *told, struct dm_str line)
{
    struct dm_str *const slices[] = { &told->request.method, &told->request.host,        &told->request.path,
                                      &told->request.query,  &told->request.body_sha256, &told->request.region,
                                      &told->request.service };
    static const char *const names[] = { "method", "host", "path", "query", "sha256", "region", "service" };
    char *kept = dm_str_dup_z(line);
    if (!kept || told->kept_count == DM_COUNT(told->kept))
        fail("too many lines");
    told->kept[told->kept_count++] = kept;
    size_t blank = dm_str_find_char(line, ' ');
    struct dm_str word = dm_str_cut(line, 0, blank);
    struct dm_str value = dm_str_from(dm_str_of(kept, line.len), blank + 1);
    for (size_t i = 0; i < DM_COUNT(names); i++) {
        if (dm_str_eq(word, dm_str_z(names[i]))) {
            *slices[i] = value;
            return;
        }
    }
    if (dm_str_eq(word, DM_STR("header")))
        take_header(told, value);
    else if (dm_str_eq(word, DM_STR("body")))
        told->request.body = from_hex(kept + blank + 1, value.len);
    else if (dm_str_eq(word, DM_STR("key-id")))
        take_secret(&told->credentials.key_id, value);
    else if (dm_str_eq(word, DM_STR("key")))
        take_secret(&told->credentials.key, value);
    else if (dm_str_eq(word, DM_STR("session")))
        take_secret(&told->credentials.session, value);
    else if (dm_str_eq(word, DM_STR("expires")) && dm_str_to_i64(value, &told->credentials.expires_wall_ms))
        return;
    else if (dm_str_eq(word, DM_STR("seconds")) && dm_str_to_i64(value, &told->seconds))
        return;
    else if (!dm_str_eq(word, DM_STR("time")) || !dm_str_to_i64(value, &told->wall_ms))
        fail("a word that is none");
}

static void presign(const struct told *told)
{
    DM_AUTO(dm_buf) query = dm_buf_make(64 * 1024);
    int64_t expires_ms;
    struct dm_err err;
    if (dm_aws_presign(&told->request, &told->credentials, told->wall_ms, (uint32_t)told->seconds, &query, &expires_ms,
                       &err) != DM_OK)
        fail(err.text);
    (void)printf("%s\n\n", dm_buf_z(&query));
}

static void sign(struct told *told)
{
    struct dm_aws_signature signature;
    struct dm_err err;
    told->request.headers = told->headers;
    if (told->seconds > 0) {
        presign(told);
        return;
    }
    if (dm_aws_sign(&told->request, &told->credentials, told->wall_ms, &signature, &err) != DM_OK)
        fail(err.text);
    for (uint32_t i = 0; i < signature.header_count; i++)
        (void)printf("%.*s: %.*s\n", DM_STR_ARG(signature.headers[i].name), DM_STR_ARG(signature.headers[i].value));
    (void)printf("\n");
    dm_aws_signature_free(&signature);
}

int main(void)
{
    struct told told = { .kept_count = 0 };
    char *line = NULL;
    size_t size = 0;
    for (ssize_t got; (got = getline(&line, &size, stdin)) > 0;) {
        struct dm_str text = dm_str_of(line, (size_t)got - (line[got - 1] == '\n'));
        if (text.len > 0) {
            take_line(&told, text);
            continue;
        }
        sign(&told);
        told_free(&told);
    }
    told_free(&told);
    free(line);
    return 0;
}
