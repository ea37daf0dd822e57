"""Asking: one job, waiting for it, lists, events, deleting, and tenants that never meet."""
import concurrent.futures
import datetime
import json
import time

import pytest

import papers
from world import check_ledger, fresh, problem, until

NOBODY = "0192f3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b"


# ---- one job --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file_id", [NOBODY, "x", "..", "%2e%2e", "0", "a" * 300, NOBODY.upper() + "0", "%00"])
def test_a_job_that_is_not_there_answers_404(client, file_id):
    answer = client.get(f"/jobs/{file_id}")
    if file_id == "%00":
        problem(answer, 400)
    else:
        problem(answer, 404)


def test_a_job_that_did_not_change_is_not_sent_again(client):
    document = client.submit(papers.tiny_pdf())
    document.end("completed")
    first = client.get(document.path())
    again = client.get(document.path(), headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304 and not again.content and again.headers["ETag"] == first.headers["ETag"]
    assert client.get(document.path(), headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_long_poll_wakes_when_something_changes(prompt_client):
    document = prompt_client.submit(papers.slow_pdf(20, levels=4), "slow.pdf")
    seen, tag = [], None
    deadline = time.monotonic() + 60
    while not seen or seen[-1]["status"] not in ("completed", "failed"):
        began = time.monotonic()
        headers = {"If-None-Match": tag} if tag else {}
        answer = prompt_client.get(document.path("?wait=20"), headers=headers)
        assert answer.status_code == 200, "twenty seconds without a change"
        assert time.monotonic() - began < 15
        tag = answer.headers["ETag"]
        seen.append(answer.json())
        assert time.monotonic() < deadline
    assert len(seen) > 3, "progress was seen on the way"
    counts = [job["progress"]["processed"] + job["progress"]["failed"] for job in seen]
    assert counts == sorted(counts) and [job["seq"] for job in seen] == sorted(job["seq"] for job in seen)
    assert all(job["percent"] < 100 for job in seen[:-1]) and seen[-1]["percent"] == 100


def test_a_long_poll_without_a_change_ends_at_its_deadline(serve):
    server = serve(FILE_SIZE_THRESHOLD_MB=0, PAGE_TIMEOUT_SECONDS=600, DRAIN_SECONDS=1)
    client = server.client("acme")
    document = client.submit(papers.hanging_pdf(1, hanging=(1,)))
    document.until(lambda job: job["status"] == "processing", "it is at work")
    tag = client.get(document.path()).headers["ETag"]
    began = time.monotonic()
    answer = client.get(document.path("?wait=2"), headers={"If-None-Match": tag})
    assert 1.8 <= time.monotonic() - began < 5
    assert answer.status_code == 304
    began = time.monotonic()
    assert client.get(document.path("?wait=1")).status_code == 200
    assert 0.8 <= time.monotonic() - began < 4


def test_a_long_poll_of_a_finished_document_answers_at_once(client):
    document = client.submit(papers.tiny_pdf())
    tag = client.get(document.path()).headers["ETag"]
    began = time.monotonic()
    assert client.get(document.path("?wait=30"), headers={"If-None-Match": tag}).status_code == 304
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("wait", ["-1", "61", "x", "1.5"])
def test_a_wait_that_is_none_is_refused(client, wait):
    document = client.submit(papers.tiny_pdf())
    problem(client.get(document.path("?wait=" + wait)), 400, "validation")


# ---- lists ----------------------------------------------------------------------------------------------------------


def test_the_list_of_a_tenant_is_a_bare_array_newest_first_with_a_link_to_the_rest(prompt_client):
    ids = [prompt_client.submit(papers.tiny_pdf(), f"{n}.pdf").id for n in range(7)]
    answer = prompt_client.get(f"/jobs/tenant/{prompt_client.tenant}", params={"limit": 3})
    assert answer.status_code == 200
    rows = answer.json()
    assert isinstance(rows, list) and len(rows) == 3
    assert set(rows[0]) == {"fileId", "fileName", "status", "uploadedAt"}
    found = [row["fileId"] for row in rows]
    while "next" in answer.links:
        answer = prompt_client.request("GET", answer.links["next"]["url"])
        assert answer.status_code == 200
        found += [row["fileId"] for row in answer.json()]
    assert found == list(reversed(ids))


def test_the_list_comes_in_parts_that_neither_repeat_nor_miss_anything(prompt_client):
    ids = [prompt_client.submit(papers.tiny_pdf(), f"{n}.pdf").id for n in range(11)]
    found, cursor = [], None
    while True:
        parameters = {"limit": 4} | ({"cursor": cursor} if cursor else {})
        page = prompt_client.get("/jobs", params=parameters).json()
        found += [job["fileId"] for job in page["jobs"]]
        if len(found) == 4:
            # What comes in between does not disturb.
            newcomer = prompt_client.submit(papers.tiny_pdf()).id
        cursor = page["nextCursor"]
        if not cursor:
            break
    assert found == list(reversed(ids)) and newcomer not in found


def test_the_list_is_filtered_by_status(prompt_client):
    good = prompt_client.submit(papers.tiny_pdf())
    bad = prompt_client.submit(papers.pdf_without_pages())
    good.end("completed"), bad.end("failed")
    ids = lambda status: [job["fileId"] for job in prompt_client.get("/jobs", params={"status": status}).json()["jobs"]]
    assert ids("completed") == [good.id]
    assert ids("failed") == [bad.id]
    assert ids("cancelled") == ids("pending") == []
    row = prompt_client.get("/jobs?status=failed").json()["jobs"][0]
    assert row["error"]["reason"] == bad.job()["error"]["reason"] and row["progress"]["total"] == 0


def test_the_list_is_filtered_by_time(prompt_client):
    first = prompt_client.submit(papers.tiny_pdf())
    until(lambda: prompt_client.submit(papers.tiny_pdf()).job()["timestamps"]["uploaded"] > first.job()["timestamps"]["uploaded"], "later")
    rows = prompt_client.get("/jobs").json()["jobs"]
    newest = rows[0]["uploadedAt"]
    ids = lambda **query: [job["fileId"] for job in prompt_client.get("/jobs", params=query).json()["jobs"]]
    assert ids(**{"from": newest})[0] == rows[0]["fileId"] and first.id not in ids(**{"from": newest})
    assert rows[0]["fileId"] not in ids(to=newest) and first.id in ids(to=newest)
    tomorrow = (datetime.date.today() + datetime.timedelta(days=2)).isoformat()
    assert ids(**{"from": tomorrow}) == []


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "status=odd", "from=yesterday", "to=2026-13-01"])
def test_a_filter_that_is_none_is_refused_by_name(client, query):
    said = problem(client.get("/jobs?" + query), 400, "validation")
    assert [wrong["field"] for wrong in said["errors"]] == [query.partition("=")[0]]


@pytest.mark.parametrize("cursor", ["x", "AAAA", "../..", "%27%20OR%201%3D1--", "a" * 500])
def test_a_cursor_that_nobody_gave_is_refused_or_finds_nothing_odd(client, cursor):
    client.submit(papers.tiny_pdf())
    answer = client.get("/jobs?cursor=" + cursor)
    if answer.status_code != 200:
        problem(answer, 400)


def test_an_empty_list_is_an_empty_list(client):
    assert client.get("/jobs").json() == {"jobs": [], "nextCursor": None}
    assert client.get(f"/jobs/tenant/{client.tenant}").json() == []


# ---- events ---------------------------------------------------------------------------------------------------------


def test_events_are_numbered_from_one_without_a_hole(client):
    document = client.submit(papers.text_pdf(100), "long.pdf")
    document.end("completed")
    _, events = check_ledger(document)
    assert events[1]["eventType"] == "document.started"
    assert {event["eventType"] for event in events[2:-1]} == {"page.done"}
    assert all(event["fileId"] == document.id and event["tenantId"] == client.tenant for event in events)
    assert [event["timestamp"] for event in events] == sorted(event["timestamp"] for event in events)


def test_events_can_be_had_after_a_number(client):
    document = client.submit(papers.text_pdf(2))
    document.end("completed")
    events = document.events()
    assert document.get("/events?after=1") == events[1:]
    assert document.get(f"/events?after={len(events)}") == []
    first = client.get(document.path("/events?limit=2"))
    assert first.json() == events[:2]
    rest = client.request("GET", first.links["next"]["url"])
    assert rest.json() == events[2:4]


# ---- deleting -------------------------------------------------------------------------------------------------------


def test_a_deleted_document_is_gone_for_every_question(client):
    document = client.submit(papers.text_pdf(2))
    document.end("completed")
    link = document.get("/download")["downloadUrl"]
    answer = client.delete(document.path())
    assert answer.status_code == 204 and not answer.content
    for path in ("", "?wait=5", "/results", "/results?partial=true", "/download", "/pages", "/pages/1", "/pages/1/image", "/events"):
        problem(client.get(document.path(path)), 404)
    for path in ("/cancel", "/retry", "/pages/1/retry"):
        problem(client.post(document.path(path)), 404)
    problem(client.delete(document.path()), 404)
    problem(client.request("GET", link), 404)
    assert client.get("/jobs").json()["jobs"] == []
    assert client.get(f"/jobs/tenant/{client.tenant}").json() == []


def test_a_document_deleted_while_it_is_read_is_gone_and_its_pages_stop(prompt_server, prompt_client):
    document = prompt_client.submit(papers.slow_pdf(200, levels=4), "slow.pdf")
    document.until(lambda job: job["progress"]["processed"] > 0, "pages are being read")
    assert prompt_client.delete(document.path()).status_code == 204
    problem(prompt_client.get(document.path()), 404)
    # The next document does not stand behind 200 pages that nobody wants.
    began = time.monotonic()
    prompt_client.submit(papers.tiny_pdf()).end("completed")
    assert time.monotonic() - began < 10


def test_a_waiting_client_learns_at_once_that_the_document_was_deleted(prompt_server, prompt_client):
    document = prompt_client.submit(papers.slow_pdf(200, levels=4), "slow.pdf")
    other = prompt_server.client(prompt_client.tenant)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        until(lambda: document.job()["progress"]["processed"] > 0, "pages are being read")

        def follow():
            while True:
                answer = other.get(document.path("?wait=20"))
                if answer.status_code != 200:
                    return answer

        follower = pool.submit(follow)
        assert prompt_client.delete(document.path()).status_code == 204
        problem(follower.result(10), 404)


# ---- tenants --------------------------------------------------------------------------------------------------------

QUESTIONS = [
    ("GET", ""),
    ("GET", "?wait=5"),
    ("GET", "/results"),
    ("GET", "/results?partial=true"),
    ("GET", "/download"),
    ("GET", "/pages"),
    ("GET", "/pages/1"),
    ("GET", "/pages/1/image"),
    ("GET", "/events"),
    ("POST", "/cancel"),
    ("POST", "/retry"),
    ("POST", "/pages/1/retry"),
    ("DELETE", ""),
]


@pytest.fixture(scope="module")
def owned(_waiting_server):
    owner = _waiting_server.client(fresh("owner"))
    document = owner.submit(papers.text_pdf(2), "secret.pdf")
    document.end("completed")
    return document


@pytest.mark.parametrize("method, path", QUESTIONS, ids=[f"{m} {p}" for m, p in QUESTIONS])
def test_another_tenant_gets_the_answer_that_a_document_which_does_not_exist_gives(server, owned, method, path):
    stranger = server.client(fresh("stranger"))
    theirs = stranger.request(method, "/api" + owned.path(path))
    nobodys = stranger.request(method, "/api" + stranger.document(NOBODY).path(path))
    said, unknown = problem(theirs, 404), problem(nobodys, 404)
    for member in ("type", "title", "status", "detail"):
        assert said[member] == json.loads(json.dumps(unknown[member]).replace(NOBODY, owned.id)), member
    assert "secret" not in theirs.text
    assert owned.job()["status"] == "completed"


def test_no_list_shows_another_tenants_documents(server, owned):
    stranger = server.client(fresh("stranger"))
    assert stranger.get("/jobs").json()["jobs"] == []
    assert stranger.get(f"/jobs/tenant/{stranger.tenant}").json() == []
    problem(stranger.get(f"/jobs/tenant/{owned.client.tenant}"), 400)


def test_tenants_whose_names_are_alike_stay_apart(server):
    base = fresh("acme")
    names = [base, base + ".", base + "-2", base.upper(), base + "@x", base + ":y"]
    clients = [server.client(name) for name in names]
    ids = [client.submit(papers.tiny_pdf(name), "a.pdf").id for client, name in zip(clients, names)]
    for client, own in zip(clients, ids):
        assert [job["fileId"] for job in client.get("/jobs").json()["jobs"]] == [own]
        assert all(client.get(f"/jobs/{other}").status_code == 404 for other in ids if other != own)
