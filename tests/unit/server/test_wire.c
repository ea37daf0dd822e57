/* test_wire.c: addresses, and what is no request. */
#include "client.h"

#include <string.h>

#include "server/connection.h"

static void addresses_are_read_and_written_and_told_by_their_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text, *again; /* NULL: refused */
        bool loopback;
    } cases[] = {
        { "127.0.0.1:3005", "127.0.0.1:3005", true },
        { "127.9.9.9:0", "127.9.9.9:0", true },
        { "[::1]:80", "[::1]:80", true },
        { "localhost:1", "127.0.0.1:1", true },
        { "[::ffff:127.0.0.1]:1", "[::ffff:127.0.0.1]:1", true },
        { "0.0.0.0:3005", "0.0.0.0:3005", false },
        { "[::]:3005", "[::]:3005", false },
        { "192.168.1.1:65535", "192.168.1.1:65535", false },
        { "[::ffff:10.0.0.1]:1", "[::ffff:10.0.0.1]:1", false },
        { "128.0.0.1:1", "128.0.0.1:1", false },
        { "[fe80::1]:1", "[fe80::1]:1", false },
        /* Written oddly, read by the same rules as connecting would: a number all the same. */
        { "127.1:1", "127.0.0.1:1", true },
        { "0x7f000001:1", "127.0.0.1:1", true },
        { "127.0.0.1", NULL, false },
        { "127.0.0.1:", NULL, false },
        { "127.0.0.1:65536", NULL, false },
        { "127.0.0.1:-1", NULL, false },
        { "::1:80", NULL, false },
        { "[::1]", NULL, false },
        { "", NULL, false },
        { "127.0.0.1:80x", NULL, false },
        { "127.0.0.1.invalid:80", NULL, false },
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        struct dm_address address;
        struct dm_err err;
        char text[DM_ADDRESS_TEXT];
        enum dm_code rc = dm_server_address_parse(dm_str_z(cases[i].text), &address, &err);
        if (rc != (cases[i].again ? DM_OK : DM_INVALID))
            fail_msg("%s", cases[i].text);
        if (!cases[i].again)
            continue;
        dm_server_address_text(&address, text);
        assert_string_equal(text, cases[i].again);
        if (dm_server_address_is_loopback(&address) != cases[i].loopback)
            fail_msg("%s", cases[i].text);
    }
    assert_false(dm_server_address_is_loopback(&(struct dm_address){ .size = 0 }));
}

static const char *fault_of(const char *version, const char *const headers[][2], uint32_t count, int64_t *ret_body)
{
    struct dm_header list[8];
    for (uint32_t i = 0; i < count; i++)
        list[i] = (struct dm_header){ dm_str_z(headers[i][0]), dm_str_z(headers[i][1]) };
    const struct dm_head head = { .headers = list, .header_count = count };
    const char *fault = dm_framing_fault(&head, dm_str_z(version), NULL);
    if (!fault)
        *ret_body = dm_framing_body(&head);
    return fault;
}

static void where_a_request_ends_must_be_said_once(void **state)
{
    (void)state;
    static const struct {
        const char *version;
        const char *headers[3][2];
        bool good;
        int64_t body;
    } cases[] = {
        { "HTTP/1.1", { { "Host", "a" } }, true, 0 },
        { "HTTP/1.1", { { "Host", "a" }, { "Content-Length", "5" } }, true, 5 },
        { "HTTP/1.1", { { "Host", "a" }, { "transfer-encoding", "Chunked" } }, true, DM_BODY_UNKNOWN },
        { "HTTP/1.0", { { "Content-Length", "0" } }, true, 0 },
        { "HTTP/1.1", { { "Content-Length", "5" } }, false, 0 },
        { "HTTP/1.1", { { "Host", "a" }, { "Host", "a" } }, false, 0 },
        { "HTTP/1.1", { { "Host", "a" }, { "Content-Length", "5" }, { "Content-Length", "5" } }, false, 0 },
        { "HTTP/1.1", { { "Host", "a" }, { "Content-Length", "5" }, { "Transfer-Encoding", "chunked" } }, false, 0 },
        { "HTTP/1.1",
          { { "Host", "a" }, { "Transfer-Encoding", "chunked" }, { "Transfer-Encoding", "chunked" } },
          false,
          0 },
        { "HTTP/1.1", { { "Host", "a" }, { "Transfer-Encoding", "xchunked" } }, false, 0 },
        { "HTTP/1.1", { { "Host", "a" }, { "Transfer-Encoding", "gzip, chunked" } }, false, 0 },
        { "HTTP/1.1", { { "Host", "a" }, { "Transfer-Encoding", "" } }, false, 0 },
        { "HTTP/1.1", { { "Host", "a" }, { "Content-Length", "+5" } }, false, 0 },
        { "HTTP/1.1", { { "Host", "a" }, { "Content-Length", "5, 5" } }, false, 0 },
        { "HTTP/1.1", { { "Host", "a" }, { "Content-Length", "0x5" } }, false, 0 },
        { "HTTP/1.1", { { "Host", "a" }, { "Content-Length", "" } }, false, 0 },
        { "HTTP/1.1", { { "Host", "a" }, { "Content-Length", "99999999999999999999" } }, false, 0 },
        { "HTTP/1.1", { { "Host", "a" }, { "Content-Length ", "5" } }, false, 0 },
        { "HTTP/1.1", { { "Host", "a" }, { "X\x01", "5" } }, false, 0 },
        { "HTTP/1.1", { { "Host", "a" }, { "X", "a\rb" } }, false, 0 },
        { "HTTP/1.1", { { "Host", "a" }, { "", "b" } }, false, 0 },
        { "HTTP/1.0", { { "Host", "a" }, { "Transfer-Encoding", "chunked" } }, false, 0 },
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        uint32_t count = 0;
        int64_t body = -2;
        while (count < 3 && cases[i].headers[count][0])
            count++;
        const char *fault = fault_of(cases[i].version, cases[i].headers, count, &body);
        if ((fault == NULL) != cases[i].good || (cases[i].good && body != cases[i].body))
            fail_msg("case %zu: %s", i, fault ? fault : "fine");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read_and_written_and_told_by_their_numbers),
        cmocka_unit_test(where_a_request_ends_must_be_said_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
