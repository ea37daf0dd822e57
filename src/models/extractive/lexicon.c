/* lexicon.c: the tables become one index.
 *
 * Open addressing over small numbers of entries, so that a probe touches 4 bytes and then one
 * entry. */
#include "lexicon.h"

#include <libstemmer.h>
#include <string.h>

#include "base/alloc.h"

struct dm_ex_lexicon {
    uint32_t *slots; /* index into entries; 0: free, so entry 0 is the one that says nothing */
    uint32_t mask;
    struct dm_ex_lex *entries;
    uint32_t count;
    uint32_t room;
};

static const struct dm_ex_table *const tables[] = {
    &dm_ex_stop_words, &dm_ex_people, &dm_ex_places, &dm_ex_organizations, &dm_ex_general,
};

static const struct dm_ex_feeling_table *const feelings[DM_EX_FEELING_LANGUAGES] = {
    [DM_EX_EN] = &dm_ex_feelings_en,
    [DM_EX_DE] = &dm_ex_feelings_de,
    [DM_EX_FR] = &dm_ex_feelings_fr,
    [DM_EX_ES] = &dm_ex_feelings_es,
};

static const struct {
    const char *code, *snowball;
} languages[DM_EX_LANGUAGE_COUNT] = {
#define LANGUAGE_ROW(name, code, snowball) { code, snowball },
    DM_EX_LANGUAGES(LANGUAGE_ROW)
#undef LANGUAGE_ROW
};

const char *dm_ex_language_code(enum dm_ex_language language)
{
    return language < DM_EX_LANGUAGE_COUNT ? languages[language].code : "";
}

const char *dm_ex_language_snowball(enum dm_ex_language language)
{
    return language < DM_EX_LANGUAGE_COUNT ? languages[language].snowball : NULL;
}

/* At most: an entry after every comma, and a phrase marks its first word, too. */
static uint32_t words_in(const char *words)
{
    uint32_t count = 2;
    for (const char *c = words; *c; c++)
        count += strchr(", -.&", *c) != NULL;
    return count;
}

static uint32_t words_in_tables(void)
{
    uint32_t count = 1;
    for (size_t t = 0; t < DM_COUNT(tables); t++)
        for (size_t i = 0; i < tables[t]->count; i++)
            count += words_in(tables[t]->rows[i].words);
    for (size_t t = 0; t < DM_EX_FEELING_LANGUAGES; t++)
        for (size_t i = 0; i < feelings[t]->count; i++)
            count += 2 * words_in(feelings[t]->rows[i].words); /* the word and its stem */
    return count;
}

static uint32_t slot_of(const struct dm_ex_lexicon *lexicon, uint64_t hash)
{
    uint32_t slot = (uint32_t)(hash >> 32) & lexicon->mask;
    while (lexicon->slots[slot] && lexicon->entries[lexicon->slots[slot]].hash != hash)
        slot = (slot + 1) & lexicon->mask;
    return slot;
}

static struct dm_ex_lex *entry_of(struct dm_ex_lexicon *lexicon, uint64_t hash)
{
    uint32_t slot = slot_of(lexicon, hash);
    if (!lexicon->slots[slot]) {
        lexicon->slots[slot] = lexicon->count++;
        lexicon->entries[lexicon->slots[slot]].hash = hash;
    }
    return &lexicon->entries[lexicon->slots[slot]];
}

/* Takes the next word off a phrase, parted where words in a text are: by blanks, hyphens, full
 * stops and '&'. */
static bool next_word(struct dm_str *rest, struct dm_str *ret_word)
{
    size_t start = 0;
    while (start < rest->len && strchr(" -.&", rest->at[start]))
        start++;
    size_t end = start;
    while (end < rest->len && !strchr(" -.&", rest->at[end]))
        end++;
    *ret_word = dm_str_cut(*rest, start, end - start);
    *rest = dm_str_from(*rest, end);
    return end > start;
}

static uint64_t hash_of_phrase(struct dm_ex_lexicon *lexicon, struct dm_str phrase)
{
    uint64_t whole = 0;
    uint64_t first = 0;
    uint8_t count = 0;
    struct dm_str word;
    while (next_word(&phrase, &word)) {
        uint64_t hash = dm_ex_hash_utf8(word);
        if (count++ == 0)
            first = hash;
        whole = dm_ex_phrase_hash(whole, hash);
    }
    if (count == 1)
        return first;
    struct dm_ex_lex *begin = entry_of(lexicon, first);
    begin->classes |= DM_EX_PHRASE;
    if (begin->phrase < count)
        begin->phrase = count;
    return whole;
}

static void add_row(struct dm_ex_lexicon *lexicon, const struct dm_ex_row *row)
{
    struct dm_str rest = dm_str_z(row->words);
    struct dm_str word;
    while (dm_str_next(&rest, ',', &word)) {
        struct dm_ex_lex *entry = entry_of(lexicon, hash_of_phrase(lexicon, word));
        entry->stop |= row->stop;
        entry->classes |= row->classes;
        if (row->number)
            entry->number = row->number;
    }
}

/* A word counts in its own form and, where it has one, in all forms of its stem; the form said
 * outright wins, whichever comes first. */
static enum dm_code add_feelings(struct dm_ex_lexicon *lexicon, enum dm_ex_language language, struct dm_err *err)
{
    struct sb_stemmer *stemmer = sb_stemmer_new(dm_ex_language_snowball(language), "UTF_8");
    if (!stemmer)
        return dm_fail_memory(err);
    const struct dm_ex_feeling_table *table = feelings[language];
    for (size_t i = 0; i < table->count; i++) {
        struct dm_str rest = dm_str_z(table->rows[i].words);
        struct dm_str word;
        while (dm_str_next(&rest, ',', &word)) {
            struct dm_ex_lex *entry = entry_of(lexicon, dm_ex_hash_utf8(word));
            entry->feeling[language] = table->rows[i].value;
            entry->felt |= (uint8_t)(1U << language);
            const sb_symbol *stem = sb_stemmer_stem(stemmer, (const sb_symbol *)word.at, (int)word.len);
            if (!stem || table->rows[i].value == 0)
                continue;
            uint64_t hash = dm_ex_hash_utf8(dm_str_of(stem, (size_t)sb_stemmer_length(stemmer)));
            struct dm_ex_lex *kin = entry_of(lexicon, dm_ex_stem_hash(hash, language));
            if (kin->felt & 1U << language)
                continue;
            kin->feeling[language] = table->rows[i].value;
            kin->felt |= (uint8_t)(1U << language);
        }
    }
    sb_stemmer_delete(stemmer);
    return DM_OK;
}

enum dm_code dm_ex_lexicon_make(struct dm_ex_lexicon **ret, struct dm_err *err)
{
    struct dm_ex_lexicon *lexicon = dm_alloc_zero(1, sizeof(*lexicon));
    if (!lexicon)
        return dm_fail_memory(err);
    lexicon->room = words_in_tables();
    lexicon->mask = 1;
    while (lexicon->mask < lexicon->room * 2)
        lexicon->mask = lexicon->mask * 2 + 1;
    lexicon->slots = dm_alloc_zero((size_t)lexicon->mask + 1, sizeof(*lexicon->slots));
    lexicon->entries = dm_alloc_zero(lexicon->room, sizeof(*lexicon->entries));
    lexicon->count = 1;
    if (!lexicon->slots || !lexicon->entries) {
        dm_ex_lexicon_free(lexicon);
        return dm_fail_memory(err);
    }
    for (size_t t = 0; t < DM_COUNT(tables); t++)
        for (size_t i = 0; i < tables[t]->count; i++)
            add_row(lexicon, &tables[t]->rows[i]);
    enum dm_code rc = DM_OK;
    for (int language = 0; rc == DM_OK && language < DM_EX_FEELING_LANGUAGES; language++)
        rc = add_feelings(lexicon, (enum dm_ex_language)language, err);
    if (rc != DM_OK) {
        dm_ex_lexicon_free(lexicon);
        return rc;
    }
    *ret = lexicon;
    return DM_OK;
}

void dm_ex_lexicon_free(struct dm_ex_lexicon *lexicon)
{
    if (!lexicon)
        return;
    dm_free(lexicon->slots);
    dm_free(lexicon->entries);
    dm_free(lexicon);
}

const struct dm_ex_lex *dm_ex_lexicon_find(const struct dm_ex_lexicon *lexicon, uint64_t hash)
{
    return &lexicon->entries[lexicon->slots[slot_of(lexicon, hash)]];
}
