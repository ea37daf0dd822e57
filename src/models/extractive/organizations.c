/* organizations.c: companies by their legal form, bodies by the word that heads or ends their
 * name. */
#include "runs.h"

/* How many words from `word` are one legal form ("GmbH", "S.A."); 0: none. */
static uint32_t one_company_form(const struct dm_ex_namer *namer, uint32_t word)
{
    if (word >= namer->words->count || namer->scan->used[namer->words->at[word].start])
        return 0;
    uint32_t count;
    const struct dm_ex_lex *lex = dm_ex_phrase_at(namer, word, &count);
    if (!(lex->classes & DM_EX_COMPANY))
        return 0;
    if (count > 1)
        return dm_ex_gap_after(namer, word) == DM_EX_GAP_TIGHT_DOT ? count : 0;
    const struct dm_ex_word *found = &namer->words->at[word];
    static const char *const in_capitals[] = { "ag", "se", "kg", "sa",  "ab",  "as",  "nv",  "bv",  "lp",
                                               "ug", "eg", "ev", "asa", "sas", "spa", "srl", "ohg", "aps" };
    bool upper = found->shape == DM_EX_W_UPPER || found->shape == DM_EX_W_MIXED;
    bool shouted = word > 0 && namer->words->at[word - 1].shape == DM_EX_W_UPPER;
    for (size_t i = 0; i < DM_COUNT(in_capitals); i++) {
        if (lex->hash != dm_ex_hash_utf8(dm_str_z(in_capitals[i])))
            continue;
        /* "AS IS" in a warranty is no company; "SIEMENS AG" is one. */
        if (!upper || (shouted && found->len == 2 && namer->text->low[found->start + 1] != 'g'))
            return 0;
    }
    if (lex->hash == dm_ex_hash_utf8(DM_STR("co")) && found->shape == DM_EX_W_UPPER &&
        (word == 0 || dm_ex_gap_after(namer, word - 1) != DM_EX_GAP_AND))
        return 0;
    bool small_form = lex->hash == dm_ex_hash_utf8(DM_STR("plc")) || lex->hash == dm_ex_hash_utf8(DM_STR("mbh"));
    return found->shape != DM_EX_W_LOWER || small_form ? 1 : 0;
}

/* The same for several in a row: "GmbH & Co. KG". */
static uint32_t company_words(const struct dm_ex_namer *namer, uint32_t word)
{
    uint32_t count = one_company_form(namer, word);
    for (uint32_t parts = 0; count > 0 && parts < 3; parts++) {
        enum dm_ex_gap gap = dm_ex_gap_after(namer, word + count - 1);
        uint32_t more = gap == DM_EX_GAP_AND || gap == DM_EX_GAP_BLANK || gap == DM_EX_GAP_DOT
                            ? one_company_form(namer, word + count)
                            : 0;
        if (more == 0)
            break;
        count += more;
    }
    return count;
}

/* A word of headings, contracts and letters ("Agreement", "Dear") that is no part of a name
 * beside it. */
static bool is_label(const struct dm_ex_namer *namer, uint32_t word)
{
    return (dm_ex_classes_of(namer, word) & (DM_EX_NOT_NAME | DM_EX_ADJECTIVE)) == DM_EX_NOT_NAME;
}

/* Words that a sentence's or heading's beginning capitalises are no part of a name. */
static uint32_t trimmed_first(const struct dm_ex_namer *namer, uint32_t first, uint32_t past)
{
    uint32_t count;
    while (first < past && !(dm_ex_phrase_at(namer, first, &count)->classes & DM_EX_ORGANIZATION && count > 1) &&
           (dm_ex_is_little(namer, first) || dm_ex_classes_of(namer, first) & (DM_EX_TITLE | DM_EX_OFFICE) ||
            (is_label(namer, first) && past - first > 1) || !dm_ex_is_capital(namer, first)))
        first++;
    return first;
}

/* "Acme Inc.", "Müller & Söhne GmbH & Co. KG". Returns past the last word taken, or 0. */
uint32_t dm_ex_take_company(struct dm_ex_namer *namer, uint32_t first, uint32_t end)
{
    uint32_t name = first;
    for (uint32_t word = first + 1; word <= end; word++) {
        enum dm_ex_gap gap = dm_ex_gap_after(namer, word - 1);
        if (gap == DM_EX_GAP_NONE || (word == end && gap != DM_EX_GAP_COMMA && gap != DM_EX_GAP_BLANK))
            return 0;
        if (word < end && !dm_ex_is_capital(namer, word) && company_words(namer, word) == 0) {
            /* "with" a lower-case word between, the name begins after it; French and Spanish
             * names keep their "de". */
            uint64_t hash = dm_ex_vocable_of(namer->words, word)->hash;
            bool keeps = hash == dm_ex_hash_utf8(DM_STR("de")) || hash == dm_ex_hash_utf8(DM_STR("du")) ||
                         hash == dm_ex_hash_utf8(DM_STR("des")) ||
                         (word > first && dm_ex_classes_of(namer, word - 1) & DM_EX_BODY_FIRST);
            if (!keeps)
                name = word + 1;
            continue;
        }
        uint32_t form = company_words(namer, word);
        if (form == 0)
            continue;
        name = trimmed_first(namer, name, word);
        if (name >= word || is_label(namer, word - 1) || dm_ex_is_little(namer, word - 1)) /* "NOT LIMITED" */
            return 0;
        /* "John Smith of Acme Inc.": whoever stands before is a name, too. */
        if (name > first + 1 && dm_ex_vocable_of(namer->words, name - 1)->hash == dm_ex_hash_utf8(DM_STR("of")))
            (void)dm_ex_take_named(namer, first);
        uint32_t past = word + form;
        dm_ex_add_name(namer, name, past, DM_EX_T_ORGANIZATION, true);
        return past;
    }
    return 0;
}

/* Where "… and the University of B" begins inside a run that began with "University of A", or
 * `end`. */
static uint32_t next_body(const struct dm_ex_namer *namer, uint32_t first, uint32_t end)
{
    static const char *const conjunctions[] = { "and", "und", "et", "y", "e", "en" };
    for (uint32_t word = first + 1; word < end; word++) {
        bool joins = dm_ex_gap_after(namer, word - 1) == DM_EX_GAP_AND;
        for (size_t i = 0; !joins && i < DM_COUNT(conjunctions); i++)
            joins = dm_ex_vocable_of(namer->words, word)->hash == dm_ex_hash_utf8(dm_str_z(conjunctions[i]));
        if (!joins)
            continue;
        uint32_t next = word;
        while (next < end && !dm_ex_is_capital(namer, next))
            next++;
        uint32_t count;
        if (next < end && dm_ex_phrase_at(namer, next, &count)->classes &
                              (DM_EX_BODY_FIRST | DM_EX_ORGANIZATION | DM_EX_PLACE | DM_EX_GIVEN))
            return word;
    }
    return end;
}

/* Whether the capitalised words [first, past) can be what a body is called by: none is an
 * ordinary word on this page, and not all of them are such as stand next to names. */
static bool names_body(const struct dm_ex_namer *namer, uint32_t first, uint32_t past)
{
    bool proper = false;
    for (uint32_t word = first; word < past; word++) {
        if (dm_ex_also_small(namer, word) || namer->words->at[word].len < 2)
            return false;
        proper |= !(dm_ex_classes_of(namer, word) & DM_EX_NOT_NAME);
    }
    return proper;
}

/* "Stanford University", "Case Western Reserve University", "Port of Rotterdam Authority". */
static uint32_t take_body_last(struct dm_ex_namer *namer, uint32_t first, uint32_t end)
{
    uint32_t name = first;
    while (name < end &&
           (dm_ex_is_little(namer, name) || dm_ex_classes_of(namer, name) & (DM_EX_TITLE | DM_EX_OFFICE) ||
            (dm_ex_classes_of(namer, name) & DM_EX_NOT_NAME && dm_ex_begins_sentence(namer, name))))
        name++;
    for (uint32_t word = name + 1; word < end; word++) {
        if (!dm_ex_is_capital(namer, word) || dm_ex_gap_after(namer, word - 1) == DM_EX_GAP_NONE)
            return 0;
        if (!(dm_ex_classes_of(namer, word) & DM_EX_BODY_LAST) || dm_ex_in_heading(namer))
            continue;
        if (!names_body(namer, name, word))
            return 0;
        /* The run before "of" belongs to it, unless it is somebody's office. */
        if (name >= 2 && name == first &&
            dm_ex_vocable_of(namer->words, name - 1)->hash == dm_ex_hash_utf8(DM_STR("of")) &&
            dm_ex_is_capital(namer, name - 2) && !dm_ex_is_little(namer, name - 2) &&
            dm_ex_connected(namer, name - 2) && dm_ex_connected(namer, name - 1) &&
            !(dm_ex_classes_of(namer, name - 2) & (DM_EX_OFFICE | DM_EX_TITLE | DM_EX_NOT_NAME)))
            name -= 2;
        dm_ex_add_name(namer, name, word + 1, DM_EX_T_ORGANIZATION, false);
        return word + 1;
    }
    return 0;
}

/* "University of California", "Bundesministerium für Wirtschaft", and those that end with what
 * they are. */
uint32_t dm_ex_take_body(struct dm_ex_namer *namer, uint32_t first, uint32_t end)
{
    uint32_t name = trimmed_first(namer, first, end);
    for (uint32_t word = name; word < end; word++) {
        if (!(dm_ex_classes_of(namer, word) & DM_EX_BODY_FIRST) || !dm_ex_is_capital(namer, word))
            continue;
        end = next_body(namer, word, end);
        uint32_t next = word + 1;
        while (next < end && !dm_ex_is_capital(namer, next))
            next++;
        bool linked = next > word + 1 && next < end;
        bool place = next == word + 1 && next < end &&
                     dm_ex_classes_of(namer, next) & (DM_EX_PLACE | DM_EX_PLACE_OR_WORD) &&
                     !(dm_ex_classes_of(namer, next) & DM_EX_NOT_NAME);
        if ((!linked && !place) || dm_ex_is_little(namer, next) ||
            (dm_ex_in_heading(namer) && dm_ex_also_small(namer, next)))
            continue;
        uint32_t past = place ? next + 1 : end;
        dm_ex_add_name(namer, name, past, DM_EX_T_ORGANIZATION, false);
        return past;
    }
    return take_body_last(namer, first, end);
}
