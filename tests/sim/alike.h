/* alike.h: whatever is asked of them, the simulator's store answers as a real one does.
 *
 * A contract names what it thought of. Here both are given the same random transactions, good and bad, over so few tenants,
 * ids and numbers that they meet all the time, and every answer is compared. What the simulator finds out about the pipeline
 * is worth as much as this likeness. */
#ifndef DM_SIM_ALIKE_H
#define DM_SIM_ALIKE_H

#include "ports/store.h"

enum alike_history {
    ALIKE_ANY,
    /* As docmill's own: no transaction writes a record twice, which not every store could, and keys that died are not asked for
     * as if they lived, which some still have. */
    ALIKE_AS_ASKED_FOR
};

/* The real store must be empty. Answers how many tests failed. */
int stores_alike(struct dm_store real, struct dm_operator real_op, uint32_t steps, enum alike_history history);

#endif
