/* dispatch.c: which documents a worker takes up, and keeping what it took.
 *
 * Fairness: tenants take turns, the one with the fewest pages under way first; within a tenant documents go by priority
 * and age. Nobody has more under way than the caps allow while others wait, so one tenant's ten thousand documents cost
 * another tenant one claim's patience. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"
#include "operate.h"
#include "worker.h"

enum {
    TENANTS_A_LOOK = 64,
    DOCUMENTS_A_LOOK = 16,
    LOOK_EVERY_MS = 1000,
    LOOK_AGAIN_MS = 50,
    TROUBLE_WAIT_MS = 2000, /* before pages are claimed again that could not be begun */
    SPLITS_PER_READER = 2,
    RETURN_TRIES = 3,
    EASED_PAGES = DM_CLAIM_PAGES_MAX / 2,
    SHUT_TIMES = 8, /* so many times pages_in_flight may wait for accounts that are shut, beside the others */
    HINTS_A_PULL = 64
};

struct candidate {
    struct dm_tenant tenant;
    uint64_t account;
    uint32_t in_flight;
    bool dry; /* nothing more of this tenant can be claimed now, or its work is paused */
};

struct look {
    struct dm_worker *worker;
    struct candidate tenants[TENANTS_A_LOOK];
    uint32_t count;
    bool capped;      /* something could be claimed and a cap forbade it */
    bool split_waits; /* the document tried last needs its split, and enough are in hand */
};

/* ---- one claim ---- */

static uint32_t tenant_in_flight(struct dm_worker *worker, const struct dm_tenant *tenant)
{
    uint32_t pages = 0;
    for (struct dm_active *document = worker->documents; document; document = document->next)
        if (dm_tenant_eq(&document->tenant, tenant))
            pages += document->in_flight;
    return pages;
}

/* Pages under way that count against pages_in_flight; with the lock held. Those that wait for an account that is shut may do so for
 * an hour, and must not keep others from being claimed. */
static uint32_t moving(struct dm_worker *worker)
{
    uint64_t shut = 0, most = (uint64_t)SHUT_TIMES * worker->options.pages_in_flight;
    dm_lanes_look(worker);
    for (struct dm_active *document = worker->documents; document; document = document->next)
        if (document->share->lane->leave.shut)
            shut += document->in_flight;
    return worker->in_flight - (uint32_t)(shut < most ? shut : most);
}

/* Whether enough is in hand that waits for this account: it is shut, and to find out whether it still is takes a page. */
static bool waits_enough(struct dm_worker *worker, uint64_t account)
{
    uint32_t waiting = 0;
    if (!dm_limiter_ask(worker->pipeline.limiter, account).shut)
        return false;
    for (struct dm_active *document = worker->documents; document; document = document->next)
        if (document->share->lane->account == account)
            waiting += document->in_flight;
    return waiting >= DM_CLAIM_PAGES_MAX;
}

/* How many pages of this document may be claimed now; 0: none. */
static uint32_t room_for(struct look *look, const struct candidate *tenant, const struct dm_file *file)
{
    struct dm_worker *worker = look->worker;
    const struct dm_worker_options *options = &worker->options;
    uint32_t room = 0;
    worker_lock(worker);
    struct dm_active *document = dm_active_find(worker, &tenant->tenant, file);
    uint32_t of_document = document ? document->in_flight : 0;
    uint32_t tenant_cap = look->count > 1 ? options->tenant_pages : options->pages_in_flight;
    uint32_t in_flight = moving(worker);
    if (!worker->stopping && !(document && document->over) && of_document < options->document_pages &&
        in_flight < options->pages_in_flight && tenant->in_flight < tenant_cap &&
        !waits_enough(worker, tenant->account)) {
        room = options->document_pages - of_document;
        if (options->pages_in_flight - in_flight < room)
            room = options->pages_in_flight - in_flight;
        if (tenant_cap - tenant->in_flight < room)
            room = tenant_cap - tenant->in_flight;
    }
    worker_unlock(worker);
    return room < DM_CLAIM_PAGES_MAX ? room : DM_CLAIM_PAGES_MAX;
}

struct taking {
    struct dm_str owner;
    uint32_t max;
    bool split_too;              /* there is room for another split */
    bool split_waits;            /* it is a split, and there was none */
    struct dm_snapshot snapshot; /* that the claim was decided on */
    struct dm_claim claim;       /* counter 0: none was decided on */
};

static enum dm_code decide_claim(void *argument, dm_ledger_context context, const struct dm_snapshot *snapshot,
                                 struct dm_change *ret, struct dm_err *err)
{
    struct taking *taking = argument;
    taking->claim.counter = 0;
    taking->snapshot = *snapshot;
    taking->split_waits = snapshot->work.split_needed && !taking->split_too;
    if (taking->split_waits)
        return dm_fail(err, DM_REFUSED, "enough documents wait for their pages to be counted");
    if (snapshot->work.split_needed)
        return dm_ledger_claim_split(context, snapshot, taking->owner, ret, &taking->claim, err);
    return dm_ledger_claim_pages(context, snapshot, taking->owner, taking->max, ret, &taking->claim, err);
}

/* Pages that came back may have ended after all, or have answers in a segment that nobody committed. Where some have
 * ended, or where that cannot be looked up now, the claim goes back: its return leaves exactly the others in WORK. */
static bool prepare_returned(struct dm_worker *worker, const struct dm_found *found, const struct dm_claim *claim,
                             struct dm_arena *arena, struct dm_adopted *adopted, int64_t *ret_wait_ms)
{
    struct dm_err err;
    struct dm_page_list records = { 0 };
    enum dm_code rc = dm_store_pages(worker->pipeline.ports.store, &found->tenant, &found->file, claim->first,
                                     claim->last, DM_CLAIM_PAGES_MAX, arena, &records, &err);
    bool ended = false;
    for (uint32_t i = 0; rc == DM_OK && i < records.count; i++)
        ended = ended || records.at[i].epoch == claim->epoch;
    if (rc == DM_OK && !ended)
        rc = dm_adopt(&worker->pipeline, &found->tenant, &found->file, claim, arena, adopted, &err);
    if (rc != DM_OK)
        dm_log(DM_LOG_WARN, DM_EV_STAGE_ERROR, dm_f_z("stage", "claim"), dm_f_z("file", found->file.id),
               dm_f_z("error", err.text));
    *ret_wait_ms = rc == DM_OK ? 0 : TROUBLE_WAIT_MS;
    return rc == DM_OK && !ended;
}

void dm_claim_hand_back(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant, const struct dm_file *file,
                        const struct dm_claim *claim, int64_t wait_ms)
{
    struct dm_err err;
    enum dm_code rc = DM_BUSY;
    for (unsigned tries = 0; rc != DM_OK && dm_code_retry(rc) == DM_RETRY_LATER && tries < RETURN_TRIES; tries++) {
        if (tries > 0)
            dm_step_backoff(pipeline, tries);
        rc = dm_claim_return(pipeline, tenant, file, claim, DM_HANDED_BACK, wait_ms, &err);
    }
    if (rc != DM_OK)
        dm_log(DM_LOG_WARN, DM_EV_STAGE_ERROR, dm_f_z("stage", "claim"), dm_f_z("file", file->id),
               dm_f_z("error", err.text));
}

/* A claim counts as an attempt from its first instant. So no more splits are claimed than are begun at once: a document
 * deep in a queue must not count a loss at each of three deaths of the server. A tenant of whom nothing is under way
 * waits for nobody else's. */
static bool may_split(struct dm_worker *worker, const struct candidate *tenant)
{
    worker_lock(worker);
    bool may = worker->splits < SPLITS_PER_READER * worker->options.readers || tenant->in_flight == 0;
    worker->splits_wait = worker->splits_wait || !may;
    worker_unlock(worker);
    return may;
}

/* Returns how many pages were claimed (the split counts as one). */
static uint32_t claim(struct look *look, const struct candidate *tenant, const struct dm_found *found)
{
    struct dm_worker *worker = look->worker;
    uint32_t room = room_for(look, tenant, &found->file);
    look->split_waits = false;
    if (room == 0) {
        look->capped = true;
        return 0;
    }
    DM_AUTO(dm_arena) arena = dm_arena_make(DM_STEP_ARENA_MAX);
    struct taking taking = { .owner = dm_str_z(worker->owner), .max = room, .split_too = may_split(worker, tenant) };
    const struct dm_step step = { .parts = DM_PART_WORK, .decide = decide_claim, .argument = &taking };
    struct dm_err err;
    struct dm_state state;
    int64_t began_ms = worker_now(worker);
    enum dm_code rc = dm_step_run(&worker->pipeline, &found->tenant, &found->file, &step, &arena, &state, &err);
    if (rc != DM_OK) {
        look->split_waits = taking.split_waits;
        if (rc == DM_REFUSED || rc == DM_NOT_FOUND || rc == DM_CONFLICT)
            return 0;
        dm_log(DM_LOG_WARN, DM_EV_STAGE_ERROR, dm_f_z("stage", "claim"), dm_f_z("file", found->file.id),
               dm_f_z("error", err.text));
        /* Only the answer may have been lost: a claim that nobody knows of would end as a loss of its pages. */
        if (taking.claim.counter != 0)
            dm_claim_hand_back(&worker->pipeline, &found->tenant, &found->file, &taking.claim, TROUBLE_WAIT_MS);
        return 0;
    }
    struct dm_adopted adopted = { 0 };
    int64_t wait_ms = TROUBLE_WAIT_MS;
    if (taking.claim.first != 0 && taking.claim.first < taking.snapshot.work.cursor &&
        !prepare_returned(worker, found, &taking.claim, &arena, &adopted, &wait_ms)) {
        dm_claim_hand_back(&worker->pipeline, &found->tenant, &found->file, &taking.claim, wait_ms);
        return 0;
    }
    taking.snapshot.state = state;
    worker_lock(worker);
    struct dm_active *document =
        dm_active_enter(worker, &found->tenant, tenant->account, &found->file, &taking.snapshot);
    bool held = document && dm_active_hold(worker, document, &taking.claim, began_ms, &adopted);
    if (held && document->state.version <= state.version) {
        document->state = state;
        document->state_read_ms = began_ms;
    }
    if (document && !held)
        dm_active_leave_if_done(worker, document);
    worker_unlock(worker);
    if (!held)
        dm_claim_hand_back(&worker->pipeline, &found->tenant, &found->file, &taking.claim, TROUBLE_WAIT_MS);
    return held ? taking.claim.last - taking.claim.first + 1 : 0;
}

/* ---- a look into the store ---- */

static int by_in_flight(const void *a, const void *b)
{
    const struct candidate *left = a;
    const struct candidate *right = b;
    return left->in_flight < right->in_flight ? -1 : left->in_flight > right->in_flight;
}

static bool find_tenants(struct look *look, struct dm_tenant *after)
{
    struct dm_worker *worker = look->worker;
    struct dm_tenant names[TENANTS_A_LOOK];
    struct dm_err err;
    enum dm_code rc = dm_operator_ready_tenants(worker->pipeline.ports.op, after->id[0] ? after : NULL, TENANTS_A_LOOK,
                                                names, &look->count, &err);
    if (rc != DM_OK) {
        dm_log(DM_LOG_WARN, DM_EV_STAGE_ERROR, dm_f_z("stage", "dispatch"), dm_f_z("error", err.text));
        look->count = 0;
        return false;
    }
    worker_lock(worker);
    for (uint32_t i = 0; i < look->count; i++)
        look->tenants[i] = (struct candidate){ .tenant = names[i], .in_flight = tenant_in_flight(worker, &names[i]) };
    worker_unlock(worker);
    /* Past the last tenant the next look begins with the first again. */
    *after = look->count == TENANTS_A_LOOK ? names[TENANTS_A_LOOK - 1] : (struct dm_tenant){ 0 };
    return true;
}

/* One claim of one of the tenant's documents. */
static uint32_t take_turn(struct look *look, struct candidate *tenant)
{
    struct dm_found found[DOCUMENTS_A_LOOK];
    uint32_t count = 0;
    struct dm_err err;
    if (dm_work_is_paused(&look->worker->pipeline, &tenant->tenant))
        return 0;
    const struct dm_ports *ports = &look->worker->pipeline.ports;
    if (dm_model_account(ports->model, &tenant->tenant, &tenant->account, &err) != DM_OK ||
        dm_operator_ready(ports->op, &tenant->tenant, DOCUMENTS_A_LOOK, found, &count, &err) != DM_OK) {
        dm_log(DM_LOG_WARN, DM_EV_STAGE_ERROR, dm_f_z("stage", "dispatch"), dm_f_z("error", err.text));
        return 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t pages = claim(look, tenant, &found[i]);
        if (pages > 0)
            return pages;
        if (look->split_waits) /* those behind are younger, or less urgent */
            return 0;
    }
    return 0;
}

/* Claims until nothing is left or the caps are reached; true where caps left something. */
static bool look_around(struct dm_worker *worker, struct dm_tenant *after)
{
    struct look look = { .worker = worker };
    if (!find_tenants(&look, after))
        return false;
    for (bool progress = true; progress;) {
        progress = false;
        qsort(look.tenants, look.count, sizeof(look.tenants[0]), by_in_flight);
        for (uint32_t i = 0; i < look.count; i++) {
            struct candidate *tenant = &look.tenants[i];
            uint32_t pages = tenant->dry ? 0 : take_turn(&look, tenant);
            tenant->in_flight += pages;
            tenant->dry = pages == 0;
            progress = progress || pages > 0;
        }
    }
    return look.capped || after->id[0];
}

void dm_worker_dispatch(void *argument)
{
    struct dm_worker *worker = argument;
    struct dm_tenant after = { 0 };
    int64_t next_ms = 0;
    bool more = false;
    uint32_t level = 0; /* pages under way after the last look */
    worker_lock(worker);
    while (!worker->closing) {
        int64_t now_ms = worker_now(worker);
        bool eased = more && level > 0 && worker->in_flight <= worker->eased_at;
        if (worker->stopping) {
            worker_wait(worker, DM_FOREVER);
        } else if (worker->look || eased || now_ms >= next_ms) {
            worker->look = false;
            worker_unlock(worker);
            more = look_around(worker, &after);
            worker_lock(worker);
            level = worker->in_flight;
            worker->eased_at = more && level > EASED_PAGES ? level - EASED_PAGES : 0;
            /* Nothing under way and yet something left: a document of ours is being put away. */
            next_ms = worker_now(worker) + (more && level == 0 ? LOOK_AGAIN_MS : LOOK_EVERY_MS);
        } else {
            worker_wait(worker, next_ms);
        }
    }
    worker_unlock(worker);
}

/* ---- keeping claims ---- */

struct renewal {
    struct dm_tenant tenant;
    struct dm_file file;
    struct dm_claim claim;
    int64_t lease_until_mono_ms;
};

/* `ret` NULL: only counts them. With the lock held. */
static uint32_t held_claims(struct dm_worker *worker, struct renewal *ret)
{
    uint32_t count = 0;
    for (struct dm_active *document = worker->documents; document; document = document->next) {
        for (struct dm_holding *holding = document->holdings; holding; holding = holding->next) {
            if (holding->lost || document->over)
                continue;
            if (ret)
                ret[count] = (struct renewal){ document->tenant, document->file, holding->claim, 0 };
            count++;
        }
    }
    return count;
}

/* The holding may have gone meanwhile: it is looked up by its counter. */
static void note_renewal(struct dm_worker *worker, const struct renewal *renewal, bool lost)
{
    worker_lock(worker);
    struct dm_active *document = dm_active_find(worker, &renewal->tenant, &renewal->file);
    for (struct dm_holding *holding = document ? document->holdings : NULL; holding; holding = holding->next) {
        if (holding->claim.counter != renewal->claim.counter)
            continue;
        holding->claim.lease_until_ms = renewal->claim.lease_until_ms;
        holding->lease_until_mono_ms = renewal->lease_until_mono_ms;
        holding->lost = lost;
        if (lost)
            dm_log(DM_LOG_WARN, DM_EV_CLAIM_LOST, dm_f_z("tenant", renewal->tenant.id),
                   dm_f_z("file", renewal->file.id), dm_f_int("claim", (int64_t)renewal->claim.counter));
    }
    worker_wake(worker);
    worker_unlock(worker);
}

static void renew_claims(struct dm_worker *worker)
{
    /* On the heap and only for the moment: an idle worker has nothing to renew. */
    worker_lock(worker);
    uint32_t count = held_claims(worker, NULL);
    struct renewal *renewals = count ? dm_alloc_zero(count, sizeof(*renewals)) : NULL;
    if (renewals)
        held_claims(worker, renewals);
    else
        count = 0;
    worker_unlock(worker);
    for (uint32_t i = 0; i < count; i++) {
        struct renewal *renewal = &renewals[i];
        renewal->lease_until_mono_ms = worker_now(worker) + DM_CLAIM_LEASE_MS;
        renewal->claim.lease_until_ms = dm_wall_ms(worker->pipeline.ports.runtime) + DM_CLAIM_LEASE_MS;
        const struct dm_claim_write write = { DM_CLAIM_RENEW, renewal->claim };
        struct dm_transaction transaction = { .claims = &write, .claim_count = 1 };
        struct dm_err err;
        enum dm_code rc =
            dm_store_commit(worker->pipeline.ports.store, &renewal->tenant, &renewal->file, &transaction, &err);
        /* On any other trouble the lease stays as it was, and a worker past its own lease starts no call. */
        if (rc == DM_OK || rc == DM_CONFLICT)
            note_renewal(worker, renewal, rc == DM_CONFLICT);
    }
    dm_free(renewals);
}

void dm_worker_keep(void *argument)
{
    struct dm_worker *worker = argument;
    struct dm_stream stream = worker->pipeline.ports.stream;
    static const int64_t pull_ms = 1000;
    int64_t renew_at_ms = worker_now(worker) + DM_CLAIM_RENEW_MS;
    for (bool closing = false; !closing;) {
        struct dm_stream_message messages[HINTS_A_PULL];
        uint32_t count = 0;
        struct dm_err err;
        int64_t deadline_ms = worker_now(worker) + pull_ms;
        enum dm_code rc = dm_stream_pull(stream, HINTS_A_PULL, deadline_ms, messages, &count, &err);
        if (rc != DM_OK) {
            dm_log(DM_LOG_WARN, DM_EV_STAGE_ERROR, dm_f_z("stage", "hints"), dm_f_z("error", err.text));
            dm_sleep_until(worker->pipeline.ports.runtime, deadline_ms);
        }
        for (uint32_t i = 0; i < count; i++)
            if (dm_stream_ack(stream, messages[i].token, &err) != DM_OK)
                dm_log(DM_LOG_DEBUG, DM_EV_STAGE_ERROR, dm_f_z("stage", "hints"), dm_f_z("error", err.text));
        if (worker_now(worker) >= renew_at_ms) {
            renew_at_ms = worker_now(worker) + DM_CLAIM_RENEW_MS;
            renew_claims(worker);
        }
        worker_lock(worker);
        if (count > 0) {
            worker->look = true;
            worker_wake(worker);
        }
        closing = worker->closing;
        worker_unlock(worker);
    }
}
