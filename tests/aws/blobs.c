/* blobs.c: the blob port on S3 under the contract that all backends keep, and under the eyes of test_s3.py.
 *
 *   blobs BUCKET RESULTS_BUCKET ENCRYPTION contract
 *   blobs BUCKET RESULTS_BUCKET ENCRYPTION check
 *   blobs BUCKET RESULTS_BUCKET ENCRYPTION sink|new|get|open|remove|list KEY [BYTES]
 *
 * "-" is an empty argument. Tenant "acme". `sink` and `new` put as many bytes of a pattern as BYTES says. Prints the code, a number
 * (of bytes, of keys), their SHA-256 where there are some, and the sentence of an error. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "aws/aws.h"
#include "base/encode.h"
#include "contracts.h"
#include "embedded/embedded.h"

enum { BUF_MAX = 512 << 20, PIECE = 100000 };

struct asked {
    struct dm_blob blob;
    struct dm_tenant tenant;
    struct dm_str key;
    uint64_t bytes;
};

static struct dm_str variable(void *context, const char *name)
{
    return dm_str_z(getenv(name));
}

static struct dm_str argument(const char *text)
{
    return strcmp(text, "-") == 0 ? DM_STR("") : dm_str_z(text);
}

static void tell(enum dm_code code, uint64_t number, struct dm_str bytes, const struct dm_err *err)
{
    char hex[65] = "";
    unsigned char hash[32];
    if (bytes.len > 0 && EVP_Digest(bytes.at, bytes.len, hash, NULL, EVP_sha256(), NULL) == 1)
        dm_hex_text(hash, sizeof(hash), hex);
    (void)printf("%s|%llu|%s|%s\n", dm_code_name(code), (unsigned long long)number, hex,
                 code == DM_OK ? "" : err->text);
}

/* Byte i is i * 7 + i / 256, as the tests know. */
static void fill(struct dm_buf *buf, uint64_t from, uint64_t to)
{
    dm_buf_clear(buf);
    for (uint64_t i = from; i < to; i++)
        dm_buf_add_char(buf, (char)(i * 7 + i / 256));
}

static void put_through_a_sink(const struct asked *asked)
{
    struct dm_err err = { .code = DM_OK };
    struct dm_sink *sink = NULL;
    struct dm_blob_info info = { .size_bytes = 0 };
    DM_AUTO(dm_buf) piece = dm_buf_make(PIECE + 1);
    enum dm_code rc = dm_sink_create(asked->blob, DM_SINK_WORK, &sink, &err);
    for (uint64_t at = 0; at < asked->bytes && rc == DM_OK; at += PIECE) {
        fill(&piece, at, at + PIECE < asked->bytes ? at + PIECE : asked->bytes);
        rc = dm_sink_write(asked->blob, sink, dm_buf_str(&piece), &err);
    }
    if (rc == DM_OK)
        rc = dm_sink_finish(asked->blob, sink, &asked->tenant, asked->key, DM_KEPT, &info, &err);
    (void)printf("%s|%llu|%s|%s\n", dm_code_name(rc), (unsigned long long)info.size_bytes, info.sha256,
                 rc == DM_OK ? "" : err.text);
}

static void put_new(const struct asked *asked)
{
    struct dm_err err = { .code = DM_OK };
    DM_AUTO(dm_buf) bytes = dm_buf_make(BUF_MAX);
    fill(&bytes, 0, asked->bytes);
    tell(dm_blob_put_new(asked->blob, &asked->tenant, asked->key, dm_buf_str(&bytes), DM_KEPT, &err), bytes.len,
         dm_buf_str(&bytes), &err);
}

static void get(const struct asked *asked)
{
    struct dm_err err = { .code = DM_OK };
    DM_AUTO(dm_buf) bytes = dm_buf_make(BUF_MAX);
    enum dm_code rc = dm_blob_get(asked->blob, &asked->tenant, asked->key, 0, DM_BLOB_WHOLE, &bytes, &err);
    tell(rc, bytes.len, dm_buf_str(&bytes), &err);
}

static void open_copy(const struct asked *asked)
{
    struct dm_err err = { .code = DM_OK };
    struct dm_blob_info info = { .size_bytes = 0 };
    DM_AUTO(dm_buf) bytes = dm_buf_make(BUF_MAX);
    int fd = -1;
    enum dm_code rc = dm_blob_open(asked->blob, &asked->tenant, asked->key, &fd, &info, &err);
    char *room = rc == DM_OK ? dm_buf_reserve(&bytes, (size_t)info.size_bytes + 1) : NULL;
    ssize_t got = room ? pread(fd, room, (size_t)info.size_bytes + 1, 0) : 0;
    if (got > 0)
        dm_buf_grown(&bytes, (size_t)got);
    dm_blob_close(fd);
    tell(rc, info.size_bytes, dm_buf_str(&bytes), &err);
}

static void remove_one(const struct asked *asked)
{
    struct dm_err err = { .code = DM_OK };
    bool all = dm_str_ends(asked->key, DM_STR("/"));
    tell(all ? dm_blob_remove_all(asked->blob, &asked->tenant, asked->key, &err)
             : dm_blob_remove(asked->blob, &asked->tenant, asked->key, &err),
         0, DM_STR(""), &err);
}

/* The keys after the line of all, one a line. */
static void list(const struct asked *asked)
{
    struct dm_err err = { .code = DM_OK };
    struct dm_blob_list keys = { .count = 0 };
    struct dm_arena arena = dm_arena_make(16 << 20);
    enum dm_code rc = dm_blob_list(asked->blob, &asked->tenant, asked->key, DM_STR(""),
                                   asked->bytes ? (uint32_t)asked->bytes : 1000, &arena, &keys, &err);
    tell(rc, keys.count, DM_STR(""), &err);
    for (uint32_t i = 0; i < keys.count; i++)
        (void)printf("%.*s\n", DM_STR_ARG(keys.keys[i]));
    dm_arena_free(&arena);
}

static void check(const struct asked *asked)
{
    struct dm_err err = { .code = DM_OK };
    tell(dm_blob_check(asked->blob, &err), 0, DM_STR(""), &err);
}

static int run(struct dm_blob blob, int count, char **arguments)
{
    static const struct {
        const char *word;
        void (*function)(const struct asked *asked);
    } words[] = { { "sink", put_through_a_sink }, { "new", put_new }, { "get", get },    { "open", open_copy },
                  { "remove", remove_one },       { "list", list },   { "check", check } };
    struct asked asked = { .blob = blob,
                           .key = count > 5 ? dm_str_z(arguments[5]) : DM_STR(""),
                           .bytes = count > 6 ? strtoull(arguments[6], NULL, 10) : 0 };
    if (strcmp(arguments[4], "contract") == 0)
        return blob_contract(blob, dm_threads_runtime());
    if (dm_tenant_parse(DM_STR("acme"), &asked.tenant, NULL) != DM_OK)
        return 2;
    for (size_t i = 0; i < DM_COUNT(words); i++) {
        if (strcmp(words[i].word, arguments[4]) == 0)
            words[i].function(&asked);
    }
    return 0;
}

int main(int count, char **arguments)
{
    if (count < 5)
        return 2;
    const struct dm_aws_options options = { .runtime = dm_threads_runtime(), .environment = { variable, NULL } };
    struct dm_aws *aws = NULL;
    struct dm_s3 *s3 = NULL;
    struct dm_err err = { .code = DM_OK };
    enum dm_code rc = dm_aws_open(&options, &aws, &err);
    const struct dm_s3_options where = { .aws = aws,
                                         .bucket = argument(arguments[1]),
                                         .results_bucket = argument(arguments[2]),
                                         .encryption = argument(arguments[3]),
                                         .prefix = dm_str_z(getenv("PREFIX")),
                                         .temporary_folder = getenv("TMPDIR") };
    if (rc == DM_OK)
        rc = dm_s3_open(&where, &s3, &err);
    if (rc != DM_OK)
        tell(rc, 0, DM_STR(""), &err);
    int status = rc == DM_OK ? run(dm_s3_blob(s3), count, arguments) : 0;
    dm_s3_close(s3);
    dm_aws_close(aws);
    return status;
}
