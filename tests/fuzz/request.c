/* request.c: whole requests to the HTTP interface, over a pipeline of the unit tests' (unit/api/fake.c).
 *
 * As on the wire: "METHOD target", header lines up to an empty one (newline alone), body. The requests run twice: with
 * the body as a whole, and in pieces whose size is the number in a header called Piece. "@" in a target stands for
 * the id of a completed document, "$" for the token of a link to it. */
#include <string.h>
#include <unistd.h>

#include "api/fake.h"
#include "base/json.h"
#include "fuzz.h"

enum { HEADERS_MAX = 110, ROOM = 1 << 20, UNHELPFUL_STEPS = 50 };

static struct dm_exchange *exchange;
static char document_id[DM_ID_TEXT];
static char link_token[1024];

struct request {
    struct dm_head head;
    struct dm_header headers[HEADERS_MAX];
    struct dm_str body;
    size_t piece;
};

struct outcome {
    enum dm_next next;
    unsigned status;
    struct dm_buf body;
};

static const char *field_of(const struct dm_response *response, const char *name)
{
    for (uint32_t i = 0; i < response->field_count; i++)
        if (dm_str_eq_nocase(dm_str_z(response->fields[i].name), dm_str_z(name)))
            return response->fields[i].value;
    return NULL;
}

/* ---- the world -------------------------------------------------------------------------------------------------- */

static void open_world(void)
{
    const struct dm_api_options options = {
        .local_only = true, .sync_bytes_max = 100, .sync_wait_ms = 25000, .file_bytes_max = 20000, .uploads_max = 4
    };
    fake_open(&options, NULL);
    struct fake_document *document = fake_add("acme");
    fake_complete(document, "{\"fileId\":\"x\",\"chunks\":[]}");
    memcpy(document_id, document->file.id, sizeof(document_id));
    exchange = dm_exchange_make(fake.api);
    EXPECT(exchange != NULL);
}

static void close_world(void)
{
    dm_exchange_free(exchange);
    fake_close();
}

/* ---- one request ------------------------------------------------------------------------------------------------ */

/* What goes over the wire: nothing in it can end a header, and what says that it is JSON is. */
static void check_response(const struct dm_response *response)
{
    EXPECT(response->status >= 200 && response->status <= 599 && response->field_count <= DM_RESPONSE_FIELDS_MAX);
    for (uint32_t i = 0; i < response->field_count; i++) {
        EXPECT(fuzz_is_plain_ascii(dm_str_z(response->fields[i].name)));
        EXPECT(fuzz_is_plain_ascii(dm_str_z(response->fields[i].value)));
    }
    struct dm_str type = dm_str_z(field_of(response, "Content-Type"));
    if (response->fd >= 0 || response->body.len == 0 || dm_str_find(type, DM_STR("json")) == type.len)
        return;
    json_auto_t *value = NULL;
    EXPECT(dm_json_parse(response->body, "the answer", &value, NULL) == DM_OK);
    if (!dm_str_starts(type, DM_STR("application/problem+json")))
        return;
    EXPECT(response->status >= 400 && dm_json_int(value, "status", 0) == response->status);
    EXPECT(dm_json_str(value, "type").len && dm_json_str(value, "title").len && dm_json_str(value, "detail").len);
}

static struct outcome answer(enum dm_next next)
{
    struct outcome outcome = { .body = dm_buf_make(ROOM) };
    bool ignored;
    for (int steps = 0; next == DM_NEXT_HANDLE || next == DM_NEXT_HANDLE_INLINE; steps++) {
        EXPECT(steps < UNHELPFUL_STEPS);
        next = dm_exchange_handle(exchange);
    }
    outcome.next = next;
    EXPECT(next == DM_NEXT_RESPOND || next == DM_NEXT_WAIT || next == DM_NEXT_CUT);
    if (next == DM_NEXT_WAIT)
        EXPECT(dm_exchange_wait(exchange, &ignored)->file.id[0]);
    if (next != DM_NEXT_RESPOND)
        return outcome;
    const struct dm_response *response = dm_exchange_response(exchange);
    check_response(response);
    struct dm_exchange_facts facts = dm_exchange_facts(exchange);
    EXPECT(facts.status == response->status && facts.request_id.len > 0 && fuzz_is_plain_ascii(facts.request_id));
    outcome.status = response->status;
    dm_buf_add(&outcome.body, response->body);
    int fd = dm_exchange_take_file(exchange);
    if (fd >= 0)
        close(fd);
    return outcome;
}

static struct outcome send_request(const struct request *request, size_t piece)
{
    struct dm_head head = request->head;
    head.headers = request->headers;
    enum dm_next next = dm_exchange_begin(exchange, &head);
    for (size_t at = 0; next == DM_NEXT_BODY && at < request->body.len;) {
        struct input own = { 0 };
        struct dm_str bytes = input_copy(&own, dm_str_cut(request->body, at, piece));
        next = dm_exchange_body(exchange, bytes);
        at += bytes.len;
        input_free(&own);
    }
    if (next == DM_NEXT_BODY)
        next = dm_exchange_body_end(exchange);
    struct outcome outcome = answer(next);
    dm_exchange_end(exchange);
    EXPECT(fake.sinks == 0);
    return outcome;
}

/* ---- the input -------------------------------------------------------------------------------------------------- */

static struct dm_str expand(struct input *input, struct dm_str target)
{
    DM_AUTO(dm_buf) text = dm_buf_make(ROOM);
    for (size_t i = 0; i < target.len; i++) {
        if (target.at[i] == '@')
            dm_buf_add_z(&text, document_id);
        else if (target.at[i] == '$')
            dm_buf_add_z(&text, link_token);
        else
            dm_buf_add_char(&text, target.at[i]);
    }
    return input_copy(input, dm_buf_str(&text));
}

static void take_request(struct input *input, struct request *ret)
{
    struct dm_str line = input_line(input), header;
    size_t space = dm_str_find_char(line, ' ');
    uint64_t piece = 0;
    ret->head.method = input_copy(input, dm_str_cut(line, 0, space));
    ret->head.target = expand(input, dm_str_from(line, space + 1));
    while (input->left > 0 && (header = input_line(input)).len > 0 && ret->head.header_count < HEADERS_MAX) {
        size_t colon = dm_str_find_char(header, ':');
        struct dm_header *to = &ret->headers[ret->head.header_count++];
        to->name = input_copy(input, dm_str_cut(header, 0, colon));
        to->value = input_copy(input, dm_str_trim(dm_str_from(header, colon + 1)));
        if (dm_str_eq(to->name, DM_STR("Piece")) && dm_str_to_u64(to->value, &piece))
            ret->head.header_count--;
    }
    ret->body = input_rest(input);
    ret->piece = piece > 0 && piece < 1000 ? (size_t)piece : 1;
    ret->head.body_bytes = (int64_t)ret->body.len;
}

/* The link that an answer gives to the completed document. */
static void find_token(void)
{
    struct dm_header host = { DM_STR("Host"), DM_STR("127.0.0.1:3005") };
    struct request request = { .head = { .method = DM_STR("GET"), .header_count = 1 }, .headers = { host } };
    DM_AUTO(dm_buf) target = dm_buf_make(ROOM);
    dm_buf_addf(&target, "/api/jobs/%s?tenantId=acme", document_id);
    request.head.target = dm_buf_str(&target);
    struct outcome outcome = send_request(&request, 1);
    EXPECT(outcome.status == 200);
    struct dm_str mark = DM_STR("/api/blobs/"), text = dm_buf_str(&outcome.body);
    struct dm_str token = dm_str_from(text, dm_str_find(text, mark) + mark.len);
    token = dm_str_cut(token, 0, dm_str_find_char(token, '"'));
    EXPECT(token.len > 0 && token.len < sizeof(link_token));
    memcpy(link_token, token.at, token.len);
    link_token[token.len] = '\0';
    dm_buf_free(&outcome.body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = input_of(data, size);
    struct request request = { 0 };
    struct outcome outcomes[2];
    for (int i = 0; i < 2; i++) {
        open_world();
        if (!link_token[0])
            find_token();
        if (i == 0)
            take_request(&input, &request);
        outcomes[i] = send_request(&request, i == 0 ? request.body.len : request.piece);
        close_world();
    }
    EXPECT(outcomes[0].next == outcomes[1].next && outcomes[0].status == outcomes[1].status);
    EXPECT(outcomes[0].body.len == outcomes[1].body.len);
    for (int i = 0; i < 2; i++)
        dm_buf_free(&outcomes[i].body);
    input_free(&input);
    return 0;
}
