/* test_multipart.c: the form parser, fed in pieces of every size, with good forms and hostile ones. */
#include "rig.h"

#include <stdio.h>
#include <string.h>

#include "api/multipart.h"
#include "base/alloc.h"

/* What came out, as one text: "<name|filename|type>data;" */
struct seen {
    struct dm_buf text;
};

static void on_begin(void *self, const struct dm_part *part)
{
    struct seen *seen = self;
    dm_buf_addf(&seen->text, "<%.*s|%s%.*s|%.*s>", DM_STR_ARG(part->name), part->has_filename ? "" : "-",
                DM_STR_ARG(part->filename), DM_STR_ARG(part->type));
}

static void on_data(void *self, struct dm_str bytes)
{
    struct seen *seen = self;
    assert_true(bytes.len > 0);
    dm_buf_add(&seen->text, bytes);
}

static void on_end(void *self)
{
    struct seen *seen = self;
    dm_buf_add_char(&seen->text, ';');
}

static const struct dm_multipart_ops ops = { on_begin, on_data, on_end };

/* Parses `body` in pieces that end at `first` and then every `piece` bytes. */
static enum dm_code parse(struct dm_str body, size_t first, size_t piece, struct seen *seen, struct dm_err *err)
{
    struct dm_multipart parser;
    seen->text = dm_buf_make(1000000);
    assert_int_equal(dm_multipart_start(&parser, DM_STR("multipart/form-data; boundary=XX"), &ops, seen, err), DM_OK);
    enum dm_code rc = DM_OK;
    size_t at = 0;
    while (rc == DM_OK && at < body.len) {
        size_t count = at == 0 && first ? first : piece;
        struct dm_str part = dm_str_cut(body, at, count);
        char *copy = dm_alloc(part.len);
        memcpy(copy, part.at, part.len);
        rc = dm_multipart_feed(&parser, dm_str_of(copy, part.len), err);
        dm_free(copy);
        at += part.len;
    }
    if (rc == DM_OK)
        rc = dm_multipart_finish(&parser, err);
    dm_multipart_free(&parser);
    return rc;
}

/* The same whatever the pieces; `expected` NULL: refused, with `why` in the sentence. */
static void check(struct dm_str body, const char *expected, const char *why)
{
    for (size_t piece = 1; piece <= body.len + 1; piece += piece < 80 ? 1 : 37) {
        for (size_t first = 0; first <= (piece > 70 ? 70 : 0); first++) {
            struct seen seen;
            struct dm_err err = { .text = "" };
            enum dm_code rc = parse(body, first, piece, &seen, &err);
            if ((rc == DM_OK) != (expected != NULL) || (expected && strcmp(expected, dm_buf_z(&seen.text)) != 0) ||
                (!expected && !strstr(err.text, why)))
                fail_msg("pieces of %zu (first %zu): code %d, \"%s\", out: %s", piece, first, rc, err.text,
                         dm_buf_z(&seen.text));
            dm_buf_free(&seen.text);
        }
    }
}

#define FIELD(name) "Content-Disposition: form-data; name=\"" name "\"\r\n"

static void a_form_is_the_same_in_pieces_of_every_size(void **state)
{
    (void)state;
    check(DM_STR("--XX\r\n" FIELD(
              "a") "\r\none\r\n--XX\r\n"
                   "Content-Disposition: form-data; name=\"file\"; filename=\"x.pdf\"\r\nContent-Type: "
                   "application/pdf\r\n\r\n%PDF-\r\n--X\r\n--\r\n-XX\r\r\n--XY\r\n--XX--\r\n"),
          "<a|-|>one;<file|x.pdf|application/pdf>%PDF-\r\n--X\r\n--\r\n-XX\r\r\n--XY;", NULL);
}

static void empty_parts_blank_padding_preamble_and_epilogue_are_fine(void **state)
{
    (void)state;
    check(DM_STR("--XX\r\n" FIELD("a") "\r\n\r\n--XX--"), "<a|-|>;", NULL);
    check(DM_STR("\r\n--XX\r\n" FIELD("a") "\r\n1\r\n--XX--"), "<a|-|>1;", NULL);
    check(DM_STR("words before\r\n--XX \t\r\n" FIELD("a") "\r\n1\r\n--XX--words after\r\n--XX\r\nmore"), "<a|-|>1;",
          NULL);
    check(DM_STR("--XX--"), "", NULL);
}

static void a_form_that_is_cut_off_is_refused(void **state)
{
    (void)state;
    struct dm_str whole = DM_STR("--XX\r\n" FIELD("a") "\r\none\r\n--XX--");
    for (size_t len = 0; len < whole.len; len++) {
        struct seen seen;
        struct dm_err err;
        assert_int_equal(parse(dm_str_cut(whole, 0, len), 0, 7, &seen, &err), DM_INVALID);
        dm_buf_free(&seen.text);
    }
}

static void what_two_readers_could_read_differently_is_refused(void **state)
{
    (void)state;
    static const struct {
        struct dm_str body;
        const char *why;
    } cases[] = {
        { DM_STR_INIT("--XX\n" FIELD("a") "\r\n1\r\n--XX--"), "neither a line end" },
        { DM_STR_INIT("--XXY\r\n" FIELD("a") "\r\n1\r\n--XX--"), "neither a line end" },
        { DM_STR_INIT("--XX\r\nContent-Disposition: form-data; name=a\n\n1\r\n--XX--"), "without CR" },
        { DM_STR_INIT("--XX\r\nContent-Disposition: form-data;\r\n name=\"a\"\r\n\r\n1\r\n--XX--"),
          "Content-Disposition" },
        { DM_STR_INIT("--XX\r\n" FIELD("a") "Content-Transfer-Encoding: base64\r\n\r\nMQ==\r\n--XX--"), "base64" },
        { DM_STR_INIT("--XX\r\n" FIELD("a") "Content-Transfer-Encoding: quoted-printable\r\n\r\n1\r\n--XX--"),
          "base64" },
        { DM_STR_INIT("--XX\r\nContent-Type: text/plain\r\n\r\n1\r\n--XX--"), "no Content-Disposition" },
        { DM_STR_INIT("--XX\r\n\r\n1\r\n--XX--"), "no Content-Disposition" },
        { DM_STR_INIT("--XX\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\n1\r\n--XX--"),
          "Content-Disposition" },
        { DM_STR_INIT("--XX\r\nContent-Disposition: form-data; name=\"a\r\n\r\n1\r\n--XX--"), "Content-Disposition" },
        { DM_STR_INIT("--XX\r\nContent-Disposition: form-data; name=\"a\"; name=\"b\"\r\n\r\n1\r\n--XX--"),
          "Content-Disposition" },
        { DM_STR_INIT("--XX\r\n" FIELD("a") FIELD("b") "\r\n1\r\n--XX--"), "Content-Disposition" },
        { DM_STR_INIT("--XX\r\n" FIELD("a") "no colon\r\n\r\n1\r\n--XX--"), "no header field" },
        { DM_STR_INIT("--XX\r\n" FIELD("a") "X : y\r\n\r\n1\r\n--XX--"), "no header field" },
        { DM_STR_INIT("--XX\r\n" FIELD("a") "X: a\0b\r\n\r\n1\r\n--XX--"), "no header field" },
        { DM_STR_INIT("--XX\r\n" FIELD("a") "X: a\rY: b\r\n\r\n1\r\n--XX--"), "no header field" },
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++)
        check(cases[i].body, NULL, cases[i].why);
}

static void transfer_encodings_that_keep_the_bytes_are_fine(void **state)
{
    (void)state;
    check(DM_STR("--XX\r\n" FIELD("a") "Content-Transfer-Encoding: binary\r\n\r\n1\r\n--XX--"), "<a|-|>1;", NULL);
}

static void file_names_are_read_in_every_way_that_clients_write_them(void **state)
{
    (void)state;
    static const struct {
        const char *parameters, *name;
    } cases[] = {
        { "filename=\"plain.pdf\"", "plain.pdf" },
        { "filename=bare.pdf", "bare.pdf" },
        { "filename=\"a\\\"b\\\\c.pdf\"", "a\"b\\c.pdf" },
        { "filename=\"C:\\dir\\x.pdf\"", "C:\\dir\\x.pdf" },
        { "filename=\"a%22b%0A.pdf\"", "a\"b%0A.pdf" },
        { "filename=\"\xc3\xa4.pdf\"", "\xc3\xa4.pdf" },
        { "filename=\"\xe4.pdf\"", "\xc3\xa4.pdf" },
        { "filename=\"x\"; filename*=UTF-8''na%C3%AFve%20%22.pdf", "na\xc3\xafve \".pdf" },
        { "filename*=utf-8'en'a.pdf; filename=\"x\"", "a.pdf" },
        { "filename*=ISO-8859-1''%E4.pdf", "\xc3\xa4.pdf" },
        { "FileName=\"case.pdf\"", "case.pdf" },
        { "filename=\"\"", "" },
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        char body[400];
        char expected[200];
        snprintf(body, sizeof(body), "--XX\r\nContent-Disposition: form-data; name=\"file\"; %s\r\n\r\n1\r\n--XX--",
                 cases[i].parameters);
        snprintf(expected, sizeof(expected), "<file|%s|>1;", cases[i].name);
        check(dm_str_z(body), expected, NULL);
    }
    check(DM_STR("--XX\r\nContent-Disposition: form-data; name=\"f\"; filename*=UTF-8''%ff\r\n\r\n1\r\n--XX--"), NULL,
          "Content-Disposition");
    check(DM_STR("--XX\r\nContent-Disposition: form-data; name=\"f\"; filename*=KOI8-R''a\r\n\r\n1\r\n--XX--"), NULL,
          "Content-Disposition");
    check(DM_STR("--XX\r\nContent-Disposition: form-data; name=\"f\"; filename*=UTF-8''%4\r\n\r\n1\r\n--XX--"), NULL,
          "Content-Disposition");
}

static void everything_about_a_part_has_a_limit(void **state)
{
    (void)state;
    struct seen seen;
    struct dm_err err;
    DM_AUTO(dm_buf) body = dm_buf_make(100000);
    dm_buf_add_z(&body, "--XX\r\nX: ");
    for (int i = 0; i < DM_PART_HEAD_MAX; i++)
        dm_buf_add_char(&body, 'y');
    assert_int_equal(parse(dm_buf_str(&body), 0, 1000, &seen, &err), DM_INVALID);
    assert_non_null(strstr(err.text, "8192 bytes"));
    dm_buf_free(&seen.text);

    dm_buf_clear(&body);
    dm_buf_add_z(&body, "--XX\r\n" FIELD("a"));
    for (int i = 0; i < DM_PART_FIELDS_MAX; i++)
        dm_buf_add_z(&body, "X: y\r\n");
    dm_buf_add_z(&body, "\r\n1\r\n--XX--");
    assert_int_equal(parse(dm_buf_str(&body), 0, 1000, &seen, &err), DM_INVALID);
    assert_non_null(strstr(err.text, "16 header fields"));
    dm_buf_free(&seen.text);

    dm_buf_clear(&body);
    for (int i = 0; i <= DM_PARTS_MAX; i++)
        dm_buf_add_z(&body, "--XX\r\n" FIELD("a") "\r\n1\r\n");
    dm_buf_add_z(&body, "--XX--");
    assert_int_equal(parse(dm_buf_str(&body), 0, 1000, &seen, &err), DM_INVALID);
    assert_non_null(strstr(err.text, "64 parts"));
    dm_buf_free(&seen.text);

    dm_buf_clear(&body);
    for (int i = 0; i <= DM_PREAMBLE_MAX; i++)
        dm_buf_add_char(&body, 'p');
    assert_int_equal(parse(dm_buf_str(&body), 0, 100, &seen, &err), DM_INVALID);
    assert_non_null(strstr(err.text, "does not begin"));
    dm_buf_free(&seen.text);
}

static void a_boundary_is_1_to_70_of_its_characters(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        bool good;
    } cases[] = {
        { "multipart/form-data; boundary=1234567890123456789012345678901234567890123456789012345678901234567890",
          true },
        { "multipart/form-data; boundary=12345678901234567890123456789012345678901234567890123456789012345678901",
          false },
        { "multipart/form-data; boundary=\"a b\"", true },
        { "multipart/form-data; boundary=\"a \"", false },
        { "multipart/form-data; boundary=\"\"", false },
        { "multipart/form-data; boundary=a\"b", false },
        { "multipart/form-data; boundary=a{b", false },
        { "multipart/form-data", false },
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        struct dm_multipart parser;
        struct dm_err err;
        enum dm_code rc = dm_multipart_start(&parser, dm_str_z(cases[i].type), &ops, NULL, &err);
        if ((rc == DM_OK) != cases[i].good)
            fail_msg("%s", cases[i].type);
    }
}

/* Bytes that are likely to mean something, thrown together; the seed is fixed, so a failure comes again. */
static void no_input_makes_the_parser_depend_on_the_pieces(void **state)
{
    (void)state;
    static const char field[] = FIELD("a");
    static const char *const words[] = { "\r",  "\n",        "\r\n",     "--",   "X", "XX", "\r\n--XX", "--XX\r\n",
                                         field, "\r\n\r\n",  "--XX--",   " ",    ":", "\"", ";",        "name=",
                                         "abc", "\xff\x80%", "filename", "%41*", "=", "\t" };
    uint64_t seed = 42;
    for (int round = 0; round < 3000; round++) {
        DM_AUTO(dm_buf) body = dm_buf_make(4000);
        if (round % 2)
            dm_buf_add_z(&body, "--XX\r\n" FIELD("a") "\r\n");
        for (int i = 0; i < 14; i++) {
            seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
            dm_buf_add_z(&body, words[(seed >> 33) % DM_COUNT(words)]);
        }
        struct seen whole;
        struct dm_err err;
        enum dm_code rc = parse(dm_buf_str(&body), 0, 10000, &whole, &err);
        for (size_t piece = 1; piece < 9; piece++) {
            struct seen parts;
            enum dm_code again = parse(dm_buf_str(&body), piece / 2, piece, &parts, &err);
            if (again != rc || (rc == DM_OK && strcmp(dm_buf_z(&whole.text), dm_buf_z(&parts.text)) != 0))
                fail_msg("round %d, pieces of %zu", round, piece);
            dm_buf_free(&parts.text);
        }
        dm_buf_free(&whole.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_form_is_the_same_in_pieces_of_every_size),
        cmocka_unit_test(empty_parts_blank_padding_preamble_and_epilogue_are_fine),
        cmocka_unit_test(a_form_that_is_cut_off_is_refused),
        cmocka_unit_test(what_two_readers_could_read_differently_is_refused),
        cmocka_unit_test(transfer_encodings_that_keep_the_bytes_are_fine),
        cmocka_unit_test(file_names_are_read_in_every_way_that_clients_write_them),
        cmocka_unit_test(everything_about_a_part_has_a_limit),
        cmocka_unit_test(a_boundary_is_1_to_70_of_its_characters),
        cmocka_unit_test(no_input_makes_the_parser_depend_on_the_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
