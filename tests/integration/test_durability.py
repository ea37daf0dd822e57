"""What was accepted is kept, whatever happens to the server."""
import random
import subprocess
import threading
import time

import requests

import papers
from world import check_ledger, descendants, environment, until

def no_page_was_read_twice(document, job, helpers_in_flight):
    """Every page is paid for once, but for the calls that were in flight when the server died."""
    pages = document.pages()
    assert all(page["status"] == "done" for page in pages)
    calls = sum(page["usage"]["modelCalls"] for page in pages)
    assert calls <= len(pages) + helpers_in_flight
    assert job["usage"]["modelCalls"] <= len(pages) + 1 + helpers_in_flight


def test_a_document_goes_on_where_it_was_when_the_server_was_killed(serve):
    server = serve(FILE_SIZE_THRESHOLD_MB=0)
    client = server.client("acme")
    document = client.submit(papers.slow_pdf(50, draws=13, levels=4), "long.pdf")
    document.until(lambda job: job["progress"]["processed"] >= 10, "some pages are done")
    server.kill()
    server.start()
    job = document.job()
    done_before = {page["pageNumber"]: page for page in document.pages() if page["status"] == "done"}
    kept = job["progress"]["processed"]
    assert kept >= 10
    job = document.end("completed")
    pages, events = check_ledger(document, job)
    for page in pages:
        if page["pageNumber"] in done_before:
            assert page == done_before[page["pageNumber"]], "its record is the one from before"
    told = [n for event in events if event["eventType"] == "page.done" for n in page_numbers(event)]
    assert sorted(told) == list(range(1, 51)), "each page was told once"
    no_page_was_read_twice(document, job, 40)


def page_numbers(event):
    return [page["pageNumber"] if isinstance(page, dict) else page for page in event["data"]["pages"]]


class Load:
    """Clients that hand in documents until they are told to stop, and remember what was acknowledged."""

    def __init__(self, server, clients):
        self.server = server
        self.accepted = []
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(number,)) for number in range(clients)]
        for thread in self.threads:
            thread.start()

    def run(self, number):
        dice = random.Random(number)
        client = self.server.client(f"tenant-{number % 2}")
        while not self.stopping.is_set():
            pages = dice.choice([1, 2, 7, 30])
            data = papers.slow_pdf(pages, levels=3) if dice.random() < 0.7 else papers.plain_text(pages)
            name = f"{len(self.accepted)}." + ("pdf" if data.startswith(b"%PDF") else "txt")
            try:
                answer = client.upload(data, name)
            except requests.RequestException:
                return
            if answer.status_code == 202:
                self.accepted.append((client.tenant, answer.json()["fileId"], pages))
            if len(self.accepted) > 25:
                return

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(30)
            assert not thread.is_alive()


def test_every_acknowledged_document_is_read_to_its_end_over_many_deaths(serve):
    """Eight deaths, two in a row each time: what is lost a third time in a row is taken for the cause and ends `crashed`."""
    server = serve(FILE_SIZE_THRESHOLD_MB=0)
    dice = random.Random(20_26)
    for _ in range(4):
        accepted = []
        for _ in range(2):
            load = Load(server, 3)
            time.sleep(dice.uniform(0.02, 0.6))
            server.kill()
            load.stop()
            accepted += load.accepted
            server.start()
        assert accepted
        for tenant, file_id, pages in accepted:
            document = server.client(tenant).document(file_id)
            job = document.end("completed", seconds=90)
            assert job["progress"] == {"processed": pages, "total": pages, "failed": 0}, job
            check_ledger(document, job)
            # Paid for once, but for the calls that were under way at a death and one reduction.
            assert job["usage"]["modelCalls"] <= pages + 1 + 2 * 40
        for tenant in ("tenant-0", "tenant-1"):
            client = server.client(tenant)
            listed = [job["fileId"] for job in all_jobs(client)]
            assert {file_id for owner, file_id, _ in accepted if owner == tenant} <= set(listed)
            # What was durable before its answer got lost ends, too.
            for file_id in listed:
                client.document(file_id).end("completed")


def all_jobs(client):
    return client.get("/jobs", params={"limit": 1000}).json()["jobs"]


def test_a_kill_in_the_middle_of_an_upload_leaves_nothing_behind(serve):
    from world import Wire, form, form_part, post

    server = serve(FILE_SIZE_THRESHOLD_MB=0)
    body = form(form_part("file", b"%PDF-1.4\n" + b"x" * 4_000_000, "half.pdf"))
    with Wire(server) as wire:
        wire.say(post(body)[:2_000_000])
        until(lambda: server.bytes_on_disk() > 1_000_000 or _open_temporaries(server.pid), "bytes have arrived")
        server.kill()
    server.start()
    until(lambda: not server.spooled() and not server.blobs(), f"nothing left: {server.spooled()} {server.blobs()}", 10)
    assert server.client().get("/jobs").json()["jobs"] == []


def _open_temporaries(pid):
    """Files without a name, where the spool is made of those."""
    import os

    found = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            found += ["(deleted)" in os.readlink(f"/proc/{pid}/fd/{fd}") or None]
        except OSError:
            continue
    return any(found)


def test_a_helper_that_is_killed_is_replaced_and_the_document_completes(serve):
    import os
    import signal

    server = serve(FILE_SIZE_THRESHOLD_MB=0)
    client = server.client("acme")
    document = client.submit(papers.slow_pdf(60, levels=4))
    document.until(lambda job: job["progress"]["processed"] >= 2, "pages are being read")
    for pid in server.helpers():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    job = document.end("completed", seconds=60)
    # The pages in the killed helpers may have ended `crashed`; no other may be lost.
    assert job["progress"]["failed"] <= 2 and job["progress"]["total"] == 60
    pages, _ = check_ledger(document, job)
    assert {page["error"]["reason"] for page in pages if page["error"]} <= {"crashed"}
    client.submit(papers.text_pdf(2)).end("completed")


def test_a_server_told_to_stop_finishes_or_hands_back_and_the_next_goes_on(serve):
    server = serve(FILE_SIZE_THRESHOLD_MB=0, DRAIN_SECONDS=1)
    client = server.client("acme")
    document = client.submit(papers.slow_pdf(60, levels=4))
    document.until(lambda job: job["progress"]["processed"] >= 2, "pages are being read")
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 4
    server.start()
    job = document.job()
    assert 2 <= job["progress"]["processed"]
    job = document.end("completed")
    check_ledger(document, job)
    no_page_was_read_twice(document, job, 0)


def test_a_parked_client_is_answered_when_the_server_stops(serve):
    server = serve(FILE_SIZE_THRESHOLD_MB=0, PAGE_TIMEOUT_SECONDS=600, DRAIN_SECONDS=1)
    client = server.client("acme")
    document = client.submit(papers.hanging_pdf(1, hanging=(1,)))
    document.until(lambda job: job["status"] == "processing", "it hangs")
    answers = []
    waiter = threading.Thread(target=lambda: answers.append(server.client("acme").get(document.path("?wait=50"))))
    waiter.start()
    until(lambda: len(open(f"/proc/{server.pid}/net/tcp").readlines()) > 0, "parked")
    time.sleep(0.3)
    began = time.monotonic()
    server.stop()
    waiter.join(10)
    assert time.monotonic() - began < 6
    assert answers and answers[0].status_code in (200, 304, 503)


def test_a_draining_server_takes_nothing_new_and_says_so(serve):
    server = serve(FILE_SIZE_THRESHOLD_MB=0, PAGE_TIMEOUT_SECONDS=600, DRAIN_SECONDS=6)
    client = server.client("acme")
    client.submit(papers.hanging_pdf(1, hanging=(1,))).until(lambda job: job["status"] == "processing", "it hangs")
    # A connection from before, for the listening socket may be closed by then.
    client.get("/health/live")
    server.signal()
    until(lambda: list(server.events("server.draining")), "it drains")
    try:
        answer = client.upload(papers.tiny_pdf())
        assert answer.status_code == 503 and int(answer.headers["Retry-After"]) >= 1
    except requests.ConnectionError:
        pass
    assert server.wait_end() == 0


def test_a_second_signal_ends_a_draining_server_at_once(serve):
    server = serve(FILE_SIZE_THRESHOLD_MB=0, PAGE_TIMEOUT_SECONDS=600, DRAIN_SECONDS=60)
    client = server.client("acme")
    document = client.submit(papers.hanging_pdf(1, hanging=(1,)))
    document.until(lambda job: job["status"] == "processing", "it hangs")
    server.signal()
    until(lambda: list(server.events("server.draining")), "it drains")
    # Not at once: what hands a signal on may send it twice.
    until(lambda: server.signal() or server.process.poll() is not None, "it is gone", 5, pause=0.3)
    server.wait_end()


def test_a_second_server_on_the_same_folder_is_refused_and_told_who_has_it(serve, binary):
    server = serve()
    again = subprocess.run(
        [binary, "serve"], env=environment(server.folder, server.settings), capture_output=True, text=True, timeout=20
    )
    assert again.returncode != 0
    assert str(server.pid) in again.stderr and str(server.data) in again.stderr, again.stderr
    assert server.client().get("/health/live").status_code == 200
    # The folder is free again once the first one is dead, even if it died without a word.
    server.kill()
    server.start()


def test_a_power_cut_during_the_aggregation_of_many_documents_loses_none(serve):
    server = serve(FILE_SIZE_THRESHOLD_MB=0)
    client = server.client("acme")
    documents = [client.submit(papers.plain_text(1), f"{n}.txt") for n in range(60)]
    until(lambda: client.get("/jobs?status=completed&limit=1").json()["jobs"], "the first is complete", pause=0.001)
    server.kill()
    server.start()
    for document in documents:
        check_ledger(document, document.end("completed"))


def test_the_folder_is_the_owners_alone(serve):
    server = serve()
    server.client().submit(papers.tiny_pdf()).end("completed")
    assert server.data.stat().st_mode & 0o077 == 0
    for path in server.data.rglob("*"):
        if "key" in path.name:
            assert path.stat().st_mode & 0o077 == 0, path


def test_what_a_password_opened_is_nowhere_in_clear(serve):
    server = serve()
    secret = "correct horse battery staple"
    client = server.client()
    document = client.submit(papers.encrypted(papers.text_pdf(2), secret), password=secret)
    document.end("completed")
    server.stop()
    for path in [server.log_path, *server.data.rglob("*")]:
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path
    assert not descendants(1).get(server.session)
