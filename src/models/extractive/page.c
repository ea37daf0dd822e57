/* page.c: from text to the JSON of an analysis. */
#include "page.h"

#include <stdlib.h>

#include "base/json.h"
#include "entities.h"
#include "feelings.h"
#include "models/models.h"

bool dm_ex_read(struct dm_extractive *tools, struct dm_str utf8, struct dm_ex_reading *ret)
{
    *ret = (struct dm_ex_reading){ 0 };
    return dm_ex_text_make(utf8, &tools->arena, &ret->text) && dm_ex_words_make(tools, &ret->text, &ret->words) &&
           dm_ex_words_stem(tools, &ret->text, &ret->words) &&
           dm_ex_layout_make(&tools->arena, &ret->text, &ret->words, &ret->layout) &&
           dm_ex_ranking_make(tools, &ret->text, &ret->words, &ret->layout, &ret->ranking);
}

/* The place before `max` characters where a text may be cut: after a word. */
static uint32_t cut_at(const struct dm_ex_text *text, uint32_t start, uint32_t end, uint32_t max)
{
    if (end - start <= max)
        return end;
    uint32_t cut = start + max;
    for (uint32_t i = cut; i > start + max / 2; i--)
        if (dm_ex_is_blank(text->kind[i]) || text->kind[i] == DM_EX_DENSE)
            return i;
    return cut;
}

void dm_ex_add_cut(struct dm_buf *buf, const struct dm_ex_text *text, uint32_t start, uint32_t end, uint32_t max)
{
    uint32_t cut = cut_at(text, start, end, max);
    dm_ex_text_add(buf, text, start, cut);
    if (cut < end)
        dm_buf_add_z(buf, "\xe2\x80\xa6"); /* … */
}

static void add_range(struct dm_buf *scratch, const struct dm_ex_reading *reading, uint32_t start, uint32_t end,
                      uint32_t max)
{
    dm_ex_add_cut(scratch, &reading->text, start, end, max);
}

/* Appends it as a JSON string. */
static void add_quoted(struct dm_buf *json, struct dm_buf *scratch, const struct dm_ex_reading *reading, uint32_t start,
                       uint32_t end, uint32_t max)
{
    dm_buf_clear(scratch);
    add_range(scratch, reading, start, end, max);
    dm_buf_add_json_string(json, dm_buf_str(scratch));
    json->failed |= scratch->failed;
}

static int by_position(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* Chooses up to three sentences of at most 600 characters together. Returns how many; they are
 * in the order of the text. */
static uint32_t choose_summary(struct dm_ex_reading *reading, uint32_t chosen[])
{
    struct dm_ex_ranking *ranking = &reading->ranking;
    uint32_t want = ranking->eligible <= 2 ? 1 : ranking->eligible <= 5 ? 2 : DM_EX_SUMMARY_SENTENCES;
    uint32_t count = 0;
    uint32_t left = DM_EX_SUMMARY_MAX;
    uint64_t best = 0;
    uint64_t score = 0;
    while (count < want) {
        uint32_t found = dm_ex_ranking_take(ranking, &reading->words, DM_EX_FOR_SUMMARY, left, best / 3, &score);
        if (found == UINT32_MAX && count == 0) /* only sentences beyond the limit: the best is cut */
            found = dm_ex_ranking_take(ranking, &reading->words, DM_EX_FOR_SUMMARY, UINT32_MAX, 0, &score);
        if (found == UINT32_MAX)
            break;
        best = best ? best : score;
        chosen[count++] = found;
        uint32_t length = ranking->sentences[found].end - ranking->sentences[found].start + 1;
        left = length < left ? left - length : 0;
    }
    qsort(chosen, count, sizeof(*chosen), by_position);
    return count;
}

/* An entry of a table of contents without its dots and page number. */
static uint32_t entry_end(const struct dm_ex_reading *reading, const struct dm_ex_line *line)
{
    const uint32_t *cp = reading->text.cp;
    uint32_t dots = 0;
    for (uint32_t i = line->start; i < line->end; i++) {
        dots = cp[i] == '.' ? dots + 1 : cp[i] == ' ' && dots > 0 ? dots : 0;
        if (dots < 3)
            continue;
        while (i > line->start && (cp[i] == '.' || cp[i] == ' '))
            i--;
        return i + 1;
    }
    uint32_t past = line->first_word + line->word_count;
    if (line->word_count > 1 && reading->words.at[past - 1].shape == DM_EX_W_NUMBER)
        past--;
    return dm_ex_word_end(&reading->words, past - 1);
}

/* A page without prose (a table, a form, a listing, contents): its first lines that say
 * something, one after the other. */
static void add_outline(struct dm_buf *scratch, const struct dm_ex_reading *reading)
{
    const struct dm_ex_layout *layout = &reading->layout;
    uint32_t left = DM_EX_SUMMARY_MAX / 2;
    bool code = false;
    for (int round = 0; round < 2 && scratch->len == 0; round++, code = true) {
        bool after_heading = false;
        for (uint32_t i = 0; i < layout->line_count && left > 20; i++) {
            const struct dm_ex_line *line = &layout->lines[i];
            if (line->kind == DM_EX_L_BLANK || line->kind == DM_EX_L_FOLIO || line->word_count == 0 ||
                (line->kind == DM_EX_L_CODE && !code))
                continue;
            uint32_t end = line->end;
            if (line->kind == DM_EX_L_CONTENTS)
                end = entry_end(reading, line);
            if (scratch->len > 0)
                dm_buf_add_z(scratch, after_heading ? ": " : "; ");
            after_heading = line->kind == DM_EX_L_HEADING && scratch->len == 0;
            add_range(scratch, reading, line->start, end, left);
            left -= end - line->start < left ? end - line->start : left;
        }
    }
}

/* A form is known by its lines that carry values ("Total: 1,200.00 EUR"), with little prose
 * beside them. */
struct form {
    uint32_t lines[DM_EX_KEY_POINTS];
    uint32_t count;
};

enum { FORM_LINES_LEAST = 3, FORM_SENTENCES_MOST = 3, FORM_LINES_FIRST = 3 };

static struct form find_form(const struct dm_ex_reading *reading, const struct dm_ex_entities *entities)
{
    struct form form = { .count = 0 };
    if (reading->ranking.eligible > FORM_SENTENCES_MOST || reading->layout.has_contents)
        return form;
    uint32_t next = 0;
    for (uint32_t i = 0; i < reading->layout.line_count; i++) {
        const struct dm_ex_line *line = &reading->layout.lines[i];
        while (next < entities->count && entities->at[next].start < line->start)
            next++;
        if (line->kind != DM_EX_L_FIELD || line->word_count < 2)
            continue;
        bool valued = false;
        for (uint32_t e = next; e < entities->count && entities->at[e].start < line->end; e++)
            valued |= entities->at[e].type == DM_EX_T_DATE || entities->at[e].type == DM_EX_T_MONEY ||
                      entities->at[e].type == DM_EX_T_IDENTIFIER;
        if (!valued)
            continue;
        if (form.count == DM_EX_KEY_POINTS) { /* numbers and dates stand first, totals last: the middle goes */
            for (uint32_t k = FORM_LINES_FIRST; k + 1 < DM_EX_KEY_POINTS; k++)
                form.lines[k] = form.lines[k + 1];
            form.count--;
        }
        form.lines[form.count++] = i;
    }
    if (form.count < FORM_LINES_LEAST)
        form.count = 0;
    return form;
}

/* What a form is headed by: its first two headings. */
static void add_titles(struct dm_buf *scratch, const struct dm_ex_reading *reading)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < reading->layout.line_count && count < 2; i++) {
        const struct dm_ex_line *line = &reading->layout.lines[i];
        if (line->kind != DM_EX_L_HEADING || !dm_ex_is_letter(reading->text.kind[line->start]))
            continue;
        if (count++ > 0)
            dm_buf_add_z(scratch, ", ");
        add_range(scratch, reading, line->start, line->end, DM_EX_SUMMARY_MAX / 6);
    }
}

static void add_summary(struct dm_buf *json, struct dm_buf *scratch, struct dm_ex_reading *reading, bool is_form)
{
    uint32_t chosen[DM_EX_SUMMARY_SENTENCES];
    uint32_t count = choose_summary(reading, chosen);
    dm_buf_clear(scratch);
    if (is_form)
        add_titles(scratch, reading);
    bool titled = scratch->len > 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct dm_ex_sentence *sentence = &reading->ranking.sentences[chosen[i]];
        bool close = reading->text.dense * 2 > reading->text.letters && reading->words.language != DM_EX_TH;
        if (i == 0 && titled)
            dm_buf_add_z(scratch, ": ");
        else if (i > 0 && !close)
            dm_buf_add_char(scratch, ' ');
        add_range(scratch, reading, sentence->start, sentence->end, DM_EX_SUMMARY_MAX - 2);
        /* An item of a list, quoted between sentences, must not run into the next. */
        if (!sentence->complete && i + 1 < count && dm_ex_is_word(reading->text.kind[sentence->end - 1]))
            dm_buf_add_char(scratch, '.');
    }
    if (scratch->len == 0)
        add_outline(scratch, reading);
    dm_buf_add_json_string(json, dm_buf_str(scratch));
    json->failed |= scratch->failed;
}

static uint32_t choose_key_points(struct dm_ex_reading *reading, uint32_t chosen[])
{
    uint32_t count = 0;
    uint64_t best = 0;
    uint64_t score = 0;
    while (count < DM_EX_KEY_POINTS) {
        uint32_t found = dm_ex_ranking_take(&reading->ranking, &reading->words, DM_EX_FOR_KEY_POINT,
                                            DM_EX_KEY_POINT_MAX, best * 2 / 5, &score);
        if (found == UINT32_MAX)
            break;
        best = best ? best : score;
        chosen[count++] = found;
    }
    qsort(chosen, count, sizeof(*chosen), by_position);
    return count;
}

static void add_key_points(struct dm_buf *json, struct dm_buf *scratch, struct dm_ex_reading *reading,
                           const struct form *form)
{
    uint32_t chosen[DM_EX_KEY_POINTS];
    uint32_t count = form->count > 0 ? form->count : choose_key_points(reading, chosen);
    dm_buf_add_char(json, '[');
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            dm_buf_add_char(json, ',');
        const struct dm_ex_line *line = &reading->layout.lines[form->count > 0 ? form->lines[i] : 0];
        const struct dm_ex_sentence *sentence = &reading->ranking.sentences[form->count > 0 ? 0 : chosen[i]];
        bool field = form->count > 0;
        add_quoted(json, scratch, reading, field ? line->start : sentence->start, field ? line->end : sentence->end,
                   DM_EX_KEY_POINT_MAX);
    }
    dm_buf_add_char(json, ']');
}

static void add_entities(struct dm_buf *json, struct dm_buf *scratch, const struct dm_ex_reading *reading,
                         const struct dm_ex_entities *entities)
{
    dm_buf_add_char(json, '[');
    for (uint32_t i = 0; i < entities->count; i++) {
        const struct dm_ex_entity *entity = &entities->at[i];
        dm_buf_add_z(json, i > 0 ? ",{\"text\":" : "{\"text\":");
        dm_buf_clear(scratch);
        dm_ex_text_add(scratch, &reading->text, entity->start, entity->end);
        dm_buf_add_json_string(json, dm_buf_str(scratch));
        dm_buf_addf(json, ",\"type\":\"%s\"", dm_ex_entity_type(entity->type));
        if (entity->kind)
            dm_buf_addf(json, ",\"kind\":\"%s\"", entity->kind);
        dm_buf_addf(json, ",\"offset\":%u,\"length\":%u,\"count\":%u}", entity->start, entity->end - entity->start,
                    entity->count);
    }
    dm_buf_add_char(json, ']');
}

static void add_feeling(struct dm_buf *json, const struct dm_ex_feeling *feeling)
{
    dm_buf_addf(json, ",\"sentiment\":\"%s\"", feeling->word);
    if (!feeling->scored)
        return;
    int32_t h = feeling->hundredths;
    dm_buf_addf(json, ",\"sentimentScore\":%s%d.%02d", h < 0 ? "-" : "", abs(h) / 100, abs(h) % 100);
}

static bool analyse(struct dm_extractive *tools, struct dm_str utf8, struct dm_buf *json, uint32_t *ret_words)
{
    struct dm_ex_reading reading;
    struct dm_ex_entities entities;
    if (!dm_ex_read(tools, utf8, &reading))
        return false;
    *ret_words = reading.words.count;
    if (reading.text.letters + reading.text.digits == 0) {
        dm_buf_add_z(json, DM_MODEL_EMPTY_PAGE);
        return true;
    }
    if (!dm_ex_entities_make(tools, &reading.text, &reading.words, &reading.layout, &entities))
        return false;
    DM_AUTO(dm_buf) scratch = dm_buf_make(DM_EX_ANALYSIS_BYTES_MAX);
    dm_buf_add_z(json, "{\"summary\":");
    struct form form = find_form(&reading, &entities);
    add_summary(json, &scratch, &reading, form.count > 0);
    dm_buf_add_z(json, ",\"entities\":");
    add_entities(json, &scratch, &reading, &entities);
    dm_buf_add_z(json, ",\"keyPoints\":");
    add_key_points(json, &scratch, &reading, &form);
    struct dm_ex_feeling feeling = dm_ex_feeling_of(tools, &reading.text, &reading.words, &reading.layout);
    add_feeling(json, &feeling);
    if (reading.words.language != DM_EX_NO_LANGUAGE)
        dm_buf_addf(json, ",\"language\":\"%s\"", dm_ex_language_code(reading.words.language));
    dm_buf_add_char(json, '}');
    return true;
}

uint64_t dm_ex_words_written(struct dm_str json)
{
    uint64_t count = 0;
    bool in_word = false;
    for (size_t i = 0; i < json.len; i++) {
        unsigned char c = (unsigned char)json.at[i];
        bool word = c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        count += word && !in_word;
        in_word = word;
    }
    return count;
}

enum dm_code dm_extractive_page(struct dm_extractive *tools, struct dm_str text, struct dm_buf *ret_analysis,
                                struct dm_usage *ret_usage, struct dm_err *err)
{
    DM_AUTO(dm_buf) json = dm_buf_make(DM_EX_ANALYSIS_BYTES_MAX);
    uint32_t words = 0;
    bool fits = analyse(tools, text, &json, &words);
    dm_arena_reset(&tools->arena);
    if (!fits)
        return dm_fail_memory(err);
    enum dm_code rc = dm_buf_check(&json, "the page's analysis", err);
    if (rc != DM_OK)
        return rc;
    if (ret_usage)
        *ret_usage = (struct dm_usage){
            .model_calls = 1,
            .input_tokens = words,
            .output_tokens = dm_ex_words_written(dm_buf_str(&json)),
        };
    *ret_analysis = dm_buf_move(&json);
    return DM_OK;
}
