/* reduce.c: merging the pages' analyses. */
#include "reduce.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "domain/limits.h"
#include "reduce_model.h"
#include "segment.h"

enum {
    TEXTS_MAX = 8 * 1024 * 1024, /* bytes of summaries, key points and entities kept */
    ENTITIES_MAX = 4096,         /* distinct ones merged */
    ENTITIES_SHOWN = 200,
    ENTITY_PAGES_MAX = 50, /* page numbers listed of one entity; the count goes on */
    DIGESTS_FIRST = 64,
    SLOTS = 2 * ENTITIES_MAX,
    STAND_IN_PAGES = 3
};

struct entity {
    struct dm_str text;
    struct dm_str type;
    uint64_t count;
    uint32_t pages[ENTITY_PAGES_MAX];
    uint32_t page_count; /* all pages, also those not listed */
};

struct dm_reduction {
    struct dm_arena arena;
    struct entity *entities[SLOTS]; /* open addressing */
    uint32_t entity_count;
    struct dm_page_digest *digests;
    uint32_t digest_count, digest_room;
    double score_sum;
    double score_weight;
    uint32_t positive, negative, mixed, neutral;
};

enum dm_code dm_reduction_make(struct dm_reduction **ret, struct dm_err *err)
{
    struct dm_reduction *reduction = dm_alloc_zero(1, sizeof(*reduction));
    if (!reduction)
        return dm_fail_memory(err);
    reduction->arena = dm_arena_make(TEXTS_MAX);
    *ret = reduction;
    return DM_OK;
}

void dm_reduction_free(struct dm_reduction *reduction)
{
    if (!reduction)
        return;
    dm_arena_free(&reduction->arena);
    dm_free(reduction->digests);
    dm_free(reduction);
}

/* ---- entities ---- */

/* FNV-1a (public domain, IETF draft-eastlake-fnv): short keys, no adversary worth more than a slower merge within a
 * bounded table. */
static uint64_t hash(struct dm_str type, struct dm_str text)
{
    uint64_t value = 14695981039346656037ULL;
    for (size_t i = 0; i < type.len; i++)
        value = (value ^ (unsigned char)type.at[i]) * 1099511628211ULL;
    for (size_t i = 0; i < text.len; i++)
        value = (value ^ (unsigned char)text.at[i]) * 1099511628211ULL;
    return value;
}

static void add_entity(struct dm_reduction *reduction, uint32_t page, struct dm_str type, struct dm_str text,
                       uint64_t count)
{
    size_t slot = hash(type, text) % SLOTS;
    struct entity *entity;
    while ((entity = reduction->entities[slot]) && !(dm_str_eq(entity->text, text) && dm_str_eq(entity->type, type)))
        slot = (slot + 1) % SLOTS;
    if (!entity) {
        if (reduction->entity_count == ENTITIES_MAX)
            return;
        entity = dm_arena_alloc(&reduction->arena, sizeof(*entity));
        if (!entity)
            return;
        entity->text = dm_arena_str(&reduction->arena, text);
        entity->type = dm_arena_str(&reduction->arena, type);
        if (!entity->text.at || !entity->type.at)
            return;
        reduction->entities[slot] = entity;
        reduction->entity_count++;
    }
    entity->count += count;
    uint32_t listed = entity->page_count < ENTITY_PAGES_MAX ? entity->page_count : ENTITY_PAGES_MAX;
    if (listed > 0 && entity->pages[listed - 1] == page)
        return;
    if (entity->page_count < ENTITY_PAGES_MAX)
        entity->pages[entity->page_count] = page;
    entity->page_count++;
}

static void add_entities(struct dm_reduction *reduction, uint32_t page, const json_t *list)
{
    size_t i;
    json_t *item;
    json_array_foreach (list, i, item) {
        struct dm_str text = dm_json_str(item, "text");
        int64_t count = dm_json_int(item, "count", 1);
        if (text.len > 0 && text.len <= 512)
            add_entity(reduction, page, dm_json_str(item, "type"), text, count > 0 ? (uint64_t)count : 1);
    }
}

/* ---- digests ---- */

static bool grow_digests(struct dm_reduction *reduction)
{
    if (reduction->digest_count < reduction->digest_room)
        return true;
    uint32_t room = reduction->digest_room ? reduction->digest_room * 2 : DIGESTS_FIRST;
    struct dm_page_digest *grown = dm_realloc(reduction->digests, room * sizeof(*grown));
    if (!grown)
        return false;
    reduction->digests = grown;
    reduction->digest_room = room;
    return true;
}

/* A page whose texts no longer fit is left out: the ceiling bounds memory whatever the document. */
static void add_digest(struct dm_reduction *reduction, uint32_t page, const json_t *analysis)
{
    struct dm_str summary = dm_json_str(analysis, "summary");
    const json_t *points = json_object_get(analysis, "keyPoints");
    if (summary.len == 0 || !grow_digests(reduction))
        return;
    struct dm_str *kept = dm_arena_array(&reduction->arena, json_array_size(points) + 1, sizeof(*kept));
    struct dm_page_digest digest = { .page = page,
                                     .summary = dm_arena_str(&reduction->arena, summary),
                                     .key_points = kept };
    size_t i;
    json_t *point;
    json_array_foreach (points, i, point) {
        if (!kept || !json_is_string(point))
            continue;
        struct dm_str text = dm_str_of(json_string_value(point), json_string_length(point));
        kept[digest.key_point_count] = dm_arena_str(&reduction->arena, text);
        if (kept[digest.key_point_count].at)
            digest.key_point_count++;
    }
    if (digest.summary.at && kept)
        reduction->digests[reduction->digest_count++] = digest;
}

static void add_sentiment(struct dm_reduction *reduction, const json_t *analysis)
{
    struct dm_str sentiment = dm_json_str(analysis, "sentiment");
    const json_t *score = json_object_get(analysis, "sentimentScore");
    if (json_is_true(json_object_get(analysis, "empty")))
        return;
    reduction->positive += dm_str_eq(sentiment, DM_STR("positive"));
    reduction->negative += dm_str_eq(sentiment, DM_STR("negative"));
    reduction->mixed += dm_str_eq(sentiment, DM_STR("mixed"));
    reduction->neutral += dm_str_eq(sentiment, DM_STR("neutral"));
    if (json_is_number(score)) {
        reduction->score_sum += json_number_value(score);
        reduction->score_weight += 1;
    }
}

enum dm_code dm_reduction_add(struct dm_reduction *reduction, uint32_t page, const json_t *analysis, struct dm_err *err)
{
    if (!json_is_object(analysis))
        return dm_fail(err, DM_CORRUPT, "page %" PRIu32 " has no analysis in its segment", page);
    add_entities(reduction, page, json_object_get(analysis, "entities"));
    add_digest(reduction, page, analysis);
    add_sentiment(reduction, analysis);
    return DM_OK;
}

/* ---- the whole ---- */

/* Where the model cannot: the summaries of the first pages, and the first key points. */
static json_t *stand_in(const struct dm_reduction *reduction)
{
    DM_AUTO(dm_buf) summary = dm_buf_make(64 * 1024);
    json_t *points = json_array();
    for (uint32_t i = 0; i < reduction->digest_count && i < STAND_IN_PAGES; i++) {
        const struct dm_page_digest *digest = &reduction->digests[i];
        dm_buf_addf(&summary, "%s%.*s", i ? " " : "", DM_STR_ARG(digest->summary));
        if (digest->key_point_count == 0)
            continue;
        json_array_append_new(points, json_pack("{s:o,s:[i]}", "text", dm_json_string(digest->key_points[0]), "pages",
                                                (int)digest->page));
    }
    return json_pack("{s:o,s:o}", "summary", dm_json_string(dm_buf_str(&summary)), "keyPoints", points);
}

static int by_weight(const void *a, const void *b)
{
    const struct entity *left = *(const struct entity *const *)a;
    const struct entity *right = *(const struct entity *const *)b;
    if (left->count != right->count)
        return left->count > right->count ? -1 : 1;
    if (left->pages[0] != right->pages[0])
        return left->pages[0] < right->pages[0] ? -1 : 1;
    int order = dm_str_compare(left->text, right->text);
    return order ? order : dm_str_compare(left->type, right->type);
}

static void add_entities_json(struct dm_reduction *reduction, struct dm_buf *ret)
{
    uint32_t count = 0;
    for (size_t i = 0; i < SLOTS; i++)
        if (reduction->entities[i])
            reduction->entities[count++] = reduction->entities[i]; /* the table is not looked up again */
    qsort(reduction->entities, count, sizeof(reduction->entities[0]), by_weight);
    for (uint32_t i = 0; i < count && i < ENTITIES_SHOWN; i++) {
        const struct entity *entity = reduction->entities[i];
        dm_buf_add_z(ret, i ? ",{\"text\":" : "{\"text\":");
        dm_buf_add_json_string(ret, entity->text);
        dm_buf_add_z(ret, ",\"type\":");
        dm_buf_add_json_string(ret, entity->type);
        dm_buf_addf(ret, ",\"count\":%" PRIu64 ",\"pages\":[", entity->count);
        for (uint32_t k = 0; k < entity->page_count && k < ENTITY_PAGES_MAX; k++)
            dm_buf_addf(ret, "%s%" PRIu32, k ? "," : "", entity->pages[k]);
        dm_buf_add_z(ret, "]}");
    }
}

static const char *overall_sentiment(const struct dm_reduction *reduction)
{
    uint32_t feeling = reduction->positive + reduction->negative + reduction->mixed;
    if (feeling == 0 || reduction->neutral > 2 * feeling)
        return "neutral";
    if (reduction->positive > 2 * (reduction->negative + reduction->mixed))
        return "positive";
    if (reduction->negative > 2 * (reduction->positive + reduction->mixed))
        return "negative";
    return "mixed";
}

enum dm_code dm_reduction_finish(struct dm_reduction *reduction, const struct dm_pipeline *pipeline,
                                 const struct dm_tenant *tenant, const struct dm_file *file, const struct dm_keep *keep,
                                 struct dm_buf *ret, struct dm_usage *ret_usage, struct dm_err *err)
{
    struct dm_usage usage = { 0 };
    json_auto_t *texts = NULL;
    const char *by = pipeline->ports.model.name;
    if (reduction->digest_count > 0) {
        const struct dm_reducing reducing = { pipeline, tenant, file, keep, &usage };
        enum dm_code rc = dm_ask_reduction(&reducing, reduction->digests, reduction->digest_count, &texts, err);
        *ret_usage = usage;
        if (rc != DM_OK)
            return rc;
        if (!texts)
            by = "built-in merge";
    }
    if (!texts)
        texts = stand_in(reduction);
    const json_t *points = json_object_get(texts, "keyPoints");
    dm_buf_add_z(ret, "{\"summary\":");
    dm_buf_add_json_string(ret, dm_json_str(texts, "summary"));
    dm_buf_add_z(ret, ",\"keyPoints\":");
    if (json_is_array(points))
        dm_json_add(ret, points);
    else
        dm_buf_add_z(ret, "[]");
    dm_buf_add_z(ret, ",\"entities\":[");
    add_entities_json(reduction, ret);
    dm_buf_addf(ret, "],\"sentiment\":\"%s\"", overall_sentiment(reduction));
    if (reduction->score_weight > 0)
        dm_buf_addf(ret, ",\"sentimentScore\":%.3f",
                    round(reduction->score_sum / reduction->score_weight * 1000) / 1000 + 0.0);
    dm_buf_add_z(ret, ",\"reducedBy\":");
    dm_buf_add_json_string(ret, dm_str_z(by));
    dm_buf_add_z(ret, ",\"usage\":");
    dm_usage_json(ret, &usage);
    dm_buf_add_char(ret, '}');
    *ret_usage = usage;
    return dm_buf_check(ret, "the reduction", err);
}
