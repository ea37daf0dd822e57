/* rig.h: requests to the api without a server, and what to expect of the answers. */
#ifndef DM_TESTS_API_RIG_H
#define DM_TESTS_API_RIG_H

#include "api/fake.h"
#include "base/json.h"

/* cmocka's setup and teardown: a world with small limits, and one exchange. */
int rig_setup(void **state);
int rig_teardown(void **state);

struct rig {
    struct dm_exchange *exchange;
    struct dm_buf body; /* of the answer, whether bytes or file */
    const struct dm_response *response;
    struct dm_wait wait; /* of the last DM_NEXT_WAIT */
    size_t piece;        /* bytes of body at once; 0: all */
    bool secure;
    const char *malformed;
};

extern struct rig rig;

/* "GET /api/jobs HTTP…": method and target, header lines ("Name: value\n…", NULL: Host alone), body. Runs until the
 * exchange answers or waits; false: it waits. Ends the exchange before. */
bool rig_send(const char *request, const char *headers, const void *body, size_t size);
/* rig_send without a body, which must be answered with the status. */
void rig_get(const char *request, const char *headers, unsigned status);
/* Goes on with a request that waits. */
bool rig_again(void);
/* The answer's field, or NULL. */
const char *rig_field(const char *name);
const char *rig_text(void);
/* A problem of that slug, with `detail` somewhere in it. */
void rig_problem(unsigned status, const char *slug, const char *detail);
/* The body as JSON; owned by the rig until the next call. */
const json_t *rig_json(void);

#endif
