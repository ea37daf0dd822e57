/* framing.c: where a request ends, from its header fields; and addresses as text.
 *
 * Line 1: the version. Line 2: an address. Then header lines, "Name: value". */
#include <string.h>

#include "fuzz.h"
#include "server/connection.h"

enum { HEADERS_MAX = 32 };

static void check_address(struct dm_str text)
{
    struct dm_address address, again;
    struct dm_err err;
    char written[DM_ADDRESS_TEXT], written_again[DM_ADDRESS_TEXT];
    if (dm_server_address_parse(text, &address, &err) != DM_OK)
        return;
    dm_server_address_text(&address, written);
    EXPECT(dm_server_address_parse(dm_str_z(written), &again, &err) == DM_OK);
    dm_server_address_text(&again, written_again);
    EXPECT(strcmp(written, written_again) == 0);
    EXPECT(dm_server_address_is_loopback(&address) == dm_server_address_is_loopback(&again));
}

static uint32_t count_of(const struct dm_head *head, struct dm_str name)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < head->header_count; i++)
        count += dm_str_eq_nocase(head->headers[i].name, name);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = input_of(data, size);
    struct dm_header headers[HEADERS_MAX];
    struct dm_head head = { .headers = headers };
    struct dm_str version = input_line(&input);
    check_address(input_line(&input));
    while (input.left > 0 && head.header_count < HEADERS_MAX) {
        struct dm_str line = input_line(&input);
        size_t colon = dm_str_find_char(line, ':');
        headers[head.header_count++] =
            (struct dm_header){ input_copy(&input, dm_str_cut(line, 0, colon)),
                                input_copy(&input, dm_str_trim(dm_str_from(line, colon + 1))) };
    }
    const char *fault = dm_framing_fault(&head, version, NULL);
    if (!fault) {
        uint32_t lengths = count_of(&head, DM_STR("content-length"));
        uint32_t encodings = count_of(&head, DM_STR("transfer-encoding"));
        int64_t body = dm_framing_body(&head);
        EXPECT(lengths + encodings <= 1 && count_of(&head, DM_STR("host")) <= 1);
        EXPECT(encodings ? body == DM_BODY_UNKNOWN : body >= 0);
        EXPECT(lengths || encodings || body == 0);
    } else {
        EXPECT(fuzz_is_plain_ascii(dm_str_z(fault)) && dm_str_ends(dm_str_z(fault), DM_STR(".")));
    }
    input_free(&input);
    return 0;
}
