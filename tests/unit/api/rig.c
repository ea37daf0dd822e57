/* rig.c: requests to the api without a server. */
#include "rig.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

struct rig rig;

static struct {
    char request[64 * 1024];
    char headers[64 * 1024];
    struct dm_header list[200];
    json_t *json;
    bool sent;
} kept;

static bool is_secret_name(struct dm_str name)
{
    return dm_str_eq(name, DM_STR("A_KEY")) || dm_str_eq(name, DM_STR("B_KEY"));
}

int rig_setup(void **state)
{
    (void)state;
    memset(&rig, 0, sizeof(rig));
    memset(&kept, 0, sizeof(kept));
    const struct dm_api_options options = { .is_secret_name = is_secret_name,
                                            .local_only = true,
                                            .sync_bytes_max = 1000,
                                            .sync_wait_ms = 25000,
                                            .file_bytes_max = 100000,
                                            .uploads_max = 4 };
    fake_open(&options, NULL);
    rig.body = dm_buf_make(FAKE_BYTES_MAX);
    rig.exchange = dm_exchange_make(fake.api);
    assert_non_null(rig.exchange);
    return 0;
}

int rig_teardown(void **state)
{
    (void)state;
    json_decref(kept.json);
    dm_exchange_free(rig.exchange);
    dm_buf_free(&rig.body);
    fake_close();
    return 0;
}

/* "Name: value\n…" into kept.list. */
static uint32_t split_headers(const char *headers)
{
    uint32_t count = 0;
    snprintf(kept.headers, sizeof(kept.headers), "%s", headers ? headers : "");
    struct dm_str rest = dm_str_z(kept.headers);
    struct dm_str line;
    bool has_host = false;
    while (dm_str_next(&rest, '\n', &line)) {
        size_t colon = dm_str_find_char(line, ':');
        if (colon == line.len)
            continue;
        assert_true(count < DM_COUNT(kept.list));
        kept.list[count].name = dm_str_cut(line, 0, colon);
        kept.list[count].value = dm_str_trim(dm_str_from(line, colon + 1));
        has_host |= dm_str_eq_nocase(kept.list[count++].name, DM_STR("host"));
    }
    if (!has_host)
        kept.list[count++] = (struct dm_header){ DM_STR("Host"), DM_STR("127.0.0.1:3005") };
    return count;
}

static void read_answer(void)
{
    rig.response = dm_exchange_response(rig.exchange);
    dm_buf_clear(&rig.body);
    if (rig.response->fd < 0) {
        dm_buf_add(&rig.body, rig.response->body);
        return;
    }
    uint64_t length = rig.response->length;
    uint64_t offset = rig.response->offset;
    int fd = dm_exchange_take_file(rig.exchange);
    char *room = dm_buf_reserve(&rig.body, length);
    assert_int_equal(pread(fd, room, length, (off_t)offset), (ssize_t)length);
    dm_buf_grown(&rig.body, length);
    close(fd);
}

static bool run(enum dm_next next)
{
    bool ignored;
    while (next == DM_NEXT_HANDLE || next == DM_NEXT_HANDLE_INLINE)
        next = dm_exchange_handle(rig.exchange);
    if (next == DM_NEXT_WAIT) {
        rig.wait = *dm_exchange_wait(rig.exchange, &ignored);
        return false;
    }
    assert_int_equal(next, DM_NEXT_RESPOND);
    read_answer();
    return true;
}

bool rig_again(void)
{
    return run(DM_NEXT_HANDLE);
}

bool rig_send(const char *request, const char *headers, const void *body, size_t size)
{
    if (kept.sent)
        dm_exchange_end(rig.exchange);
    kept.sent = true;
    json_decref(kept.json);
    kept.json = NULL;
    snprintf(kept.request, sizeof(kept.request), "%s", request);
    struct dm_str line = dm_str_z(kept.request);
    size_t space = dm_str_find_char(line, ' ');
    struct dm_head head = { .method = dm_str_cut(line, 0, space),
                            .target = dm_str_from(line, space + 1),
                            .headers = kept.list,
                            .header_count = split_headers(headers),
                            .body_bytes = body ? (int64_t)size : 0,
                            .secure = rig.secure,
                            .malformed = rig.malformed };
    enum dm_next next = dm_exchange_begin(rig.exchange, &head);
    if (next != DM_NEXT_BODY)
        return run(next);
    size_t piece = rig.piece ? rig.piece : size;
    for (size_t at = 0; at < size; at += piece) {
        size_t count = size - at < piece ? size - at : piece;
        /* A copy of its own size, so that a sanitizer sees who reads past it. */
        char *copy = dm_alloc(count);
        memcpy(copy, (const char *)body + at, count);
        next = dm_exchange_body(rig.exchange, dm_str_of(copy, count));
        dm_free(copy);
        assert_int_equal(next, DM_NEXT_BODY);
    }
    return run(dm_exchange_body_end(rig.exchange));
}

void rig_get(const char *request, const char *headers, unsigned status)
{
    assert_true(rig_send(request, headers, NULL, 0));
    if (rig.response->status != status)
        print_error("%s: %s\n", request, rig_text());
    assert_int_equal(rig.response->status, status);
}

const char *rig_field(const char *name)
{
    for (uint32_t i = 0; i < rig.response->field_count; i++)
        if (dm_str_eq_nocase(dm_str_z(rig.response->fields[i].name), dm_str_z(name)))
            return rig.response->fields[i].value;
    return NULL;
}

const char *rig_text(void)
{
    return dm_buf_z(&rig.body);
}

const json_t *rig_json(void)
{
    json_decref(kept.json);
    kept.json = NULL;
    struct dm_err err;
    if (dm_json_parse(dm_buf_str(&rig.body), "the answer", &kept.json, &err) != DM_OK)
        fail_msg("%s in: %s", err.text, rig_text());
    return kept.json;
}

void rig_problem(unsigned status, const char *slug, const char *detail)
{
    if (rig.response->status != status || !strstr(rig_text(), slug) || !strstr(rig_text(), detail))
        print_error("status %u: %s\n", rig.response->status, rig_text());
    assert_int_equal(rig.response->status, status);
    assert_string_equal(rig_field("Content-Type"), "application/problem+json");
    const json_t *problem = rig_json();
    char type[200];
    snprintf(type, sizeof(type), "https://docmill.example/problems/%s", slug);
    assert_string_equal(dm_json_str(problem, "type").at, type);
    assert_int_equal(dm_json_int(problem, "status", 0), status);
    assert_true(dm_json_str(problem, "title").len > 0);
    assert_true(dm_json_str(problem, "detail").len > 0);
    assert_true(dm_json_str(problem, "requestId").len > 0);
    assert_non_null(strstr(rig_text(), detail));
}
