#!/usr/bin/env python3
"""The bugs that are planted to test the simulator: copies of docmill's sources with each of them in.

  planted.py SOURCE_DIR OUTPUT_DIR     writes the copies (Meson calls this)
  planted.py --files SOURCE_DIR        their names
  planted.py --list                    what there is

Production code has no switch for them. Each row names a place by its very text, which must be there exactly once, so a
row cannot rot unseen; in the copy PLANTED(n) is true where bug n was asked for at run time.
"""

import pathlib
import sys

# number: (name, the invariant that it breaks, file under src/, text, text with the bug)
ROWS = {
    1: ("a counter is added twice", 2, "domain/ledger.c",
        "            ret->state.processed++;\n",
        "            ret->state.processed += PLANTED(1) ? 2 : 1;\n"),
    2: ("pages are committed before their segment", 1, "pipeline/commit.c",
        "    if (rc != DM_OK || segment.len == 0)\n        return rc;\n",
        "    if (rc != DM_OK || segment.len == 0 || PLANTED(2))\n        return rc;\n"),
    3: ("pages end without a look at their claim", 3, "domain/ledger.c",
        "    dm_change_claim(ret, last ? DM_CLAIM_DELETE : DM_CLAIM_KEEP, claim);\n",
        "    if (!PLANTED(3))\n"
        "        dm_change_claim(ret, last ? DM_CLAIM_DELETE : DM_CLAIM_KEEP, claim);\n"),
    4: ("the sweeper takes every claim whose time it thinks is up", 3, "pipeline/watch.c",
        "    if (until_ms <= DM_LEASE_GONE)\n",
        "    if (until_ms <= DM_LEASE_GONE || PLANTED(4))\n"),
    5: ("a cancel is not seen by who is about to call the model", 7, "pipeline/call.c",
        "        if (rc == DM_NOT_FOUND || snapshot.state.status != DM_STATUS_PROCESSING ||\n",
        "        if (rc == DM_NOT_FOUND || (snapshot.state.status != DM_STATUS_PROCESSING && !PLANTED(5)) ||\n"),
    6: ("a result is taken up while somebody else writes it", 3, "domain/ledger_result.c",
        "    return state->status == DM_STATUS_AGGREGATING && state->lease.until_ms <= now_ms;\n",
        "    return state->status == DM_STATUS_AGGREGATING && (PLANTED(6) || state->lease.until_ms <= now_ms);\n"),
    7: ("an event's number is used again", 8, "domain/ledger_change.c",
        ".seq = ++change->state.seq,",
        ".seq = PLANTED(7) && change->state.seq > 3 ? change->state.seq : ++change->state.seq,"),
    8: ("a page's record of an older epoch is taken for this one's", 5, "pipeline/sweep.c",
        "            next < records.count && records.at[next].number == number && records.at[next].epoch == claim->epoch;\n",
        "            next < records.count && records.at[next].number == number &&\n"
        "            (PLANTED(8) || records.at[next].epoch == claim->epoch);\n"),
    9: ("losses of a range are not counted", 5, "domain/ledger_claims.c",
        "            return_lost(&to, left.at[i], progress ? 0 : claim->losses + 1);\n",
        "            return_lost(&to, left.at[i], progress || PLANTED(9) ? 0 : claim->losses + 1);\n"),
    10: ("losses of a split are not counted", 5, "domain/ledger_claims.c",
         "    uint32_t losses = claim->losses + (how == DM_LOST);\n",
         "    uint32_t losses = claim->losses + (how == DM_LOST && !PLANTED(10));\n"),
    11: ("only hints are followed", 5, "pipeline/dispatch.c",
         "        } else if (worker->look || eased || now_ms >= next_ms) {\n",
         "        } else if (worker->look || eased || (now_ms >= next_ms && !PLANTED(11))) {\n"),
    12: ("a range that comes back takes the place of those that wait", 5, "domain/ledger_claims.c",
         "    to.count = work->returned_count;\n",
         "    to.count = PLANTED(12) ? 0 : work->returned_count;\n"),
    13: ("the cursor of claims steps over a page", 5, "domain/ledger_claims.c",
         "    work->cursor = claim->last + 1;\n",
         "    work->cursor = claim->last + 1 + (PLANTED(13) && claim->last > 6);\n"),
    14: ("a retry leaves WORK in the old epoch", 5, "domain/ledger_requests.c",
         "    work->epoch = state->epoch;\n",
         "    work->epoch = PLANTED(14) ? work->epoch : state->epoch;\n"),
    15: ("nobody is told that the last page has ended", 5, "domain/ledger.c",
         "    if (ret->state.remaining == 0)\n        ret->state.due_ms = context->now_ms;\n",
         "    if (ret->state.remaining == 0 && !PLANTED(15))\n        ret->state.due_ms = context->now_ms;\n"),
    16: ("a commit whose answer was lost is taken for one that failed", 5, "pipeline/commit.c",
         "        const struct dm_page *page = find_ended(&ended, task->number, epoch);\n",
         "        const struct dm_page *page = PLANTED(16) ? NULL : find_ended(&ended, task->number, epoch);\n"),
    17: ("answers that a dead worker left are not adopted", 3, "pipeline/adopt.c",
         "        if (page.number < claim->first || page.number > claim->last || already(ret, page.number))\n",
         "        if (page.number < claim->first || page.number > claim->last || already(ret, page.number) || PLANTED(17))\n"),
    18: ("orphans are removed with what is no orphan", 1, "pipeline/adopt.c",
         "            if (dm_key_segment_epoch(keys.keys[i]) <= state->epoch && !listed(&names, keys.keys[i]))\n",
         "            if (dm_key_segment_epoch(keys.keys[i]) <= state->epoch &&\n"
         "                (PLANTED(18) || !listed(&names, keys.keys[i])))\n"),
    19: ("an Idempotency-Key is not kept with its document", 1, "pipeline/intake.c",
         "        if (idem) {\n            change.transaction.idem = idem;\n",
         "        if (idem && !PLANTED(19)) {\n            change.transaction.idem = idem;\n"),
    20: ("a document is accepted although its bytes could not be kept", 1, "pipeline/intake.c",
         "    rc = dm_sink_finish(blob, sink, tenant, dm_str_z(key.text), DM_KEPT, &info, err);\n    if (rc != DM_OK) {\n",
         "    rc = dm_sink_finish(blob, sink, tenant, dm_str_z(key.text), DM_KEPT, &info, err);\n"
         "    if (rc != DM_OK && !PLANTED(20)) {\n"),
    21: ("the cost of late answers is forgotten", 7, "pipeline/active.c",
         "    if (dm_page_task_void(task))\n        dm_usage_add(&document->late, &task->usage);\n",
         "    if (dm_page_task_void(task) && !PLANTED(21))\n        dm_usage_add(&document->late, &task->usage);\n"),
    22: ("a reader goes on with the document that it has open", 6, "pipeline/read.c",
         "    if (self->document == document)\n        return DM_OK;\n",
         "    if (self->document == document || (self->document && PLANTED(22)))\n        return DM_OK;\n"),
    23: ("a worker past its own lease calls the model", 3, "pipeline/call.c",
         "    return worker_now(task->worker) >= task->holding->lease_until_mono_ms;\n",
         "    return worker_now(task->worker) >= task->holding->lease_until_mono_ms && !PLANTED(23);\n"),
    24: ("a claim is taken although it was just renewed", 3, "domain/ledger_claims.c",
         "            change->claims[i].kind = DM_CLAIM_TAKE;\n",
         "            change->claims[i].kind = PLANTED(24) ? DM_CLAIM_DELETE : DM_CLAIM_TAKE;\n"),
    25: ("a deleted document is worked on", 7, "domain/ledger_requests.c",
         "    if (!dm_status_is_final(snapshot->state.status)) {\n",
         "    if (!dm_status_is_final(snapshot->state.status) && !PLANTED(25)) {\n"),
    26: ("a removed document leaves its blobs", 9, "pipeline/sweep.c",
         "    enum dm_code rc = dm_blob_remove_all(pipeline->ports.blob, &found->tenant, dm_str_z(prefix.text), err);\n",
         "    enum dm_code rc = PLANTED(26)\n"
         "        ? DM_OK : dm_blob_remove_all(pipeline->ports.blob, &found->tenant, dm_str_z(prefix.text), err);\n"),
    27: ("pages that came back are read although they have ended", 3, "pipeline/dispatch.c",
         "        ended = ended || records.at[i].epoch == claim->epoch;\n",
         "        ended = ended || (records.at[i].epoch == claim->epoch && !PLANTED(27));\n"),
    28: ("STATE is believed for ten times as long as it may be", 7, "pipeline/call.c",
         "    if (worker_now(worker) - document->state_read_ms >= DM_STATE_READ_MS) {\n",
         "    if (worker_now(worker) - document->state_read_ms >= DM_STATE_READ_MS * (PLANTED(28) ? 10 : 1)) {\n"),
    29: ("skipped pages are not counted", 2, "domain/ledger.c",
         "    state->skipped = total - state->remaining;\n",
         "    state->skipped = PLANTED(29) ? 0 : total - state->remaining;\n"),
    30: ("throttling counts as an attempt", 5, "pipeline/answer.c",
         "    case DM_RETRY_PATIENTLY:\n        task->throttled++;\n",
         "    case DM_RETRY_PATIENTLY:\n        task->throttled += !PLANTED(30);\n"
         "        if (PLANTED(30) && counted_attempts(task) >= worker->pipeline.attempts_max)\n            return 0;\n"),
    31: ("a reduction is made anew by each aggregator", 4, "pipeline/result.c",
         "    if (rc != DM_NOT_FOUND)\n        return rc; /* made before a crash, or trouble */\n",
         "    if (rc != DM_NOT_FOUND && !PLANTED(31))\n        return rc; /* made before a crash, or trouble */\n"),
    32: ("a result is written for the epoch before", 4, "domain/ledger_result.c",
         "    ret->state.result_epoch = state->epoch;\n",
         "    ret->state.result_epoch = PLANTED(32) && state->epoch > 1 ? state->epoch - 1 : state->epoch;\n"),
    33: ("a claim that goes back lists a document that was cancelled", 5, "domain/ledger_claims.c",
         "    if (dm_status_is_final(snapshot->state.status)) {\n        /* Cancelled, say",
         "    if (dm_status_is_final(snapshot->state.status) && !PLANTED(33)) {\n        /* Cancelled, say"),
    34: ("STATE is believed however long its read took", 7, "pipeline/call.c",
         "    return !dm_page_task_void(task) && !lease_over(task) && worker_now(worker) - read_ms < 2 * DM_STATE_READ_MS;\n",
         "    return !dm_page_task_void(task) && !lease_over(task) &&\n"
         "           (PLANTED(34) || PLANTED(28) || worker_now(worker) - read_ms < 2 * DM_STATE_READ_MS);\n"),
    35: ("a provider's Retry-After is forgotten", 5, "pipeline/limit.c",
         "    if (wait_ms > 0 && now_ms + wait_ms > limit->not_before_ms)\n",
         "    if (wait_ms > 0 && now_ms + wait_ms > limit->not_before_ms && !PLANTED(35))\n"),
    36: ("the breaker opens for a refused key alone", 5, "pipeline/limit.c",
         "    if (is_shut(reason) || limit->failures >= FAILURES_MAX ||",
         "    if (is_shut(reason) || (limit->failures >= FAILURES_MAX && !PLANTED(36)) ||"),
    37: ("an open breaker lets as many calls through as there are", 5, "pipeline/limit.c",
         "        limit->probing = true;\n",
         "        limit->probing = !PLANTED(37);\n"),
    38: ("a call that cannot be begun keeps its place at the limiter", 5, "pipeline/limit.c",
         "    limit->in_flight--;\n    put_back(",
         "    limit->in_flight -= !PLANTED(38);\n    put_back("),
    39: ("a page is repaired as often as it is wrong", 5, "pipeline/otherwise.c",
         "    if (otherwise->asked & (1U << again))\n",
         "    if ((otherwise->asked & (1U << again)) && !PLANTED(39))\n"),
    40: ("more calls are under way than there may be", 5, "pipeline/limit.c",
         "    if (limit->in_flight >= (uint32_t)limit->concurrency)\n        return DM_FOREVER;\n",
         "    if (limit->in_flight >= (uint32_t)limit->concurrency * (PLANTED(40) ? 2 : 1))\n        return DM_FOREVER;\n"),
    41: ("calls are not counted against the rate", 5, "pipeline/limit.c",
         "    limit->requests.level -= limit->requests.per_ms > 0;\n",
         "    limit->requests.level -= limit->requests.per_ms > 0 && !PLANTED(41);\n"),
    42: ("tokens are not counted against the rate", 5, "pipeline/limit.c",
         "        limit->tokens.level -= (double)tokens;\n",
         "        limit->tokens.level -= PLANTED(42) ? 0 : (double)tokens;\n"),
    43: ("a breaker that stays open is tried as often as at first", 5, "pipeline/limit.c",
         "        limit->probe_wait_ms = 2 * limit->probe_wait_ms > first_ms ? 2 * limit->probe_wait_ms : first_ms;\n",
         "        limit->probe_wait_ms = 2 * limit->probe_wait_ms > first_ms && !PLANTED(43) ? 2 * limit->probe_wait_ms\n"
         "                                                                                   : first_ms;\n"),
    44: ("a breaker does not close again", 5, "pipeline/limit.c",
         "    limit->breaker = DM_BREAKER_CLOSED;\n",
         "    limit->breaker = PLANTED(44) ? DM_BREAKER_HALF_OPEN : DM_BREAKER_CLOSED;\n"),
    45: ("a page that fails is asked about for ever", 5, "pipeline/answer.c",
         "    case DM_RETRY_LATER:\n        return tries_left ? now_ms + wait_ms : 0;\n",
         "    case DM_RETRY_LATER:\n        return tries_left || PLANTED(45) ? now_ms + wait_ms : 0;\n"),
    46: ("a page that failed is asked about again at once", 5, "pipeline/answer.c",
         "    return wait_ms * 3 / 4 + wait_ms * chance / (4 * UINT16_MAX);\n",
         "    return PLANTED(46) ? 0 : wait_ms * 3 / 4 + wait_ms * chance / (4 * UINT16_MAX);\n"),
    47: ("another call's failure is taken for the single call's", 5, "pipeline/limit.c",
         "    bool probe = limit->probing && began_ms >= limit->probe_began_ms;\n",
         "    bool probe = limit->probing && (began_ms >= limit->probe_began_ms || PLANTED(47));\n"),
    48: ("a page that was refused is not asked about in another way", 5, "pipeline/otherwise.c",
         "    request->again = otherwise->again;\n",
         "    request->again = PLANTED(48) ? DM_AGAIN_PLAINLY : otherwise->again;\n"),
    49: ("an outage of the provider uses up a page's attempts", 5, "pipeline/answer.c",
         "        dm_limiter_ask(worker->pipeline.limiter, task->account).breaker != DM_BREAKER_CLOSED) {\n",
         "        dm_limiter_ask(worker->pipeline.limiter, task->account).breaker != DM_BREAKER_CLOSED && !PLANTED(49)) {\n"),
}

# A bug in several places: where one of them alone would be made good by another.
MORE = [
    (6, "pipeline/aggregate.c",
     "    if (state->status != DM_STATUS_AGGREGATING || state->lease.owner[0] == '\\0')\n",
     "    if (state->status != DM_STATUS_AGGREGATING || state->lease.owner[0] == '\\0' || PLANTED(6))\n"),
    (24, "pipeline/sweep.c",
     "            return returning->how == DM_HANDED_BACK ||\n",
     "            return returning->how == DM_HANDED_BACK || PLANTED(24) ||\n"),
    (27, "pipeline/sweep.c",
     "        if (!ended)\n            left[count++] = number;\n",
     "        if (!ended || PLANTED(27))\n            left[count++] = number;\n"),
]

# Found in thousands of seeds, for the instant that it takes is short: left to the long table.
RARE = {24, 34}

# Outside of what the fibers run, or by design of no consequence: looked at, and not planted.
#   "the outbox mark is removed before the event was sent": there is no outbox before webhooks are built.

ROOMS = ("domain", "pipeline")
HEAD = """extern int sim_planted; /* which bug was asked for; 0: none */
#define PLANTED(n) (sim_planted == (n))
"""


def plant(source: pathlib.Path, output: pathlib.Path) -> None:
    texts = {}
    edits = [(number, file, text, bug) for number, (_, _, file, text, bug) in ROWS.items()] + MORE
    for number, file, text, bug in edits:
        if file not in texts:
            texts[file] = (source / file).read_text()
        if texts[file].count(text) != 1:
            sys.exit(f"planted.py: bug {number} ({ROWS[number][0]}): its text is in {file} {texts[file].count(text)} times. "
                     "Where that code changed, change the row with it.")
        texts[file] = texts[file].replace(text, bug)
    for room in ROOMS:
        for path in sorted((source / room).glob("*.c")):
            file = f"{room}/{path.name}"
            text = texts.get(file, path.read_text())
            if file in texts:
                text = HEAD + text
            target = output / f"planted_{room}_{path.name}"
            if not target.exists() or target.read_text() != text:
                target.write_text(text)


def main() -> None:
    if sys.argv[1:] == ["--list"]:
        for number, (name, invariant, file, _, _) in ROWS.items():
            print(f"{number}\t{invariant}\t{file}\t{name}")
    elif sys.argv[1:2] == ["--files"]:
        for room in ROOMS:
            for path in sorted((pathlib.Path(sys.argv[2]) / room).glob("*.c")):
                print(f"planted_{room}_{path.name}")
    elif len(sys.argv) == 3:
        plant(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
