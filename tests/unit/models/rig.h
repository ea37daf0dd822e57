/* rig.h: reading a page in a test, with what must hold for every page checked on the way. */
#ifndef DM_TESTS_MODELS_RIG_H
#define DM_TESTS_MODELS_RIG_H

#include "testing.h"

#include "base/json.h"
#include "models/models.h"

int rig_open(void **state);
int rig_close(void **state);

/* The analysis of `text`, to be given back with json_decref. Fails the test where it has not the
 * shape that is promised, where an offset does not point at the text it names, or where a limit
 * is passed. */
json_t *rig_read(void **state, struct dm_str text);
json_t *rig_read_z(void **state, const char *text);
/* The same as bytes; the caller frees. */
struct dm_buf rig_bytes(void **state, struct dm_str text);

const char *rig_text(const json_t *analysis, const char *member); /* "" where absent */
/* The entity of this type whose text is `text`, or NULL. */
const json_t *rig_entity(const json_t *analysis, const char *type, const char *text);
size_t rig_count(const json_t *analysis, const char *type);
bool rig_says(const json_t *analysis, const char *part); /* in the summary or a key point */
/* White space of any kind and length becomes one blank. */
struct dm_buf rig_squeezed(struct dm_str text);

#define assert_entity(analysis, type, text)                                                                            \
    do {                                                                                                               \
        if (!rig_entity(analysis, type, text))                                                                         \
            fail_msg("no %s \"%s\" among the entities", type, text);                                                   \
    } while (0)
#define assert_no_entity(analysis, type)                                                                               \
    do {                                                                                                               \
        if (rig_count(analysis, type) != 0)                                                                            \
            fail_msg("there is a %s among the entities", type);                                                        \
    } while (0)

#endif
