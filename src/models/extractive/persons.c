/* persons.c: people, by a title or a given name. */
#include "runs.h"

/* Whether the word can be a family name; `upper` where the given name is all capitals, too, or
 * family names are. */
static bool is_family(const struct dm_ex_namer *namer, uint32_t word, bool upper)
{
    if (!dm_ex_is_capital(namer, word) || dm_ex_is_little(namer, word) || dm_ex_also_small(namer, word))
        return false;
    const struct dm_ex_word *found = &namer->words->at[word];
    if (found->shape == DM_EX_W_INITIAL || found->len < 2 || (found->shape == DM_EX_W_UPPER && !upper))
        return false;
    return !(dm_ex_classes_of(namer, word) &
             (DM_EX_NOT_NAME | DM_EX_MONTH | DM_EX_COMPANY | DM_EX_BODY_FIRST | DM_EX_BODY_LAST | DM_EX_STREET |
              DM_EX_OFFICE | DM_EX_TITLE | DM_EX_ORGANIZATION));
}

static bool is_given(const struct dm_ex_namer *namer, uint32_t word, uint32_t kinds)
{
    return dm_ex_is_capital(namer, word) && dm_ex_classes_of(namer, word) & kinds &&
           namer->words->at[word].shape != DM_EX_W_INITIAL;
}

/* Past the family name that begins at `word` (with particles and hyphens), or `word` where there
 * is none. */
static uint32_t family_end(const struct dm_ex_namer *namer, uint32_t word, bool upper)
{
    uint32_t at = word;
    while (at < namer->words->count && at - word < 3 && dm_ex_classes_of(namer, at) & DM_EX_PARTICLE &&
           namer->words->at[at].shape != DM_EX_W_UPPER && dm_ex_gap_after(namer, at) == DM_EX_GAP_BLANK)
        at++;
    if (!is_family(namer, at, upper))
        return word;
    while (dm_ex_gap_after(namer, at) == DM_EX_GAP_HYPHEN && is_family(namer, at + 1, upper))
        at++;
    /* Two family names are usual in Spanish and Portuguese and known elsewhere; in German the next
     * capitalised word is most likely a noun. */
    bool second = namer->words->language != DM_EX_DE && dm_ex_gap_after(namer, at) == DM_EX_GAP_BLANK &&
                  is_family(namer, at + 1, upper) &&
                  !(dm_ex_connected(namer, at + 1) && dm_ex_is_capital(namer, at + 2));
    return at + 1 + second;
}

static void remember_family(struct dm_ex_namer *namer, uint32_t word, uint32_t entity)
{
    if (entity == UINT32_MAX || namer->family_count == DM_EX_FAMILIES_MAX)
        return;
    uint32_t vocable = namer->words->at[word].vocable;
    for (uint32_t i = 0; i < namer->family_count; i++)
        if (namer->families[i].vocable == vocable)
            return;
    namer->families[namer->family_count++] = (struct dm_ex_family){ vocable, entity };
}

/* Counts one more mention of the person whose family name the word is; false where there is none
 * such. */
static bool seen_family(struct dm_ex_namer *namer, uint32_t word)
{
    for (uint32_t i = 0; i < namer->family_count; i++)
        if (namer->families[i].vocable == namer->words->at[word].vocable) {
            namer->scan->found.at[namer->families[i].entity].count++;
            return true;
        }
    return false;
}

/* "Mr. John Smith", "Frau Dr. Weber", "President Obama". */
uint32_t dm_ex_take_titled(struct dm_ex_namer *namer, uint32_t first)
{
    uint32_t word = first;
    bool office = false;
    while (word - first < 3 && word < namer->words->count && !namer->scan->used[namer->words->at[word].start] &&
           dm_ex_classes_of(namer, word) & (dm_ex_is_capital(namer, word) ? DM_EX_TITLE | DM_EX_OFFICE : DM_EX_TITLE)) {
        office |= !(dm_ex_classes_of(namer, word) & DM_EX_TITLE);
        enum dm_ex_gap gap = dm_ex_gap_after(namer, word);
        if (gap != DM_EX_GAP_BLANK && !(gap == DM_EX_GAP_DOT && !office))
            return 0;
        word++;
    }
    if (word == first)
        return 0;
    uint32_t name = word;
    while (word - name < 4 &&
           (is_given(namer, word, DM_EX_GIVEN | DM_EX_GIVEN_OR_WORD) ||
            (dm_ex_is_capital(namer, word) && namer->words->at[word].shape == DM_EX_W_INITIAL)) &&
           dm_ex_connected(namer, word))
        word++;
    bool upper = namer->words->at[first].shape == DM_EX_W_UPPER;
    uint32_t past = family_end(namer, word, upper);
    if (past == word) { /* "Dr. Anna": the last given name is all there is */
        if (word == name || !dm_ex_is_capital(namer, word))
            return 0;
        past = word + (is_given(namer, word, DM_EX_GIVEN) ? 1 : 0);
        if (past == word)
            return 0;
    }
    if (office && (dm_ex_in_heading(namer) || dm_ex_classes_of(namer, name) & (DM_EX_PLACE | DM_EX_LINK)))
        return 0;
    if (past == name + 1 && seen_family(namer, name)) /* "Ms. Lopez", once Maria Lopez has been named */
        return past;
    uint32_t from = past - name > 1 ? name : first; /* a lone family name keeps its title */
    remember_family(namer, past - 1, dm_ex_add_name(namer, from, past, DM_EX_T_PERSON, false));
    return past;
}

/* The F. of "John F. Kennedy", and not the I of "Manuel I. …", a king's number at the end of a
 * sentence. */
static bool is_middle_initial(const struct dm_ex_namer *namer, uint32_t word)
{
    if (!dm_ex_is_capital(namer, word) || namer->words->at[word].shape != DM_EX_W_INITIAL)
        return false;
    uint32_t c = namer->text->low[namer->words->at[word].start];
    enum dm_ex_gap gap = dm_ex_gap_after(namer, word);
    return c != 'i' && c != 'x' && (gap == DM_EX_GAP_DOT || gap == DM_EX_GAP_TIGHT_DOT);
}

/* "Maria Schulz", "John F. Kennedy", "Ludwig van Beethoven", "Jean-Pierre DUPONT". */
uint32_t dm_ex_take_named(struct dm_ex_namer *namer, uint32_t first)
{
    bool sure = is_given(namer, first, DM_EX_GIVEN);
    if (!sure && (!is_given(namer, first, DM_EX_GIVEN_OR_WORD) || dm_ex_begins_sentence(namer, first) ||
                  dm_ex_in_heading(namer)))
        return 0;
    uint32_t before = first > 0 && dm_ex_connected(namer, first - 1) ? dm_ex_classes_of(namer, first - 1) : 0;
    if (before & DM_EX_PLACE) /* San Francisco, Saint Martin: somewhere in a place's name */
        return 0;
    uint32_t word = first + 1;
    bool upper = namer->words->at[first].shape == DM_EX_W_UPPER;
    enum dm_ex_gap gap = dm_ex_gap_after(namer, first);
    if (gap != DM_EX_GAP_BLANK && gap != DM_EX_GAP_HYPHEN)
        return 0;
    while (word - first < 4 && dm_ex_connected(namer, word) &&
           (is_middle_initial(namer, word) ||
            (is_given(namer, word, DM_EX_GIVEN) && family_end(namer, word + 1, true) > word + 1)))
        word++;
    bool shouts = dm_ex_is_capital(namer, word) && namer->words->at[word].shape == DM_EX_W_UPPER &&
                  namer->words->at[word].len > 3;
    uint32_t past = family_end(namer, word, upper || shouts);
    if (past == word || (dm_ex_connected(namer, past - 1) && dm_ex_classes_of(namer, past) & DM_EX_STREET))
        return 0;
    /* A given name that is also a word, before a place: "Charlotte, North Carolina" and its
     * like. */
    if (!sure && dm_ex_classes_of(namer, word) & DM_EX_PLACE)
        return 0;
    remember_family(namer, past - 1, dm_ex_add_name(namer, first, past, DM_EX_T_PERSON, false));
    return past;
}

/* One capitalised word by itself: a family name met before, or a given name that the page keeps
 * using. */
uint32_t dm_ex_take_single(struct dm_ex_namer *namer, uint32_t word, uint32_t end)
{
    if (end != word + 1)
        return 0;
    if (seen_family(namer, word))
        return word + 1;
    const struct dm_ex_vocable *vocable = dm_ex_vocable_of(namer->words, word);
    if (vocable->lex->classes & DM_EX_GIVEN && vocable->count >= 2 && vocable->lower == 0 && !dm_ex_in_heading(namer) &&
        namer->words->at[word].shape == DM_EX_W_CAPITAL && !(vocable->lex->classes & DM_EX_GIVEN_OR_WORD)) {
        dm_ex_add_name(namer, word, word + 1, DM_EX_T_PERSON, false);
        return word + 1;
    }
    return 0;
}
