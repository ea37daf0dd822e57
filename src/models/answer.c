/* answer.c: checks and normalises what a model wrote. */
#include "answer.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/json.h"

/* ---- texts ---- */

/* "```json … ```" is what models put around JSON out of habit. */
static struct dm_str without_fence(struct dm_str text)
{
    const struct dm_str fence = DM_STR("```");
    text = dm_str_trim(text);
    if (!dm_str_starts(text, fence))
        return text;
    struct dm_str inner = dm_str_from(text, dm_str_find_char(text, '\n') + 1);
    inner = dm_str_trim(inner);
    return dm_str_ends(inner, fence) ? dm_str_trim(dm_str_cut(inner, 0, inner.len - fence.len)) : inner;
}

/* At most `max` bytes, cut between characters. */
static struct dm_str at_most(struct dm_str text, size_t max)
{
    if (text.len <= max)
        return text;
    while (max > 0 && ((unsigned char)text.at[max] & 0xC0) == 0x80)
        max--;
    return dm_str_cut(text, 0, max);
}

static struct dm_str text_of(const json_t *value)
{
    return dm_str_of(json_string_value(value), json_string_length(value));
}

static const char *type_of(const json_t *value)
{
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_NULL:
        return value ? "null" : "missing";
    default:
        return "true or false";
    }
}

/* "keyPoints[2].text" is where; `name` alone where there is no list. */
struct place {
    const char *list;
    size_t i;
    const char *name;
};

static enum dm_reason refuse(struct place place, const char *wanted, const json_t *value, struct dm_err *err)
{
    if (!place.list)
        dm_fail(err, DM_INVALID, "\"%s\" must be %s; it is %s", place.name, wanted, type_of(value));
    else
        dm_fail(err, DM_INVALID, "%s[%zu]%s%s must be %s; it is %s", place.list, place.i, place.name ? "." : "",
                place.name ? place.name : "", wanted, type_of(value));
    return DM_REASON_SCHEMA_MISMATCH;
}

static enum dm_reason member(const json_t *object, const char *name, json_type type, const char *wanted,
                             const json_t **ret, struct dm_err *err)
{
    const json_t *value = json_object_get(object, name);
    if (!value || json_typeof(value) != type)
        return refuse((struct place){ .name = name }, wanted, value, err);
    *ret = value;
    return DM_REASON_NONE;
}

static enum dm_reason item_text(const json_t *item, struct place place, struct dm_str *ret, struct dm_err *err)
{
    const json_t *value = place.name ? json_object_get(item, place.name) : item;
    if (!json_is_string(value))
        return refuse(place, "a string", value, err);
    *ret = dm_str_trim(text_of(value));
    return DM_REASON_NONE;
}

/* ---- a page ---- */

static enum dm_reason add_summary(const json_t *object, struct dm_buf *ret, struct dm_err *err)
{
    const json_t *summary = NULL;
    enum dm_reason reason = member(object, "summary", JSON_STRING, "a string", &summary, err);
    if (reason != DM_REASON_NONE)
        return reason;
    dm_buf_add_z(ret, "{\"summary\":");
    dm_buf_add_json_string(ret, at_most(dm_str_trim(text_of(summary)), DM_ANSWER_SUMMARY_MAX));
    return DM_REASON_NONE;
}

static void add_type(struct dm_buf *ret, struct dm_str type)
{
    char lower[DM_ANSWER_TYPE_MAX];
    type = at_most(type, sizeof(lower));
    for (size_t i = 0; i < type.len; i++)
        lower[i] = (char)(type.at[i] >= 'A' && type.at[i] <= 'Z' ? type.at[i] - 'A' + 'a' : type.at[i]);
    dm_buf_add_json_string(ret, type.len > 0 ? dm_str_of(lower, type.len) : DM_STR("other"));
}

static enum dm_reason add_entities(const json_t *object, struct dm_buf *ret, size_t *ret_count, struct dm_err *err)
{
    const json_t *list = NULL;
    size_t i, count = 0;
    json_t *item;
    enum dm_reason reason = member(object, "entities", JSON_ARRAY, "an array", &list, err);
    dm_buf_add_z(ret, ",\"entities\":[");
    json_array_foreach (list, i, item) {
        struct dm_str text, type;
        if (!json_is_object(item))
            return refuse((struct place){ "entities", i, NULL }, "an object", item, err);
        reason = item_text(item, (struct place){ "entities", i, "text" }, &text, err);
        if (reason == DM_REASON_NONE)
            reason = item_text(item, (struct place){ "entities", i, "type" }, &type, err);
        if (reason != DM_REASON_NONE)
            return reason;
        if (text.len == 0 || count == DM_ANSWER_ENTITIES)
            continue;
        dm_buf_add_z(ret, count++ ? ",{\"text\":" : "{\"text\":");
        dm_buf_add_json_string(ret, at_most(text, DM_ANSWER_ENTITY_MAX));
        dm_buf_add_z(ret, ",\"type\":");
        add_type(ret, type);
        dm_buf_add_char(ret, '}');
    }
    dm_buf_add_char(ret, ']');
    *ret_count = count;
    return reason;
}

static enum dm_reason add_points(const json_t *object, struct dm_buf *ret, size_t *ret_count, struct dm_err *err)
{
    const json_t *list = NULL;
    size_t i, count = 0;
    json_t *item;
    enum dm_reason reason = member(object, "keyPoints", JSON_ARRAY, "an array", &list, err);
    dm_buf_add_z(ret, ",\"keyPoints\":[");
    json_array_foreach (list, i, item) {
        struct dm_str text;
        reason = item_text(item, (struct place){ "keyPoints", i, NULL }, &text, err);
        if (reason != DM_REASON_NONE)
            return reason;
        if (text.len == 0 || count == DM_ANSWER_POINTS)
            continue;
        if (count++)
            dm_buf_add_char(ret, ',');
        dm_buf_add_json_string(ret, at_most(text, DM_ANSWER_POINT_MAX));
    }
    dm_buf_add_char(ret, ']');
    *ret_count = count;
    return reason;
}

static enum dm_reason add_sentiment(const json_t *object, struct dm_buf *ret, struct dm_err *err)
{
    static const char *const known[] = { "positive", "neutral", "negative", "mixed" };
    const json_t *value = NULL;
    enum dm_reason reason = member(object, "sentiment", JSON_STRING, "a string", &value, err);
    if (reason != DM_REASON_NONE)
        return reason;
    for (size_t i = 0; i < DM_COUNT(known); i++)
        if (dm_str_eq_nocase(dm_str_trim(text_of(value)), dm_str_z(known[i]))) {
            dm_buf_addf(ret, ",\"sentiment\":\"%s\"", known[i]);
            return DM_REASON_NONE;
        }
    dm_fail(err, DM_INVALID, "\"sentiment\" must be \"positive\", \"neutral\", \"negative\" or \"mixed\"");
    return DM_REASON_SCHEMA_MISMATCH;
}

static enum dm_reason add_page(const json_t *object, struct dm_buf *ret, struct dm_err *err)
{
    size_t entities = 0, points = 0;
    enum dm_reason reason = add_summary(object, ret, err);
    bool blank = dm_str_ends(dm_buf_str(ret), DM_STR(":\"\""));
    if (reason == DM_REASON_NONE)
        reason = add_entities(object, ret, &entities, err);
    if (reason == DM_REASON_NONE)
        reason = add_points(object, ret, &points, err);
    if (reason == DM_REASON_NONE)
        reason = add_sentiment(object, ret, err);
    if (reason == DM_REASON_NONE)
        dm_buf_add_z(ret, blank && entities == 0 && points == 0 ? ",\"empty\":true}" : "}");
    return reason;
}

/* ---- a document ---- */

static int by_number(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

static bool is_given(struct dm_answer_pages pages, uint32_t page)
{
    return pages.count > 0 && bsearch(&page, pages.at, pages.count, sizeof(*pages.at), by_number) != NULL;
}

/* The numbers of one key point, ascending, each once. */
static enum dm_reason add_pages(const json_t *item, size_t point, struct dm_answer_pages given, struct dm_buf *ret,
                                struct dm_err *err)
{
    const json_t *list = json_object_get(item, "pages");
    uint32_t numbers[DM_ANSWER_PAGES];
    size_t i, count = 0;
    json_t *value;
    if (!json_is_array(list) || json_array_size(list) == 0)
        return refuse((struct place){ "keyPoints", point, "pages" }, "an array of at least one page number", list, err);
    json_array_foreach (list, i, value) {
        json_int_t number = json_integer_value(value); /* 0 for all that is no whole number */
        if (number < 1 || number > UINT32_MAX || !is_given(given, (uint32_t)number)) {
            dm_fail(err, DM_INVALID, "keyPoints[%zu].pages[%zu] must be the number of a page that was given", point, i);
            return DM_REASON_SCHEMA_MISMATCH;
        }
        if (count < DM_ANSWER_PAGES)
            numbers[count++] = (uint32_t)number;
    }
    qsort(numbers, count, sizeof(*numbers), by_number);
    dm_buf_add_z(ret, ",\"pages\":[");
    for (i = 0; i < count; i++)
        if (i == 0 || numbers[i] != numbers[i - 1])
            dm_buf_addf(ret, "%s%" PRIu32, i ? "," : "", numbers[i]);
    dm_buf_add_z(ret, "]}");
    return DM_REASON_NONE;
}

static enum dm_reason add_document(const json_t *object, struct dm_answer_pages pages, struct dm_buf *ret,
                                   struct dm_err *err)
{
    const json_t *list = NULL;
    size_t i, count = 0;
    json_t *item;
    enum dm_reason reason = add_summary(object, ret, err);
    if (reason == DM_REASON_NONE)
        reason = member(object, "keyPoints", JSON_ARRAY, "an array", &list, err);
    dm_buf_add_z(ret, ",\"keyPoints\":[");
    json_array_foreach (list, i, item) {
        struct dm_str text;
        if (!json_is_object(item))
            return refuse((struct place){ "keyPoints", i, NULL }, "an object", item, err);
        reason = item_text(item, (struct place){ "keyPoints", i, "text" }, &text, err);
        if (reason == DM_REASON_NONE && (text.len == 0 || count == DM_ANSWER_POINTS))
            continue;
        if (reason == DM_REASON_NONE) {
            dm_buf_add_z(ret, count++ ? ",{\"text\":" : "{\"text\":");
            dm_buf_add_json_string(ret, at_most(text, DM_ANSWER_POINT_MAX));
            reason = add_pages(item, i, pages, ret, err);
        }
        if (reason != DM_REASON_NONE)
            return reason;
    }
    dm_buf_add_z(ret, "]}");
    return reason;
}

/* ---- the whole ---- */

static enum dm_reason parse(struct dm_str text, json_t **ret, struct dm_err *err)
{
    text = without_fence(text);
    if (text.len > DM_ANSWER_BYTES_MAX) {
        dm_fail(err, DM_TOO_LARGE, "the answer is over %d bytes", DM_ANSWER_BYTES_MAX);
        return DM_REASON_INVALID_JSON;
    }
    enum dm_code rc = dm_json_parse(text, "the answer", ret, err);
    if (rc == DM_NO_MEMORY)
        return DM_REASON_OVERLOADED;
    if (rc != DM_OK)
        return DM_REASON_INVALID_JSON;
    if (json_is_object(*ret))
        return DM_REASON_NONE;
    dm_fail(err, DM_INVALID, "the answer must be an object; it is %s", type_of(*ret));
    return DM_REASON_SCHEMA_MISMATCH;
}

enum dm_reason dm_answer_read(enum dm_model_task task, struct dm_str text, struct dm_answer_pages pages,
                              struct dm_buf *ret, struct dm_err *err)
{
    json_auto_t *object = NULL;
    size_t before = ret->len;
    enum dm_reason reason = parse(text, &object, err);
    if (reason == DM_REASON_NONE)
        reason = task == DM_MODEL_PAGE ? add_page(object, ret, err) : add_document(object, pages, ret, err);
    if (reason == DM_REASON_NONE && ret->failed) {
        bool starved = ret->starved;
        dm_fail(err, DM_TOO_LARGE, starved ? "memory is out" : "the answer is larger than what is kept of one");
        reason = starved ? DM_REASON_OVERLOADED : DM_REASON_SCHEMA_MISMATCH;
    }
    if (reason != DM_REASON_NONE)
        dm_buf_cut(ret, before);
    return reason;
}
