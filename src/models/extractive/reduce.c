/* reduce.c: from what was said of each page to what is said of the document.
 *
 * Every sentence of a page's summary and every key point is a candidate. A stem weighs by the
 * square root of how many candidates use it, so what many pages speak of comes first; as within
 * a page, what has been chosen takes weight from its stems. Equal texts are one candidate from
 * the start and near-equal ones are merged when one of them is chosen, each keeping its page
 * numbers. Work and memory do not grow past PAGES_MAX pages: of a longer document the first
 * pages and an even sample of the others are read. */
#include "page.h"

#include <stdlib.h>

#include "base/json.h"
#include "models/models.h"

enum {
    PAGES_MAX = 2000,
    PAGES_FIRST = 64,
    SENTENCES_PER_PAGE = 6,
    POINTS_PER_PAGE = 8,
    TEXT_BYTES_MAX = 4096, /* of one summary or key point */
    TERMS_MAX = 64,        /* of one candidate */
    TERMS_FEW = 6,         /* a candidate of fewer counts as if it had so many */
    STEMS_MAX = 48 * 1024, /* distinct ones that are told apart */
    PAGES_NAMED = 20,      /* page numbers reported with a key point */
    SUMMARY_SENTENCES = 5,
    SUMMARY_MAX = 900, /* characters */
    KEY_POINTS = 8,
    LENGTH_GOOD = 240, /* characters past which a candidate is worth less */
    MEMORY_MAX = 32 * 1024 * 1024,
};

struct stem {
    uint64_t hash;
    uint32_t count; /* candidates that use it */
    uint32_t weight;
    uint32_t mark;
};

struct candidate {
    uint64_t hash; /* of its words */
    uint32_t digest;
    int32_t point;  /* index among the page's key points; -1: a sentence of its summary */
    uint32_t start; /* in code points of that text */
    uint32_t end;
    uint32_t *terms;
    uint32_t term_count;
    uint32_t factor; /* in 256ths */
    uint32_t *pages; /* besides the first; NULL until there is one */
    uint32_t page_count;
    uint32_t page;
    bool complete;
    bool taken;
};

struct reducer {
    struct dm_extractive *tools;
    const struct dm_page_digest *digests;
    uint32_t digest_count;
    struct dm_arena arena;
    enum dm_ex_language language;
    struct stem *stems; /* from 1 */
    uint32_t stem_count;
    uint32_t stem_room;
    uint32_t *stem_slots;
    uint32_t stem_mask;
    struct candidate *candidates;
    uint32_t candidate_count;
    uint32_t candidate_room;
    uint32_t *candidate_slots;
    uint32_t candidate_mask;
    uint64_t words;
};

static struct dm_str text_of(const struct reducer *reducer, uint32_t digest, int32_t point)
{
    const struct dm_page_digest *page = &reducer->digests[digest];
    struct dm_str text = point < 0 ? page->summary : page->key_points[point];
    if (text.len <= TEXT_BYTES_MAX)
        return text;
    size_t len = TEXT_BYTES_MAX;
    while (len > 0 && ((unsigned char)text.at[len] & 0xC0) == 0x80)
        len--;
    return dm_str_cut(text, 0, len);
}

/* Reads a text as one paragraph, whatever it looks like; a page's own layout does not matter any
 * more. */
static bool read_plain(struct reducer *reducer, struct dm_str utf8, struct dm_ex_reading *ret)
{
    struct dm_extractive *tools = reducer->tools;
    *ret = (struct dm_ex_reading){ 0 };
    if (!dm_ex_text_make(utf8, &tools->arena, &ret->text) || !dm_ex_words_make(tools, &ret->text, &ret->words))
        return false;
    if (reducer->language != DM_EX_NO_LANGUAGE)
        ret->words.language = reducer->language;
    ret->layout.blocks = dm_arena_array(&tools->arena, 1, sizeof(*ret->layout.blocks));
    if (!ret->layout.blocks)
        return false;
    ret->layout.blocks[0] = (struct dm_ex_block){ .start = 0, .end = ret->text.count, .kind = DM_EX_L_PROSE };
    ret->layout.block_count = ret->text.count > 0;
    return dm_ex_words_stem(tools, &ret->text, &ret->words) &&
           dm_ex_ranking_make(tools, &ret->text, &ret->words, &ret->layout, &ret->ranking);
}

/* The number of the digest that is read as the i-th. */
static uint32_t sampled(const struct reducer *reducer, uint32_t i)
{
    if (reducer->digest_count <= PAGES_MAX || i < PAGES_FIRST)
        return i;
    return PAGES_FIRST +
           (uint32_t)((uint64_t)(i - PAGES_FIRST) * (reducer->digest_count - PAGES_FIRST) / (PAGES_MAX - PAGES_FIRST));
}

static uint32_t sample_size(const struct reducer *reducer)
{
    return reducer->digest_count < PAGES_MAX ? reducer->digest_count : PAGES_MAX;
}

/* The language most of the first pages' summaries are in. */
static bool find_language(struct reducer *reducer)
{
    uint32_t votes[DM_EX_LANGUAGE_COUNT + 1] = { 0 };
    uint32_t count = sample_size(reducer) < 64 ? sample_size(reducer) : 64;
    uint32_t step = sample_size(reducer) / count;
    for (uint32_t i = 0; i < count; i++) {
        struct dm_ex_text text;
        struct dm_ex_words words;
        bool fits = dm_ex_text_make(text_of(reducer, sampled(reducer, i * step), -1), &reducer->tools->arena, &text) &&
                    dm_ex_words_make(reducer->tools, &text, &words);
        dm_arena_reset(&reducer->tools->arena);
        if (!fits)
            return false;
        votes[words.language]++;
    }
    reducer->language = DM_EX_NO_LANGUAGE;
    uint32_t most = 0;
    for (int i = 0; i < DM_EX_LANGUAGE_COUNT; i++)
        if (votes[i] > most) {
            most = votes[i];
            reducer->language = (enum dm_ex_language)i;
        }
    return true;
}

/* The stem's number, or 0 where there is no room for another. */
static uint32_t stem_of(struct reducer *reducer, uint64_t hash)
{
    uint32_t slot = (uint32_t)(hash >> 32) & reducer->stem_mask;
    while (reducer->stem_slots[slot] && reducer->stems[reducer->stem_slots[slot]].hash != hash)
        slot = (slot + 1) & reducer->stem_mask;
    if (!reducer->stem_slots[slot]) {
        if (reducer->stem_count == reducer->stem_room)
            return 0;
        reducer->stem_slots[slot] = reducer->stem_count++;
        reducer->stems[reducer->stem_slots[slot]].hash = hash;
    }
    return reducer->stem_slots[slot];
}

static bool add_page(struct reducer *reducer, struct candidate *candidate, uint32_t page)
{
    if (page == candidate->page || candidate->page_count == PAGES_NAMED - 1)
        return true;
    for (uint32_t i = 0; i < candidate->page_count; i++)
        if (candidate->pages[i] == page)
            return true;
    if (!candidate->pages)
        candidate->pages = dm_arena_array(&reducer->arena, PAGES_NAMED - 1, sizeof(*candidate->pages));
    if (!candidate->pages)
        return false;
    candidate->pages[candidate->page_count++] = page;
    return true;
}

/* A candidate of the words [first, past); one with the same words only gains a page. */
static bool add_candidate(struct reducer *reducer, const struct dm_ex_reading *reading, struct candidate found,
                          uint32_t first, uint32_t past)
{
    uint64_t hash = dm_ex_hash_step(DM_EX_HASH_START, found.point < 0);
    for (uint32_t w = first; w < past; w++)
        hash = dm_ex_phrase_hash(hash, dm_ex_vocable_of(&reading->words, w)->hash);
    uint32_t slot = (uint32_t)(hash >> 32) & reducer->candidate_mask;
    while (reducer->candidate_slots[slot] && reducer->candidates[reducer->candidate_slots[slot] - 1].hash != hash)
        slot = (slot + 1) & reducer->candidate_mask;
    if (reducer->candidate_slots[slot])
        return add_page(reducer, &reducer->candidates[reducer->candidate_slots[slot] - 1], found.page);
    if (first == past || reducer->candidate_count == reducer->candidate_room)
        return true;
    uint32_t terms[TERMS_MAX];
    for (uint32_t w = first; w < past && found.term_count < TERMS_MAX; w++) {
        uint32_t local = dm_ex_vocable_of(&reading->words, w)->stem;
        uint32_t stem = local ? stem_of(reducer, reading->words.stems[local].hash) : 0;
        if (!stem || reducer->stems[stem].mark == reducer->candidate_count + 1)
            continue;
        reducer->stems[stem].mark = reducer->candidate_count + 1;
        reducer->stems[stem].count++;
        terms[found.term_count++] = stem;
    }
    found.hash = hash;
    found.terms = dm_arena_array(&reducer->arena, (size_t)found.term_count + 1, sizeof(*found.terms));
    if (!found.terms)
        return false;
    for (uint32_t t = 0; t < found.term_count; t++)
        found.terms[t] = terms[t];
    reducer->candidates[reducer->candidate_count++] = found;
    reducer->candidate_slots[slot] = reducer->candidate_count;
    return true;
}

/* In percent: the first pages say what a document is about. */
static uint32_t place_factor(const struct reducer *reducer, uint32_t i)
{
    return 100 + 60 / (1 + i * 100 / (sample_size(reducer) + 20));
}

static bool read_summary(struct reducer *reducer, uint32_t i, uint32_t digest)
{
    struct dm_ex_reading reading;
    if (!read_plain(reducer, text_of(reducer, digest, -1), &reading))
        return false;
    reducer->words += reading.words.count;
    uint32_t count = reading.ranking.count < SENTENCES_PER_PAGE ? reading.ranking.count : SENTENCES_PER_PAGE;
    for (uint32_t s = 0; s < count; s++) {
        const struct dm_ex_sentence *sentence = &reading.ranking.sentences[s];
        struct candidate found = {
            .digest = digest,
            .point = -1,
            .start = sentence->start,
            .end = sentence->end,
            .factor = sentence->factor * place_factor(reducer, i) / 100,
            .page = reducer->digests[digest].page,
            .complete = sentence->complete,
        };
        if (sentence->eligible &&
            !add_candidate(reducer, &reading, found, sentence->first_word, sentence->first_word + sentence->word_count))
            return false;
    }
    return true;
}

static bool read_point(struct reducer *reducer, uint32_t i, uint32_t digest, uint32_t point)
{
    struct dm_ex_reading reading;
    if (!read_plain(reducer, text_of(reducer, digest, (int32_t)point), &reading))
        return false;
    reducer->words += reading.words.count;
    uint32_t factor = reading.ranking.eligible > 0 ? reading.ranking.sentences[0].factor : 0;
    struct candidate found = {
        .digest = digest,
        .point = (int32_t)point,
        .end = reading.text.count,
        .factor = (factor ? factor : 100) * place_factor(reducer, i) / 100,
        .page = reducer->digests[digest].page,
        .complete = reading.ranking.count > 0 && reading.ranking.sentences[reading.ranking.count - 1].complete,
    };
    return add_candidate(reducer, &reading, found, 0, reading.words.count);
}

static bool read_digests(struct reducer *reducer)
{
    bool fits = true;
    for (uint32_t i = 0; fits && i < sample_size(reducer); i++) {
        uint32_t digest = sampled(reducer, i);
        uint32_t points = reducer->digests[digest].key_point_count;
        fits = read_summary(reducer, i, digest);
        dm_arena_reset(&reducer->tools->arena);
        for (uint32_t p = 0; fits && p < points && p < POINTS_PER_PAGE; p++) {
            fits = read_point(reducer, i, digest, p);
            dm_arena_reset(&reducer->tools->arena);
        }
    }
    for (uint32_t s = 1; s < reducer->stem_count; s++) {
        struct stem *stem = &reducer->stems[s];
        stem->weight = dm_ex_root((uint64_t)stem->count << 16);
        stem->mark = 0;
    }
    return fits;
}

/* Whether nearly all stems of the smaller of the two stand in the other. The chosen one's are
 * marked. */
static bool nearly_same(const struct reducer *reducer, const struct candidate *chosen, const struct candidate *other,
                        uint32_t mark)
{
    uint32_t less = chosen->term_count < other->term_count ? chosen->term_count : other->term_count;
    uint32_t shared = 0;
    for (uint32_t t = 0; t < other->term_count; t++)
        shared += reducer->stems[other->terms[t]].mark == mark;
    return less >= 3 && shared * 4 >= less * 3;
}

/* Takes the chosen one: near-equal ones go with it and leave their pages, its stems lose weight. */
static bool take(struct reducer *reducer, uint32_t index, uint32_t mark)
{
    struct candidate *chosen = &reducer->candidates[index];
    for (uint32_t t = 0; t < chosen->term_count; t++)
        reducer->stems[chosen->terms[t]].mark = mark;
    for (uint32_t c = 0; c < reducer->candidate_count; c++) {
        struct candidate *other = &reducer->candidates[c];
        if (c == index || !nearly_same(reducer, chosen, other, mark))
            continue;
        other->taken = true;
        if (!add_page(reducer, chosen, other->page))
            return false;
        for (uint32_t p = 0; p < other->page_count; p++)
            if (!add_page(reducer, chosen, other->pages[p]))
                return false;
    }
    for (uint32_t t = 0; t < chosen->term_count; t++)
        reducer->stems[chosen->terms[t]].weight /= 3;
    chosen->taken = true;
    return true;
}

enum wanted { SENTENCES, POINTS, ANY_POINT };

static uint32_t best_of(const struct reducer *reducer, enum wanted wanted, uint32_t length_max, uint64_t least,
                        uint64_t *ret_score)
{
    uint32_t best = UINT32_MAX;
    uint64_t best_score = 0;
    for (uint32_t c = 0; c < reducer->candidate_count; c++) {
        const struct candidate *candidate = &reducer->candidates[c];
        bool fits = wanted == ANY_POINT || (wanted == POINTS) == (candidate->point >= 0);
        uint32_t length = candidate->end - candidate->start;
        if (!fits || candidate->taken || length > length_max || (wanted == SENTENCES && !candidate->complete))
            continue;
        uint64_t sum = 0;
        for (uint32_t t = 0; t < candidate->term_count; t++)
            sum += reducer->stems[candidate->terms[t]].weight;
        /* The mean, not the sum: over a whole document, general sentences say more than long
         * ones. */
        uint64_t score =
            sum * candidate->factor / (candidate->term_count < TERMS_FEW ? TERMS_FEW : candidate->term_count);
        if (length > LENGTH_GOOD)
            score = score * LENGTH_GOOD / length;
        if (score > best_score) {
            best = c;
            best_score = score;
        }
    }
    if (best != UINT32_MAX && best_score < least)
        best = UINT32_MAX;
    *ret_score = best_score;
    return best;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* Candidates were made page by page, so their numbers are in the order of the document. */
static bool choose(struct reducer *reducer, enum wanted wanted, uint32_t want, uint32_t budget, uint32_t chosen[],
                   uint32_t *ret_count)
{
    uint32_t count = 0;
    uint64_t best = 0;
    uint64_t score = 0;
    uint32_t left = budget;
    while (count < want) {
        uint32_t length_max = wanted == SENTENCES ? left : budget;
        uint32_t found = best_of(reducer, wanted, length_max, best / 8, &score);
        if (found == UINT32_MAX)
            break;
        best = best ? best : score;
        if (!take(reducer, found, count + 1 + (wanted == SENTENCES ? 0 : SUMMARY_SENTENCES)))
            return false;
        chosen[count++] = found;
        uint32_t length = reducer->candidates[found].end - reducer->candidates[found].start + 1;
        left = length < left ? left - length : 0;
    }
    qsort(chosen, count, sizeof(*chosen), by_number);
    *ret_count = count;
    return true;
}

static bool add_text(struct reducer *reducer, struct dm_buf *buf, const struct candidate *candidate, uint32_t max)
{
    struct dm_ex_text text;
    bool fits = dm_ex_text_make(text_of(reducer, candidate->digest, candidate->point), &reducer->tools->arena, &text);
    if (fits)
        dm_ex_add_cut(buf, &text, candidate->start, candidate->end, max);
    dm_arena_reset(&reducer->tools->arena);
    return fits;
}

/* No sentence anywhere (a document of tables, forms, drawings): the first summary that says
 * something. */
static bool add_first_summary(struct reducer *reducer, struct dm_buf *buf)
{
    for (uint32_t d = 0; d < reducer->digest_count; d++) {
        if (dm_str_trim(reducer->digests[d].summary).len == 0)
            continue;
        struct dm_ex_text text;
        bool fits = dm_ex_text_make(text_of(reducer, d, -1), &reducer->tools->arena, &text);
        if (fits)
            dm_ex_add_cut(buf, &text, 0, text.count, SUMMARY_MAX / 2);
        dm_arena_reset(&reducer->tools->arena);
        return fits;
    }
    return true;
}

static bool write_summary(struct reducer *reducer, struct dm_buf *json, struct dm_buf *scratch)
{
    uint32_t chosen[SUMMARY_SENTENCES];
    uint32_t count;
    uint32_t want = reducer->digest_count + 2 < SUMMARY_SENTENCES ? reducer->digest_count + 2 : SUMMARY_SENTENCES;
    if (!choose(reducer, SENTENCES, want, SUMMARY_MAX, chosen, &count))
        return false;
    bool close = reducer->language == DM_EX_ZH || reducer->language == DM_EX_JA;
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0 && !close)
            dm_buf_add_char(scratch, ' ');
        if (!add_text(reducer, scratch, &reducer->candidates[chosen[i]], SUMMARY_MAX))
            return false;
    }
    if (count == 0 && !add_first_summary(reducer, scratch))
        return false;
    dm_buf_add_json_string(json, dm_buf_str(scratch));
    return true;
}

static void write_pages(struct dm_buf *json, const struct candidate *candidate)
{
    uint32_t pages[PAGES_NAMED];
    uint32_t count = 0;
    pages[count++] = candidate->page;
    for (uint32_t p = 0; p < candidate->page_count; p++)
        pages[count++] = candidate->pages[p];
    qsort(pages, count, sizeof(*pages), by_number);
    dm_buf_add_z(json, ",\"pages\":[");
    for (uint32_t p = 0; p < count; p++)
        dm_buf_addf(json, p > 0 ? ",%u" : "%u", pages[p]);
    dm_buf_add_z(json, "]}");
}

static bool write_points(struct reducer *reducer, struct dm_buf *json, struct dm_buf *scratch)
{
    uint32_t chosen[KEY_POINTS];
    uint32_t count;
    if (!choose(reducer, POINTS, KEY_POINTS, TEXT_BYTES_MAX, chosen, &count))
        return false;
    /* Pages that have a summary and no key points. */
    if (count == 0 && !choose(reducer, ANY_POINT, KEY_POINTS, TEXT_BYTES_MAX, chosen, &count))
        return false;
    dm_buf_add_char(json, '[');
    for (uint32_t i = 0; i < count; i++) {
        const struct candidate *candidate = &reducer->candidates[chosen[i]];
        dm_buf_clear(scratch);
        if (!add_text(reducer, scratch, candidate, DM_EX_KEY_POINT_MAX))
            return false;
        dm_buf_add_z(json, i > 0 ? ",{\"text\":" : "{\"text\":");
        dm_buf_add_json_string(json, dm_buf_str(scratch));
        write_pages(json, candidate);
    }
    dm_buf_add_char(json, ']');
    return true;
}

static uint32_t mask_for(uint32_t count)
{
    uint32_t mask = 63;
    while (mask < count * 2)
        mask = mask * 2 + 1;
    return mask;
}

static bool make_tables(struct reducer *reducer)
{
    uint32_t candidates = sample_size(reducer) * (SENTENCES_PER_PAGE + POINTS_PER_PAGE);
    uint32_t stems = candidates < STEMS_MAX / TERMS_MAX ? candidates * TERMS_MAX + 1 : STEMS_MAX;
    reducer->candidate_room = candidates;
    reducer->candidate_mask = mask_for(candidates);
    reducer->stem_room = stems;
    reducer->stem_mask = mask_for(stems);
    reducer->stem_count = 1;
    reducer->stems = dm_arena_array(&reducer->arena, stems, sizeof(*reducer->stems));
    reducer->stem_slots = dm_arena_array(&reducer->arena, (size_t)reducer->stem_mask + 1, sizeof(uint32_t));
    reducer->candidates = dm_arena_array(&reducer->arena, candidates, sizeof(*reducer->candidates));
    reducer->candidate_slots = dm_arena_array(&reducer->arena, (size_t)reducer->candidate_mask + 1, sizeof(uint32_t));
    return reducer->stems && reducer->stem_slots && reducer->candidates && reducer->candidate_slots;
}

static bool reduce(struct reducer *reducer, struct dm_buf *json)
{
    DM_AUTO(dm_buf) scratch = dm_buf_make(DM_EX_ANALYSIS_BYTES_MAX);
    if (!make_tables(reducer) || !find_language(reducer) || !read_digests(reducer))
        return false;
    dm_buf_add_z(json, "{\"summary\":");
    if (!write_summary(reducer, json, &scratch))
        return false;
    dm_buf_add_z(json, ",\"keyPoints\":");
    if (!write_points(reducer, json, &scratch))
        return false;
    dm_buf_add_char(json, '}');
    json->failed |= scratch.failed;
    return true;
}

enum dm_code dm_extractive_reduction(struct dm_extractive *tools, const struct dm_page_digest *digests, uint32_t count,
                                     struct dm_buf *ret_reduction, struct dm_usage *ret_usage, struct dm_err *err)
{
    if (count == 0)
        return dm_fail(err, DM_INVALID, "a reduction of no pages");
    struct reducer reducer = { .tools = tools, .digests = digests, .digest_count = count };
    reducer.arena = dm_arena_make(MEMORY_MAX);
    DM_AUTO(dm_buf) json = dm_buf_make(DM_EX_ANALYSIS_BYTES_MAX);
    bool fits = reduce(&reducer, &json);
    dm_arena_free(&reducer.arena);
    dm_arena_reset(&tools->arena);
    if (!fits)
        return dm_fail_memory(err);
    enum dm_code rc = dm_buf_check(&json, "the document's reduction", err);
    if (rc != DM_OK)
        return rc;
    if (ret_usage)
        *ret_usage = (struct dm_usage){
            .model_calls = 1,
            .input_tokens = reducer.words,
            .output_tokens = dm_ex_words_written(dm_buf_str(&json)),
        };
    *ret_reduction = dm_buf_move(&json);
    return DM_OK;
}
