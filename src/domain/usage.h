/* usage.h: what reading cost. */
#ifndef DM_DOMAIN_USAGE_H
#define DM_DOMAIN_USAGE_H

#include <stdint.h>

struct dm_usage {
    uint64_t model_calls;
    uint64_t input_tokens;
    uint64_t output_tokens;
    uint64_t model_ms;
    uint64_t cost_micros; /* millionths of a US dollar */
};

static inline void dm_usage_add(struct dm_usage *sum, const struct dm_usage *more)
{
    sum->model_calls += more->model_calls;
    sum->input_tokens += more->input_tokens;
    sum->output_tokens += more->output_tokens;
    sum->model_ms += more->model_ms;
    sum->cost_micros += more->cost_micros;
}

#endif
