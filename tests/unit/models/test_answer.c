/* test_answer.c: what a model may write, and what becomes of it. */
#include "testing.h"

#include "models/answer.h"

static const uint32_t given_pages[] = { 2, 3, 7 };
static const struct dm_answer_pages pages = { given_pages, DM_COUNT(given_pages) };

#define REST ",\"entities\":[],\"keyPoints\":[],\"sentiment\":\"neutral\"}"

static void expect(enum dm_model_task task, const char *text, const char *compact)
{
    struct dm_err err = { 0 };
    DM_AUTO(dm_buf) ret = dm_buf_make(1 << 20);
    enum dm_reason reason = dm_answer_read(task, dm_str_z(text), pages, &ret, &err);
    if (reason != DM_REASON_NONE)
        fail_msg("%s is %s: %s", text, dm_reason_text(reason), err.text);
    assert_text(dm_buf_str(&ret), dm_str_z(compact));
}

static void expect_refused(enum dm_model_task task, const char *text, enum dm_reason reason, const char *sentence)
{
    struct dm_err err = { 0 };
    DM_AUTO(dm_buf) ret = dm_buf_make(1 << 20);
    assert_int_equal(dm_answer_read(task, dm_str_z(text), pages, &ret, &err), reason);
    if (dm_str_find(dm_str_z(err.text), dm_str_z(sentence)) == strlen(err.text))
        fail_msg("\"%s\" does not say \"%s\"", err.text, sentence);
    assert_int_equal(ret.len, 0);
}

static void given_a_good_analysis_then_it_is_stored_compactly_without_what_was_not_asked_for(void **state)
{
    (void)state;
    const char *compact =
        "{\"summary\":\"S\",\"entities\":[{\"text\":\"Ada\",\"type\":\"person\"},{\"text\":\"X\",\"type\":"
        "\"other\"}],\"keyPoints\":[\"k\"],\"sentiment\":\"mixed\"}";
    const char *text =
        "{ \"keyPoints\": [\" k \", \"\"], \"extra\": {\"a\": 1}, \"sentiment\": \"Mixed\",\n \"entities\": "
        "[{\"text\":\"Ada\",\"type\":\"PERSON\",\"score\":1},{\"text\":\" \",\"type\":\"x\"},"
        "{\"text\":\"X\",\"type\":\"\"}], \"summary\": \" S\\n\"}";
    expect(DM_MODEL_PAGE, text, compact);
    DM_AUTO(dm_buf) fenced = dm_buf_make(10000);
    dm_buf_addf(&fenced, " ```json\n%s\n```\n", text);
    expect(DM_MODEL_PAGE, dm_buf_z(&fenced), compact);
}

static void given_an_analysis_without_content_then_the_page_is_empty(void **state)
{
    (void)state;
    expect(DM_MODEL_PAGE, "{\"summary\":\"\"" REST,
           "{\"summary\":\"\",\"entities\":[],\"keyPoints\":[],\"sentiment\":\"neutral\",\"empty\":true}");
}

static void given_what_is_not_as_asked_then_the_member_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum dm_reason reason;
        const char *sentence;
    } rows[] = {
        { "", DM_REASON_INVALID_JSON, "the answer is not valid JSON" },
        { "I cannot", DM_REASON_INVALID_JSON, "line 1" },
        { "{\"summary\":\"S\"", DM_REASON_INVALID_JSON, "line 1" },
        { "{\"summary\":\"S\",\"summary\":\"S\"" REST, DM_REASON_INVALID_JSON, "duplicate" },
        { "```json", DM_REASON_INVALID_JSON, "the answer" },
        { "[]", DM_REASON_SCHEMA_MISMATCH, "the answer must be an object; it is an array" },
        { "{}", DM_REASON_SCHEMA_MISMATCH, "\"summary\" must be a string; it is missing" },
        { "{\"summary\":null" REST, DM_REASON_SCHEMA_MISMATCH, "\"summary\" must be a string; it is null" },
        { "{\"summary\":\"S\",\"keyPoints\":[],\"sentiment\":\"neutral\"}", DM_REASON_SCHEMA_MISMATCH, "\"entities\"" },
        { "{\"summary\":\"S\",\"entities\":[3],\"keyPoints\":[],\"sentiment\":\"neutral\"}", DM_REASON_SCHEMA_MISMATCH,
          "entities[0] must be an object; it is a number" },
        { "{\"summary\":\"S\",\"entities\":[{\"text\":\"x\"}],\"keyPoints\":[],\"sentiment\":\"neutral\"}",
          DM_REASON_SCHEMA_MISMATCH, "entities[0].type must be a string; it is missing" },
        { "{\"summary\":\"S\",\"entities\":[],\"keyPoints\":[\"a\",{}],\"sentiment\":\"neutral\"}",
          DM_REASON_SCHEMA_MISMATCH, "keyPoints[1] must be a string; it is an object" },
        { "{\"summary\":\"S\",\"entities\":[],\"keyPoints\":{},\"sentiment\":\"neutral\"}", DM_REASON_SCHEMA_MISMATCH,
          "\"keyPoints\" must be an array; it is an object" },
        { "{\"summary\":\"S\",\"entities\":[],\"keyPoints\":[],\"sentiment\":\"great\"}", DM_REASON_SCHEMA_MISMATCH,
          "\"sentiment\" must be" },
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++)
        expect_refused(DM_MODEL_PAGE, rows[i].text, rows[i].reason, rows[i].sentence);
}

static void given_too_much_then_lists_and_texts_are_cut_between_characters(void **state)
{
    (void)state;
    struct dm_err err;
    DM_AUTO(dm_buf) text = dm_buf_make(1 << 20);
    DM_AUTO(dm_buf) ret = dm_buf_make(1 << 20);
    dm_buf_add_z(&text, "{\"entities\":[],\"sentiment\":\"neutral\",\"summary\":\"x");
    for (int i = 0; i < DM_ANSWER_SUMMARY_MAX; i++)
        dm_buf_add_z(&text, "\xc3\xa9");
    dm_buf_add_z(&text, "\",\"keyPoints\":[\"k\"");
    for (int i = 0; i < 2 * DM_ANSWER_POINTS; i++)
        dm_buf_add_z(&text, ",\"k\"");
    dm_buf_add_z(&text, "]}");
    assert_int_equal(dm_answer_read(DM_MODEL_PAGE, dm_buf_str(&text), pages, &ret, &err), DM_REASON_NONE);
    assert_true(dm_str_is_utf8(dm_buf_str(&ret)));
    assert_true(ret.len < DM_ANSWER_SUMMARY_MAX + DM_ANSWER_POINTS * 4 + 100);
    DM_AUTO(dm_buf) huge = dm_buf_make(1 << 20);
    while (huge.len <= DM_ANSWER_BYTES_MAX)
        dm_buf_add_z(&huge, "{\"a\":1}     ,");
    expect_refused(DM_MODEL_PAGE, dm_buf_z(&huge), DM_REASON_INVALID_JSON, "over 524288 bytes");
}

static void given_a_reduction_then_its_pages_are_sorted_and_must_have_been_given(void **state)
{
    (void)state;
    expect(DM_MODEL_REDUCTION, "{\"summary\":\"S\",\"keyPoints\":[{\"text\":\"k\",\"pages\":[7,2,7]}],\"x\":0}",
           "{\"summary\":\"S\",\"keyPoints\":[{\"text\":\"k\",\"pages\":[2,7]}]}");
    expect_refused(
        DM_MODEL_REDUCTION,
        "{\"summary\":\"S\",\"keyPoints\":[{\"text\":\"a\",\"pages\":[2]},{\"text\":\"k\",\"pages\":[3,4]}]}",
        DM_REASON_SCHEMA_MISMATCH, "keyPoints[1].pages[1] must be the number of a page that was given");
    expect_refused(DM_MODEL_REDUCTION, "{\"summary\":\"S\",\"keyPoints\":[{\"text\":\"k\",\"pages\":[\"2\"]}]}",
                   DM_REASON_SCHEMA_MISMATCH, "keyPoints[0].pages[0]");
    expect_refused(DM_MODEL_REDUCTION, "{\"summary\":\"S\",\"keyPoints\":[{\"text\":\"k\",\"pages\":[]}]}",
                   DM_REASON_SCHEMA_MISMATCH, "keyPoints[0].pages must be an array of at least one page number");
    expect_refused(DM_MODEL_REDUCTION, "{\"summary\":\"S\",\"keyPoints\":[\"k\"]}", DM_REASON_SCHEMA_MISMATCH,
                   "keyPoints[0] must be an object");
    expect_refused(DM_MODEL_REDUCTION, "{\"summary\":\"S\"}", DM_REASON_SCHEMA_MISMATCH, "\"keyPoints\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(given_a_good_analysis_then_it_is_stored_compactly_without_what_was_not_asked_for),
        cmocka_unit_test(given_an_analysis_without_content_then_the_page_is_empty),
        cmocka_unit_test(given_what_is_not_as_asked_then_the_member_is_named),
        cmocka_unit_test(given_too_much_then_lists_and_texts_are_cut_between_characters),
        cmocka_unit_test(given_a_reduction_then_its_pages_are_sorted_and_must_have_been_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
