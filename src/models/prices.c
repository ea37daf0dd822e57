/* prices.c: the table, and how a model is found in it. */
#include "prices.h"

enum { LONG_PROMPT = 200000 }; /* tokens, past which some models cost more */

/* Millionths of a dollar for a million tokens; that is, for one token, in millionths of a millionth. */
struct rates {
    uint32_t input, cached, output;
};

struct row {
    const char *provider;
    const char *model;
    struct rates rates;
    struct rates long_prompt; /* zero: the same */
    int64_t until_ms;         /* 0: no other price is announced */
    struct rates afterwards;
};

/* 2027-01-01T00:00:00Z */
#define NEW_YEAR_2027_MS INT64_C(1798761600000)

static const struct row rows[] = {
    { "gemini", "gemini-2.5-flash-lite", .rates = { 100000, 10000, 400000 } },
    { "gemini", "gemini-2.5-flash", .rates = { 300000, 30000, 2500000 } },
    { "gemini", "gemini-2.5-pro", .rates = { 1250000, 125000, 10000000 },
      .long_prompt = { 2500000, 250000, 10000000 } },
    { "gemini", "gemini-3.5-flash-lite", .rates = { 300000, 30000, 2500000 } },
    { "gemini", "gemini-3.5-flash", .rates = { 1500000, 150000, 9000000 } },
    { "gemini", "gemini-3.8-flash", .rates = { 750000, 75000, 3750000 }, .until_ms = NEW_YEAR_2027_MS,
      .afterwards = { 1500000, 150000, 7500000 } },
    { "gemini", "gemini-3.1-pro-preview", .rates = { 2000000, 200000, 12000000 },
      .long_prompt = { 4000000, 400000, 18000000 } },
    { "openai", "gpt-4.1-mini", .rates = { 400000, 100000, 1600000 } },
    { "openai", "gpt-4.1", .rates = { 2000000, 500000, 8000000 } },
    { "openai", "gpt-5.4-mini", .rates = { 750000, 75000, 4500000 } },
    { "openai", "gpt-6-luna", .rates = { 100000, 10000, 500000 } },
    { "openai", "gpt-6-sol", .rates = { 2000000, 200000, 10000000 } },
    { "anthropic", "claude-haiku-4-5", .rates = { 1000000, 100000, 5000000 } },
    { "anthropic", "claude-haiku-5-5", .rates = { 100000, 10000, 500000 } },
    { "anthropic", "claude-sonnet-5-5", .rates = { 2000000, 100000, 10000000 } },
    { "bedrock", "nova-micro", .rates = { 35000, 9000, 140000 } },
    { "bedrock", "nova-lite", .rates = { 60000, 15000, 240000 } },
    { "bedrock", "nova-pro", .rates = { 800000, 200000, 3200000 } },
    { "bedrock", "nova-2-lite", .rates = { 300000, 300000, 2500000 } }, /* cached: no price of its own is published */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* What may stand behind a model's name without making it another model; "-image" and the like do. */
static bool is_version(struct dm_str rest)
{
    if (rest.len == 0 || rest.at[0] == ':' || rest.at[0] == '@')
        return true;
    if (rest.len < 2 || rest.at[0] != '-')
        return false;
    bool numbered = is_digit(rest.at[1]) || (rest.at[1] == 'v' && rest.len > 2 && is_digit(rest.at[2]));
    return numbered || dm_str_starts(rest, DM_STR("-preview")) || dm_str_eq(rest, DM_STR("-latest"));
}

static const struct row *find(struct dm_str provider, struct dm_str model)
{
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct dm_str name = dm_str_z(rows[i].model);
        if (dm_str_eq(provider, dm_str_z(rows[i].provider)) && dm_str_starts(model, name) &&
            is_version(dm_str_from(model, name.len)))
            return &rows[i];
    }
    return NULL;
}

/* "us.anthropic.claude-haiku-4-5-20251001-v1:0" without what stands before the name. */
static struct dm_str bedrock_name(struct dm_str model, const char **ret_provider, bool *ret_us)
{
    *ret_us = dm_str_starts(model, DM_STR("us."));
    size_t maker = dm_str_find(model, DM_STR("anthropic."));
    if (maker < model.len) {
        *ret_provider = "anthropic";
        return dm_str_from(model, maker + 10);
    }
    maker = dm_str_find(model, DM_STR("amazon."));
    return maker < model.len ? dm_str_from(model, maker + 7) : model;
}

static uint64_t bounded(uint64_t tokens)
{
    const uint64_t most = 1000000000; /* keeps the product within 64 bits */
    return tokens < most ? tokens : most;
}

uint64_t dm_price_micros(struct dm_str provider, struct dm_str model, const struct dm_tokens *tokens, int64_t wall_ms)
{
    const uint64_t million = 1000000;
    const char *listed_by = NULL;
    bool us = false;
    if (dm_str_eq(provider, DM_STR("bedrock")))
        model = bedrock_name(model, &listed_by, &us);
    const struct row *row = find(listed_by ? dm_str_z(listed_by) : provider, model);
    if (!row)
        return 0;
    struct rates rates = row->rates;
    if (tokens->input > LONG_PROMPT && row->long_prompt.input > 0)
        rates = row->long_prompt;
    if (row->until_ms > 0 && wall_ms >= row->until_ms)
        rates = row->afterwards;
    uint64_t input = bounded(tokens->input);
    uint64_t cached = tokens->cached < input ? tokens->cached : input;
    uint64_t sum = (input - cached) * rates.input + cached * rates.cached + bounded(tokens->output) * rates.output;
    if (listed_by && us)
        sum += sum / 10;
    return (sum + million / 2) / million;
}
