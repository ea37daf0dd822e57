/* language.c: which language a text is in.
 *
 * The script decides where it can; among languages of one script their stop words vote, and
 * letters that few of them use. libexttextcat was measured instead: 33 ms to load its
 * fingerprints, 0.7 ms per page, and files to be shipped with the program; the vote costs 2 µs
 * because every word has been looked up anyway. */
#include "words.h"

enum {
    VOTE = 60, /* a stop word's, shared by the languages that have it; divisible by 1 to 6 */
    LETTER_VOTE = 40,
    WORDS_PER_VOTE = 6, /* a text needs a stop word's votes for so many words, */
    VOTES_MOST = 4,     /* and no more than so many times that */
};

/* Letters that tell languages written in Latin letters apart. */
static const struct {
    const char *letters;
    uint32_t languages;
} telling[] = {
    { "ß", DM_EX_BIT(DM_EX_DE) },
    { "äö", DM_EX_BIT(DM_EX_DE) | DM_EX_BIT(DM_EX_SV) | DM_EX_BIT(DM_EX_FI) },
    { "ü", DM_EX_BIT(DM_EX_DE) | DM_EX_BIT(DM_EX_TR) | DM_EX_BIT(DM_EX_HU) },
    { "ñ¿¡", DM_EX_BIT(DM_EX_ES) },
    { "ãõ", DM_EX_BIT(DM_EX_PT) },
    { "øæ", DM_EX_BIT(DM_EX_DA) | DM_EX_BIT(DM_EX_NO) },
    { "å", DM_EX_BIT(DM_EX_SV) | DM_EX_BIT(DM_EX_DA) | DM_EX_BIT(DM_EX_NO) },
    { "őű", DM_EX_BIT(DM_EX_HU) },
    { "ăâîșțşţ", DM_EX_BIT(DM_EX_RO) },
    { "ğış", DM_EX_BIT(DM_EX_TR) },
    { "ąęłńśźż", DM_EX_BIT(DM_EX_PL) },
    { "řěůčšž", DM_EX_BIT(DM_EX_CS) },
    { "êèçœàù", DM_EX_BIT(DM_EX_FR) },
    { "èìòù", DM_EX_BIT(DM_EX_IT) },
    { "іїєґ", DM_EX_BIT(DM_EX_UK) },
    { "ыэъё", DM_EX_BIT(DM_EX_RU) },
};

static void vote_by_letters(const struct dm_ex_text *text, uint32_t votes[])
{
    uint32_t letters[DM_COUNT(telling)][8] = { 0 };
    for (size_t i = 0; i < DM_COUNT(telling); i++) {
        uint32_t count = 0;
        const char *c = telling[i].letters;
        while (*c && count < 8) { /* two-byte UTF-8 throughout */
            letters[i][count++] = ((uint32_t)c[0] & 0x1F) << 6 | ((uint32_t)c[1] & 0x3F);
            c += 2;
        }
    }
    uint32_t left = 400; /* more cannot change the outcome, and the page may be long */
    for (uint32_t i = 0; i < text->count && left > 0; i++) {
        if (text->low[i] < 0x80 || text->low[i] > 0x04FF)
            continue;
        left--;
        for (size_t t = 0; t < DM_COUNT(telling); t++)
            for (uint32_t k = 0; k < 8 && letters[t][k]; k++)
                if (letters[t][k] == text->low[i])
                    for (int language = 0; language < DM_EX_LANGUAGE_COUNT; language++)
                        if (telling[t].languages & DM_EX_BIT(language))
                            votes[language] += LETTER_VOTE / (uint32_t)__builtin_popcount(telling[t].languages);
    }
}

static void vote_by_words(const struct dm_ex_words *words, uint32_t among, uint32_t votes[])
{
    for (uint32_t i = 0; i < words->vocable_count; i++) {
        const struct dm_ex_vocable *vocable = &words->vocables[i];
        uint32_t languages = vocable->lex->stop & among;
        if (!languages)
            continue;
        /* A single letter stands in lists, formulas and names as well. */
        if (words->at[vocable->first].len == 1 && words->at[vocable->first].shape != DM_EX_W_LOWER)
            continue;
        /* A word counts at most five times, so that one that fills the page does not decide
         * alone. */
        uint32_t share = VOTE / (uint32_t)__builtin_popcount(languages) * (vocable->count < 5 ? vocable->count : 5);
        for (; languages; languages &= languages - 1)
            votes[__builtin_ctz(languages)] += share;
    }
}

static enum dm_ex_language by_vote(const struct dm_ex_text *text, const struct dm_ex_words *words, uint32_t among)
{
    uint32_t votes[DM_EX_LANGUAGE_COUNT] = { 0 };
    vote_by_words(words, among, votes);
    bool any = false;
    for (int i = 0; i < DM_EX_LANGUAGE_COUNT; i++)
        any |= votes[i] > 0;
    if (any && text->beyond_ascii > 0)
        vote_by_letters(text, votes);
    int best = DM_EX_NO_LANGUAGE;
    uint32_t most = 0;
    uint32_t second = 0;
    for (int i = 0; i < DM_EX_LANGUAGE_COUNT; i++) {
        uint32_t count = among & DM_EX_BIT(i) ? votes[i] : 0;
        if (count > most) {
            second = most;
            most = count;
            best = i;
        } else if (count > second) {
            second = count;
        }
    }
    uint32_t needed = words->count / WORDS_PER_VOTE;
    needed = needed < 1 ? 1 : needed > VOTES_MOST ? VOTES_MOST : needed;
    bool clear = most >= VOTES_MOST * VOTE || most * 2 >= second * 3;
    return most >= needed * VOTE && clear ? (enum dm_ex_language)best : DM_EX_NO_LANGUAGE;
}

enum dm_ex_language dm_ex_language_guess(const struct dm_ex_text *text, const struct dm_ex_words *words)
{
    static const uint32_t cyrillic = DM_EX_BIT(DM_EX_RU) | DM_EX_BIT(DM_EX_UK);
    static const uint32_t latin = (DM_EX_BIT(DM_EX_CS + 1) - 1) & ~cyrillic;
    int most = 0;
    for (int i = 1; i < DM_EX_SCRIPTS; i++)
        if (text->scripts[i] > text->scripts[most])
            most = i;
    /* Kana makes a text Japanese however many Chinese characters it has. */
    if ((most == DM_EX_HAN || most == DM_EX_KANA) && text->scripts[DM_EX_KANA] * 20 > text->scripts[DM_EX_HAN])
        return DM_EX_JA;
    switch ((enum dm_ex_script)most) {
    case DM_EX_LATIN:
        return by_vote(text, words, latin);
    case DM_EX_CYRILLIC:
        return by_vote(text, words, cyrillic);
    case DM_EX_GREEK:
        return DM_EX_EL;
    case DM_EX_ARABIC:
        return by_vote(text, words, DM_EX_BIT(DM_EX_AR));
    case DM_EX_HEBREW:
        return DM_EX_HE;
    case DM_EX_DEVANAGARI:
        return by_vote(text, words, DM_EX_BIT(DM_EX_HI));
    case DM_EX_HAN:
        return DM_EX_ZH;
    case DM_EX_HANGUL:
        return DM_EX_KO;
    case DM_EX_THAI:
        return DM_EX_TH;
    default:
        return DM_EX_NO_LANGUAGE;
    }
}
