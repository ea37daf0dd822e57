/* patterns.c: one pass over the characters; what can begin at each decides which matchers are
 * asked. */
#include "entities.h"

#include <string.h>

static bool is_plain(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_local(uint32_t c) /* left of an address's @ */
{
    return is_plain(c) || c == '.' || c == '_' || c == '%' || c == '+' || c == '-' || c > 0xBF;
}

/* Past host labels parted by full stops; *ret_dots counts them, *ret_last is where the last
 * label begins. */
static uint32_t host_end(const struct dm_ex_text *text, uint32_t at, uint32_t *ret_dots, uint32_t *ret_last)
{
    uint32_t i = at;
    *ret_dots = 0;
    *ret_last = at;
    while (i < text->count && i - at < 253) {
        uint32_t c = text->cp[i];
        bool word = is_plain(c) || (c > 0xBF && dm_ex_is_letter(text->kind[i]) && text->kind[i] != DM_EX_DENSE);
        if (!word && !(c == '-' && i > at) &&
            !(c == '.' && i > at && text->cp[i - 1] != '.' && is_plain(dm_ex_at(text, i + 1))))
            break;
        if (c == '.') {
            ++*ret_dots;
            *ret_last = i + 1;
        }
        i++;
    }
    while (i > at && text->cp[i - 1] == '-')
        i--;
    return i;
}

static void find_email(struct dm_ex_scan *scan, uint32_t sign)
{
    const struct dm_ex_text *text = scan->text;
    uint32_t start = sign;
    while (start > 0 && sign - start < 64 && is_local(text->cp[start - 1]) && !scan->used[start - 1])
        start--;
    while (start < sign && (text->cp[start] == '.' || text->cp[start] == '-'))
        start++;
    uint32_t dots;
    uint32_t last;
    uint32_t end = host_end(text, sign + 1, &dots, &last);
    if (start == sign || dots == 0 || end - last < 2 || text->cp[sign - 1] == '.')
        return;
    for (uint32_t i = last; i < end; i++)
        if (!dm_ex_is_letter(text->kind[i]))
            return;
    dm_ex_entity_add(scan, start, end, DM_EX_T_EMAIL, NULL);
}

/* Takes off what belongs to the sentence around an address: full stops, quotation marks,
 * brackets never opened. */
static uint32_t trimmed_url(const struct dm_ex_text *text, uint32_t start, uint32_t end)
{
    int32_t open = 0;
    for (uint32_t i = start; i < end; i++)
        open += (text->cp[i] == '(') - (text->cp[i] == ')');
    while (end > start) {
        uint32_t c = text->cp[end - 1];
        if (c == ')' && open < 0)
            open++;
        else if (c != '.' && c != ',' && c != ';' && c != ':' && c != '!' && c != '?' && c != '\'' && c != ']' &&
                 c != '*')
            break;
        end--;
    }
    return end;
}

static uint32_t url_rest(const struct dm_ex_text *text, uint32_t start, uint32_t at)
{
    while (at < text->count && at - start < 2000) {
        uint32_t c = text->cp[at];
        if (dm_ex_is_blank(text->kind[at]) || text->kind[at] == DM_EX_OTHER || text->kind[at] == DM_EX_DENSE ||
            (c < 0x80 && strchr("<>\"{}|\\^`", (int)c)) || (c >= 0x2018 && c <= 0x201F) || c == 0xBB || c == 0xAB ||
            c >= 0x3000)
            break;
        at++;
    }
    return trimmed_url(text, start, at);
}

/* "example.org/path" without a scheme: all small letters, under a domain that hardly is a word
 * or a file's ending. */
static bool is_bare_host(const struct dm_ex_text *text, uint32_t at, uint32_t end, uint32_t last)
{
    static const char *const domains[] = { "com", "org", "net", "edu", "gov", "eu" };
    static const char *const second[] = { "co.uk", "ac.uk", "gov.uk", "org.uk", "com.au", "co.jp" };
    for (uint32_t i = at; i < end; i++)
        if (text->kind[i] == DM_EX_UPPER)
            return false;
    for (size_t d = 0; d < DM_COUNT(domains) + DM_COUNT(second); d++) {
        const char *domain = d < DM_COUNT(domains) ? domains[d] : second[d - DM_COUNT(domains)];
        uint32_t len = (uint32_t)strlen(domain);
        if (d < DM_COUNT(domains) ? end - last != len : end - at < len + 2 || text->cp[end - len - 1] != '.')
            continue;
        uint32_t i = 0;
        while (i < len && text->cp[end - len + i] == (uint32_t)domain[i])
            i++;
        if (i == len)
            return true;
    }
    return false;
}

static uint32_t url_end(const struct dm_ex_text *text, uint32_t at)
{
    uint32_t i = at;
    while (i - at < 10 && is_plain(dm_ex_at(text, i)))
        i++;
    if (dm_ex_at(text, i) == ':' && dm_ex_at(text, i + 1) == '/' && dm_ex_at(text, i + 2) == '/' && i - at >= 2 &&
        (is_plain(dm_ex_at(text, i + 3)) || dm_ex_at(text, i + 3) == '[' || dm_ex_at(text, i + 3) == '/')) {
        uint32_t end = url_rest(text, at, i + 3);
        return end > i + 3 ? end : 0;
    }
    if ((i - at < 10 && dm_ex_at(text, i) != '.' && dm_ex_at(text, i) != '-') || dm_ex_at(text, at - 1) == '@')
        return 0;
    uint32_t dots;
    uint32_t last;
    uint32_t end = host_end(text, at, &dots, &last);
    if (dots == 0)
        return 0;
    bool www = i - at == 3 && text->low[at] == 'w' && text->low[at + 1] == 'w' && text->low[at + 2] == 'w' && dots >= 2;
    if ((!www && !is_bare_host(text, at, end, last)) || dm_ex_at(text, end) == '@')
        return 0;
    uint32_t c = dm_ex_at(text, end);
    if (c == '/' || c == '?' || (c == ':' && dm_ex_kind_at(text, end + 1) == DM_EX_DIGIT))
        end = url_rest(text, at, end);
    return end;
}

/* The most frequent case, told cheaply: a word that begins with a small letter, labels nothing
 * and is not followed by what could make it an address. */
static bool is_ordinary(const struct dm_ex_scan *scan, uint32_t at, uint32_t *ret_end)
{
    uint32_t word = dm_ex_word_at(scan, at);
    if (word == UINT32_MAX || scan->words->at[word].shape != DM_EX_W_LOWER)
        return false;
    *ret_end = at + scan->words->at[word].len;
    uint32_t c = dm_ex_at(scan->text, *ret_end);
    return c != '.' && c != '-' && c != ':' &&
           !(dm_ex_lex_of(scan->words, word)->classes & (DM_EX_ID_LABEL | DM_EX_PHONE_LABEL | DM_EX_MONTH));
}

/* What begins at `at`, past a boundary. Returns where to go on. */
static uint32_t look_at(struct dm_ex_scan *scan, uint32_t at)
{
    const struct dm_ex_text *text = scan->text;
    uint8_t kind = text->kind[at];
    uint32_t start = at;
    uint32_t end;
    const char *which = NULL;
    if (kind == DM_EX_LOWER && is_ordinary(scan, at, &end))
        return end;
    if (dm_ex_is_letter(kind) && kind != DM_EX_DENSE && (end = url_end(text, at)) != 0) {
        dm_ex_entity_add(scan, at, end, DM_EX_T_URL, NULL);
        return end;
    }
    if (dm_ex_is_word(kind) && (end = dm_ex_identifier_end(scan, at, &start, &which)) != 0) {
        dm_ex_entity_add(scan, start, end, DM_EX_T_IDENTIFIER, which);
        return end;
    }
    if (dm_ex_is_word(kind) && (end = dm_ex_date_end(scan, at)) != 0) {
        dm_ex_entity_add(scan, at, end, DM_EX_T_DATE, NULL);
        return end;
    }
    if (kind != DM_EX_LOWER && (end = dm_ex_money_end(scan, at)) != 0) {
        if (text->kind[at] == DM_EX_SYMBOL && at > 0 && text->kind[at - 1] == DM_EX_UPPER)
            start = at; /* US$ was looked at from its first letter */
        dm_ex_entity_add(scan, start, end, DM_EX_T_MONEY, NULL);
        return end;
    }
    if ((end = dm_ex_phone_end(scan, at, &start)) != 0) {
        dm_ex_entity_add(scan, start, end, DM_EX_T_PHONE, NULL);
        return end;
    }
    return at + 1;
}

void dm_ex_find_patterns(struct dm_ex_scan *scan)
{
    const struct dm_ex_text *text = scan->text;
    for (uint32_t i = 0; i < text->count; i++)
        if (text->cp[i] == '@')
            find_email(scan, i);
    bool in_word = false;
    for (uint32_t i = 0; i < text->count;) {
        uint8_t kind = text->kind[i];
        bool word = dm_ex_is_word(kind) && kind != DM_EX_DENSE;
        bool begins = !scan->used[i] && (word ? !in_word : kind == DM_EX_SYMBOL || text->cp[i] == '(');
        uint32_t next = begins ? look_at(scan, i) : i + 1;
        /* Inside a word that matched nothing the rest is no beginning; a number and its unit may
         * touch. */
        in_word = next == i + 1 ? word : dm_ex_is_word(text->kind[next - 1]) && text->kind[next - 1] != DM_EX_DENSE;
        i = next;
    }
}
