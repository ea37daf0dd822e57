/* wires.h: what the tests of the providers share: asking, answering, comparing. */
#ifndef DM_TESTS_MODELS_WIRES_H
#define DM_TESTS_MODELS_WIRES_H

#include "testing.h"

#include "base/json.h"
#include "models/provider.h"

/* 2026-11-27T12:00:00Z */
#define WIRES_NOW_MS INT64_C(1795780800000)

/* A question with every part but a picture and a repair. */
struct dm_provider_ask wires_ask(const char *model);

/* Writes the request, checks that the body is this JSON (in any order of members), the URL, and that the header `key` has this
 * value. `base_url` may be NULL; `key` NULL: there is none, and no header of that name may be there. */
void wires_expect(const struct dm_provider *provider, const struct dm_provider_ask *ask, const char *base_url,
                  const char *url, const char *body, const char *key_header, const char *key);

/* What the provider's reader makes of it; `headers` as lines ended by \n. The caller frees. */
struct dm_provider_heard wires_read(const struct dm_provider *provider, uint32_t status, const char *headers,
                                    const char *body);

struct wires_failure {
    uint32_t status;
    const char *headers;
    const char *body;
    enum dm_reason reason;
    int64_t retry_after_ms;
};
/* Each row is read as its reason, with a sentence and the wait. */
void wires_expect_failures(const struct dm_provider *provider, const struct wires_failure *rows, size_t count);
/* What any provider's reader makes of what no provider sends. */
void wires_expect_garbage(const struct dm_provider *provider);

#endif
