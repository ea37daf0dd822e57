/* entities.c: keeping what was found: once each, in order. */
#include "entities.h"

#include <stdlib.h>

enum { SLOTS = 1024 }; /* a power of two, at least twice DM_EX_ENTITIES_SEEN */

const char *dm_ex_entity_type(uint8_t type)
{
    static const char *const names[DM_EX_T_COUNT] = {
#define TYPE_NAME(name, wire) wire,
        DM_EX_ENTITY_TYPES(TYPE_NAME)
#undef TYPE_NAME
    };
    return type < DM_EX_T_COUNT ? names[type] : "";
}

/* Case and white space make no difference; in numbers neither do blanks and hyphens. */
static uint64_t key_of(const struct dm_ex_text *text, uint32_t start, uint32_t end, enum dm_ex_entity_type type)
{
    bool number = type == DM_EX_T_PHONE || type == DM_EX_T_IDENTIFIER;
    uint64_t key = dm_ex_hash_step(DM_EX_HASH_START, (uint32_t)type);
    bool blank = false;
    for (uint32_t i = start; i < end; i++) {
        if (dm_ex_is_blank(text->kind[i]) || (number && text->cp[i] == '-')) {
            blank = !number;
            continue;
        }
        if (blank)
            key = dm_ex_hash_step(key, ' ');
        blank = false;
        key = dm_ex_hash_step(key, text->low[i]);
    }
    return key;
}

uint32_t dm_ex_entity_add(struct dm_ex_scan *scan, uint32_t start, uint32_t end, enum dm_ex_entity_type type,
                          const char *kind)
{
    struct dm_ex_entities *found = &scan->found;
    for (uint32_t i = start; i < end; i++)
        scan->used[i] = 1;
    uint64_t key = key_of(scan->text, start, end, type);
    uint32_t slot = (uint32_t)(key >> 32) & (SLOTS - 1);
    while (found->slots[slot] && found->at[found->slots[slot] - 1].key != key)
        slot = (slot + 1) & (SLOTS - 1);
    if (found->slots[slot]) {
        struct dm_ex_entity *known = &found->at[found->slots[slot] - 1];
        known->count++;
        if (start < known->start) {
            known->start = start;
            known->end = end;
        }
        return found->slots[slot] - 1U;
    }
    if (found->count == DM_EX_ENTITIES_SEEN)
        return UINT32_MAX;
    found->at[found->count] = (struct dm_ex_entity){
        .key = key, .start = start, .end = end, .count = 1, .type = (uint8_t)type, .kind = kind
    };
    found->slots[slot] = (uint16_t)++found->count;
    return found->count - 1;
}

uint32_t dm_ex_digits(const struct dm_ex_text *text, uint32_t at, uint32_t max, uint32_t *ret_value)
{
    uint32_t count = 0;
    uint32_t value = 0;
    while (count < max && dm_ex_at(text, at + count) >= '0' && dm_ex_at(text, at + count) <= '9')
        value = value * 10 + (text->cp[at + count++] - '0');
    if (ret_value)
        *ret_value = value;
    return count;
}

uint32_t dm_ex_skip_blanks(const struct dm_ex_text *text, uint32_t at, uint32_t max)
{
    uint32_t breaks = 0;
    for (uint32_t count = 0; count < max && at < text->count; count++, at++) {
        breaks += text->kind[at] == DM_EX_BREAK;
        if (!dm_ex_is_blank(text->kind[at]) || breaks > 1)
            break;
    }
    return at;
}

uint32_t dm_ex_word_at(const struct dm_ex_scan *scan, uint32_t at)
{
    const struct dm_ex_words *words = scan->words;
    if (at >= scan->text->count)
        return UINT32_MAX;
    uint32_t word = dm_ex_word_from(words, at);
    return word < words->count && words->at[word].start == at ? word : UINT32_MAX;
}

bool dm_ex_boundary(const struct dm_ex_text *text, uint32_t at)
{
    uint8_t kind = dm_ex_kind_at(text, at);
    return !dm_ex_is_word(kind) || kind == DM_EX_DENSE;
}

static int by_count(const void *a, const void *b)
{
    const struct dm_ex_entity *x = a;
    const struct dm_ex_entity *y = b;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return x->start < y->start ? -1 : x->start > y->start;
}

static int by_start(const void *a, const void *b)
{
    const struct dm_ex_entity *x = a;
    const struct dm_ex_entity *y = b;
    return x->start < y->start ? -1 : x->start > y->start;
}

bool dm_ex_entities_make(struct dm_extractive *tools, const struct dm_ex_text *text, struct dm_ex_words *words,
                         const struct dm_ex_layout *layout, struct dm_ex_entities *ret)
{
    struct dm_ex_scan scan = {
        .text = text,
        .words = words,
        .layout = layout,
        .lexicon = tools->lexicon,
        .used = dm_arena_alloc(&tools->arena, (size_t)text->count + 1),
    };
    scan.found.at = dm_arena_array(&tools->arena, DM_EX_ENTITIES_SEEN, sizeof(*scan.found.at));
    scan.found.slots = dm_arena_array(&tools->arena, SLOTS, sizeof(*scan.found.slots));
    if (!scan.used || !scan.found.at || !scan.found.slots)
        return false;
    for (uint32_t i = 0; i < layout->line_count; i++)
        scan.has_code |= layout->lines[i].kind == DM_EX_L_CODE;
    dm_ex_find_patterns(&scan);
    /* A family name in an address ("j.smith@…") does not make it an ordinary word. */
    for (uint32_t i = 0; i < words->count; i++)
        if (scan.used[words->at[i].start] && words->at[i].shape == DM_EX_W_LOWER)
            words->vocables[words->at[i].vocable].lower--;
    dm_ex_find_names(&scan);
    if (scan.found.count > DM_EX_ENTITIES_MAX) {
        qsort(scan.found.at, scan.found.count, sizeof(*scan.found.at), by_count);
        scan.found.count = DM_EX_ENTITIES_MAX;
    }
    qsort(scan.found.at, scan.found.count, sizeof(*scan.found.at), by_start);
    *ret = scan.found;
    return true;
}
