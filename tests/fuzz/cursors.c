/* cursors.c: where a list goes on: any cursor, over a ledger of six documents.
 *
 * Byte 1: how many at most. Byte 2: which bounds are given. 16 bytes of them. The rest is the cursor. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/ledger.h"
#include "embedded/embedded.h"
#include "fuzz.h"

enum { DOCUMENTS = 6, MEMORY = 1 << 20 };

static const struct dm_tenant acme = { .id = "acme" };
static char folder[] = "/tmp/docmill-fuzz-XXXXXX";
static struct dm_embedded_set set;

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *place)
{
    return remove(path);
}

static void close_ledger(void)
{
    dm_embedded_close(&set);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void accept(uint32_t n)
{
    unsigned char random[DM_ID_RANDOM] = { (unsigned char)(n * 37) };
    struct dm_file file;
    struct dm_change change;
    struct dm_err err;
    DM_AUTO(dm_arena) arena = dm_arena_make(MEMORY);
    /* Two and two in the same instant. */
    int64_t now_ms = 1764000000000 + n / 2 * 1000;
    const struct dm_ledger_context context = { .now_ms = now_ms, .arena = &arena };
    const struct dm_document document = { .format = DM_FORMAT,
                                          .name = DM_STR("paper.pdf"),
                                          .media = DM_MEDIA_PDF,
                                          .metadata = DM_STR(""),
                                          .pages = DM_STR(""),
                                          .password = DM_STR(""),
                                          .model = DM_STR("extractive:1"),
                                          .created_ms = now_ms };
    dm_id_text(now_ms, random, file.id);
    EXPECT(dm_ledger_accept(&context, &document, &change, &err) == DM_OK);
    EXPECT(dm_store_commit(set.store, &acme, &file, &change.transaction, &err) == DM_OK);
}

static void open_ledger(void)
{
    struct dm_err err;
    EXPECT(mkdtemp(folder));
    const struct dm_embedded_options options = { .folder = folder };
    EXPECT(dm_embedded_open(&options, &set, &err) == DM_OK);
    atexit(close_ledger);
    for (uint32_t n = 0; n < DOCUMENTS; n++)
        accept(n);
}

/* Newest first; each instant and id below the one before. */
static void check_order(const struct dm_list *list)
{
    for (uint32_t i = 1; i < list->count; i++) {
        int64_t before = list->rows[i - 1].document.created_ms, now = list->rows[i].document.created_ms;
        EXPECT(now < before || (now == before && strcmp(list->rows[i].file.id, list->rows[i - 1].file.id) < 0));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!set.embedded)
        open_ledger();
    struct input input = input_of(data, size);
    DM_AUTO(dm_arena) arena = dm_arena_make(MEMORY);
    struct dm_list_query query = { .limit = 1 + input_u8(&input) % DOCUMENTS };
    unsigned given = input_u8(&input);
    int64_t from_ms = (int64_t)input_u64(&input), to_ms = (int64_t)input_u64(&input);
    query.from_ms = given & 1 ? from_ms : 0;
    query.to_ms = given & 2 ? to_ms : 0;
    query.status = given & 4 ? DM_STATUS_PENDING : DM_STATUS_NONE;
    query.after = input_rest(&input);
    uint32_t count = 0;
    for (uint32_t lists = 0;; lists++) {
        struct dm_list list = { 0 };
        struct dm_err err;
        enum dm_code rc = dm_store_list(set.store, &acme, &query, &arena, &list, &err);
        EXPECT(rc == DM_OK || (rc == DM_INVALID && lists == 0));
        if (rc != DM_OK)
            break;
        check_order(&list);
        EXPECT(list.count <= query.limit);
        count += list.count;
        EXPECT(count <= DOCUMENTS && lists <= DOCUMENTS);
        if (list.next.len == 0)
            break;
        query.after = list.next;
    }
    if (query.after.len == 0 && !given)
        EXPECT(count == DOCUMENTS);
    input_free(&input);
    return 0;
}
