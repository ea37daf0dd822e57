/* ledger.h: the rules of a document's life, as pure functions.
 *
 * Each takes what was read of a document (a snapshot of the parts it names) and fills a change: the new records and
 * the one transaction that writes them under the versions read. Nothing happens until the caller commits it
 * (ports/store.h); on a conflict the caller reads again and decides anew. No I/O, no clock, no memory but the arena
 * given.
 *
 * A refused move answers DM_REFUSED and fills nothing. A change points into itself: it is not copied or moved once it
 * is filled. */
#ifndef DM_DOMAIN_LEDGER_H
#define DM_DOMAIN_LEDGER_H

#include "domain/records.h"

/* ---- what a transaction is made of (the store port takes it) ---- */

enum dm_claim_write_kind {
    DM_CLAIM_INSERT, /* must be absent */
    DM_CLAIM_RENEW,  /* must be there; its lease is set */
    DM_CLAIM_KEEP,   /* must be there; unchanged */
    DM_CLAIM_DELETE, /* must be there */
    DM_CLAIM_TAKE    /* deleted from an owner that may be alive: must be there with this `lease_until_ms` */
};

struct dm_claim_write {
    enum dm_claim_write_kind kind;
    struct dm_claim claim; /* all but INSERT look at `counter` alone, RENEW and TAKE also at `lease_until_ms` */
};

enum dm_conflict {
    DM_CONFLICT_NONE,
    DM_CONFLICT_DOCUMENT,
    DM_CONFLICT_STATE,
    DM_CONFLICT_WORK,
    DM_CONFLICT_CLAIM,
    DM_CONFLICT_PAGE,
    DM_CONFLICT_EVENT,
    DM_CONFLICT_IDEM
};

/* One transaction over the records of one document. NULL or 0: that part is not touched. Every condition must hold, or
 * nothing is written and the answer is DM_CONFLICT with `ret_conflict` saying where. At most 100 records. */
struct dm_transaction {
    const struct dm_document *document; /* inserted with the first STATE, otherwise replaced (must be there) */
    const struct dm_state *state;       /* its version is the new one */
    uint64_t state_before;              /* the version it replaces; 0: must be absent */
    const struct dm_work *work;
    uint64_t work_before;
    const struct dm_claim_write *claims;
    uint32_t claim_count;
    const struct dm_page *pages; /* each: absent, or of an older epoch */
    uint32_t page_count;
    const struct dm_event *events; /* each must be absent */
    uint32_t event_count;
    const struct dm_idem *idem; /* its key must be unused, or expired at `now_ms` */
    int64_t now_ms;
    enum dm_conflict ret_conflict;
};

/* Which records of a document to read, as one consistent snapshot. */
enum dm_parts {
    DM_PART_DOCUMENT = 1,
    DM_PART_STATE = 2,
    DM_PART_WORK = 4,
    DM_PART_CLAIMS = 8,
    /* Of DOCUMENT and STATE together only what a client is shown. A store may leave the rest zeroed: DOC's format, pages,
     * password and created_ms; STATE's format, progress_ms, lease, aggregations, result_bytes and due_ms. */
    DM_PART_SHOWN = 16,
};

struct dm_snapshot {
    struct dm_document document;
    struct dm_state state;
    struct dm_work work;
    const struct dm_claim *claims; /* ascending by counter */
    uint32_t claim_count;
};

struct dm_change {
    struct dm_document document;
    struct dm_state state;
    struct dm_work work;
    struct dm_claim_write claims[2];
    struct dm_event events[2];
    struct dm_transaction transaction;
};

/* What holds for every change: now (wall clock), the arena for its texts, and how long ended documents are kept (0: for
 * ever). */
struct dm_ledger_context {
    int64_t now_ms;
    struct dm_arena *arena;
    int64_t keep_ms; /* until the first thing that retention takes */
};

typedef const struct dm_ledger_context *dm_ledger_context;

/* ---- intake ---- */

/* DOC as given, STATE pending, WORK ready for its first claim (the split), event 1. */
DM_MUST_USE enum dm_code dm_ledger_accept(dm_ledger_context context, const struct dm_document *document,
                                          struct dm_change *ret, struct dm_err *err);

/* ---- split ---- */

/* Whether WORK has something to claim at `now_ms`. */
bool dm_ledger_claimable(const struct dm_work *work, int64_t now_ms);
/* Needs STATE, WORK. */
DM_MUST_USE enum dm_code dm_ledger_claim_split(dm_ledger_context context, const struct dm_snapshot *snapshot,
                                               struct dm_str owner, struct dm_change *ret, struct dm_claim *ret_claim,
                                               struct dm_err *err);
/* The pages are known. Needs DOCUMENT, STATE, WORK. Deletes the split's claim; with first_claim_max > 0 claims the
 * first pages in the same transaction. DM_NOT_FOUND where `pages` of DOC names no page of the document: then the caller
 * fails it with NO_PAGES. */
DM_MUST_USE enum dm_code dm_ledger_split_done(dm_ledger_context context, const struct dm_snapshot *snapshot,
                                              const struct dm_claim *split, uint32_t total, uint32_t first_claim_max,
                                              struct dm_change *ret, struct dm_claim *ret_claim, struct dm_err *err);
/* Ends the document without a result. Needs STATE, WORK. `claim` is deleted with it (NULL: none). */
DM_MUST_USE enum dm_code dm_ledger_fail(dm_ledger_context context, const struct dm_snapshot *snapshot,
                                        const struct dm_claim *claim, enum dm_reason reason, struct dm_str detail,
                                        struct dm_change *ret, struct dm_err *err);

/* ---- analyse ---- */

/* A range of at most `max` pages for `owner`. Needs STATE, WORK. DM_NOT_FOUND: nothing to claim now. */
DM_MUST_USE enum dm_code dm_ledger_claim_pages(dm_ledger_context context, const struct dm_snapshot *snapshot,
                                               struct dm_str owner, uint32_t max, struct dm_change *ret,
                                               struct dm_claim *ret_claim, struct dm_err *err);
/* Pages of a claim have ended: STATE, the pages, their events. Reads snapshot->state alone. With `last` the claim is
 * deleted, else it must still be there. The pages' `epoch`, `format` and `ended_ms` are set here. */
DM_MUST_USE enum dm_code dm_ledger_end_pages(dm_ledger_context context, const struct dm_state *state,
                                             const struct dm_claim *claim, struct dm_page *pages, uint32_t count,
                                             bool last, struct dm_change *ret, struct dm_err *err);
/* The cost of answers that came too late to count. Reads snapshot->state alone. */
void dm_ledger_add_usage(const struct dm_state *state, const struct dm_usage *usage, struct dm_change *ret);

enum dm_give_back {
    DM_HANDED_BACK, /* by its owner: does not count as a loss */
    DM_LOST         /* with its owner */
};

/* Makes the deletion of a claim in a change depend on nobody having renewed it since it was read. */
void dm_ledger_as_taken(struct dm_change *change);

/* A claim ends without all its pages: what is left of it goes back into WORK. Needs STATE, WORK. `left` are its pages
 * without a record of this epoch. Lost ranges are counted and halved by the rule of the design; what may not be tried
 * again is returned in `ret_crashed` (pages; for a split: the document itself, DM_REFUSED) and the caller ends it with
 * CRASHED. Of a document that has ended nothing goes back: the claim is deleted. */
DM_MUST_USE enum dm_code dm_ledger_give_back(dm_ledger_context context, const struct dm_snapshot *snapshot,
                                             const struct dm_claim *claim, struct dm_ranges left, enum dm_give_back how,
                                             int64_t due_ms, struct dm_change *ret, struct dm_ranges *ret_crashed,
                                             struct dm_err *err);
/* Puts WORK under the index key that it deserves; needs WORK and CLAIMS. False: it stands right already. */
bool dm_ledger_reindex(dm_ledger_context context, const struct dm_snapshot *snapshot, struct dm_change *ret);

/* ---- aggregate ---- */

/* Whether an aggregator may take it: every page has ended and nobody holds it. */
bool dm_ledger_result_due(const struct dm_state *state, int64_t now_ms);
DM_MUST_USE enum dm_code dm_ledger_take_result(dm_ledger_context context, const struct dm_state *state,
                                               struct dm_str owner, struct dm_change *ret, struct dm_err *err);
/* Whether `lease` is the one that the record names. The counter alone does not say so: where the answer to a take was
 * lost, somebody else may have been given the same number. So no two that may hold one at a time share an owner. */
bool dm_ledger_result_held(const struct dm_state *state, const struct dm_lease *lease);
/* Another stretch of the lease, for its holder. */
DM_MUST_USE enum dm_code dm_ledger_renew_result(dm_ledger_context context, const struct dm_state *state,
                                                const struct dm_lease *lease, struct dm_change *ret,
                                                struct dm_err *err);
/* It could not be written now, for want of disk or the like: somebody tries again a little later, and the attempt does
 * not count. */
DM_MUST_USE enum dm_code dm_ledger_put_off_result(dm_ledger_context context, const struct dm_state *state,
                                                  const struct dm_lease *lease, int64_t wait_ms, struct dm_change *ret,
                                                  struct dm_err *err);
/* The result is durable under dm_key_results(file, state->epoch). */
DM_MUST_USE enum dm_code dm_ledger_result_kept(dm_ledger_context context, const struct dm_state *state,
                                               const struct dm_lease *lease, uint64_t bytes,
                                               const struct dm_usage *usage, struct dm_change *ret, struct dm_err *err);

/* ---- requests ---- */

/* Needs STATE, WORK. */
DM_MUST_USE enum dm_code dm_ledger_cancel(dm_ledger_context context, const struct dm_snapshot *snapshot,
                                          struct dm_change *ret, struct dm_err *err);
/* Needs STATE, WORK. `pages` have ended, `failed` of them as failed and the rest as done. Empty pages where the split
 * failed: begin again. */
DM_MUST_USE enum dm_code dm_ledger_retry(dm_ledger_context context, const struct dm_snapshot *snapshot,
                                         struct dm_ranges pages, uint32_t failed, struct dm_change *ret,
                                         struct dm_err *err);
/* Needs DOCUMENT, STATE, WORK. The document is due for removal after a grace, or when retention comes, if that is sooner. */
DM_MUST_USE enum dm_code dm_ledger_delete(dm_ledger_context context, const struct dm_snapshot *snapshot,
                                          struct dm_change *ret, struct dm_err *err);
/* Retention took `gone`; `next_due_ms` is when to look again (0: never). Reads state alone. */
void dm_ledger_expire(dm_ledger_context context, const struct dm_state *state, uint32_t gone, int64_t next_due_ms,
                      struct dm_change *ret);

/* ---- operation ---- */

#define DM_WAITS(X) /* name, on the wire, meaning */                                                                   \
    X(NOTHING, "nothing", "it has ended")                                                                              \
    X(UPLOAD, "upload", "its bytes have not arrived")                                                                  \
    X(TURN, "turn", "it can be claimed, and waits for a worker")                                                       \
    X(CLAIM, "claim", "a worker owns pages of it, or its split")                                                       \
    X(DUE, "due", "pages of it wait for their time")                                                                   \
    X(AGGREGATOR, "aggregator", "every page has ended, and an aggregator must take it")                                \
    X(LEASE, "lease", "an aggregator writes its result")                                                               \
    X(NOBODY, "nobody", "it is in no index: the sweeper mends that, or redrive")

#define DM_WAITS_ENUM(name, wire, meaning) DM_WAITS_##name,
enum dm_waits { DM_WAITS(DM_WAITS_ENUM) DM_WAITS_COUNT };
#undef DM_WAITS_ENUM

/* What keeps a document from getting on. */
struct dm_waiting {
    enum dm_waits what;
    char owner[DM_OWNER_MAX]; /* CLAIM, LEASE */
    int64_t until_ms;         /* lease end, or when it is due; 0: none */
    uint32_t first, last;     /* CLAIM: its pages; 0: the split */
    uint32_t losses;          /* so often something of it was lost with its owner so far */
};

const char *dm_waits_text(enum dm_waits what);
/* Needs STATE, WORK, CLAIMS. Of several claims the one that runs out first is told. */
struct dm_waiting dm_ledger_waiting(const struct dm_snapshot *snapshot, int64_t now_ms);
/* The index keys of a document that has not ended, where they are of the wrong kind: a document in no index is found by
 * nobody. Needs STATE, WORK, CLAIMS. False: they stand right. */
bool dm_ledger_mend(dm_ledger_context context, const struct dm_snapshot *snapshot, struct dm_change *ret);

struct dm_let_go {
    uint32_t pages; /* need not wait for their time any more */
    bool lease;     /* the aggregator's lease is over */
    bool mended;    /* an index key was wrong */
};

/* Whatever the document waits for but claims, it waits no longer. Needs STATE, WORK, CLAIMS. DM_NOT_FOUND: nothing held it
 * back; DM_REFUSED: it has ended. It makes no progress by this, so nothing is counted or reset. */
DM_MUST_USE enum dm_code dm_ledger_redrive(dm_ledger_context context, const struct dm_snapshot *snapshot,
                                           struct dm_change *ret, struct dm_let_go *ret_let_go, struct dm_err *err);

/* What came of putting a document back (pipeline). */
#define DM_REDRIVEN(X) /* name, on the wire, meaning */                                                                \
    X(LET_GO, "let_go", "what held it back is let go: it can be claimed, or its result written, at once")              \
    X(WAITS, "waits", "nothing held it back: it waits for a worker or an aggregator")                                  \
    X(MOVES, "moves", "it made progress lately, and was left alone")                                                   \
    X(RETRIED, "retried", "it had failed through no fault of its own, and is read again")                              \
    X(ENDED, "ended", "it has ended, and redriving would not change that")

#define DM_REDRIVEN_ENUM(name, wire, meaning) DM_REDRIVEN_##name,
enum dm_redriven_what { DM_REDRIVEN(DM_REDRIVEN_ENUM) DM_REDRIVEN_COUNT };
#undef DM_REDRIVEN_ENUM

const char *dm_redriven_text(enum dm_redriven_what what);

/* What a page is, by its newest record (NULL: none), the epoch and the pages chosen in it. */
enum dm_page_status dm_ledger_page_status(const struct dm_state *state, const struct dm_work *work, uint32_t number,
                                          const struct dm_page *record);

#endif
