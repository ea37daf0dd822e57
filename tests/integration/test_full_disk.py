"""The disk is full, at each moment, and has room again: uploads are refused with 507, everything that was accepted waits
and is then read to its end, those who ask are answered meanwhile, nothing is left behind, and nobody restarts anything."""
import concurrent.futures
import os
import subprocess
import time

import pytest

import papers
from small_disk import BYTES, EVERYTHING, NAMES, SYNCS, SmallDisk
from world import Server, check_ledger, end_of, form, form_part, post, problem, until, Wire

MEGABYTE = 1 << 20


def _server(binary, folder, **settings):
    """A server, and the switch that fills its disk."""
    disk = SmallDisk(binary, folder)
    server = Server(binary, folder, FILE_SIZE_THRESHOLD_MB=0, MIN_FREE_MB=0, **settings)
    server.settings |= disk.settings(server.data)
    server.start()
    yield server, disk
    disk.free()
    end_of(server)
    disk.close()


@pytest.fixture
def full(binary, tmp_path):
    yield from _server(binary, tmp_path, DRAIN_SECONDS=1)


@pytest.fixture(scope="module")
def _lasting(binary, tmp_path_factory):
    yield from _server(binary, tmp_path_factory.mktemp("full"))


@pytest.fixture
def lasting(_lasting):
    """One for many tests, none of which may leave it the worse."""
    server, disk = _lasting
    yield server, disk
    disk.free()
    server.check()


def _answers(client):
    assert client.get("/jobs").status_code == 200
    assert client.get("/health/live").status_code == 200


# ---- uploads --------------------------------------------------------------------------------------------------------

MOMENTS = {
    "before_the_body": ("", EVERYTHING, 0),
    "at_the_first_byte": ("spool", BYTES, 0),
    "in_the_middle_of_the_body": ("spool", BYTES, 100_000),
    "at_the_last_byte": ("spool", BYTES, 299_999),
    "when_the_body_is_synced": ("source", SYNCS, 0),
    "at_the_folder": ("brimful", NAMES, 0),
    "at_the_name": ("source", NAMES, 0),
    "when_the_name_is_synced": ("brimful", SYNCS, 0),
    "at_the_log_of_the_database": ("-wal", BYTES, 0),
    "within_a_page_of_the_log": ("-wal", BYTES, 5000),
    "when_the_log_is_synced": ("-wal", SYNCS, 0),
}


@pytest.mark.parametrize("form_or_raw", ["form", "raw"])
@pytest.mark.parametrize("word, what, room", MOMENTS.values(), ids=MOMENTS.keys())
def test_an_upload_that_meets_a_full_disk_is_refused_and_leaves_nothing(lasting, word, what, room, form_or_raw):
    server, disk = lasting
    client = server.client("brimful")
    tiny = papers.tiny_pdf()
    data = tiny + b"%" * (300_000 - len(tiny))

    def upload():
        if form_or_raw == "form":
            return client.upload(data)
        return client.post("/upload?fileName=a.pdf", data=data)

    before, known = server.blobs(), len(client.get("/jobs?limit=500").json()["jobs"])
    # A tenant's first document makes its folders; only then is their making refused.
    with disk.full(word, what, room):
        problem(upload(), 507, "no-space")
        assert disk.refused > 0
        _answers(client)
    assert server.blobs() == before
    assert len(client.get("/jobs?limit=500").json()["jobs"]) == known
    answer = upload()
    assert answer.status_code == 202, answer.text
    document = client.document(answer.json()["fileId"])
    document.end("completed")


def test_a_client_that_is_still_sending_hears_of_the_full_disk_and_many_that_do_leave_nothing(lasting):
    server, disk = lasting
    before = server.blobs()
    body = post(form(form_part("file", b"%PDF-1.4\n" + b"x" * 2_000_000, "a.pdf")))

    def send(_):
        with Wire(server) as wire:
            wire.say(body)
            return wire.answer().status

    with disk.full("spool", BYTES, room=8_000_000), concurrent.futures.ThreadPoolExecutor(24) as pool:
        statuses = list(pool.map(send, range(24)))
        _answers(server.client("full"))
        assert 507 in statuses and set(statuses) <= {202, 507}, statuses
        assert len(server.blobs()) - len(before) <= 8
    client = server.client("default")
    ended = [client.document(row["fileId"]).end() for row in client.get("/jobs?limit=500").json()["jobs"]]
    assert len(ended) == statuses.count(202)


def test_an_idempotency_key_of_an_upload_that_was_refused_is_free(full):
    server, disk = full
    client = server.client("full")
    data = papers.text_pdf(1)
    with disk.full("-wal"):
        problem(client.upload(data, headers={"Idempotency-Key": "k"}), 507)
    first = client.upload(data, headers={"Idempotency-Key": "k"})
    assert first.status_code == 202 and "Idempotency-Replayed" not in first.headers
    with disk.full():
        # What was answered once is answered again; it needs no new bytes that stay, but a place to put them meanwhile.
        problem(client.upload(data, headers={"Idempotency-Key": "k"}), 507)
    again = client.upload(data, headers={"Idempotency-Key": "k"})
    assert again.json()["fileId"] == first.json()["fileId"] and again.headers["Idempotency-Replayed"] == "true"
    client.document(first.json()["fileId"]).end("completed")


# ---- what was accepted ----------------------------------------------------------------------------------------------

STEPS = {
    "at_everything": ("", EVERYTHING),
    "at_the_bytes_of_a_segment": ("spool", BYTES),
    "at_the_sync_of_a_segment": ("spool", SYNCS),
    "at_the_name_of_a_segment": ("seg-", NAMES),
    "at_the_commit_of_pages": ("-wal", BYTES),
    "at_the_sync_of_a_commit": ("-wal", SYNCS),
    "at_the_reduction": ("reduction-", NAMES),
    "at_the_result": ("results-", NAMES),
}


@pytest.mark.parametrize("word, what", STEPS.values(), ids=STEPS.keys())
def test_a_document_whose_pages_cannot_be_written_down_waits_and_then_completes(lasting, word, what):
    server, disk = lasting
    client = server.client("steps")
    document = client.submit(papers.slow_pdf(30, levels=2))
    with disk.full(word, what):
        until(lambda: disk.refused, "it has met the full disk")
        began = time.monotonic()
        job = document.job()
        assert time.monotonic() - began < 2, "the answer does not wait for the disk"
        assert job["status"] not in ("completed", "failed"), job
        _answers(client)
        if not word:
            problem(client.upload(papers.tiny_pdf()), 507)
    job = document.end("completed", seconds=15)
    check_ledger(document, job)
    assert job["progress"]["processed"] == 30 and job["progress"]["failed"] == 0
    # What the model has said is kept while it cannot be written down: no page is read twice.
    assert document.results()["usage"]["modelCalls"] <= 31


def test_the_end_of_a_page_is_written_once_even_where_the_disk_fills_and_empties_all_the_time(full):
    server, disk = full
    client = server.client("full")
    documents = [client.submit(papers.slow_pdf(12, levels=2), f"{number}.pdf") for number in range(8)]
    words = ["", "-wal", "seg-", "results-", "spool"]
    for number in range(15):
        disk.fill(words[number % len(words)], room=4000 * (number % 7))
        end = time.monotonic() + 0.1
        while not disk.refused and time.monotonic() < end:
            time.sleep(0.005)  # perhaps all are at a step that it does not concern
        disk.free()
        until(lambda: client.get("/health/live").ok, "it lives")
    for document in documents:
        job = document.end("completed", seconds=30)
        check_ledger(document, job)
        assert job["progress"]["processed"] == 12


def test_what_would_change_a_document_is_refused_while_it_cannot_be_written_down(full):
    server, disk = full
    client = server.client("full")
    done = client.submit(papers.text_pdf(1))
    done.end("completed")
    under_way = client.submit(papers.slow_pdf(60, levels=4))
    under_way.until(lambda job: job["progress"]["processed"] > 0, "it is being read")
    with disk.full():
        problem(under_way.cancel(), 507)
        problem(done.retry(pages="1"), 507)
        problem(client.delete(done.path()), 507)
        assert done.results()["totalPages"] == 1
        # What is derived is made without being kept.
        assert client.get(done.path("/results?format=md")).status_code in (200, 507)
    assert under_way.cancel().status_code in (200, 202)
    assert under_way.end()["status"] == "cancelled"
    assert done.retry(pages="1").status_code == 202
    done.end("completed")
    assert client.delete(done.path()).status_code == 204


def test_a_server_that_is_stopped_or_killed_while_its_disk_is_full_goes_on_where_it_was(full):
    server, disk = full
    client = server.client("full")
    documents = [client.submit(papers.slow_pdf(30, levels=3)) for _ in range(2)]
    documents[0].until(lambda job: job["progress"]["processed"] > 0, "one is being read")
    disk.fill()
    until(lambda: disk.refused, "it has met the full disk")
    server.signal()
    assert server.wait_end(12) == 0
    disk.free()
    server.start()
    until(lambda: documents[0].job()["progress"]["processed"] > 0, "it is read on")
    disk.fill()
    until(lambda: disk.refused, "it has met the full disk again")
    server.kill()
    disk.free()
    server.start()
    for document in documents:
        check_ledger(document, document.end("completed", seconds=30))


def test_a_server_that_is_started_on_a_full_disk_says_so_and_starts_once_there_is_room(full):
    server, disk = full
    client = server.client("full")
    document = client.submit(papers.text_pdf(2))
    document.end("completed")
    server.stop()
    disk.fill()
    with pytest.raises(AssertionError, match="No space left on device|disk is full"):
        server.start()
    server.process = None
    disk.free()
    server.start()
    assert document.job()["status"] == "completed"


# ---- a real one -----------------------------------------------------------------------------------------------------


def _mounts():
    """Whether a file system may be mounted here."""
    if os.geteuid() != 0:
        return False
    probe = ["unshare", "--mount", "mount", "-t", "tmpfs", "-o", "size=64k", "docmill-test", "/mnt"]
    return subprocess.run(probe, capture_output=True).returncode == 0


@pytest.fixture(params=["mounted", "acted"] if _mounts() else ["acted"])
def disk_of_12_megabytes(request, binary, tmp_path):
    """A server on a disk of its own and what gives it room: a real file system where one may be mounted, else ours."""
    folder = tmp_path / "mounted"
    folder.mkdir()
    server = Server(binary, folder, FILE_SIZE_THRESHOLD_MB=0, MIN_FREE_MB=0)
    server.log_path = tmp_path / "server.log"
    if request.param == "mounted":
        options = "size=12m,mode=0700"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "docmill-test", folder], check=True)
        give_room = lambda: subprocess.run(["mount", "-o", "remount,size=60m", folder], check=True)
    else:
        disk = SmallDisk(binary, tmp_path)
        disk.fill(room=12 * MEGABYTE)
        server.settings |= disk.settings(server.data)
        give_room = disk.free
    server.start()
    yield server, give_room
    end_of(server)
    if request.param == "mounted":
        subprocess.run(["umount", "-l", folder], check=True)


def test_a_disk_that_fills_up_refuses_uploads_and_loses_nothing(disk_of_12_megabytes):
    server, give_room = disk_of_12_megabytes
    client = server.client("acme")
    document = client.submit(papers.slow_pdf(20, levels=3))
    padding = papers.tiny_pdf() + b"\n%" + b"x" * (3 * MEGABYTE)
    statuses = [client.upload(padding).status_code for _ in range(8)]
    assert 202 in statuses and 507 in statuses, statuses
    assert set(statuses) <= {202, 507}, statuses
    until(lambda: not server.spooled(), "what was refused is gone")
    assert document.job()["fileId"] == document.id
    # The operator makes room; everything that was accepted is read to its end.
    give_room()
    rows = client.get("/jobs").json()["jobs"]
    assert len(rows) == 1 + statuses.count(202)
    for row in rows:
        accepted = client.document(row["fileId"])
        check_ledger(accepted, accepted.end("completed", seconds=60))
    assert client.submit(papers.text_pdf(1)).end("completed")
