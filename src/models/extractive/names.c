/* names.c: people, organizations and places, from runs of capitalised words.
 *
 * A run is as many words as belong together: capitalised, a blank or hyphen apart, with "of", "de", "von" between. Each rule
 * takes its part of a run: a legal form ends a company's name, "University of" begins a body's, a title or a given
 * name begins a person's. Places come from the gazetteer alone. */
#include "entities.h"

enum { RUN_MAX = 12, FAMILIES_MAX = 64 };

enum gap { GAP_NONE, GAP_BLANK, GAP_HYPHEN, GAP_DOT, GAP_AND, GAP_COMMA, GAP_TIGHT_DOT };

struct family { /* a family name seen with a given name or title: alone it means the same person */
    uint32_t vocable;
    uint32_t entity;
};

struct namer {
    struct dm_ex_scan *scan;
    const struct dm_ex_text *text;
    const struct dm_ex_words *words;
    uint32_t line;      /* the line of the word looked at */
    struct family families[FAMILIES_MAX];
    uint32_t family_count;
};

static uint32_t classes_of(const struct namer *namer, uint32_t word)
{
    return word < namer->words->count ? dm_ex_lex_of(namer->words, word)->classes : 0;
}

static bool is_capital(const struct namer *namer, uint32_t word)
{
    if (word >= namer->words->count || namer->scan->used[namer->words->at[word].start])
        return false;
    uint8_t shape = namer->words->at[word].shape;
    return shape == DM_EX_W_CAPITAL || shape == DM_EX_W_UPPER || shape == DM_EX_W_INITIAL ||
           (shape == DM_EX_W_MIXED && namer->text->kind[namer->words->at[word].start] == DM_EX_UPPER);
}

static bool is_stop(const struct namer *namer, uint32_t word)
{
    return dm_ex_is_stop(namer->words, dm_ex_vocable_of(namer->words, word));
}

/* Also written small on this page: an ordinary word, not a name. */
static bool also_small(const struct namer *namer, uint32_t word)
{
    return dm_ex_vocable_of(namer->words, word)->lower > 0;
}

/* What stands between a word and the next. A line's end counts as a blank only inside a paragraph. */
static enum gap gap_after(const struct namer *namer, uint32_t word)
{
    const struct dm_ex_text *text = namer->text;
    if (word + 1 >= namer->words->count)
        return GAP_NONE;
    uint32_t i = dm_ex_word_end(namer->words, word);
    uint32_t next = namer->words->at[word + 1].start;
    if (next - i > 6)
        return GAP_NONE;
    enum gap gap = GAP_BLANK;
    uint32_t breaks = 0;
    uint32_t blanks = 0;
    for (; i < next; i++) {
        uint32_t c = text->cp[i];
        if (dm_ex_is_blank(text->kind[i])) {
            breaks += text->kind[i] == DM_EX_BREAK;
            blanks++;
        } else if (gap != GAP_BLANK) {
            return GAP_NONE;
        } else if (c == '-' || c == 0x2010 || c == 0x2011) {
            gap = GAP_HYPHEN;
        } else if (c == '.') {
            gap = GAP_DOT;
        } else if (c == '&') {
            gap = GAP_AND;
        } else if (c == ',') {
            gap = GAP_COMMA;
        } else {
            return GAP_NONE;
        }
    }
    if (breaks > 1 || (breaks == 0 && blanks > 2))
        return GAP_NONE;
    if (breaks == 1) {
        const struct dm_ex_layout *layout = namer->scan->layout;
        uint8_t kind = layout->lines[namer->line].kind;
        uint8_t below = namer->line + 1 < layout->line_count ? layout->lines[namer->line + 1].kind : DM_EX_L_BLANK;
        if ((kind != DM_EX_L_PROSE && kind != DM_EX_L_ITEM) || below != DM_EX_L_PROSE)
            return GAP_NONE;
    }
    if (gap == GAP_HYPHEN && blanks > 0)
        return GAP_NONE;
    if (gap == GAP_DOT && blanks == 0)
        return GAP_TIGHT_DOT;
    return blanks > 0 || gap == GAP_HYPHEN || gap == GAP_AND ? gap : GAP_NONE;
}

static bool is_abbreviated(const struct namer *namer, uint32_t word)
{
    uint32_t classes = classes_of(namer, word);
    return namer->words->at[word].shape == DM_EX_W_INITIAL || classes & DM_EX_TITLE || classes & DM_EX_COMPANY ||
           (classes & DM_EX_ABBREVIATION && classes & DM_EX_PARTICLE);
}

/* Whether the name that holds `word` may go on with the next one. */
static bool connected(const struct namer *namer, uint32_t word)
{
    enum gap gap = gap_after(namer, word);
    if (gap == GAP_BLANK || gap == GAP_HYPHEN || gap == GAP_AND)
        return true;
    return (gap == GAP_DOT || gap == GAP_TIGHT_DOT) && is_abbreviated(namer, word);
}

static bool is_possessive(const struct namer *namer, uint32_t word) /* Smith's */
{
    uint32_t end = dm_ex_word_end(namer->words, word);
    return namer->words->at[word].len > 3 && namer->text->low[end - 1] == 's' && namer->text->low[end - 2] == '\'';
}

/* The end (past the last word) of the run of capitalised words from `first`, with little words between. */
static uint32_t run_end(const struct namer *namer, uint32_t first)
{
    uint32_t end = first + 1;
    while (end - first < RUN_MAX && connected(namer, end - 1) && !is_possessive(namer, end - 1)) {
        uint32_t next = end;
        for (uint32_t links = 0; links < 3 && next < namer->words->count && !is_capital(namer, next); links++) {
            if (!(classes_of(namer, next) & (DM_EX_LINK | DM_EX_PARTICLE)) ||
                namer->words->at[next].shape != DM_EX_W_LOWER || namer->scan->used[namer->words->at[next].start] ||
                gap_after(namer, next) != GAP_BLANK)
                return end;
            next++;
        }
        if (!is_capital(namer, next))
            return end;
        end = next + 1;
    }
    return end;
}

/* What the words [first, first + *ret_count) are in the lexicon together: the longest phrase that begins here, or the word
 * alone. */
static const struct dm_ex_lex *phrase_at(const struct namer *namer, uint32_t first, uint32_t *ret_count)
{
    const struct dm_ex_lex *best = dm_ex_lex_of(namer->words, first);
    *ret_count = 1;
    if (!(best->classes & DM_EX_PHRASE))
        return best;
    uint32_t most = best->phrase;
    uint64_t hash = dm_ex_phrase_hash(0, dm_ex_vocable_of(namer->words, first)->hash);
    for (uint32_t count = 2; count <= most; count++) {
        uint32_t last = first + count - 1;
        enum gap gap = gap_after(namer, last - 1);
        if (gap == GAP_NONE || gap == GAP_COMMA || last >= namer->words->count ||
            namer->scan->used[namer->words->at[last].start])
            break;
        hash = dm_ex_phrase_hash(hash, dm_ex_vocable_of(namer->words, last)->hash);
        if (!is_capital(namer, last) && namer->words->at[last].shape != DM_EX_W_PLAIN)
            continue;
        const struct dm_ex_lex *found = dm_ex_lexicon_find(namer->scan->lexicon, hash);
        if (found->hash == hash) {
            best = found;
            *ret_count = count;
        }
    }
    return best;
}

static bool in_heading(const struct namer *namer)
{
    return namer->scan->layout->lines[namer->line].kind == DM_EX_L_HEADING;
}

/* The position past word `last`, with the full stop of an abbreviation. */
static uint32_t end_of(const struct namer *namer, uint32_t last, bool with_stop)
{
    uint32_t end = dm_ex_word_end(namer->words, last);
    if (is_possessive(namer, last))
        return end - 2;
    return end + (with_stop && dm_ex_at(namer->text, end) == '.');
}

static uint32_t add(struct namer *namer, uint32_t first, uint32_t past, enum dm_ex_entity_type type, bool with_stop)
{
    return dm_ex_entity_add(namer->scan, namer->words->at[first].start, end_of(namer, past - 1, with_stop), type, NULL);
}

/* How many words from `word` are one legal form ("GmbH", "S.A."); 0: none. */
static uint32_t one_company_form(const struct namer *namer, uint32_t word)
{
    if (word >= namer->words->count || namer->scan->used[namer->words->at[word].start])
        return 0;
    uint32_t count;
    const struct dm_ex_lex *lex = phrase_at(namer, word, &count);
    if (!(lex->classes & DM_EX_COMPANY))
        return 0;
    if (count > 1)
        return gap_after(namer, word) == GAP_TIGHT_DOT ? count : 0;
    const struct dm_ex_word *found = &namer->words->at[word];
    static const char *const in_capitals[] = { "ag", "se", "kg", "sa", "ab", "as", "nv", "bv", "lp", "ug", "eg", "ev",
                                               "asa", "sas", "spa", "srl", "ohg", "aps" };
    bool upper = found->shape == DM_EX_W_UPPER || found->shape == DM_EX_W_MIXED;
    bool shouted = word > 0 && namer->words->at[word - 1].shape == DM_EX_W_UPPER;
    for (size_t i = 0; i < DM_COUNT(in_capitals); i++) {
        if (lex->hash != dm_ex_hash_utf8(dm_str_z(in_capitals[i])))
            continue;
        /* "AS IS" in a warranty is no company; "SIEMENS AG" is one. */
        if (!upper || (shouted && found->len == 2 && namer->text->low[found->start + 1] != 'g'))
            return 0;
    }
    bool small_form = lex->hash == dm_ex_hash_utf8(DM_STR("plc")) || lex->hash == dm_ex_hash_utf8(DM_STR("mbh"));
    return found->shape != DM_EX_W_LOWER || small_form ? 1 : 0;
}

/* The same for several in a row: "GmbH & Co. KG". */
static uint32_t company_words(const struct namer *namer, uint32_t word)
{
    uint32_t count = one_company_form(namer, word);
    for (uint32_t parts = 0; count > 0 && parts < 3; parts++) {
        enum gap gap = gap_after(namer, word + count - 1);
        uint32_t more = gap == GAP_AND || gap == GAP_BLANK || gap == GAP_DOT ? one_company_form(namer, word + count) : 0;
        if (more == 0)
            break;
        count += more;
    }
    return count;
}

/* Words that a sentence's or heading's beginning capitalises are no part of a name. */
static uint32_t trimmed_first(const struct namer *namer, uint32_t first, uint32_t past)
{
    uint32_t count;
    while (first < past && !(phrase_at(namer, first, &count)->classes & DM_EX_ORGANIZATION && count > 1) &&
           (is_stop(namer, first) || classes_of(namer, first) & (DM_EX_TITLE | DM_EX_OFFICE) ||
                            (classes_of(namer, first) & DM_EX_NOT_NAME && past - first > 1) ||
                            !is_capital(namer, first)))
        first++;
    return first;
}

/* "Acme Inc.", "Müller & Söhne GmbH & Co. KG". Returns past the last word taken, or 0. */
static uint32_t take_company(struct namer *namer, uint32_t first, uint32_t end)
{
    uint32_t name = first;
    for (uint32_t word = first + 1; word <= end; word++) {
        enum gap gap = gap_after(namer, word - 1);
        if (gap == GAP_NONE || (word == end && gap != GAP_COMMA && gap != GAP_BLANK))
            return 0;
        if (word < end && !is_capital(namer, word) && company_words(namer, word) == 0) {
            /* "with" a lower-case word between, the name begins after it; French and Spanish names keep their "de". */
            uint64_t hash = dm_ex_vocable_of(namer->words, word)->hash;
            bool keeps = hash == dm_ex_hash_utf8(DM_STR("de")) || hash == dm_ex_hash_utf8(DM_STR("du")) ||
                         hash == dm_ex_hash_utf8(DM_STR("des")) ||
                         (word > first && classes_of(namer, word - 1) & DM_EX_BODY_FIRST);
            if (!keeps)
                name = word + 1;
            continue;
        }
        uint32_t form = company_words(namer, word);
        if (form == 0)
            continue;
        name = trimmed_first(namer, name, word);
        if (name >= word || classes_of(namer, word - 1) & DM_EX_NOT_NAME || is_stop(namer, word - 1)) /* "NOT LIMITED" */
            return 0;
        uint32_t past = word + form;
        add(namer, name, past, DM_EX_T_ORGANIZATION, true);
        return past;
    }
    return 0;
}

/* Where "… and the University of B" begins inside a run that began with "University of A", or `end`. */
static uint32_t next_body(const struct namer *namer, uint32_t first, uint32_t end)
{
    static const char *const conjunctions[] = { "and", "und", "et", "y", "e", "en" };
    for (uint32_t word = first + 1; word < end; word++) {
        bool joins = gap_after(namer, word - 1) == GAP_AND;
        for (size_t i = 0; !joins && i < DM_COUNT(conjunctions); i++)
            joins = dm_ex_vocable_of(namer->words, word)->hash == dm_ex_hash_utf8(dm_str_z(conjunctions[i]));
        if (!joins)
            continue;
        uint32_t next = word;
        while (next < end && !is_capital(namer, next))
            next++;
        uint32_t count;
        if (next < end && phrase_at(namer, next, &count)->classes &
                              (DM_EX_BODY_FIRST | DM_EX_ORGANIZATION | DM_EX_PLACE | DM_EX_GIVEN))
            return word;
    }
    return end;
}

/* "University of California", "Bundesministerium für Wirtschaft", "Stanford University". */
static uint32_t take_body(struct namer *namer, uint32_t first, uint32_t end)
{
    uint32_t name = trimmed_first(namer, first, end);
    for (uint32_t word = name; word < end; word++) {
        if (!(classes_of(namer, word) & DM_EX_BODY_FIRST) || !is_capital(namer, word))
            continue;
        end = next_body(namer, word, end);
        uint32_t next = word + 1;
        while (next < end && !is_capital(namer, next))
            next++;
        bool linked = next > word + 1 && next < end;
        bool place = next == word + 1 && next < end &&
                     classes_of(namer, next) & (DM_EX_PLACE | DM_EX_PLACE_OR_WORD) &&
                     !(classes_of(namer, next) & DM_EX_NOT_NAME);
        if ((!linked && !place) || is_stop(namer, next) || (in_heading(namer) && also_small(namer, next)))
            continue;
        uint32_t past = place ? next + 1 : end;
        add(namer, name, past, DM_EX_T_ORGANIZATION, false);
        return past;
    }
    for (uint32_t word = name + 1; word < end; word++) {
        if (!is_capital(namer, word) || gap_after(namer, word - 1) == GAP_NONE)
            return 0;
        if (!(classes_of(namer, word) & DM_EX_BODY_LAST) || in_heading(namer))
            continue;
        for (uint32_t before = name; before < word; before++)
            if (also_small(namer, before) || classes_of(namer, before) & DM_EX_NOT_NAME ||
                namer->words->at[before].len < 2)
                return 0;
        add(namer, name, word + 1, DM_EX_T_ORGANIZATION, false);
        return word + 1;
    }
    return 0;
}

/* Whether the word can be a family name; `upper` where the given name is all capitals, too, or family names are. */
static bool is_family(const struct namer *namer, uint32_t word, bool upper)
{
    if (!is_capital(namer, word) || is_stop(namer, word) || also_small(namer, word))
        return false;
    const struct dm_ex_word *found = &namer->words->at[word];
    if (found->shape == DM_EX_W_INITIAL || found->len < 2 || (found->shape == DM_EX_W_UPPER && !upper))
        return false;
    return !(classes_of(namer, word) & (DM_EX_NOT_NAME | DM_EX_MONTH | DM_EX_COMPANY | DM_EX_BODY_FIRST |
                                        DM_EX_BODY_LAST | DM_EX_STREET | DM_EX_OFFICE | DM_EX_TITLE | DM_EX_ORGANIZATION));
}

static bool is_given(const struct namer *namer, uint32_t word, uint32_t kinds)
{
    return is_capital(namer, word) && classes_of(namer, word) & kinds &&
           namer->words->at[word].shape != DM_EX_W_INITIAL;
}

/* Past the family name that begins at `word` (with particles and hyphens), or `word` where there is none. */
static uint32_t family_end(const struct namer *namer, uint32_t word, bool upper)
{
    uint32_t at = word;
    while (at < namer->words->count && at - word < 3 && classes_of(namer, at) & DM_EX_PARTICLE &&
           namer->words->at[at].shape != DM_EX_W_UPPER && gap_after(namer, at) == GAP_BLANK)
        at++;
    if (!is_family(namer, at, upper))
        return word;
    while (gap_after(namer, at) == GAP_HYPHEN && is_family(namer, at + 1, upper))
        at++;
    /* Two family names are usual in Spanish and Portuguese and known elsewhere; in German the next
     * capitalised word is most likely a noun. */
    bool second = namer->words->language != DM_EX_DE && gap_after(namer, at) == GAP_BLANK &&
                  is_family(namer, at + 1, upper) && !connected(namer, at + 1);
    return at + 1 + second;
}

static void remember_family(struct namer *namer, uint32_t word, uint32_t entity)
{
    if (entity == UINT32_MAX || namer->family_count == FAMILIES_MAX)
        return;
    uint32_t vocable = namer->words->at[word].vocable;
    for (uint32_t i = 0; i < namer->family_count; i++)
        if (namer->families[i].vocable == vocable)
            return;
    namer->families[namer->family_count++] = (struct family){ vocable, entity };
}

/* Counts one more mention of the person whose family name the word is; false where there is none such. */
static bool seen_family(struct namer *namer, uint32_t word)
{
    for (uint32_t i = 0; i < namer->family_count; i++)
        if (namer->families[i].vocable == namer->words->at[word].vocable) {
            namer->scan->found.at[namer->families[i].entity].count++;
            return true;
        }
    return false;
}

/* "Mr. John Smith", "Frau Dr. Weber", "President Obama". */
static uint32_t take_titled(struct namer *namer, uint32_t first)
{
    uint32_t word = first;
    bool office = false;
    while (word - first < 3 && word < namer->words->count && !namer->scan->used[namer->words->at[word].start] &&
           classes_of(namer, word) & (is_capital(namer, word) ? DM_EX_TITLE | DM_EX_OFFICE : DM_EX_TITLE)) {
        office |= !(classes_of(namer, word) & DM_EX_TITLE);
        enum gap gap = gap_after(namer, word);
        if (gap != GAP_BLANK && !(gap == GAP_DOT && !office))
            return 0;
        word++;
    }
    if (word == first)
        return 0;
    uint32_t name = word;
    while (word - name < 4 && (is_given(namer, word, DM_EX_GIVEN | DM_EX_GIVEN_OR_WORD) ||
                               (is_capital(namer, word) && namer->words->at[word].shape == DM_EX_W_INITIAL)) &&
           connected(namer, word))
        word++;
    bool upper = namer->words->at[first].shape == DM_EX_W_UPPER;
    uint32_t past = family_end(namer, word, upper);
    if (past == word) { /* "Dr. Anna": the last given name is all there is */
        if (word == name || !is_capital(namer, word))
            return 0;
        past = word + (is_given(namer, word, DM_EX_GIVEN) ? 1 : 0);
        if (past == word)
            return 0;
    }
    if (office && (in_heading(namer) || classes_of(namer, name) & (DM_EX_PLACE | DM_EX_LINK)))
        return 0;
    if (past == name + 1 && seen_family(namer, name)) /* "Ms. Lopez", once Maria Lopez has been named */
        return past;
    uint32_t from = past - name > 1 ? name : first; /* a lone family name keeps its title */
    remember_family(namer, past - 1, add(namer, from, past, DM_EX_T_PERSON, false));
    return past;
}

static bool begins_sentence(const struct namer *namer, uint32_t word)
{
    uint32_t i = namer->words->at[word].start;
    uint32_t breaks = 0;
    while (i > 0 && (dm_ex_is_blank(namer->text->kind[i - 1]) || namer->text->cp[i - 1] == '"' ||
                     namer->text->cp[i - 1] == 0x201C))
        breaks += namer->text->kind[--i] == DM_EX_BREAK;
    return i == 0 || breaks > 1 || dm_ex_is_terminal(namer->text->cp[i - 1]) || namer->text->cp[i - 1] == ':' ||
           namer->text->cp[i - 1] == 0x2022;
}

/* "Maria Schulz", "John F. Kennedy", "Ludwig van Beethoven", "Jean-Pierre DUPONT". */
static uint32_t take_named(struct namer *namer, uint32_t first)
{
    bool sure = is_given(namer, first, DM_EX_GIVEN);
    if (!sure && (!is_given(namer, first, DM_EX_GIVEN_OR_WORD) || begins_sentence(namer, first) || in_heading(namer)))
        return 0;
    uint32_t before = first > 0 && connected(namer, first - 1) ? classes_of(namer, first - 1) : 0;
    if (before & DM_EX_PLACE) /* San Francisco, Saint Martin: somewhere in a place's name */
        return 0;
    uint32_t word = first + 1;
    bool upper = namer->words->at[first].shape == DM_EX_W_UPPER;
    enum gap gap = gap_after(namer, first);
    if (gap != GAP_BLANK && gap != GAP_HYPHEN)
        return 0;
    while (word - first < 4 && connected(namer, word) &&
           ((is_capital(namer, word) && namer->words->at[word].shape == DM_EX_W_INITIAL &&
             (gap_after(namer, word) == GAP_DOT || gap_after(namer, word) == GAP_TIGHT_DOT)) ||
            (is_given(namer, word, DM_EX_GIVEN) && family_end(namer, word + 1, true) > word + 1)))
        word++;
    bool shouts = is_capital(namer, word) && namer->words->at[word].shape == DM_EX_W_UPPER &&
                  namer->words->at[word].len > 3;
    uint32_t past = family_end(namer, word, upper || shouts);
    if (past == word || classes_of(namer, past) & DM_EX_STREET)
        return 0;
    /* A given name that is also a word, before a place: "Charlotte, North Carolina" and its like. */
    if (!sure && classes_of(namer, word) & DM_EX_PLACE)
        return 0;
    remember_family(namer, past - 1, add(namer, first, past, DM_EX_T_PERSON, false));
    return past;
}

/* One capitalised word by itself: a family name met before, or a given name that the page keeps using. */
static uint32_t take_single(struct namer *namer, uint32_t word, uint32_t end)
{
    if (end != word + 1)
        return 0;
    if (seen_family(namer, word))
        return word + 1;
    const struct dm_ex_vocable *vocable = dm_ex_vocable_of(namer->words, word);
    if (vocable->lex->classes & DM_EX_GIVEN && vocable->count >= 2 && vocable->lower == 0 && !in_heading(namer) &&
        namer->words->at[word].shape == DM_EX_W_CAPITAL && !(vocable->lex->classes & DM_EX_GIVEN_OR_WORD)) {
        add(namer, word, word + 1, DM_EX_T_PERSON, false);
        return word + 1;
    }
    return 0;
}

/* Whether what stands around says that an ambiguous name is a place: "in Reading", "Cork, Ireland". */
static bool placed(const struct namer *namer, uint32_t first, uint32_t past)
{
    if (first > 0 && namer->words->at[first - 1].shape == DM_EX_W_LOWER && gap_after(namer, first - 1) == GAP_BLANK &&
        classes_of(namer, first - 1) & DM_EX_PLACE_BEFORE && namer->words->language != DM_EX_DE)
        return !is_capital(namer, past) || gap_after(namer, past - 1) != GAP_BLANK;
    return gap_after(namer, past - 1) == GAP_COMMA && is_capital(namer, past) && classes_of(namer, past) & DM_EX_PLACE;
}

/* What the gazetteers know. */
static uint32_t take_known(struct namer *namer, uint32_t first)
{
    uint32_t count;
    const struct dm_ex_lex *lex = phrase_at(namer, first, &count);
    const struct dm_ex_word *word = &namer->words->at[first];
    uint32_t past = first + count;
    bool dotted = count > 1 && gap_after(namer, first) == GAP_TIGHT_DOT; /* U.S. */
    if (count == 1 && word->len <= 2 && word->shape != DM_EX_W_PLAIN) {
        /* "US", "EU": all capitals, amid words that are not */
        bool shouted = (first > 0 && namer->words->at[first - 1].shape == DM_EX_W_UPPER) ||
                       (past < namer->words->count && namer->words->at[past].shape == DM_EX_W_UPPER);
        if (word->shape != DM_EX_W_UPPER || shouted)
            return 0;
    }
    bool place = lex->classes & DM_EX_PLACE ||
                 (lex->classes & DM_EX_PLACE_OR_WORD && (placed(namer, first, past) || word->len == 2));
    bool organization = lex->classes & DM_EX_ORGANIZATION;
    if (!place && !organization)
        return 0;
    /* Part of a longer name ("Washington Post", "Berlin Alexanderplatz Hotel") is still right about the place, but
     * one after a given name is a family name. */
    add(namer, first, past, organization ? DM_EX_T_ORGANIZATION : DM_EX_T_LOCATION, dotted);
    return past;
}

static bool ends_with(const struct dm_ex_text *text, uint32_t start, uint32_t end, const char *tail, uint32_t len)
{
    if (end - start < len + 3)
        return false;
    for (uint32_t i = 0; i < len; i++)
        if (text->low[end - len + i] != (uint32_t)(unsigned char)tail[i])
            return false;
    return true;
}

/* "Musterstraße 12", "221B Baker Street", "12 rue de Rivoli". */
static uint32_t take_address(struct namer *namer, uint32_t first, uint32_t end)
{
    const struct dm_ex_text *text = namer->text;
    const struct dm_ex_word *words = namer->words->at;
    uint32_t count = namer->words->count;
    for (uint32_t word = first; word < end; word++) {
        uint32_t stop = words[word].start + words[word].len;
        bool german = false;
        if (words[word].shape == DM_EX_W_CAPITAL)
            german = ends_with(text, words[word].start, stop, "strasse", 7) ||
                     ends_with(text, words[word].start, stop, "str", 3) ||
                     ends_with(text, words[word].start, stop, "platz", 5) ||
                     ends_with(text, words[word].start, stop, "allee", 5) ||
                     ends_with(text, words[word].start, stop, "gasse", 5) ||
                     (stop - words[word].start > 6 && text->low[stop - 2] == 0xDF && text->low[stop - 1] == 'e' &&
                      text->low[stop - 3] == 'a');
        bool english = word > first && is_capital(namer, word) && classes_of(namer, word) & DM_EX_STREET;
        enum gap gap = gap_after(namer, word);
        if (german && word + 1 < count && (gap == GAP_BLANK || gap == GAP_DOT) &&
            (words[word + 1].shape == DM_EX_W_NUMBER || words[word + 1].shape == DM_EX_W_CODE) && words[word + 1].len <= 4) {
            uint32_t from = word > first && gap_after(namer, word - 1) == GAP_HYPHEN ? word - 1 : word;
            while (from > first && gap_after(namer, from - 1) == GAP_HYPHEN)
                from--;
            add(namer, from, word + 2, DM_EX_T_LOCATION, false);
            return word + 2;
        }
        if (english && first > 0 && gap_after(namer, first - 1) == GAP_BLANK && words[first - 1].len <= 5 &&
            (words[first - 1].shape == DM_EX_W_NUMBER || words[first - 1].shape == DM_EX_W_CODE) &&
            text->kind[words[first - 1].start] == DM_EX_DIGIT && !namer->scan->used[words[first - 1].start]) {
            add(namer, first - 1, word + 1, DM_EX_T_LOCATION, false);
            return word + 1;
        }
    }
    return 0;
}

static uint32_t past_or_next(uint32_t past, uint32_t word)
{
    return past ? past : word + 1;
}

/* Chinese and Japanese: a place by itself, or what is named after it (北京大学, 東京国立博物館). */
static uint32_t take_dense(struct namer *namer, uint32_t word)
{
    if (!(classes_of(namer, word) & DM_EX_PLACE))
        return past_or_next(take_known(namer, word), word);
    for (uint32_t last = word + 1; last <= word + 2 && last < namer->words->count; last++) {
        if (namer->words->at[last].start != dm_ex_word_end(namer->words, last - 1))
            break;
        if (!(classes_of(namer, last) & DM_EX_BODY_LAST))
            continue;
        add(namer, word, last + 1, DM_EX_T_ORGANIZATION, false);
        return last + 1;
    }
    return past_or_next(take_known(namer, word), word);
}

static uint32_t take_at(struct namer *namer, uint32_t word)
{
    uint32_t end = run_end(namer, word);
    uint32_t count;
    bool body = phrase_at(namer, word, &count)->classes & DM_EX_ORGANIZATION && count > 1;
    uint32_t past = take_company(namer, word, end);
    if (!past && body)
        past = take_known(namer, word);
    if (!past)
        past = take_titled(namer, word);
    if (!past && end > word + 1)
        past = take_body(namer, word, end);
    if (!past)
        past = take_address(namer, word, end);
    bool phrase = !past && phrase_at(namer, word, &count)->classes &
                               (DM_EX_PLACE | DM_EX_PLACE_OR_WORD | DM_EX_ORGANIZATION) && count > 1;
    if (!past && !phrase)
        past = take_named(namer, word);
    if (!past)
        past = take_known(namer, word);
    if (!past)
        past = take_single(namer, word, end);
    return past_or_next(past, word);
}

void dm_ex_find_names(struct dm_ex_scan *scan)
{
    const struct dm_ex_layout *layout = scan->layout;
    struct namer namer = { .scan = scan, .text = scan->text, .words = scan->words };
    for (uint32_t word = 0; word < scan->words->count;) {
        const struct dm_ex_word *at = &scan->words->at[word];
        while (namer.line + 1 < layout->line_count && layout->lines[namer.line].end <= at->start)
            namer.line++;
        uint8_t kind = layout->lines[namer.line].kind;
        bool skip = kind == DM_EX_L_CODE || kind == DM_EX_L_CONTENTS || scan->used[at->start];
        if (!skip && is_capital(&namer, word)) {
            word = take_at(&namer, word);
            continue;
        }
        if (!skip && at->shape == DM_EX_W_PLAIN && scan->text->kind[at->start] == DM_EX_DENSE)
            word = take_dense(&namer, word);
        else if (!skip && at->shape == DM_EX_W_LOWER && classes_of(&namer, word) & DM_EX_TITLE && is_capital(&namer, word + 1))
            word = past_or_next(take_titled(&namer, word), word);
        else
            word++;
    }
}
