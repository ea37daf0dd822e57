/* rank.c: weighing and choosing. */
#include "rank.h"

enum { ONE = 256 }; /* factors and weights are in 256ths */

uint32_t dm_ex_log2(uint32_t number)
{
    uint32_t whole = 31 - (uint32_t)__builtin_clz(number);
    uint64_t x = ((uint64_t)number << 31) >> whole; /* 1 ≤ x < 2, 31 binary places */
    uint32_t part = 0;
    for (int bit = 7; bit >= 0; bit--) { /* squaring doubles the logarithm */
        x = (x * x) >> 31;
        if (x >> 32) {
            x >>= 1;
            part |= 1U << bit;
        }
    }
    return whole * ONE + part;
}

uint32_t dm_ex_root(uint64_t number)
{
    uint64_t root = 0;
    for (uint64_t bit = UINT64_C(1) << 31; bit; bit >>= 1)
        if ((root | bit) * (root | bit) <= number)
            root |= bit;
    return (uint32_t)root;
}

static uint32_t scaled(uint32_t factor, uint32_t percent)
{
    return factor * percent / 100;
}

struct looks {
    uint32_t letters, digits, visible, open, closed, stops, quotes, odd;
    uint32_t codes; /* words that are numbers or names of programs */
    bool boilerplate;
};

static struct looks look_at(const struct dm_ex_text *text, const struct dm_ex_words *words,
                            const struct dm_ex_sentence *sentence)
{
    struct looks looks = { 0 };
    for (uint32_t i = sentence->start; i < sentence->end; i++) {
        uint8_t kind = text->kind[i];
        uint32_t c = text->cp[i];
        if (kind == DM_EX_LOWER) { /* most are */
            looks.letters++;
            looks.visible++;
            continue;
        }
        looks.letters += dm_ex_is_letter(kind);
        looks.digits += kind == DM_EX_DIGIT;
        looks.visible += !dm_ex_is_blank(kind);
        looks.open += c == '(' || c == '[' || c == 0x201C || c == 0xAB || c == 0x300C;
        looks.closed += c == ')' || c == ']' || c == 0x201D || c == 0xBB || c == 0x300D;
        looks.quotes += c == '"';
        looks.odd += c == '{' || c == '}' || c == '=' || c == '|' || c == '_' || c == '\\' || c == '<' || c == '>' ||
                     c == '~' || c == '#' || c == 0xFFFD;
    }
    for (uint32_t w = sentence->first_word; w < sentence->first_word + sentence->word_count; w++) {
        const struct dm_ex_vocable *vocable = dm_ex_vocable_of(words, w);
        looks.stops += dm_ex_is_stop(words, vocable);
        looks.codes += words->at[w].shape == DM_EX_W_CODE || words->at[w].shape == DM_EX_W_NUMBER;
        looks.boilerplate |= (vocable->lex->classes & DM_EX_BOILERPLATE) != 0;
    }
    return looks;
}

/* Stop lists exist and were seen to work for this text. */
static bool stops_known(const struct dm_ex_words *words)
{
    return words->language <= DM_EX_RU;
}

static bool is_eligible(const struct dm_ex_text *text, const struct dm_ex_words *words,
                        const struct dm_ex_sentence *sentence, const struct looks *looks)
{
    bool dense = text->kind[sentence->start] == DM_EX_DENSE;
    if (sentence->word_count < 4 || sentence->end - sentence->start < (dense ? 8 : 20))
        return false;
    if (looks->letters * 100 < looks->visible * 62 || sentence->kind == DM_EX_L_FIELD)
        return false;
    if (!sentence->complete && sentence->kind == DM_EX_L_PROSE && stops_known(words) &&
        (looks->stops < 2 || looks->stops * 6 < sentence->word_count))
        return false; /* cells of a table, labels of a drawing */
    return !stops_known(words) || looks->stops > 0 || (sentence->complete && sentence->word_count < 8);
}

/* "This paper describes …", "In this report …", "Dieser Vertrag regelt …" */
static bool says_what_it_is(const struct dm_ex_words *words, const struct dm_ex_sentence *sentence)
{
    for (uint32_t w = sentence->first_word; w < sentence->first_word + 2; w++)
        if (dm_ex_lex_of(words, w)->classes & DM_EX_DEPENDENT && dm_ex_lex_of(words, w + 1)->classes & DM_EX_WORK)
            return true;
    return false;
}

/* "Figure 3: …", "Tabelle 2" */
static bool is_caption(const struct dm_ex_words *words, const struct dm_ex_sentence *sentence)
{
    uint32_t first = sentence->first_word;
    return dm_ex_lex_of(words, first)->classes & DM_EX_NOT_NAME && words->at[first].shape == DM_EX_W_CAPITAL &&
           words->at[first + 1].shape == DM_EX_W_NUMBER;
}

static uint32_t factor_of(const struct dm_ex_text *text, const struct dm_ex_words *words,
                          const struct dm_ex_sentence *sentence, const struct looks *looks, bool is_first)
{
    bool dense = text->dense * 2 > text->letters;
    uint32_t length = sentence->end - sentence->start;
    uint32_t f = ONE;
    uint8_t first = text->kind[sentence->start];
    uint32_t last = text->cp[sentence->end - 1];
    if (!sentence->complete)
        f = scaled(f, last == ':' ? 20 : sentence->kind == DM_EX_L_ITEM ? 75 : 40);
    if (first == DM_EX_LOWER && sentence->kind != DM_EX_L_ITEM)
        f = scaled(f, 40);
    if (first == DM_EX_SYMBOL || text->cp[sentence->start] == '-')
        f = scaled(f, 60);
    if (dm_ex_is_terminal(text->cp[sentence->start])) /* "... because" */
        f = scaled(f, 40);
    if (last == '?' || last == 0xFF1F)
        f = scaled(f, 60);
    if (looks->open != looks->closed || looks->quotes % 2)
        f = scaled(f, 65);
    if (looks->odd > 0)
        f = scaled(f, looks->odd > 2 ? 50 : 80);
    if (looks->digits * 8 > looks->visible)
        f = scaled(f, 75);
    if (stops_known(words) && looks->stops * 8 < sentence->word_count)
        f = scaled(f, 55);
    if (looks->codes * 6 > sentence->word_count)
        f = scaled(f, 75);
    uint8_t shape = words->at[sentence->first_word].shape;
    if (shape == DM_EX_W_NUMBER || shape == DM_EX_W_CODE)
        f = scaled(f, 70);
    if (looks->boilerplate)
        f = scaled(f, 55);
    if (is_caption(words, sentence))
        f = scaled(f, 50);
    if (text->cp[sentence->start] == '(')
        f = scaled(f, 50);
    if (says_what_it_is(words, sentence))
        f = scaled(f, 130);
    else if (!is_first && dm_ex_lex_of(words, sentence->first_word)->classes & DM_EX_DEPENDENT)
        f = scaled(f, 62); /* the first of a page can lean on nothing */
    if (length < (dense ? 12U : 45U))
        f = scaled(f, 60);
    if (length > (dense ? 130U : 320U))
        f = scaled(f, length > (dense ? 250U : 600U) ? 40 : 75);
    return f;
}

/* The distinct stems of each sentence, and how often each stem is used in all of them. */
static bool find_terms(struct dm_arena *arena, struct dm_ex_words *words, struct dm_ex_ranking *ranking)
{
    size_t room = 1;
    for (uint32_t s = 0; s < ranking->count; s++)
        room += ranking->sentences[s].word_count;
    ranking->terms = dm_arena_array(arena, room, sizeof(*ranking->terms));
    if (!ranking->terms)
        return false;
    uint32_t used = 0;
    for (uint32_t s = 0; s < ranking->count; s++) {
        struct dm_ex_sentence *sentence = &ranking->sentences[s];
        sentence->first_term = used;
        for (uint32_t w = 0; w < sentence->word_count; w++) {
            uint32_t stem = dm_ex_vocable_of(words, sentence->first_word + w)->stem;
            if (!stem)
                continue;
            words->stems[stem].count++;
            if (words->stems[stem].mark == s + 1)
                continue;
            words->stems[stem].mark = s + 1;
            ranking->terms[used++] = stem;
        }
        sentence->term_count = used - sentence->first_term;
    }
    return true;
}

static void weigh_stems(struct dm_ex_words *words, const struct dm_ex_layout *layout)
{
    for (uint32_t i = 1; i < words->stem_count; i++) {
        struct dm_ex_stem_entry *stem = &words->stems[i];
        stem->weight = stem->count ? dm_ex_log2(stem->count + 1) - (stem->count == 1 ? ONE / 2 : 0) : 0;
        stem->mark = 0;
    }
    for (uint32_t b = 0; b < layout->block_count; b++) {
        if (layout->blocks[b].kind != DM_EX_L_HEADING)
            continue;
        uint32_t w = dm_ex_word_from(words, layout->blocks[b].start);
        for (; w < words->count && words->at[w].start < layout->blocks[b].end; w++) {
            struct dm_ex_stem_entry *stem = &words->stems[dm_ex_vocable_of(words, w)->stem];
            if (stem->mark == 0 && stem->weight > 0)
                stem->weight += stem->weight / 2;
            stem->mark = 1;
        }
    }
}

bool dm_ex_ranking_make(struct dm_extractive *tools, const struct dm_ex_text *text, struct dm_ex_words *words,
                        const struct dm_ex_layout *layout, struct dm_ex_ranking *ret)
{
    struct dm_ex_ranking ranking = { 0 };
    if (!dm_ex_sentences_make(tools, text, words, layout, &ranking) || !find_terms(&tools->arena, words, &ranking))
        return false;
    weigh_stems(words, layout);
    uint32_t block = UINT32_MAX;
    for (uint32_t s = 0; s < ranking.count; s++) {
        struct dm_ex_sentence *sentence = &ranking.sentences[s];
        struct looks looks = look_at(text, words, sentence);
        sentence->eligible = is_eligible(text, words, sentence, &looks);
        if (!sentence->eligible)
            continue;
        /* Texts say what they are about at their beginning, paragraphs in their first sentence. */
        uint32_t place = 100 + 35 / (1 + ranking.eligible) + (sentence->block != block ? 12 : 0);
        sentence->factor = scaled(factor_of(text, words, sentence, &looks, s == 0), place);
        sentence->root = dm_ex_root((uint64_t)(sentence->term_count < 5 ? 5 : sentence->term_count) * ONE);
        block = sentence->block;
        ranking.eligible++;
    }
    *ret = ranking;
    return true;
}

uint32_t dm_ex_ranking_take(struct dm_ex_ranking *ranking, struct dm_ex_words *words, enum dm_ex_purpose purpose,
                            uint32_t length_max, uint64_t least, uint64_t *ret_score)
{
    uint32_t best = UINT32_MAX;
    uint64_t best_score = 0;
    for (uint32_t s = 0; s < ranking->count; s++) {
        const struct dm_ex_sentence *sentence = &ranking->sentences[s];
        uint32_t length = sentence->end - sentence->start;
        if (!sentence->eligible || sentence->taken || length > length_max)
            continue;
        uint64_t sum = 0;
        for (uint32_t t = 0; t < sentence->term_count; t++)
            sum += words->stems[ranking->terms[sentence->first_term + t]].weight;
        uint64_t score = sum * sentence->factor * 16 / sentence->root;
        if (purpose == DM_EX_FOR_KEY_POINT && length > 160)
            score = score * 160 / length;
        if (sentence->kind == DM_EX_L_ITEM)
            score = score * (purpose == DM_EX_FOR_SUMMARY ? 60 : 90) / 100;
        if (score > best_score) {
            best = s;
            best_score = score;
        }
    }
    if (best == UINT32_MAX || best_score < least)
        return UINT32_MAX;
    struct dm_ex_sentence *sentence = &ranking->sentences[best];
    sentence->taken = true;
    for (uint32_t t = 0; t < sentence->term_count; t++)
        words->stems[ranking->terms[sentence->first_term + t]].weight /= 3;
    *ret_score = best_score;
    return best;
}
