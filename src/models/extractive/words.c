/* words.c: one pass finds the words, one per distinct word looks it up.
 *
 * ICU's word iterator is asked only where words cannot be seen (scripts without blanks);
 * everywhere else a word is a run of letters, marks and digits, which the kinds of characters
 * already tell. */
#include "words.h"

struct builder {
    struct dm_extractive *tools;
    const struct dm_ex_text *text;
    struct dm_ex_words *words;
    uint32_t *slots; /* vocable + 1; 0: free */
    uint32_t mask;
    uint32_t room;
};

static uint32_t vocable_of(struct builder *builder, uint64_t hash)
{
    struct dm_ex_words *words = builder->words;
    uint32_t slot = (uint32_t)(hash >> 32) & builder->mask;
    while (builder->slots[slot] && words->vocables[builder->slots[slot] - 1].hash != hash)
        slot = (slot + 1) & builder->mask;
    if (!builder->slots[slot]) {
        words->vocables[words->vocable_count] = (struct dm_ex_vocable){
            .hash = hash,
            .lex = dm_ex_lexicon_find(builder->tools->lexicon, hash),
            .first = words->count,
        };
        builder->slots[slot] = ++words->vocable_count;
    }
    return builder->slots[slot] - 1;
}

static void add_word(struct builder *builder, uint32_t start, uint32_t end, uint64_t hash, uint8_t shape)
{
    struct dm_ex_words *words = builder->words;
    if (words->count == builder->room)
        return;
    uint32_t vocable = vocable_of(builder, hash);
    words->vocables[vocable].count++;
    words->vocables[vocable].lower += shape == DM_EX_W_LOWER;
    words->at[words->count++] = (struct dm_ex_word){ start, end - start, vocable, shape };
}

static uint8_t shape_of(const struct dm_ex_text *text, uint32_t start, uint32_t end, const uint32_t counts[])
{
    uint32_t letters = counts[DM_EX_UPPER] + counts[DM_EX_LOWER] + counts[DM_EX_LETTER];
    if (counts[DM_EX_PUNCT]) /* an underscore */
        return DM_EX_W_CODE;
    if (counts[DM_EX_DIGIT])
        return letters ? DM_EX_W_CODE : DM_EX_W_NUMBER;
    if (counts[DM_EX_UPPER] == 0)
        return counts[DM_EX_LOWER] ? DM_EX_W_LOWER : DM_EX_W_PLAIN;
    if (counts[DM_EX_LOWER] == 0)
        return letters == 1 && end - start == 1 ? DM_EX_W_INITIAL : DM_EX_W_UPPER;
    return counts[DM_EX_UPPER] == 1 && text->kind[start] == DM_EX_UPPER ? DM_EX_W_CAPITAL : DM_EX_W_MIXED;
}

/* Whether the apostrophe at `at` parts two words (l'homme, dell'arte) or stands inside one
 * (don't, O'Brien). */
static bool elided(const struct builder *builder, uint32_t start, uint32_t at)
{
    const struct dm_ex_text *text = builder->text;
    if (at - start > 8 || !dm_ex_is_word(dm_ex_kind_at(text, at + 2)))
        return false;
    uint64_t hash = dm_ex_hash_range(text, start, at);
    return dm_ex_lexicon_find(builder->tools->lexicon, hash)->classes & DM_EX_ELISION;
}

/* Where a footnote's number that stuck to a capitalised word begins ("Smith2"), or `end`. */
static uint32_t footnote(const struct dm_ex_text *text, uint32_t start, uint32_t end, const uint32_t counts[])
{
    uint32_t digits = counts[DM_EX_DIGIT];
    if (digits == 0 || digits > 2 || counts[DM_EX_UPPER] != 1 || counts[DM_EX_LOWER] < 2 ||
        counts[DM_EX_LOWER] + 1 + digits != end - start || text->kind[start] != DM_EX_UPPER)
        return end;
    for (uint32_t i = end - digits; i < end; i++)
        if (text->kind[i] != DM_EX_DIGIT)
            return end;
    return end - digits;
}

/* The word that begins at `start`; returns where it ends. */
static uint32_t scan_word(struct builder *builder, uint32_t start)
{
    const struct dm_ex_text *text = builder->text;
    uint32_t counts[DM_EX_DENSE + 1] = { 0 };
    uint64_t hash = DM_EX_HASH_START;
    uint32_t i = start;
    for (; i < text->count; i++) {
        uint8_t kind = text->kind[i];
        if (kind == DM_EX_DENSE)
            break;
        if (!dm_ex_is_word(kind)) {
            uint8_t next = dm_ex_kind_at(text, i + 1);
            bool joins = text->cp[i] == '_' && (dm_ex_is_word(next) || dm_ex_at(text, i + 1) == '_');
            bool apostrophe = text->low[i] == '\'' && dm_ex_is_letter(text->kind[i - 1]) && dm_ex_is_letter(next) &&
                              next != DM_EX_DENSE && !elided(builder, start, i);
            if (!joins && !apostrophe)
                break;
            if (apostrophe)
                kind = DM_EX_OTHER;
        }
        counts[kind]++;
        hash = dm_ex_hash_step(hash, text->low[i]);
    }
    uint32_t note = footnote(text, start, i, counts);
    if (note < i) {
        add_word(builder, start, note, dm_ex_hash_range(text, start, note), DM_EX_W_CAPITAL);
        add_word(builder, note, i, dm_ex_hash_range(text, note, i), DM_EX_W_NUMBER);
        return i;
    }
    add_word(builder, start, i, hash, shape_of(text, start, i, counts));
    return i;
}

/* Words of a run of a dense script, by ICU's dictionaries; character by character where ICU is
 * of no help. */
static uint32_t scan_dense(struct builder *builder, uint32_t start)
{
    const struct dm_ex_text *text = builder->text;
    uint32_t end = start;
    while (end < text->count && text->kind[end] == DM_EX_DENSE)
        end++;
    UBreakIterator *breaks = dm_ex_word_breaks(builder->tools, text->unit + start, end - start);
    uint32_t from = start;
    while (from < end) {
        int32_t next = breaks ? ubrk_next(breaks) : (int32_t)(from - start + 1);
        uint32_t to = next == UBRK_DONE ? end : start + (uint32_t)next;
        add_word(builder, from, to, dm_ex_hash_range(text, from, to), DM_EX_W_PLAIN);
        from = to;
    }
    return end;
}

bool dm_ex_words_make(struct dm_extractive *tools, const struct dm_ex_text *text, struct dm_ex_words *ret)
{
    struct dm_ex_words words = { .language = DM_EX_NO_LANGUAGE };
    struct builder builder = { .tools = tools, .text = text, .words = &words };
    /* A footnote's number makes two words of one run; in the strangest text some such are not
     * counted. */
    builder.room = text->word_bound + text->word_bound / 4 + text->dense + 16;
    builder.mask = 63;
    while (builder.mask < builder.room * 2)
        builder.mask = builder.mask * 2 + 1;
    words.at = dm_arena_array(&tools->arena, builder.room, sizeof(*words.at));
    words.vocables = dm_arena_array(&tools->arena, builder.room, sizeof(*words.vocables));
    builder.slots = dm_arena_array(&tools->arena, (size_t)builder.mask + 1, sizeof(*builder.slots));
    words.from = dm_arena_array(&tools->arena, (size_t)text->count + 1, sizeof(*words.from));
    if (!words.at || !words.from || !words.vocables || !builder.slots)
        return false;
    for (uint32_t i = 0; i < text->count;) {
        uint8_t kind = text->kind[i];
        if (kind == DM_EX_DENSE)
            i = scan_dense(&builder, i);
        else if (dm_ex_is_word(kind))
            i = scan_word(&builder, i);
        else
            i++;
    }
    uint32_t position = 0;
    for (uint32_t word = 0; word < words.count; word++)
        while (position <= words.at[word].start)
            words.from[position++] = word;
    while (position <= text->count)
        words.from[position++] = words.count;
    words.language = dm_ex_language_guess(text, &words);
    *ret = words;
    return true;
}

bool dm_ex_is_stop(const struct dm_ex_words *words, const struct dm_ex_vocable *vocable)
{
    uint32_t languages = words->language == DM_EX_NO_LANGUAGE ? UINT32_MAX : DM_EX_BIT(words->language);
    return vocable->lex->stop & languages;
}

/* Whether the vocable says something of what a text is about. */
static bool meaningful(const struct dm_ex_text *text, const struct dm_ex_words *words,
                       const struct dm_ex_vocable *vocable)
{
    const struct dm_ex_word *word = &words->at[vocable->first];
    if (word->shape == DM_EX_W_NUMBER || word->shape == DM_EX_W_INITIAL || dm_ex_is_stop(words, vocable))
        return false;
    if (text->kind[word->start] != DM_EX_DENSE)
        return word->len >= 2 && (words->language != DM_EX_NO_LANGUAGE || word->len > 3);
    /* Japanese writes its particles and endings in hiragana. */
    return word->len > 2 || text->cp[word->start] < 0x3040 || text->cp[word->start] > 0x309F;
}

bool dm_ex_words_stem(struct dm_extractive *tools, const struct dm_ex_text *text, struct dm_ex_words *words)
{
    uint32_t mask = 63;
    while (mask < words->vocable_count * 2)
        mask = mask * 2 + 1;
    uint32_t *slots = dm_arena_array(&tools->arena, (size_t)mask + 1, sizeof(*slots));
    words->stems = dm_arena_array(&tools->arena, (size_t)words->vocable_count + 1, sizeof(*words->stems));
    if (!slots || !words->stems)
        return false;
    words->stem_count = 1;
    for (uint32_t i = 0; i < words->vocable_count; i++) {
        struct dm_ex_vocable *vocable = &words->vocables[i];
        if (!meaningful(text, words, vocable))
            continue;
        const struct dm_ex_word *word = &words->at[vocable->first];
        uint64_t hash = dm_ex_stem(tools, text, word->start, word->start + word->len, vocable->hash, words->language);
        uint32_t slot = (uint32_t)(hash >> 32) & mask;
        while (slots[slot] && words->stems[slots[slot]].hash != hash)
            slot = (slot + 1) & mask;
        if (!slots[slot]) {
            slots[slot] = words->stem_count++;
            words->stems[slots[slot]].hash = hash;
        }
        vocable->stem = slots[slot];
    }
    return true;
}
