/* ledger_change.h: the parts that a change is made of. Private to the files of the ledger.
 *
 * A decision starts with an empty change, copies in what it will write (dm_change_state, dm_change_work), alters the
 * copies, and adds claims and events. */
#ifndef DM_DOMAIN_LEDGER_CHANGE_H
#define DM_DOMAIN_LEDGER_CHANGE_H

#include "domain/ledger.h"

enum { DM_EVENT_DATA_MAX = 256 * 1024 };

/* STATE under its next version; with `now_ms` (0: no) the document has made progress. */
void dm_change_state(struct dm_change *change, const struct dm_state *from, int64_t now_ms);
void dm_change_work(struct dm_change *change, const struct dm_work *from);
void dm_change_claim(struct dm_change *change, enum dm_claim_write_kind kind, const struct dm_claim *claim);
/* Numbers the event by STATE, which must be in the change already. */
DM_MUST_USE enum dm_code dm_change_event(dm_ledger_context context, struct dm_change *change, enum dm_event_type type,
                                         const struct dm_buf *data, struct dm_err *err);
DM_MUST_USE enum dm_code dm_change_started(dm_ledger_context context, struct dm_change *change, struct dm_err *err);
/* DM_REFUSED, naming the status, where the table of moves has none: "a document that is … cannot be <verb>". */
DM_MUST_USE enum dm_code dm_change_move(struct dm_change *change, enum dm_move what, const char *verb,
                                        struct dm_err *err);
/* A document that has ended waits for nothing but retention. */
void dm_change_rest(dm_ledger_context context, struct dm_change *change);
/* Nothing of the document can be claimed any more. */
void dm_change_unlist(struct dm_change *change);
/* The next pages of the change's WORK for `owner`; false: there are none (or no memory). */
bool dm_change_take_pages(dm_ledger_context context, struct dm_change *change, struct dm_str owner, uint32_t max,
                          struct dm_claim *ret_claim);
/* READY while something can be claimed, else DUE at the earliest lease end (0: no claim is out) or due page, else in no
 * index. */
void dm_work_index(struct dm_work *work, int64_t now_ms, int64_t lease_end_ms);
/* Cut to what fits, between characters. */
void dm_state_set_detail(struct dm_state *state, struct dm_str detail);

#endif
