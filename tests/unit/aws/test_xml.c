/* test_xml.c: answers in XML: what is handed over, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "aws/xml.h"

static enum dm_code note(void *context, struct dm_str path, struct dm_str text, struct dm_err *err)
{
    struct dm_buf *heard = context;
    dm_buf_addf(heard, "%.*s=%.*s\n", DM_STR_ARG(path), DM_STR_ARG(text));
    return dm_str_eq(text, DM_STR("stop")) ? dm_fail(err, DM_TOO_LARGE, "enough") : DM_OK;
}

static void assert_heard(const char *text, enum dm_code code, const char *expected)
{
    DM_AUTO(dm_buf) heard = dm_buf_make(4096);
    struct dm_err err = { .code = DM_OK };
    assert_int_equal(dm_aws_xml_read(dm_str_z(text), "the answer", note, &heard, &err), code);
    assert_string_equal(dm_buf_z(&heard), expected);
    assert_true(code == DM_OK || strstr(err.text, "the answer"));
}

static void elements_come_at_their_end_with_their_path(void **state)
{
    (void)state;
    assert_heard("<?xml version=\"1.0\"?>\n<A xmlns=\"x\"><B c=\"d\"> e&amp;<![CDATA[<f>]]></B>\n<s:B>g</s:B><H/></A>",
                 DM_OK, "A/B= e&<f>\nA/B=g\nA/H=\nA=\n");
}

static void text_between_elements_is_nobodys(void **state)
{
    (void)state;
    assert_heard("<A>one<B>two</B>three</A>", DM_OK, "A/B=two\nA=\n");
    assert_heard("<s:/>", DM_OK, "s:=\n");
}

static void what_is_broken_is_told_without_quoting_it(void **state)
{
    (void)state;
    static const char *const texts[] = { "",         "secret",     "<A>", "<A></B>", "<A>&secret;</A>", "<A>\x01</A>",
                                         "<A/><B/>", "<A>\xff</A>" };
    for (size_t i = 0; i < DM_COUNT(texts); i++) {
        struct dm_err err = { .code = DM_OK };
        DM_AUTO(dm_buf) heard = dm_buf_make(4096);
        assert_int_equal(dm_aws_xml_read(dm_str_z(texts[i]), "the answer", note, &heard, &err), DM_CORRUPT);
        assert_null(strstr(err.text, "secret"));
    }
}

static void nothing_can_be_declared(void **state)
{
    (void)state;
    assert_heard("<!DOCTYPE A [<!ENTITY b \"c\">]><A>&b;</A>", DM_CORRUPT, "");
    assert_heard("<!DOCTYPE A SYSTEM \"file:///etc/passwd\"><A/>", DM_CORRUPT, "");
}

static void who_hears_may_end_it(void **state)
{
    (void)state;
    assert_heard("<A><B>stop</B><C>more</C></A>", DM_TOO_LARGE, "A/B=stop\n");
}

static enum dm_code ignore(void *context, struct dm_str path, struct dm_str text, struct dm_err *err)
{
    return DM_OK;
}

static void assert_repeated(const char *before, const char *each, uint32_t times, const char *after, enum dm_code code)
{
    DM_AUTO(dm_buf) text = dm_buf_make(8 << 20);
    dm_buf_add_z(&text, before);
    for (uint32_t i = 0; i < times; i++)
        dm_buf_add_z(&text, each);
    dm_buf_add_z(&text, after);
    struct dm_err err;
    assert_int_equal(dm_aws_xml_read(dm_buf_str(&text), "the answer", ignore, NULL, &err), code);
}

static void everything_is_bounded(void **state)
{
    (void)state;
    assert_repeated("<A>", "<B/>", DM_AWS_XML_ELEMENTS_MAX - 1, "</A>", DM_OK);
    assert_repeated("<A>", "<B/>", DM_AWS_XML_ELEMENTS_MAX, "</A>", DM_CORRUPT);
    assert_repeated("", "<A>", DM_AWS_XML_DEPTH_MAX + 1, "", DM_CORRUPT);
    assert_repeated("<A>", "x", DM_AWS_XML_TEXT_MAX, "</A>", DM_OK);
    assert_repeated("<A>", "x", DM_AWS_XML_TEXT_MAX + 1, "</A>", DM_CORRUPT);
    assert_repeated("<A", "x", 2000, "/>", DM_CORRUPT);
}

static void what_is_written_is_read_as_it_was(void **state)
{
    (void)state;
    static const char *const texts[] = { "a&b<c>\"d\"'e'", "\r\n\t ", "&amp;", "\xc3\xa9" };
    for (size_t i = 0; i < DM_COUNT(texts); i++) {
        DM_AUTO(dm_buf) text = dm_buf_make(256);
        DM_AUTO(dm_buf) expected = dm_buf_make(256);
        dm_buf_add_z(&text, "<A>");
        dm_aws_xml_add_text(&text, dm_str_z(texts[i]));
        dm_buf_add_z(&text, "</A>");
        dm_buf_addf(&expected, "A=%s\n", texts[i]);
        assert_heard(dm_buf_z(&text), DM_OK, dm_buf_z(&expected));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_come_at_their_end_with_their_path),
        cmocka_unit_test(text_between_elements_is_nobodys),
        cmocka_unit_test(what_is_broken_is_told_without_quoting_it),
        cmocka_unit_test(nothing_can_be_declared),
        cmocka_unit_test(who_hears_may_end_it),
        cmocka_unit_test(everything_is_bounded),
        cmocka_unit_test(what_is_written_is_read_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
