/* answers.c: what a server answers, as the command line tells it to a person; and addresses of servers.
 *
 * Line 1: an URL. Line 2: a header's name. Byte: how wide the terminal is. Lines up to an empty one: headers. The rest is
 * the body. */
#include "cli/client.h"
#include "cli/text.h"

#include <string.h>

#include "fuzz.h"

enum { ROOM = 4 << 20, MEMORY = 1 << 20 };

static bool has_control(struct dm_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] < ' ' || text.at[i] == 0x7f)
            return true;
    return false;
}

/* Text of others, on a terminal. */
static void check_shown(struct dm_str text, uint32_t columns)
{
    const struct dm_look looks[] = { { .columns = columns, .utf8 = true }, { .columns = columns } };
    for (size_t i = 0; i < DM_COUNT(looks); i++) {
        DM_AUTO(dm_buf) clean = dm_buf_make(ROOM);
        DM_AUTO(dm_buf) twice = dm_buf_make(ROOM);
        DM_AUTO(dm_buf) fit = dm_buf_make(ROOM);
        dm_text_add_clean(&clean, text, &looks[i]);
        EXPECT(!clean.failed && dm_str_is_utf8(dm_buf_str(&clean)) && !has_control(dm_buf_str(&clean)));
        EXPECT(looks[i].utf8 || fuzz_is_plain_ascii(dm_buf_str(&clean)));
        dm_text_add_clean(&twice, dm_buf_str(&clean), &looks[i]);
        EXPECT(dm_str_eq(dm_buf_str(&clean), dm_buf_str(&twice)));
        dm_text_add_fit(&fit, text, columns, &looks[i]);
        EXPECT(!fit.failed && !has_control(dm_buf_str(&fit)) && dm_str_is_utf8(dm_buf_str(&fit)));
        EXPECT(dm_text_width(dm_buf_str(&fit)) <= columns);
    }
}

/* Wrapping moves white space only. */
static void check_wrapped(struct dm_str text, uint32_t columns)
{
    DM_AUTO(dm_buf) wrapped = dm_buf_make(ROOM);
    dm_text_add_wrapped(&wrapped, text, columns % 7, columns);
    EXPECT(!wrapped.failed);
    struct dm_str all = dm_buf_str(&wrapped);
    size_t at = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == ' ' || text.at[i] == '\n')
            continue;
        while (at < all.len && (all.at[at] == ' ' || all.at[at] == '\n'))
            at++;
        EXPECT(at < all.len && all.at[at] == text.at[i]);
        at++;
    }
}

static void check_problem(const struct dm_http_answer *answer)
{
    struct dm_call call = { .settings = { .server = DM_STR("http://127.0.0.1:3005") } };
    struct dm_client client = { .call = &call };
    DM_AUTO(dm_arena) arena = dm_arena_make(MEMORY);
    struct dm_trouble trouble = dm_client_problem(&client, answer, DM_STR("an-id"), &arena);
    EXPECT(trouble.code && trouble.code[0] && trouble.sentence && trouble.sentence[0] && trouble.hint);
    EXPECT(trouble.status == answer->status && trouble.exit != DM_EXIT_DONE);
}

static void check_job(const json_t *value)
{
    struct dm_job job = dm_job_read(value);
    DM_AUTO(dm_buf) words = dm_buf_make(ROOM);
    DM_AUTO(dm_buf) hint = dm_buf_make(ROOM);
    enum dm_exit exit = dm_job_exit(&job);
    EXPECT((exit == DM_EXIT_NOT_KNOWN) == !job.ended);
    EXPECT(job.left_ms >= -1);
    dm_job_words(&words, &job);
    dm_job_hint(&hint, &job);
    dm_text_add_duration(&hint, job.left_ms);
    EXPECT(!words.failed && !hint.failed);
}

static void check_url(struct dm_str url)
{
    if (dm_refuse_url(url))
        return;
    EXPECT(dm_str_starts(url, DM_STR("http://")) || dm_str_starts(url, DM_STR("https://")));
    EXPECT(fuzz_is_plain_ascii(url) && dm_str_find_char(url, ' ') == url.len);
    EXPECT(dm_str_find_char(url, '?') == url.len && dm_str_find_char(url, '#') == url.len);
    EXPECT(dm_str_find_char(url, '"') == url.len && dm_str_find_char(url, '\\') == url.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = input_of(data, size);
    check_url(input_line(&input));
    struct dm_str name = input_line(&input);
    uint32_t columns = input_u8(&input);
    struct dm_http_answer answer = { .status = 404, .headers = dm_buf_make(ROOM), .body = dm_buf_make(ROOM) };
    for (struct dm_str line; input.left > 0 && (line = input_line(&input)).len > 0;) {
        dm_buf_add(&answer.headers, line);
        dm_buf_add_z(&answer.headers, "\r\n");
    }
    struct dm_str header = dm_http_answer_header(&answer, name);
    EXPECT(header.len <= answer.headers.len && dm_str_find_char(header, '\n') == header.len);
    struct dm_str body = input_rest(&input);
    dm_buf_add(&answer.body, body);
    check_shown(body, columns);
    check_wrapped(body, columns);
    check_problem(&answer);
    json_auto_t *value = NULL;
    if (dm_json_parse(body, "the answer", &value, NULL) == DM_OK)
        check_job(value);
    dm_http_answer_free(&answer);
    input_free(&input);
    return 0;
}
