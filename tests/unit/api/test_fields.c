/* test_fields.c: what stands in header fields, given and hostile. */
#include "rig.h"

#include <string.h>

#include "api/fields.h"

static void a_request_id_is_taken_only_where_it_is_harmless(void **state)
{
    (void)state;
    char longest[130];
    memset(longest, 'a', sizeof(longest));
    assert_true(dm_request_id_sane(DM_STR("0192-abc.DEF_9")));
    assert_true(dm_request_id_sane(dm_str_of(longest, 128)));
    assert_false(dm_request_id_sane(dm_str_of(longest, 129)));
    assert_false(dm_request_id_sane(DM_STR("")));
    assert_false(dm_request_id_sane(DM_STR("a b")));
    assert_false(dm_request_id_sane(DM_STR("a\nb")));
    assert_false(dm_request_id_sane(DM_STR("<x>")));
}

static void a_traceparent_keeps_its_trace_under_a_new_parent(void **state)
{
    (void)state;
    struct dm_str given = DM_STR("00-695735a5bd862e3fe1be46a994272793-53995c3f42cd8ad8-01");
    assert_true(dm_traceparent_valid(given));
    assert_true(dm_traceparent_valid(DM_STR("cc-695735a5bd862e3fe1be46a994272793-53995c3f42cd8ad8-01-more")));
    assert_false(dm_traceparent_valid(DM_STR("00-695735a5bd862e3fe1be46a994272793-53995c3f42cd8ad8-01-more")));
    assert_false(dm_traceparent_valid(DM_STR("ff-695735a5bd862e3fe1be46a994272793-53995c3f42cd8ad8-01")));
    assert_false(dm_traceparent_valid(DM_STR("00-00000000000000000000000000000000-53995c3f42cd8ad8-01")));
    assert_false(dm_traceparent_valid(DM_STR("00-695735a5bd862e3fe1be46a994272793-0000000000000000-01")));
    assert_false(dm_traceparent_valid(DM_STR("00-695735A5bd862e3fe1be46a994272793-53995c3f42cd8ad8-01")));
    assert_false(dm_traceparent_valid(DM_STR("00-695735a5bd862e3fe1be46a994272793-53995c3f42cd8ad8-0")));
    assert_false(dm_traceparent_valid(DM_STR("")));
    char child[DM_TRACE_TEXT];
    dm_traceparent_child(given, (const unsigned char *)"\1\2\3\4\5\6\7\10", child);
    assert_string_equal(child, "00-695735a5bd862e3fe1be46a994272793-0102030405060708-01");
}

static const struct dm_str offered[] = { DM_STR_INIT("application/json"), DM_STR_INIT("text/markdown"),
                                         DM_STR_INIT("application/jsonl") };

static int best(const char *accept)
{
    return dm_accept_best(dm_str_z(accept), offered, DM_COUNT(offered));
}

static void accept_takes_the_best_liked_and_the_first_among_equals(void **state)
{
    (void)state;
    assert_int_equal(best(""), 0);
    assert_int_equal(best("*/*"), 0);
    assert_int_equal(best("text/markdown"), 1);
    assert_int_equal(best("TEXT/Markdown; charset=utf-8"), 1);
    assert_int_equal(best("application/*"), 0);
    assert_int_equal(best("application/*;q=0.5, application/jsonl"), 2);
    assert_int_equal(best("text/*, application/json;q=0.9"), 1);
    assert_int_equal(best("application/json, text/plain, */*"), 0);
    assert_int_equal(best("application/json;q=0, */*"), 1);
    assert_int_equal(best("*/*;q=0"), -1);
    assert_int_equal(best("image/png"), -1);
    assert_int_equal(best("text/markdown;q=2"), -1);
    assert_int_equal(best("text/markdown;q=0.1234"), -1);
    assert_int_equal(best(",,;;,text"), -1);
}

static void an_entity_tag_is_found_in_a_list_whatever_its_strength(void **state)
{
    (void)state;
    assert_true(dm_etag_listed(DM_STR("\"a\", W/\"b\""), DM_STR("\"b\"")));
    assert_true(dm_etag_listed(DM_STR("\"b\""), DM_STR("W/\"b\"")));
    assert_true(dm_etag_listed(DM_STR("*"), DM_STR("\"b\"")));
    assert_false(dm_etag_listed(DM_STR("\"a\", b"), DM_STR("\"b\"")));
    assert_true(dm_etag_same(DM_STR("\"b\""), DM_STR("\"b\"")));
    assert_false(dm_etag_same(DM_STR("W/\"b\""), DM_STR("\"b\"")));
    assert_false(dm_etag_same(DM_STR("W/\"b\""), DM_STR("W/\"b\"")));
    assert_false(dm_etag_same(DM_STR("Fri, 02 Jan 2026 03:04:05 GMT"), DM_STR("\"b\"")));
}

static void ranges_are_parsed_as_the_standard_says(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        uint64_t size;
        enum dm_range_kind kind;
        uint64_t first, length;
    } cases[] = {
        { "bytes=0-4", 10, DM_RANGE_PART, 0, 5 },
        { "bytes=5-", 10, DM_RANGE_PART, 5, 5 },
        { "bytes=5-100", 10, DM_RANGE_PART, 5, 5 },
        { "bytes=-3", 10, DM_RANGE_PART, 7, 3 },
        { "bytes=-30", 10, DM_RANGE_PART, 0, 10 },
        { "Bytes = 9-9", 10, DM_RANGE_NONE, 0, 0 },
        { "BYTES=9-9", 10, DM_RANGE_PART, 9, 1 },
        { "bytes=0-18446744073709551615", 10, DM_RANGE_PART, 0, 10 },
        { "bytes=10-", 10, DM_RANGE_UNSATISFIABLE, 0, 0 },
        { "bytes=-0", 10, DM_RANGE_UNSATISFIABLE, 0, 0 },
        { "bytes=0-", 0, DM_RANGE_UNSATISFIABLE, 0, 0 },
        { "bytes=-5", 0, DM_RANGE_UNSATISFIABLE, 0, 0 },
        { "bytes=5-4", 10, DM_RANGE_NONE, 0, 0 },
        { "bytes=0-1,3-4", 10, DM_RANGE_NONE, 0, 0 },
        { "bytes=a-b", 10, DM_RANGE_NONE, 0, 0 },
        { "bytes=-", 10, DM_RANGE_NONE, 0, 0 },
        { "bytes=", 10, DM_RANGE_NONE, 0, 0 },
        { "bytes=18446744073709551616-", 10, DM_RANGE_NONE, 0, 0 },
        { "bytes=--1", 10, DM_RANGE_NONE, 0, 0 },
        { "lines=0-4", 10, DM_RANGE_NONE, 0, 0 },
        { "", 10, DM_RANGE_NONE, 0, 0 },
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        uint64_t first = 0;
        uint64_t length = 0;
        enum dm_range_kind kind = dm_range_parse(dm_str_z(cases[i].value), cases[i].size, &first, &length);
        if (kind != cases[i].kind || first != cases[i].first || length != cases[i].length)
            fail_msg("%s of %zu: kind %d, %zu+%zu", cases[i].value, (size_t)cases[i].size, kind, (size_t)first,
                     (size_t)length);
    }
}

static void media_parameters_are_read_quoted_or_bare(void **state)
{
    (void)state;
    static const struct {
        const char *value, *name, *found; /* NULL: none */
    } cases[] = {
        { "multipart/form-data; boundary=abc", "boundary", "abc" },
        { "multipart/form-data;BOUNDARY=\"a;b\\\"c\" ; x=y", "boundary", "a;b\"c" },
        { "multipart/form-data; x=\"boundary=q\"; boundary=z", "boundary", "z" },
        { "multipart/form-data", "boundary", NULL },
        { "multipart/form-data; boundary", "boundary", NULL },
        { "multipart/form-data; boundary=\"abc", "boundary", NULL },
        { ";;;=", "boundary", NULL },
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        DM_AUTO(dm_buf) found = dm_buf_make(100);
        bool has = dm_media_parameter(dm_str_z(cases[i].value), dm_str_z(cases[i].name), &found);
        assert_int_equal(has, cases[i].found != NULL);
        if (has)
            assert_string_equal(dm_buf_z(&found), cases[i].found);
    }
}

static void hosts_are_taken_apart_and_loopback_is_told_by_numbers(void **state)
{
    (void)state;
    struct dm_str name, port;
    assert_true(dm_host_split(DM_STR("[::1]:3005"), &name, &port));
    assert_true(dm_str_eq(name, DM_STR("::1")) && dm_str_eq(port, DM_STR("3005")));
    assert_true(dm_host_split(DM_STR("docs.example.com"), &name, &port));
    assert_int_equal(port.len, 0);
    assert_false(dm_host_split(DM_STR("a b"), &name, &port));
    assert_false(dm_host_split(DM_STR("a@b"), &name, &port));
    assert_false(dm_host_split(DM_STR("a/b"), &name, &port));
    assert_false(dm_host_split(DM_STR("a:99999"), &name, &port));
    assert_false(dm_host_split(DM_STR("a:"), &name, &port));
    assert_false(dm_host_split(DM_STR("::1"), &name, &port));
    assert_false(dm_host_split(DM_STR("[::1"), &name, &port));
    assert_false(dm_host_split(DM_STR(""), &name, &port));
    static const char *const own[] = { "127.0.0.1", "127.255.0.9", "::1", "localhost", "LOCALHOST", "app.localhost" };
    static const char *const foreign[] = { "128.0.0.1",
                                           "127.0.0.1.evil.example",
                                           "localhost.evil.example",
                                           "evillocalhost",
                                           "0.0.0.0",
                                           "::",
                                           "::ffff:10.0.0.1",
                                           "127.1",
                                           "2130706433",
                                           "127.0.0.1.nip.io",
                                           ".localhost",
                                           "1::1" };
    for (size_t i = 0; i < DM_COUNT(own); i++)
        if (!dm_host_is_loopback(dm_str_z(own[i])))
            fail_msg("%s", own[i]);
    for (size_t i = 0; i < DM_COUNT(foreign); i++)
        if (dm_host_is_loopback(dm_str_z(foreign[i])))
            fail_msg("%s", foreign[i]);
}

static void no_file_name_can_end_its_header_field(void **state)
{
    (void)state;
    DM_AUTO(dm_buf) field = dm_buf_make(500);
    dm_add_disposition(&field, DM_STR("../\"a\r\nSet-Cookie: x\".pdf \xc3\xa4"));
    assert_string_equal(dm_buf_z(&field), "attachment; filename=\".._"
                                          "_a__Set-Cookie_ x_.pdf __\"; "
                                          "filename*=UTF-8''..%2F%22a%0D%0ASet-Cookie%3A%20x%22.pdf%20%C3%A4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_id_is_taken_only_where_it_is_harmless),
        cmocka_unit_test(a_traceparent_keeps_its_trace_under_a_new_parent),
        cmocka_unit_test(accept_takes_the_best_liked_and_the_first_among_equals),
        cmocka_unit_test(an_entity_tag_is_found_in_a_list_whatever_its_strength),
        cmocka_unit_test(ranges_are_parsed_as_the_standard_says),
        cmocka_unit_test(media_parameters_are_read_quoted_or_bare),
        cmocka_unit_test(hosts_are_taken_apart_and_loopback_is_told_by_numbers),
        cmocka_unit_test(no_file_name_can_end_its_header_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
