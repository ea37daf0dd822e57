"""Stopping a document, and reading again what failed, and only that."""
import concurrent.futures
import time

import pytest

import papers
from papers import marker
from world import check_ledger, check_result, problem


def stays(value, seconds):
    """The value must not change for a while: the only way to see that something does not happen."""
    first, deadline = value(), time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert value() == first
        time.sleep(0.1)
    return first


# ---- cancel ---------------------------------------------------------------------------------------------------------


def test_a_document_cancelled_in_flight_ends_cancelled_and_no_further_page_is_read(prompt_client):
    document = prompt_client.submit(papers.slow_pdf(300, levels=4), "slow.pdf")
    document.until(lambda job: job["progress"]["processed"] >= 2, "some pages are done")
    answer = document.cancel()
    assert answer.status_code == 202 and answer.json()["status"] == "cancelled"
    job = document.job()
    assert job["status"] == "cancelled" and job["timestamps"]["completed"]
    time_allowed = 1.0
    time.sleep(time_allowed)
    calls = stays(lambda: document.job()["usage"]["modelCalls"], 1)
    assert calls < 300
    job = document.job()
    assert job["progress"]["processed"] < 300 and job["pages"]["pending"] > 0
    check_ledger(document, job)
    problem(prompt_client.get(document.path("/results")), 404, "no-result")
    partial = document.get("/results?partial=true")
    assert partial["successCount"] == job["progress"]["processed"]
    # Its place is free for others at once.
    began = time.monotonic()
    prompt_client.submit(papers.tiny_pdf()).end("completed")
    assert time.monotonic() - began < 10


def test_a_document_that_has_not_begun_can_be_cancelled(serve):
    client = serve(FILE_SIZE_THRESHOLD_MB=0, HELPERS=1, PAGE_TIMEOUT_SECONDS=600, DRAIN_SECONDS=1).client("acme")
    client.submit(papers.hanging_pdf(1, hanging=(1,))).until(lambda job: job["status"] == "processing", "the helper is busy")
    waiting = client.submit(papers.text_pdf(3))
    assert waiting.cancel().json()["status"] == "cancelled"
    job = waiting.job()
    assert job["progress"]["processed"] == 0 and job["usage"]["modelCalls"] == 0
    assert [event["eventType"] for event in waiting.events()] == ["document.uploaded", "document.cancelled"]


def test_a_page_at_work_when_its_document_is_cancelled_does_not_hold_the_helper_for_long(serve):
    client = serve(FILE_SIZE_THRESHOLD_MB=0, HELPERS=1, PAGE_TIMEOUT_SECONDS=2).client("acme")
    document = client.submit(papers.hanging_pdf(1, hanging=(1,)))
    document.until(lambda job: job["status"] == "processing", "the page hangs")
    assert document.cancel().status_code == 202
    client.submit(papers.tiny_pdf()).end("completed", seconds=15)


def test_what_has_ended_cannot_be_cancelled(client):
    completed = client.submit(papers.tiny_pdf())
    completed.end("completed")
    said = problem(completed.cancel(), 409, "wrong-state")
    assert "completed" in said["detail"]
    failed = client.document(client.upload(papers.pdf_without_pages()).json()["fileId"])
    problem(failed.cancel(), 409, "wrong-state")


def test_a_second_cancel_is_refused_and_changes_nothing(prompt_client):
    document = prompt_client.submit(papers.slow_pdf(100, levels=4))
    assert document.cancel().status_code == 202
    events = document.events()
    problem(document.cancel(), 409, "wrong-state")
    assert document.events() == events


def test_of_many_cancels_at_once_one_is_told_that_it_did_it(prompt_server, prompt_client):
    document = prompt_client.submit(papers.slow_pdf(100, levels=4))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        cancel = lambda _: prompt_server.client(prompt_client.tenant).post(document.path("/cancel")).status_code
        answers = list(pool.map(cancel, range(8)))
    assert answers.count(202) == 1 and answers.count(409) == 7, answers
    assert [event["eventType"] for event in document.events()].count("document.cancelled") == 1


# ---- retry ----------------------------------------------------------------------------------------------------------


def test_only_the_failed_pages_are_read_again_and_the_others_keep_their_analyses(client):
    document = client.submit(papers.pdf_with_damaged_pages(5, damaged=(2, 4)))
    job = document.end("completed")
    assert job["outcome"] == "partial" and job["epoch"] == 1
    before, calls, events = document.results(), job["usage"]["modelCalls"], document.events()
    assert [chunk["status"] for chunk in before["chunks"]] == ["done", "failed", "done", "failed", "done"]
    answer = document.retry()
    assert answer.status_code == 202 and answer.json()["epoch"] == 2
    job = document.end("completed")
    assert job["outcome"] == "partial" and job["epoch"] == 2
    assert job["usage"]["modelCalls"] - calls <= 1, "no page that was done is paid for again (a reduction may be)"
    after = document.results()
    for page in (0, 2, 4):
        assert after["chunks"][page] == before["chunks"][page]
    check_ledger(document, job)
    newer = document.events()[len(events) :]
    assert newer[0]["eventType"] == "document.started"
    assert {event["eventType"] for event in newer} == {"document.started", "page.failed", "document.completed"}
    assert job["result"]["s3Key"].endswith("results-2.json")


def test_a_page_that_timed_out_is_read_once_there_is_more_time(serve):
    server = serve(FILE_SIZE_THRESHOLD_MB=0, PAGE_TIMEOUT_SECONDS=0.4)
    client = server.client("acme")
    document = client.submit(papers.slow_pdf(4, draws=14, levels=5, slow={3}))
    job = document.end("completed")
    assert job["outcome"] == "partial"
    assert document.page(3)["error"]["reason"] == "timeout"
    server.stop()
    server.start(PAGE_TIMEOUT_SECONDS=60)
    assert document.retry().status_code == 202
    job = document.end("completed")
    assert job["outcome"] == "full" and job["progress"] == {"processed": 4, "total": 4, "failed": 0}
    assert marker(3) in document.page(3)["text"]
    check_ledger(document, job)


def test_chosen_pages_are_read_again_whether_they_failed_or_not(client):
    document = client.submit(papers.text_pdf(6))
    calls = document.end("completed")["usage"]["modelCalls"]
    assert document.retry(pages="2,5-6").status_code == 202
    job = document.end("completed")
    assert job["epoch"] == 2 and job["progress"]["processed"] == 6
    assert 3 <= job["usage"]["modelCalls"] - calls <= 4
    check_ledger(document, job)


def test_one_page_is_read_again_by_its_own_address(client):
    document = client.submit(papers.text_pdf(3))
    calls = document.end("completed")["usage"]["modelCalls"]
    assert client.post(document.path("/pages/2/retry")).status_code == 202
    job = document.end("completed")
    assert 1 <= job["usage"]["modelCalls"] - calls <= 2
    check_ledger(document, job)


def test_a_document_that_failed_before_its_pages_were_known_begins_anew(prompt_client):
    document = prompt_client.submit(papers.pdf_without_pages())
    document.end("failed")
    assert document.retry().status_code == 202
    job = document.end("failed")
    assert job["epoch"] == 2 and job["error"]["reason"] in ("no_pages", "damaged")
    check_ledger(document, job)


def test_a_document_of_which_no_page_could_be_read_can_be_tried_again(prompt_client):
    document = prompt_client.submit(papers.pdf_with_damaged_pages(2, damaged=(1, 2)))
    job = document.end("failed")
    assert job["progress"] == {"processed": 0, "total": 2, "failed": 2}
    assert document.retry().status_code == 202
    job = document.end("failed")
    assert job["epoch"] == 2 and job["pages"]["failed"] == 2
    check_ledger(document, job)


def test_a_retry_where_there_is_nothing_to_read_again_is_refused(client):
    document = client.submit(papers.text_pdf(2))
    document.end("completed")
    problem(document.retry(), 409, "wrong-state")
    assert document.job()["epoch"] == 1


def test_a_retry_of_a_document_at_work_or_cancelled_is_refused(prompt_client):
    document = prompt_client.submit(papers.slow_pdf(100, levels=4))
    problem(document.retry(), 409, "wrong-state")
    assert document.cancel().status_code == 202
    problem(document.retry(), 409, "wrong-state")


def test_a_retry_of_pages_that_are_not_there_is_refused(client):
    document = client.submit(papers.text_pdf(2))
    document.end("completed")
    answer = document.retry(pages="7")
    problem(answer, answer.status_code)
    assert answer.status_code in (400, 409)
    problem(document.retry(pages="x"), 400, "validation")


def test_while_a_retry_runs_the_old_result_stays(serve):
    client = serve(FILE_SIZE_THRESHOLD_MB=0).client("acme")
    document = client.submit(papers.slow_pdf(30, levels=4))
    document.end("completed")
    before = client.get(document.path("/results")).content
    assert document.retry(pages="1-").status_code == 202
    answer = client.get(document.path("/results"))
    assert answer.status_code == 200
    if document.job()["status"] != "completed":
        assert answer.content == before
    job = document.end("completed")
    check_result(document.results(), document, job)
    assert job["epoch"] == 2


@pytest.mark.parametrize(
    "body, status",
    [
        (b"{", 400),
        (b"[]", 400),
        (b'"1"', 400),
        (b'{"pages":{}}', 400),
        (b'{"pages":[1]}', 400),
        (b'{"page":"1"}', 400),
        (b'{"pages":"1","pages":"2"}', 400),
        (b"\xff\xfe", 400),
        (b'{"pages":"1\\u0000"}', 400),
        (b"[" * 60_000, 400),
        (b'{"pages":"' + b"1," * 40_000 + b'1"}', 413),
    ],
    ids=range(11),
)
def test_a_body_that_is_not_what_retry_takes_is_refused(client, body, status):
    document = client.submit(papers.tiny_pdf())
    answer = client.post(document.path("/retry"), data=body, headers={"Content-Type": "application/json"})
    problem(answer, status)
    assert document.job()["epoch"] == 1


def test_a_body_that_calls_itself_something_else_is_refused(client):
    document = client.submit(papers.tiny_pdf())
    problem(client.post(document.path("/cancel"), data="a=b", headers={"Content-Type": "text/plain"}), 415)
