/* test_statuses.c: what each request does in each status: the tables of docs/statuses.md, walked cell by cell.
 *
 * A cell is "202 cancelled": the answer's status, then what more is true of it: of a refusal the problem's name, of a
 * change the document's status afterwards, of the list whether the document is in it. "waits" is an answer that waits for
 * the document to move. What a request is refused must not change anything. */
#include "world.h"

#include <stdio.h>
#include <string.h>

#include "api/routes.h"

enum { PAGE_MAX = 64 * 1024, COLUMNS_MAX = 8, CELLS = 16 * WORLD_STATUS_COUNT };

/* The requests as the page writes them. */
static const char upload_again[] = "`POST /upload`, the same again";
static const char list[] = "`GET /jobs`";

static const char *const headings[] = {
#define WORLD_HEADING(name, heading) [WORLD_##name] = heading,
    WORLD_STATUSES(WORLD_HEADING)
#undef WORLD_HEADING
};

static char page[PAGE_MAX];
static unsigned turns;
static bool seen[WORLD_STATUS_COUNT][64]; /* by the request's place in its table */
static uint32_t cells, wrong;

static void read_page(void)
{
    FILE *file = fopen(DM_SOURCE_DIR "/docs/statuses.md", "r");
    assert_non_null(file);
    size_t size = fread(page, 1, sizeof(page) - 1, file);
    (void)fclose(file);
    page[size] = '\0';
}

/* "| a | b |" into its cells. */
static uint32_t split_row(struct dm_str line, struct dm_str cell[COLUMNS_MAX])
{
    uint32_t count = 0;
    struct dm_str rest = dm_str_from(dm_str_trim(line), 1);
    struct dm_str one;
    while (dm_str_next(&rest, '|', &one) && rest.at) {
        assert_true(count < COLUMNS_MAX);
        cell[count++] = dm_str_trim(one);
    }
    return count;
}

static enum world_status status_named(struct dm_str heading)
{
    for (int i = 0; i < WORLD_STATUS_COUNT; i++)
        if (dm_str_eq(dm_str_z(headings[i]), heading))
            return (enum world_status)i;
    fail_msg("docs/statuses.md has a column that is no status: %.*s", DM_STR_ARG(heading));
    return WORLD_STATUS_COUNT;
}

/* ---- one cell --------------------------------------------------------------------------------------------------- */

/* "`POST /jobs/{fileId}/retry` `{"pages":"1"}`" sent about the document. */
static bool send_request(struct dm_str request, const struct dm_file *file)
{
    char line[400], method[16], path[200], body[200] = "";
    char text[300];
    snprintf(text, sizeof(text), "%.*s", DM_STR_ARG(request));
    assert_true(sscanf(text, "`%15s %199[^`]` `%199[^`]`", method, path, body) >= 2);
    char *id = strstr(path, "{fileId}");
    snprintf(line, sizeof(line), "%s /api%.*s%s%s", method, id ? (int)(id - path) : (int)strlen(path), path,
             id ? file->id : "", id ? id + strlen("{fileId}") : "");
    return rig_send(line, "X-Tenant-Id: " WORLD_TENANT "\n", body[0] ? body : NULL, strlen(body));
}

static const char *listed(const struct dm_file *file)
{
    return strstr(rig_text(), file->id) ? "listed" : "not listed";
}

/* What the answer was, in the page's words. */
static void tell(char *ret, size_t size, struct dm_str request, const struct dm_file *file, bool answered)
{
    struct dm_state state;
    if (!answered) {
        snprintf(ret, size, "waits");
    } else if (rig.response->status >= 400) {
        const char *type = dm_json_str(rig_json(), "type").at;
        snprintf(ret, size, "%u %s", rig.response->status, strrchr(type, '/') + 1);
    } else if (dm_str_eq(request, dm_str_z(list))) {
        snprintf(ret, size, "%u %s", rig.response->status, listed(file));
    } else if (rig.response->status == 202 && dm_str_starts(request, DM_STR("`POST /jobs"))) {
        assert_true(world_state(file, &state));
        snprintf(ret, size, "202 %s", dm_status_text(state.status));
    } else if (rig_field("Idempotency-Replayed")) {
        bool same = dm_str_eq(dm_json_str(rig_json(), "fileId"), dm_str_z(file->id));
        snprintf(ret, size, "%u %s", rig.response->status, same ? "the same" : "another");
    } else {
        snprintf(ret, size, "%u", rig.response->status);
    }
}

static bool names_a_remedy(const char *detail)
{
    static const char *const remedies[] = { "delete", "DELETE", "upload it again", "wait", "name the pages", "retry" };
    for (size_t i = 0; i < DM_COUNT(remedies); i++)
        if (strstr(detail, remedies[i]))
            return true;
    return false;
}

/* A refusal says how the document stands and what to do about it. */
static void check_refusal(struct dm_str request, enum world_status status, const struct dm_state *before)
{
    const char *detail = dm_json_str(rig_json(), "detail").at;
    bool says_status = strstr(detail, dm_status_text(before->status)) != NULL;
    if ((rig.response->status == 409 && !(says_status && names_a_remedy(detail))) ||
        (rig.response->status == 410 && !strstr(detail, "etention"))) {
        print_error("%.*s, %s: %s\n", DM_STR_ARG(request), headings[status], detail);
        wrong++;
    }
}

/* Documents are used until something changes them. */
static struct {
    struct dm_file file;
    unsigned turn;
    bool fresh;
} documents[WORLD_STATUS_COUNT];

static const struct dm_file *document_of(enum world_status status)
{
    if (!documents[status].fresh) {
        documents[status].turn = ++turns;
        documents[status].file = world_document(status, turns);
        documents[status].fresh = true;
    }
    return &documents[status].file;
}

static void check_cell(struct dm_str request, enum world_status status, struct dm_str expected)
{
    char told[200];
    struct dm_state before, after;
    const struct dm_file *file = document_of(status);
    bool there = world_state(file, &before);
    bool answered =
        dm_str_eq(request, dm_str_z(upload_again)) ? world_upload(documents[status].turn) : send_request(request, file);
    tell(told, sizeof(told), request, file, answered);
    cells++;
    if (!dm_str_eq(expected, dm_str_z(told))) {
        print_error("%.*s, %s: the page says \"%.*s\", and it is \"%s\"\n  %s\n", DM_STR_ARG(request), headings[status],
                    DM_STR_ARG(expected), told, answered ? rig_text() : "");
        wrong++;
    }
    if (answered && rig.response->status >= 400 && there)
        check_refusal(request, status, &before);
    if (there) {
        assert_true(world_state(file, &after));
        documents[status].fresh = after.version == before.version;
        assert_true(documents[status].fresh || (answered && rig.response->status < 300));
    }
    if (answered && rig.response->status == 204) {
        rig_get("GET /api/jobs", "X-Tenant-Id: " WORLD_TENANT "\n", 200);
        assert_string_equal(listed(file), "not listed");
    }
}

/* ---- the page --------------------------------------------------------------------------------------------------- */

static void every_cell_is_as_the_page_says(void **state)
{
    (void)state;
    read_page();
    struct dm_str rest = dm_str_z(page);
    struct dm_str line;
    enum world_status columns[COLUMNS_MAX];
    uint32_t count = 0, row = 0, rows = 0;
    while (dm_str_next(&rest, '\n', &line)) {
        struct dm_str cell[COLUMNS_MAX] = { { NULL, 0 } };
        if (!dm_str_starts(line, DM_STR("|"))) {
            count = 0;
            continue;
        }
        uint32_t width = split_row(line, cell);
        if (dm_str_eq(cell[0], DM_STR("request"))) {
            count = width - 1;
            row = 0;
            for (uint32_t i = 0; i < count; i++)
                columns[i] = status_named(cell[i + 1]);
        } else if (count > 0 && dm_str_starts(cell[0], DM_STR("`"))) {
            assert_int_equal(width, count + 1);
            for (uint32_t i = 0; i < count; i++) {
                assert_false(seen[columns[i]][row]);
                seen[columns[i]][row] = true;
                check_cell(cell[0], columns[i], cell[i + 1]);
            }
            rows = ++row > rows ? row : rows;
        }
    }
    /* No status and no request is left out. */
    for (int i = 0; i < WORLD_STATUS_COUNT; i++)
        for (uint32_t k = 0; k < rows; k++)
            if (!seen[i][k])
                fail_msg("docs/statuses.md says of \"%s\" only a part of what is asked", headings[i]);
    assert_int_equal(cells, CELLS);
    assert_int_equal(wrong, 0);
}

static void every_request_about_a_document_has_a_row(void **state)
{
    (void)state;
    size_t count;
    const struct dm_route *routes = dm_routes(&count);
    read_page();
    for (size_t i = 0; i < count; i++) {
        char row[200];
        const char *number = strstr(routes[i].path, "{page}");
        if (!strstr(routes[i].path, "{fileId}"))
            continue;
        snprintf(row, sizeof(row), "\n| `%s %.*s%s%s", dm_method_text(routes[i].method),
                 number ? (int)(number - routes[i].path) : (int)strlen(routes[i].path), routes[i].path,
                 number ? "1" : "", number ? number + strlen("{page}") : "");
        if (!strstr(page, row))
            fail_msg("docs/statuses.md has no row for %s", row + 3);
    }
}

int main(void)
{
#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        WITH_RIG(every_cell_is_as_the_page_says),
        WITH_RIG(every_request_about_a_document_has_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
