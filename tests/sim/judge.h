/* judge.h: what the parts of the judge share. Private to it; sim.h has its door.
 *
 *   judge.c         every transaction: counters, events, claims, where each page can be found
 *   judge_ends.c    what pages and documents may end as; results
 *   judge_calls.c   a page's calls to the model: under which claim, until when, how often, how soon again
 *   judge_limits.c  a node's calls to the provider: not before its word is over, not faster than its limits
 *   judge_blobs.c   blobs as they are written, and what clients are told
 *   judge_rest.c    what is there after everything has ended
 *
 * The judge keeps its own account of every page's fate and does not believe the counters that it checks. */
#ifndef DM_SIM_JUDGE_H
#define DM_SIM_JUDGE_H

#include "domain/limits.h"
#include "sim.h"

enum fate { PENDING, DONE, FAILED, SKIPPED };

/* A claim as the judge saw it made. */
struct seen_claim {
    uint64_t counter;
    uint32_t epoch, first, last, losses;
    uint32_t node, incarnation;
    int64_t made_us;
    int64_t renewed_us;
    bool gone;
};

struct seen_segment {
    uint32_t page, epoch;
    int64_t put_us;
};

/* A page's calls under its newest claim, against the table in domain/reason.h. */
struct asked {
    uint64_t claim;
    enum dm_reason reason; /* of the newest answer; NONE: there is none yet, or it was good */
    uint32_t attempts;     /* answers that count as one */
    uint32_t broken;       /* connections that broke */
    uint32_t unsure;   /* that may count: of a key that has been changed, about which the node may have forgotten all */
    int64_t outage_us; /* since when the provider has been out of reach whenever it was asked; 0: it was not, last */
    uint32_t ways;     /* bits of enum dm_again in which it was asked once more */
    enum dm_again way; /* in which it was asked last */
    int64_t not_before_us; /* the next call, by the table and the provider's word */
};

/* What the judge knows of a document. */
struct verdict {
    struct script script;
    bool accepted;      /* its upload was acknowledged */
    int64_t stopped_us; /* a cancel or delete was acknowledged; 0: no */
    int64_t left_us;    /* when it last left `processing` or changed its epoch */
    enum dm_status status;
    uint32_t epoch;
    uint64_t version, seq;
    bool split; /* its pages are known */
    enum fate fates[PAGES_MAX + 2];
    uint32_t losses[PAGES_MAX + 2]; /* how often a claim of the page was given back */
    struct asked asked[PAGES_MAX + 2];
    uint32_t calls[PAGES_MAX + 2]; /* the page's newest call, counted from 1 */
    uint32_t taken;                /* how often its result was taken up */
    struct seen_claim *claims;
    uint32_t claim_count, claim_room;
    struct seen_segment *segments;
    uint32_t segment_count, segment_room;
    uint64_t answers;                   /* delivered by the model */
    uint32_t reductions, reduced_epoch; /* made in that epoch; one that failed may be asked for again */
    uint32_t reduction_put_epoch;       /* the newest that is stored, and since when */
    int64_t reduction_put_us;
    uint64_t lease;   /* the newest aggregator's */
    int64_t lease_us; /* when it was taken */
    struct verdict *next;
};

enum call_state { CALL_OUT, CALL_DONE, CALL_AGAIN, CALL_FINAL };

struct line;

struct seen_call {
    struct verdict *verdict; /* NULL: not known any more, or a reduction */
    uint32_t page, epoch;
    uint64_t claim;
    uint32_t previous; /* of the same page, counted from 1 */
    enum call_state state;
    struct line *line;
    uint32_t probe; /* its number, where it finds out whether the breaker may close; 0: it does not */
};

struct judge {
    struct verdict *verdicts;
    struct seen_call *calls;
    uint32_t call_count, call_room;
    struct line *lines;
    uint32_t open;
};

/* ---- judge.c ---- */

void *judge_grow(void *at, uint32_t count, uint32_t *room, size_t size);
struct verdict *judge_verdict(struct sim *sim, struct memory_document *document);
struct memory_document *judge_find(struct sim *sim, const struct dm_tenant *tenant, const struct dm_file *file);
struct seen_claim *judge_claim(struct verdict *verdict, uint64_t counter);
/* Nothing in this run makes work be lost or done twice. */
bool judge_undisturbed(const struct sim *sim);

/* ---- judge_ends.c ---- */

void judge_page_ended(struct sim *sim, const struct verdict *verdict, const struct dm_page *page);
void judge_document_failed(struct sim *sim, const struct verdict *verdict, const struct dm_state *state);
void judge_document_completed(struct sim *sim, const struct memory_document *document, const struct verdict *verdict);

/* ---- judge_calls.c ---- */

/* The page ends with this reason: it was asked as often as the table says. */
void judge_asked_enough(struct sim *sim, const struct verdict *verdict, const struct dm_page *page);

/* ---- judge_limits.c ---- */

/* A call begins, thought to use so many tokens. */
void judge_line_begins(struct sim *sim, const struct node *node, uint64_t account, uint32_t tokens,
                       struct seen_call *call);
void judge_line_answers(struct sim *sim, struct seen_call *call, const struct dm_model_answer *answer);
/* Whether its node must know by now that the provider is out of reach. */
bool judge_line_is_open(const struct line *line);
bool judge_line_is_gone(const struct sim *sim, const struct line *line); /* its key has been changed */
void judge_lines_free(struct judge *judge);

#endif
