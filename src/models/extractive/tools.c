/* tools.c: opening, keeping and closing them. */
#include "tools.h"

#include "base/alloc.h"
#include "models/models.h"

enum { STEM_LETTERS_MAX = 48 }; /* longer ones are no words of a language */

enum dm_code dm_ex_tools_make(const struct dm_ex_lexicon *lexicon, struct dm_extractive **ret, struct dm_err *err)
{
    struct dm_extractive *tools = dm_alloc_zero(1, sizeof(*tools));
    if (!tools)
        return dm_fail_memory(err);
    tools->arena = dm_arena_make(DM_EX_ARENA_BYTES_MAX);
    tools->lexicon = lexicon;
    tools->memo = dm_alloc_zero(DM_EX_STEM_CACHE, sizeof(*tools->memo));
    enum dm_code rc = tools->memo ? DM_OK : dm_fail_memory(err);
    if (rc == DM_OK && !lexicon) {
        rc = dm_ex_lexicon_make(&tools->own_lexicon, err);
        tools->lexicon = tools->own_lexicon;
    }
    /* An arena keeps its first block over a reset: made this large, the usual page allocates
     * nothing. */
    if (rc == DM_OK && !dm_arena_alloc(&tools->arena, DM_EX_KEPT_BYTES))
        rc = dm_fail_memory(err);
    if (rc != DM_OK) {
        dm_ex_tools_free(tools);
        return rc;
    }
    dm_arena_reset(&tools->arena);
    *ret = tools;
    return DM_OK;
}

void dm_ex_tools_free(struct dm_extractive *tools)
{
    if (!tools)
        return;
    if (tools->words)
        ubrk_close(tools->words);
    if (tools->sentences)
        ubrk_close(tools->sentences);
    for (int i = 0; i < DM_EX_LANGUAGE_COUNT; i++)
        if (tools->stemmers[i])
            sb_stemmer_delete(tools->stemmers[i]);
    dm_arena_free(&tools->arena);
    dm_free(tools->memo);
    dm_ex_lexicon_free(tools->own_lexicon);
    dm_free(tools);
}

static UBreakIterator *breaks(UBreakIterator **kept, UBreakIteratorType type, const uint16_t *units, uint32_t count)
{
    UErrorCode status = U_ZERO_ERROR;
    /* The root locale: its rules cover all languages, and a page must give the same bytes
     * anywhere. */
    if (!*kept)
        *kept = ubrk_open(type, "", NULL, 0, &status);
    if (U_FAILURE(status)) {
        *kept = NULL;
        return NULL;
    }
    ubrk_setText(*kept, (const UChar *)units, (int32_t)count, &status);
    return U_FAILURE(status) ? NULL : *kept;
}

UBreakIterator *dm_ex_word_breaks(struct dm_extractive *tools, const uint16_t *units, uint32_t count)
{
    return breaks(&tools->words, UBRK_WORD, units, count);
}

UBreakIterator *dm_ex_sentence_breaks(struct dm_extractive *tools, const uint16_t *units, uint32_t count)
{
    return breaks(&tools->sentences, UBRK_SENTENCE, units, count);
}

/* UTF-8 of a short word; 0 where it does not fit. */
static int encode_word(const struct dm_ex_text *text, uint32_t start, uint32_t end, char *bytes, size_t room)
{
    size_t len = 0;
    for (uint32_t i = start; i < end; i++) {
        uint32_t c = text->low[i];
        if (len + 4 > room)
            return 0;
        if (c < 0x80) {
            bytes[len++] = (char)c;
        } else if (c < 0x800) {
            bytes[len++] = (char)(0xC0 | c >> 6);
            bytes[len++] = (char)(0x80 | (c & 0x3F));
        } else if (c < 0x10000) {
            bytes[len++] = (char)(0xE0 | c >> 12);
            bytes[len++] = (char)(0x80 | (c >> 6 & 0x3F));
            bytes[len++] = (char)(0x80 | (c & 0x3F));
        } else {
            return 0;
        }
    }
    return (int)len;
}

static uint64_t stem_anew(struct dm_extractive *tools, const struct dm_ex_text *text, uint32_t start, uint32_t end,
                          uint64_t word, enum dm_ex_language language)
{
    struct sb_stemmer **stemmer = &tools->stemmers[language];
    if (!*stemmer)
        *stemmer = sb_stemmer_new(dm_ex_language_snowball(language), "UTF_8");
    char bytes[STEM_LETTERS_MAX * 3 + 4];
    int len = *stemmer ? encode_word(text, start, end, bytes, sizeof(bytes)) : 0;
    if (len == 0)
        return word;
    const sb_symbol *stem = sb_stemmer_stem(*stemmer, (const sb_symbol *)bytes, len);
    return stem ? dm_ex_hash_utf8(dm_str_of(stem, (size_t)sb_stemmer_length(*stemmer))) : word;
}

uint64_t dm_ex_stem(struct dm_extractive *tools, const struct dm_ex_text *text, uint32_t start, uint32_t end,
                    uint64_t word, enum dm_ex_language language)
{
    if (!dm_ex_language_snowball(language) || end - start > STEM_LETTERS_MAX)
        return word;
    /* A document repeats its words from page to page: the memory spares most of the stemming. */
    struct dm_ex_stem_memo *memo = &tools->memo[(word >> 16) & (DM_EX_STEM_CACHE - 1)];
    if (memo->word != word || memo->language != (uint32_t)language + 1)
        *memo = (struct dm_ex_stem_memo){
            .word = word,
            .stem = stem_anew(tools, text, start, end, word, language),
            .language = (uint32_t)language + 1,
        };
    return memo->stem;
}

enum dm_code dm_extractive_open(struct dm_extractive **ret, struct dm_err *err)
{
    return dm_ex_tools_make(NULL, ret, err);
}

void dm_extractive_close(struct dm_extractive *extractive)
{
    dm_ex_tools_free(extractive);
}
