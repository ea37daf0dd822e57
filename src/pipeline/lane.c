/* lane.c: which of a worker's pages wait for which account's leave. All with the worker's lock held.
 *
 * A tenant's account may change at any time, for its key may: it is asked for when the tenant's first document is taken up, and
 * again and again as long as there is one. A call that was given leave for one account and would be made with another's key is
 * refused by the model (DM_CONFLICT), so nobody is ever braked by a key of somebody else's. */
#include "base/alloc.h"
#include "base/log.h"
#include "worker.h"

enum { LANE_MS = 1000 };

void dm_lanes_look(struct dm_worker *worker)
{
    for (struct dm_lane *lane = worker->lanes; lane; lane = lane->next)
        lane->leave = dm_limiter_ask(worker->pipeline.limiter, lane->account);
}

struct dm_lane *dm_lane_find(struct dm_worker *worker, uint64_t account)
{
    struct dm_lane *lane = worker->lanes;
    while (lane && lane->account != account)
        lane = lane->next;
    return lane;
}

void dm_share_leave_lane(struct dm_worker *worker, struct dm_share *share)
{
    struct dm_lane *lane = share->lane;
    lane->ready -= share->ready;
    share->lane = NULL;
    if (--lane->shares > 0)
        return;
    struct dm_lane **at = &worker->lanes;
    while (*at && *at != lane)
        at = &(*at)->next;
    DM_CHECK(*at);
    *at = lane->next;
    dm_free(lane);
}

bool dm_share_use_account(struct dm_worker *worker, struct dm_share *share, uint64_t account)
{
    share->lane_until_ms = worker_now(worker) + LANE_MS;
    if (share->lane && share->lane->account == account)
        return true;
    struct dm_lane *lane = dm_lane_find(worker, account);
    if (!lane) {
        lane = dm_alloc_zero(1, sizeof(*lane));
        if (!lane)
            return false;
        *lane = (struct dm_lane){ .next = worker->lanes, .account = account };
        lane->leave = dm_limiter_ask(worker->pipeline.limiter, account);
        worker->lanes = lane;
    }
    lane->shares++;
    lane->ready += share->ready;
    if (share->lane) {
        bool last = share->lane->shares == 1;
        uint64_t before = share->lane->account;
        dm_share_leave_lane(worker, share);
        if (last)
            dm_limiter_forget(worker->pipeline.limiter, before);
    }
    share->lane = lane;
    return true;
}

void dm_share_count_ready(struct dm_share *share, int by)
{
    share->ready += (uint32_t)by;
    share->lane->ready += (uint32_t)by;
}

static struct dm_share *find_share(struct dm_worker *worker, const struct dm_tenant *tenant)
{
    struct dm_share *share = worker->shares;
    while (share && !dm_tenant_eq(&share->tenant, tenant))
        share = share->next;
    return share;
}

bool dm_lanes_refresh(struct dm_worker *worker)
{
    if (!dm_model_has_accounts(worker->pipeline.ports.model))
        return false;
    int64_t now_ms = worker_now(worker);
    struct dm_share *share = worker->shares;
    while (share && (share->ready == 0 || share->lane_until_ms > now_ms))
        share = share->next;
    if (!share)
        return false;
    const struct dm_tenant tenant = share->tenant;
    share->lane_until_ms = now_ms + LANE_MS; /* nobody else asks meanwhile */
    worker_unlock(worker);
    uint64_t account;
    struct dm_err err;
    enum dm_code rc = dm_model_account(worker->pipeline.ports.model, &tenant, &account, &err);
    if (rc != DM_OK)
        dm_log(DM_LOG_WARN, DM_EV_STAGE_ERROR, dm_f_z("stage", "call"), dm_f_z("tenant", tenant.id),
               dm_f_z("error", err.text));
    worker_lock(worker);
    share = find_share(worker, &tenant);
    if (rc == DM_OK && share)
        (void)dm_share_use_account(worker, share, account); /* where memory is out it is asked for again */
    return true;
}
