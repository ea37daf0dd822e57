/* dynamo_record.c: records as items.
 *
 * A record's attributes are one table, walked in both directions. What is zero or empty is not written and reads back as that,
 * except for a document's counters, by which streams are filtered. Names count towards what an item weighs: those of pages, of
 * which there are many, are short. */
#include "aws/dynamo_store.h"

#include <stddef.h>

#include "domain/words.h"

enum { CHARS_MAX = 1024 };

enum kind {
    KIND_U32,
    KIND_COUNT, /* as U32, and 0 is written */
    KIND_U64,
    KIND_I64,
    KIND_FLAG,
    KIND_CHARS,
    KIND_TEXT,
    KIND_WORDS, /* and from here on one for each closed list of domain/words.h; the word for 0 is not written */
    KIND_STATUS = KIND_WORDS + DM_WORDS_STATUS,
    KIND_PAGE_STATUS = KIND_WORDS + DM_WORDS_PAGE_STATUS,
    KIND_OUTCOME = KIND_WORDS + DM_WORDS_OUTCOME,
    KIND_REASON = KIND_WORDS + DM_WORDS_REASON,
    KIND_MEDIA = KIND_WORDS + DM_WORDS_MEDIA,
    KIND_EVENT_TYPE = KIND_WORDS + DM_WORDS_EVENT_TYPE,
    KIND_WORK_KEY = KIND_WORDS + DM_WORDS_WORK_KEY
};

static enum dm_word_list list_of(enum kind kind)
{
    return (enum dm_word_list)(kind - KIND_WORDS);
}

_Static_assert(sizeof(enum dm_status) == sizeof(int) && sizeof(enum dm_work_key) == sizeof(int), "enums are ints here");

/* ---- tables ---- */

struct attribute {
    const char *name;
    enum kind kind;
    size_t place;
    size_t size;
};

#define ATTRIBUTE(name, kind, member)                                                                                  \
    {                                                                                                                  \
        name, KIND_##kind, offsetof(struct RECORD, member), sizeof(((struct RECORD *)0)->member)                       \
    }

#define RECORD dm_document
static const struct attribute document_attributes[] = {
    ATTRIBUTE("v", U32, format),
    ATTRIBUTE("name", TEXT, name),
    ATTRIBUTE("media", MEDIA, media),
    ATTRIBUTE("size_bytes", U64, size_bytes),
    ATTRIBUTE("sha256", CHARS, sha256),
    ATTRIBUTE("metadata", TEXT, metadata),
    ATTRIBUTE("pages", TEXT, pages),
    ATTRIBUTE("password", TEXT, password),
    ATTRIBUTE("model", TEXT, model),
    ATTRIBUTE("priority", U32, priority),
    ATTRIBUTE("created_ms", I64, created_ms),
    ATTRIBUTE("deleted_ms", I64, deleted_ms),
};
#undef RECORD

#define RECORD dm_state
static const struct attribute state_attributes[] = {
    ATTRIBUTE("v", U32, format),
    ATTRIBUTE("status", STATUS, status),
    ATTRIBUTE("epoch", U32, epoch),
    ATTRIBUTE("version", U64, version),
    ATTRIBUTE("seq", U64, seq),
    ATTRIBUTE("total", COUNT, total),
    ATTRIBUTE("processed", COUNT, processed),
    ATTRIBUTE("failed", COUNT, failed),
    ATTRIBUTE("skipped", COUNT, skipped),
    ATTRIBUTE("remaining", COUNT, remaining),
    ATTRIBUTE("outcome", OUTCOME, outcome),
    ATTRIBUTE("reason", REASON, reason),
    ATTRIBUTE("detail", CHARS, detail),
    ATTRIBUTE("uploaded_ms", I64, uploaded_ms),
    ATTRIBUTE("started_ms", I64, started_ms),
    ATTRIBUTE("completed_ms", I64, completed_ms),
    ATTRIBUTE("progress_ms", I64, progress_ms),
    ATTRIBUTE("model_calls", U64, usage.model_calls),
    ATTRIBUTE("input_tokens", U64, usage.input_tokens),
    ATTRIBUTE("output_tokens", U64, usage.output_tokens),
    ATTRIBUTE("model_ms", U64, usage.model_ms),
    ATTRIBUTE("cost_micros", U64, usage.cost_micros),
    ATTRIBUTE("lease_owner", CHARS, lease.owner),
    ATTRIBUTE("lease_counter", U64, lease.counter),
    ATTRIBUTE("lease_until_ms", I64, lease.until_ms),
    ATTRIBUTE("aggregations", U32, aggregations),
    ATTRIBUTE("result_epoch", U32, result_epoch),
    ATTRIBUTE("result_bytes", U64, result_bytes),
    ATTRIBUTE("gone", U32, gone),
    ATTRIBUTE("due_ms", I64, due_ms),
};
#undef RECORD

/* Beside these, `chosen` and `returned`. */
#define RECORD dm_work
static const struct attribute work_attributes[] = {
    ATTRIBUTE("v", U32, format),
    ATTRIBUTE("version", U64, version),
    ATTRIBUTE("epoch", U32, epoch),
    ATTRIBUTE("split_needed", FLAG, split_needed),
    ATTRIBUTE("split_losses", U32, split_losses),
    ATTRIBUTE("cursor", U32, cursor),
    ATTRIBUTE("next_claim", U64, next_claim),
    ATTRIBUTE("key", WORK_KEY, key),
    ATTRIBUTE("due_ms", I64, due_ms),
    ATTRIBUTE("priority", U32, priority),
    ATTRIBUTE("created_ms", I64, created_ms),
};
#undef RECORD

#define RECORD dm_claim
static const struct attribute claim_attributes[] = {
    ATTRIBUTE("counter", U64, counter),
    ATTRIBUTE("epoch", U32, epoch),
    ATTRIBUTE("first", U32, first),
    ATTRIBUTE("last", U32, last),
    ATTRIBUTE("losses", U32, losses),
    ATTRIBUTE("owner", CHARS, owner),
    ATTRIBUTE("lease_until_ms", I64, lease_until_ms),
};
#undef RECORD

#define RECORD dm_stored_page
static const struct attribute page_attributes[] = {
    ATTRIBUTE("v", U32, page.format),
    ATTRIBUTE("e", U32, page.epoch),
    ATTRIBUTE("s", PAGE_STATUS, page.status),
    ATTRIBUTE("r", REASON, page.reason),
    ATTRIBUTE("d", TEXT, page.detail),
    ATTRIBUTE("g", TEXT, page.segment),
    ATTRIBUTE("k", TEXT, tail),
    ATTRIBUTE("o", U64, page.offset),
    ATTRIBUTE("l", U32, page.length),
    ATTRIBUTE("a", TEXT, page.attempts),
    ATTRIBUTE("n", U32, page.attempt_count),
    ATTRIBUTE("c", U64, page.usage.model_calls),
    ATTRIBUTE("i", U64, page.usage.input_tokens),
    ATTRIBUTE("t", U64, page.usage.output_tokens),
    ATTRIBUTE("m", U64, page.usage.model_ms),
    ATTRIBUTE("u", U64, page.usage.cost_micros),
    ATTRIBUTE("z", I64, page.ended_ms),
};
#undef RECORD

#define RECORD dm_event
static const struct attribute event_attributes[] = {
    ATTRIBUTE("v", U32, format),    ATTRIBUTE("seq", U64, seq),    ATTRIBUTE("type", EVENT_TYPE, type),
    ATTRIBUTE("at_ms", I64, at_ms), ATTRIBUTE("data", TEXT, data),
};
#undef RECORD

#define RECORD dm_idem
static const struct attribute idem_attributes[] = {
    ATTRIBUTE("request", CHARS, request),
    ATTRIBUTE("file", CHARS, file.id),
    ATTRIBUTE("expires_ms", I64, expires_ms),
};
#undef RECORD

#define TABLE(record)                                                                                                  \
    {                                                                                                                  \
        record##_attributes, DM_COUNT(record##_attributes), #record                                                    \
    }
static const struct {
    const struct attribute *at;
    size_t count;
    const char *name;
} tables[DM_RECORD_COUNT] = {
    [DM_RECORD_DOCUMENT] = TABLE(document), [DM_RECORD_STATE] = TABLE(state), [DM_RECORD_WORK] = TABLE(work),
    [DM_RECORD_CLAIM] = TABLE(claim),       [DM_RECORD_PAGE] = TABLE(page),   [DM_RECORD_EVENT] = TABLE(event),
    [DM_RECORD_IDEM] = TABLE(idem),
};

/* ---- one attribute ---- */

static void add_number(struct dm_item *item, const char *name, uint64_t number)
{
    if (number)
        dm_item_add_number(item, name, number);
    else
        dm_item_add_none(item, name);
}

static void add_one(struct dm_item *item, const struct attribute *attribute, const char *member)
{
    const void *at = member;
    switch (attribute->kind) {
    case KIND_U32:
        add_number(item, attribute->name, *(const uint32_t *)at);
        break;
    case KIND_COUNT:
        dm_item_add_number(item, attribute->name, *(const uint32_t *)at);
        break;
    case KIND_U64:
        add_number(item, attribute->name, *(const uint64_t *)at);
        break;
    case KIND_I64:
        if (*(const int64_t *)at)
            dm_item_add_signed(item, attribute->name, *(const int64_t *)at);
        else
            dm_item_add_none(item, attribute->name);
        break;
    case KIND_FLAG:
        add_number(item, attribute->name, *(const bool *)at);
        break;
    case KIND_CHARS:
        dm_item_add_text(item, attribute->name, dm_str_of(member, strnlen(member, attribute->size)));
        break;
    case KIND_TEXT:
        dm_item_add_text(item, attribute->name, *(const struct dm_str *)at);
        break;
    default:
        dm_item_add_text(item, attribute->name,
                         *(const int *)at ? dm_str_z(dm_word_text(list_of(attribute->kind), *(const int *)at))
                                          : DM_STR(""));
    }
}

static bool read_u32(const json_t *item, const char *name, uint32_t *ret)
{
    uint64_t number;
    bool valid = dm_item_number(item, name, &number) && number <= UINT32_MAX;
    *ret = (uint32_t)number;
    return valid;
}

/* Text of a fixed size. What is no UTF-8 was written as bytes, and is decoded on the way. */
static bool read_chars(const json_t *item, const char *name, char *member, size_t size)
{
    DM_AUTO(dm_arena) arena = dm_arena_make(2 * CHARS_MAX);
    struct dm_str text;
    if (dm_item_text(item, name, &arena, &text, NULL) != DM_OK || text.len >= size)
        return false;
    memcpy(member, text.at, text.len);
    return true;
}

static bool read_word(struct dm_str word, enum kind kind, int *ret)
{
    *ret = 0;
    if (word.len == 0)
        return true;
    return dm_word_find(list_of(kind), word, ret) && *ret != 0;
}

/* All but KIND_TEXT. */
static bool read_one(const json_t *item, const struct attribute *attribute, char *member)
{
    void *at = member;
    struct dm_str word;
    uint64_t number;
    switch (attribute->kind) {
    case KIND_U32:
    case KIND_COUNT:
        return read_u32(item, attribute->name, at);
    case KIND_U64:
        return dm_item_number(item, attribute->name, at);
    case KIND_I64:
        return dm_item_signed(item, attribute->name, at);
    case KIND_FLAG:
        if (!dm_item_number(item, attribute->name, &number))
            return false;
        *(bool *)at = number != 0;
        return true;
    case KIND_CHARS:
        return read_chars(item, attribute->name, member, attribute->size);
    default:
        return dm_item_plain(item, attribute->name, &word) && read_word(word, attribute->kind, at);
    }
}

/* ---- a record ---- */

void dm_record_add(struct dm_item *item, enum dm_record kind, const void *record)
{
    for (size_t i = 0; i < tables[kind].count; i++)
        add_one(item, &tables[kind].at[i], (const char *)record + tables[kind].at[i].place);
}

enum dm_code dm_record_read(const json_t *item, enum dm_record kind, struct dm_arena *arena, void *record,
                            struct dm_err *err)
{
    for (size_t i = 0; i < tables[kind].count; i++) {
        const struct attribute *attribute = &tables[kind].at[i];
        char *member = (char *)record + attribute->place;
        enum dm_code rc = DM_OK;
        if (attribute->kind == KIND_TEXT)
            rc = dm_item_text(item, attribute->name, arena, (struct dm_str *)(void *)member, err);
        else if (!read_one(item, attribute, member))
            rc = DM_CORRUPT;
        if (rc == DM_CORRUPT)
            return dm_fail(err, DM_CORRUPT, "the table holds a %s whose \"%s\" is unreadable", tables[kind].name,
                           attribute->name);
        if (rc != DM_OK)
            return rc;
    }
    return DM_OK;
}
