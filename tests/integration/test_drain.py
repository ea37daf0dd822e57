"""Told to stop, a server takes nothing new, finishes or hands back what it has, and ends with 0 in time."""
import signal
import time

import pytest
import requests

import papers
from test_durability import Load, no_page_was_read_twice
from world import Wire, check_ledger, form, form_part, post, until

# What a busy machine may add to a deadline.
SLACK = 4


def stops_within(server, seconds, number=signal.SIGTERM):
    began = time.monotonic()
    server.signal(number)
    assert server.wait_end(seconds + 10) == 0, server.log()[-3000:]
    took = time.monotonic() - began
    assert took < seconds + SLACK, f"{took:.1f} s"
    assert not server.spooled()
    return took


def draining(server):
    return until(lambda: list(server.events("server.draining")), "it drains")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_under_load_it_ends_in_time_and_all_that_it_acknowledged_is_finished_by_the_next_start(serve, number):
    server = serve(FILE_SIZE_THRESHOLD_MB=0, DRAIN_SECONDS=1)
    load = Load(server, 3)
    until(lambda: len(load.accepted) >= 5, "documents come in")
    stops_within(server, 1, number)
    load.stop()
    server.start()
    for tenant, file_id, pages in load.accepted:
        document = server.client(tenant).document(file_id)
        job = document.end("completed", seconds=90)
        assert job["progress"] == {"processed": pages, "total": pages, "failed": 0}
        check_ledger(document, job)
        no_page_was_read_twice(document, job, 0)


def test_what_is_handed_back_counts_no_loss_however_often(serve):
    """Lost three times alone a page ends `crashed`; handed back five times it is read as if nothing had been."""
    server = serve(FILE_SIZE_THRESHOLD_MB=0, DRAIN_SECONDS=0.2, PAGE_TIMEOUT_SECONDS=600)
    document = server.client("acme").submit(papers.hanging_pdf(2, hanging=(2,)))
    for _ in range(5):
        document.until(lambda job: job["progress"]["processed"] == 1, "only the page that hangs is left")
        until(lambda: busy(server), "it is being read")
        stops_within(server, 0.2)
        server.start()
    job = document.job()
    assert job["status"] == "processing" and job["progress"] == {"processed": 1, "total": 2, "failed": 0}
    server.stop()
    # With less time for a page it ends, and by its own reason.
    server.start(PAGE_TIMEOUT_SECONDS=0.3)
    job = document.end("completed")
    assert document.page(2)["error"]["reason"] == "timeout"
    check_ledger(document, job)


def busy(server):
    """A helper that computes."""
    def ticks(pid):
        try:
            with open(f"/proc/{pid}/stat") as stat:
                return int(stat.read().rpartition(")")[2].split()[11])
        except OSError:
            return 0

    return any(ticks(pid) >= 3 for pid in server.helpers())


def test_a_page_that_is_at_work_is_finished_where_there_is_time(serve):
    server = serve(FILE_SIZE_THRESHOLD_MB=0, DRAIN_SECONDS=20)
    document = server.client("acme").submit(papers.slow_pdf(1, draws=12, levels=5))
    until(lambda: busy(server), "it is being read")
    stops_within(server, 20)
    # So little time that reading it now would fail.
    server.start(PAGE_TIMEOUT_SECONDS=0.1)
    job = document.end("completed")
    check_ledger(document, job)
    no_page_was_read_twice(document, job, 0)


def request_in_halves(name="half.pdf"):
    request = post(form(form_part("file", papers.text_pdf(2) + b"%" * 200_000, name)))
    return request[:100_000], request[100_000:]


def test_an_upload_that_is_coming_in_is_accepted_or_refused_but_never_lost(serve):
    server = serve(FILE_SIZE_THRESHOLD_MB=0, DRAIN_SECONDS=4)
    first, rest = request_in_halves()
    with Wire(server) as wire:
        wire.say(first)
        until(server.spooled, "half of it is there")
        server.signal()
        draining(server)
        wire.say(rest)
        answer = wire.answer()
    assert server.wait_end() == 0
    server.start()
    listed = server.client().get("/jobs").json()["jobs"]
    if answer.status in (201, 202):
        assert len(listed) == 1
        server.client().document(listed[0]["fileId"]).end("completed")
    else:
        assert answer.status in (None, 503) and listed == []


def test_uploads_that_never_end_hold_it_up_no_longer_than_its_deadline_and_leave_nothing(serve):
    server = serve(FILE_SIZE_THRESHOLD_MB=0, DRAIN_SECONDS=1)
    wires = [Wire(server) for _ in range(10)]
    first, _ = request_in_halves()
    for wire in wires:
        wire.say(first)
    until(lambda: len(server.spooled()) == 10, "half of each is there")
    stops_within(server, 1)
    for wire in wires:
        with wire:
            assert b" 20" not in wire.hear()[:20]
    server.start()
    assert server.client().get("/jobs").json()["jobs"] == [] and not server.blobs()


def test_parked_clients_are_all_answered(serve):
    server = serve(FILE_SIZE_THRESHOLD_MB=0, PAGE_TIMEOUT_SECONDS=600, DRAIN_SECONDS=1)
    document = server.client("acme").submit(papers.hanging_pdf(1, hanging=(1,)))
    job = document.until(lambda job: job["status"] == "processing", "it hangs")
    request = f"GET /api/jobs/{document.id}?wait=50 HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Tenant-Id: acme\r\n\r\n"
    wires = [Wire(server) for _ in range(50)]
    for wire in wires:
        wire.say(request)
    # Parked: taken, and nothing said yet. One that is asked after them is answered after them.
    server.client("acme").get(document.path())
    stops_within(server, 1)
    for wire in wires:
        with wire:
            answer = wire.answer()
            told = answer.status == 200 and job["fileId"].encode() in answer.body
            assert told or answer.status == 503, answer.status


def test_a_new_connection_is_refused_or_told_to_come_again(serve):
    server = serve(FILE_SIZE_THRESHOLD_MB=0, PAGE_TIMEOUT_SECONDS=600, DRAIN_SECONDS=2)
    client = server.client("acme")
    client.submit(papers.hanging_pdf(1, hanging=(1,))).until(lambda job: job["status"] == "processing", "it hangs")
    server.signal()
    draining(server)

    def refused():
        try:
            answer = server.client("acme").upload(papers.tiny_pdf())
            assert answer.status_code == 503 and int(answer.headers["Retry-After"]) >= 1
        except requests.ConnectionError:
            pass
        return True

    while server.process.poll() is None:
        assert refused()
    assert server.wait_end() == 0


def test_the_echo_of_a_signal_is_no_second_one(serve):
    """What hands a signal on sends it to the process and to its group."""
    server = serve(FILE_SIZE_THRESHOLD_MB=0, DRAIN_SECONDS=1)
    document = server.client("acme").submit(papers.slow_pdf(30, levels=4))
    document.until(lambda job: job["progress"]["processed"] >= 1, "pages are being read")
    server.signal()
    server.signal()
    assert server.wait_end() == 0
    server.start()
    no_page_was_read_twice(document, document.end("completed"), 0)


def test_after_a_second_signal_the_next_start_goes_on(serve):
    server = serve(FILE_SIZE_THRESHOLD_MB=0, PAGE_TIMEOUT_SECONDS=600, DRAIN_SECONDS=60)
    client = server.client("acme")
    hanging = client.submit(papers.hanging_pdf(3, hanging=(3,)))
    hanging.until(lambda job: job["progress"]["processed"] == 2, "it hangs")
    server.signal()
    draining(server)
    # What comes within half a second is taken for an echo.
    until(lambda: server.signal() or server.process.poll() is not None, "it is gone", 5, pause=0.1)
    assert server.wait_end() == -signal.SIGTERM
    server.start(PAGE_TIMEOUT_SECONDS=0.5)
    job = hanging.end("completed")
    assert job["progress"] == {"processed": 2, "total": 3, "failed": 1}
    assert hanging.page(3)["error"]["reason"] == "timeout"
    check_ledger(hanging, job)
