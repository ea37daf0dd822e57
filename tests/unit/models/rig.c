/* rig.c: one extractive reader per test program, and the promises of docs/extractive.md as
 * checks. */
#include "rig.h"

enum { BYTES_MAX = 16777216 };

static struct dm_extractive *reader_of(void **state)
{
    return *state;
}

int rig_open(void **state)
{
    struct dm_extractive *reader;
    if (dm_extractive_open(&reader, NULL) != DM_OK)
        return -1;
    *state = reader;
    return 0;
}

int rig_close(void **state)
{
    dm_extractive_close(reader_of(state));
    return 0;
}

struct dm_buf rig_squeezed(struct dm_str text)
{
    struct dm_buf buf = dm_buf_make(BYTES_MAX);
    bool blank = true;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        bool is_blank = c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
        if (is_blank && !blank)
            dm_buf_add_char(&buf, ' ');
        else if (!is_blank)
            dm_buf_add_char(&buf, c);
        blank = is_blank;
    }
    if (blank && buf.len > 0)
        dm_buf_cut(&buf, buf.len - 1);
    return buf;
}

/* Bytes of the code points [offset, offset + length) of valid UTF-8. */
static struct dm_str code_points(struct dm_str text, size_t offset, size_t length)
{
    size_t bounds[2] = { text.len, text.len };
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (((unsigned char)text.at[i] & 0xC0) == 0x80)
            continue;
        if (count == offset)
            bounds[0] = i;
        if (count == offset + length)
            bounds[1] = i;
        count++;
    }
    assert_true(offset + length <= count);
    return dm_str_cut(text, bounds[0], bounds[1] - bounds[0]);
}

static size_t characters(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += ((unsigned char)*text & 0xC0) != 0x80;
    return count;
}

static void check_entity(struct dm_str text, const json_t *entity)
{
    static const char *const types[] = { "person", "organization", "place", "date",      "money",
                                         "email",  "url",          "phone", "identifier" };
    const char *type = json_string_value(json_object_get(entity, "type"));
    bool known = false;
    for (size_t i = 0; i < DM_COUNT(types); i++)
        known |= strcmp(type, types[i]) == 0;
    assert_true(known);
    assert_true(json_is_string(json_object_get(entity, "kind")) == (strcmp(type, "identifier") == 0));
    json_int_t offset = json_integer_value(json_object_get(entity, "offset"));
    json_int_t length = json_integer_value(json_object_get(entity, "length"));
    assert_true(json_integer_value(json_object_get(entity, "count")) >= 1);
    assert_true(offset >= 0 && length > 0);
    if (!dm_str_is_utf8(text))
        return;
    DM_AUTO(dm_buf) there = rig_squeezed(code_points(text, (size_t)offset, (size_t)length));
    assert_text(dm_buf_str(&there), dm_json_str(entity, "text"));
}

static void check_shape(struct dm_str text, const json_t *analysis)
{
    const json_t *summary = json_object_get(analysis, "summary");
    const json_t *points = json_object_get(analysis, "keyPoints");
    const json_t *entities = json_object_get(analysis, "entities");
    assert_true(json_is_string(summary) && json_is_array(points) && json_is_array(entities));
    assert_true(characters(json_string_value(summary)) <= 620);
    assert_true(json_array_size(points) <= 5);
    assert_true(json_array_size(entities) <= 100);
    size_t i;
    json_t *member;
    json_array_foreach (points, i, member) {
        assert_true(json_is_string(member) && json_string_length(member) > 0);
        assert_true(characters(json_string_value(member)) <= 241);
    }
    json_int_t before = -1;
    json_array_foreach (entities, i, member) {
        check_entity(text, member);
        assert_true(json_integer_value(json_object_get(member, "offset")) > before);
        before = json_integer_value(json_object_get(member, "offset"));
    }
    double score = json_number_value(json_object_get(analysis, "sentimentScore"));
    assert_true(score >= -1 && score <= 1);
}

struct dm_buf rig_bytes(void **state, struct dm_str text)
{
    struct dm_err err;
    struct dm_buf bytes;
    assert_ok(dm_extractive_page(reader_of(state), text, &bytes, NULL, &err), &err);
    return bytes;
}

json_t *rig_read(void **state, struct dm_str text)
{
    struct dm_err err;
    DM_AUTO(dm_buf) bytes = rig_bytes(state, text);
    json_t *analysis;
    assert_ok(dm_json_parse(dm_buf_str(&bytes), "the analysis", &analysis, &err), &err);
    check_shape(text, analysis);
    return analysis;
}

json_t *rig_read_z(void **state, const char *text)
{
    return rig_read(state, dm_str_z(text));
}

const char *rig_text(const json_t *analysis, const char *member)
{
    const char *text = json_string_value(json_object_get(analysis, member));
    return text ? text : "";
}

const json_t *rig_entity(const json_t *analysis, const char *type, const char *text)
{
    size_t i;
    json_t *entity;
    json_array_foreach (json_object_get(analysis, "entities"), i, entity)
        if (strcmp(rig_text(entity, "type"), type) == 0 && strcmp(rig_text(entity, "text"), text) == 0)
            return entity;
    return NULL;
}

size_t rig_count(const json_t *analysis, const char *type)
{
    size_t count = 0;
    size_t i;
    json_t *entity;
    json_array_foreach (json_object_get(analysis, "entities"), i, entity)
        count += strcmp(rig_text(entity, "type"), type) == 0;
    return count;
}

bool rig_says(const json_t *analysis, const char *part)
{
    bool says = strstr(rig_text(analysis, "summary"), part) != NULL;
    size_t i;
    json_t *point;
    json_array_foreach (json_object_get(analysis, "keyPoints"), i, point)
        says |= strstr(json_string_value(point), part) != NULL;
    return says;
}
