/* world.h: the api over the real pipeline and the embedded backends, without a worker: nothing moves by itself, and a document
 * is brought into a status by the ledger's own rules. It stands in for the api tests' fake (../api/fake.h), whose rig sends
 * the requests. */
#ifndef DM_TESTS_STATUSES_WORLD_H
#define DM_TESTS_STATUSES_WORLD_H

#include "api/rig.h"

#define WORLD_TENANT "acme"
#define WORLD_KEY "4711"
enum { WORLD_PAGES = 3 };

/* What a document can be; docs/statuses.md names its columns so. */
#define WORLD_STATUSES(X) /* name, heading */                                                                          \
    X(PENDING, "pending")                                                                                              \
    X(CHUNKING, "chunking")                                                                                            \
    X(PROCESSING, "processing")                                                                                        \
    X(AGGREGATING, "aggregating")                                                                                      \
    X(FULL, "completed, full")                                                                                         \
    X(PARTIAL, "completed, partial")                                                                                   \
    X(FAILED_EARLY, "failed before the split")                                                                         \
    X(FAILED_LATE, "failed after it")                                                                                  \
    X(CANCELLED, "cancelled")                                                                                          \
    X(SOURCE_GONE, "source gone")                                                                                      \
    X(PAGES_GONE, "pages gone")                                                                                        \
    X(RESULT_GONE, "result gone")                                                                                      \
    X(DELETED, "deleted")                                                                                              \
    X(UNKNOWN, "unknown id")                                                                                           \
    X(OTHERS, "another tenant's")

#define WORLD_ENUM(name, heading) WORLD_##name,
enum world_status { WORLD_STATUSES(WORLD_ENUM) WORLD_STATUS_COUNT };
#undef WORLD_ENUM

/* A document of WORLD_TENANT in that status, uploaded under WORLD_KEY and `turn`. */
struct dm_file world_document(enum world_status status, unsigned turn);
/* Its STATE, deleted or not; false: there is no such document. */
bool world_state(const struct dm_file *file, struct dm_state *ret);
/* The upload that made it, sent again. */
bool world_upload(unsigned turn);

#endif
