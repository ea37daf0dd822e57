/* test_extractive_reduction.c: from many pages to one summary. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>

static json_t *reduce(void **state, const struct dm_page_digest *digests, uint32_t count)
{
    struct dm_err err;
    DM_AUTO(dm_buf) bytes = dm_buf_make(0);
    assert_ok(dm_extractive_reduction(*state, digests, count, &bytes, NULL, &err), &err);
    json_t *reduction;
    assert_ok(dm_json_parse(dm_buf_str(&bytes), "the reduction", &reduction, &err), &err);
    assert_true(json_is_string(json_object_get(reduction, "summary")));
    assert_true(json_array_size(json_object_get(reduction, "keyPoints")) <= 8);
    size_t i;
    json_t *point;
    json_array_foreach (json_object_get(reduction, "keyPoints"), i, point) {
        assert_true(strlen(rig_text(point, "text")) > 0);
        const json_t *pages = json_object_get(point, "pages");
        assert_true(json_array_size(pages) >= 1 && json_array_size(pages) <= 20);
        json_int_t before = 0;
        for (size_t p = 0; p < json_array_size(pages); p++) {
            json_int_t page = json_integer_value(json_array_get(pages, p));
            assert_true(page > before);
            before = page;
        }
    }
    return reduction;
}

static const json_t *point_with(const json_t *reduction, const char *part)
{
    size_t i;
    json_t *point;
    json_array_foreach (json_object_get(reduction, "keyPoints"), i, point)
        if (strstr(rig_text(point, "text"), part))
            return point;
    return NULL;
}

static const struct dm_str first_points[] = {
    DM_STR_INIT("The harbour was enlarged in the year after the war."),
    DM_STR_INIT("Every tenth ship carries containers."),
};
static const struct dm_str second_points[] = {
    DM_STR_INIT("The harbour was enlarged in the year after the great war."),
    DM_STR_INIT("The fishermen of the town sell their fish on Saturday."),
};

static const struct dm_page_digest town[] = {
    { 1, DM_STR_INIT("The town lives from its harbour. The harbour is the largest of the country."), first_points, 2,
      0 },
    { 3, DM_STR_INIT("Ships from forty countries call at the harbour of the town each year."), second_points, 2, 0 },
    { 7, DM_STR_INIT("The museum has a collection of old maps. It is closed on Monday."), NULL, 0, 0 },
};

static void the_summary_speaks_of_what_many_pages_speak_of(void **state)
{
    json_auto_t *reduction = reduce(state, town, DM_COUNT(town));
    assert_non_null(strstr(rig_text(reduction, "summary"), "The town lives from its harbour."));
    assert_non_null(strstr(rig_text(reduction, "summary"), "Ships from forty countries"));
}

static void sentences_stand_in_the_order_of_the_pages(void **state)
{
    json_auto_t *reduction = reduce(state, town, DM_COUNT(town));
    const char *first = strstr(rig_text(reduction, "summary"), "The town lives");
    const char *third = strstr(rig_text(reduction, "summary"), "Ships from");
    assert_true(first && third && first < third);
}

static void near_equal_key_points_are_one_with_both_pages(void **state)
{
    json_auto_t *reduction = reduce(state, town, DM_COUNT(town));
    const json_t *point = point_with(reduction, "The harbour was enlarged");
    assert_non_null(point);
    const json_t *pages = json_object_get(point, "pages");
    assert_int_equal(json_array_size(pages), 2);
    assert_int_equal(json_integer_value(json_array_get(pages, 0)), 1);
    assert_int_equal(json_integer_value(json_array_get(pages, 1)), 3);
    const json_t *fish = point_with(reduction, "sell their fish");
    assert_non_null(fish);
    assert_int_equal(json_integer_value(json_array_get(json_object_get(fish, "pages"), 0)), 3);
}

static void one_page_is_reduced_to_its_own_summary(void **state)
{
    json_auto_t *reduction = reduce(state, town, 1);
    assert_string_equal(rig_text(reduction, "summary"),
                        "The town lives from its harbour. The harbour is the largest of the country.");
    assert_int_equal(json_array_size(json_object_get(reduction, "keyPoints")), 2);
}

static void empty_pages_are_reduced_to_nothing(void **state)
{
    const struct dm_page_digest empty[] = { { 1, DM_STR_INIT(""), NULL, 0, 0 }, { 2, DM_STR_INIT(" "), NULL, 0, 0 } };
    struct dm_err err;
    DM_AUTO(dm_buf) bytes = dm_buf_make(0);
    assert_ok(dm_extractive_reduction(*state, empty, 2, &bytes, NULL, &err), &err);
    assert_text(dm_buf_str(&bytes), DM_STR("{\"summary\":\"\",\"keyPoints\":[]}"));
}

static void pages_without_sentences_are_told_by_the_first_summary(void **state)
{
    const struct dm_page_digest pages[] = { { 1, DM_STR_INIT(""), NULL, 0, 0 },
                                            { 2, DM_STR_INIT("Contents: Introduction; Foundations"), NULL, 0, 0 } };
    json_auto_t *reduction = reduce(state, pages, 2);
    assert_string_equal(rig_text(reduction, "summary"), "Contents: Introduction; Foundations");
}

static void a_line_on_every_page_does_not_fill_the_summary(void **state)
{
    static const struct dm_str footer = DM_STR_INIT("This document is confidential and belongs to the town.");
    struct dm_page_digest *pages = calloc(30, sizeof(*pages));
    assert_non_null(pages);
    static const char *const subjects[] = { "harbour", "museum", "market", "school", "bridge", "church" };
    char texts[30][160];
    for (uint32_t i = 0; i < 30; i++) {
        snprintf(texts[i], sizeof(texts[i]), "The %s number %u was built by the people of the town. %s",
                 subjects[i % 6], i, footer.at);
        pages[i] = (struct dm_page_digest){ i + 1, dm_str_z(texts[i]), &footer, 1, 0 };
    }
    json_auto_t *reduction = reduce(state, pages, 30);
    free(pages);
    const char *once = strstr(rig_text(reduction, "summary"), footer.at);
    assert_true(!once || !strstr(once + 1, footer.at));
    assert_non_null(strstr(rig_text(reduction, "summary"), "was built by the people of the town."));
    assert_true(json_array_size(json_object_get(reduction, "keyPoints")) <= 1);
}

static void other_languages_are_reduced_too(void **state)
{
    const struct dm_page_digest german[] = {
        { 1, DM_STR_INIT("Die Stadt lebt von ihrem Hafen. Der Hafen ist der größte des Landes."), NULL, 0, 0 },
        { 2, DM_STR_INIT("Schiffe aus vierzig Ländern laufen jedes Jahr den Hafen der Stadt an."), NULL, 0, 0 },
    };
    json_auto_t *reduction = reduce(state, german, 2);
    assert_non_null(strstr(rig_text(reduction, "summary"), "Die Stadt lebt von ihrem Hafen."));
    const struct dm_page_digest japanese[] = {
        { 1, DM_STR_INIT("東京国立博物館は、上野公園内にある博物館である。日本と東洋の文化財を展示している。"), NULL, 0,
          0 },
        { 2, DM_STR_INIT("博物館は毎年多くの特別展を開催し、多数の来館者が訪れている。"), NULL, 0, 0 },
    };
    json_auto_t *other = reduce(state, japanese, 2);
    assert_non_null(strstr(rig_text(other, "summary"), "博物館である。"));
}

static void the_same_digests_give_the_same_bytes(void **state)
{
    struct dm_err err;
    DM_AUTO(dm_buf) first = dm_buf_make(0);
    DM_AUTO(dm_buf) again = dm_buf_make(0);
    assert_ok(dm_extractive_reduction(*state, town, DM_COUNT(town), &first, NULL, &err), &err);
    json_auto_t *page = rig_read_z(state, "Das Schiff hat den Hafen am Morgen verlassen und ist nicht zurückgekommen.");
    assert_non_null(page);
    assert_ok(dm_extractive_reduction(*state, town, DM_COUNT(town), &again, NULL, &err), &err);
    assert_text(dm_buf_str(&again), dm_buf_str(&first));
}

/* A sentence of its own for every page, from a few hundred words. */
static void write_sentence(char *text, size_t size, uint32_t seed)
{
    size_t len = (size_t)snprintf(text, size, "The people of the town");
    for (int i = 0; i < 10 && len < size; i++) {
        seed = seed * 1664525 + 1013904223;
        len += (size_t)snprintf(text + len, size - len, " w%c%c%c", 'a' + (seed >> 10) % 26, 'a' + (seed >> 16) % 26,
                                'a' + (seed >> 22) % 26);
    }
    snprintf(text + len, size - len, ".");
}

static void a_hundred_thousand_pages_are_reduced_within_bounds(void **state)
{
    enum { PAGES = 100000, TEXT = 128 };
    struct dm_page_digest *digests = calloc(PAGES, sizeof(*digests));
    char *texts = malloc((size_t)PAGES * TEXT);
    assert_true(digests && texts);
    for (uint32_t i = 0; i < PAGES; i++) {
        write_sentence(texts + (size_t)i * TEXT, TEXT, i);
        digests[i] = (struct dm_page_digest){ i + 1, dm_str_z(texts + (size_t)i * TEXT), first_points, 2, 0 };
    }
    json_auto_t *reduction = reduce(state, digests, PAGES);
    assert_true(strlen(rig_text(reduction, "summary")) > 0 && strlen(rig_text(reduction, "summary")) < 1000);
    const json_t *point = point_with(reduction, "The harbour was enlarged");
    assert_non_null(point);
    assert_int_equal(json_array_size(json_object_get(point, "pages")), 20);
    free(texts);
    free(digests);
}

static void any_bytes_are_reduced(void **state)
{
    uint32_t seed = 7;
    char bytes[8000];
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < sizeof(bytes); i++) {
            seed = seed * 1664525 + 1013904223;
            bytes[i] = (char)(seed >> 24);
        }
        struct dm_str text = dm_str_of(bytes, sizeof(bytes) - (size_t)round);
        const struct dm_page_digest pages[] = { { 1, text, &text, 1, 0 }, { 2, dm_str_from(text, 4000), &text, 1, 0 } };
        json_auto_t *reduction = reduce(state, pages, 2);
        assert_non_null(reduction);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_summary_speaks_of_what_many_pages_speak_of),
        cmocka_unit_test(sentences_stand_in_the_order_of_the_pages),
        cmocka_unit_test(near_equal_key_points_are_one_with_both_pages),
        cmocka_unit_test(one_page_is_reduced_to_its_own_summary),
        cmocka_unit_test(empty_pages_are_reduced_to_nothing),
        cmocka_unit_test(pages_without_sentences_are_told_by_the_first_summary),
        cmocka_unit_test(a_line_on_every_page_does_not_fill_the_summary),
        cmocka_unit_test(other_languages_are_reduced_too),
        cmocka_unit_test(the_same_digests_give_the_same_bytes),
        cmocka_unit_test(a_hundred_thousand_pages_are_reduced_within_bounds),
        cmocka_unit_test(any_bytes_are_reduced),
    };
    return run_group("extractive: reductions", tests, rig_open, rig_close);
}
