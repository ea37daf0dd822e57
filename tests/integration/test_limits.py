"""Load, size and space: past a limit comes a refusal, never growth."""
import concurrent.futures
import os
import time

import papers
from world import Wire, check_ledger, memory_kb, post, problem, until

MEGABYTE = 1 << 20


def settled_memory_kb(server):
    """Its memory once it has stopped changing."""
    seen = [memory_kb(server.pid)]

    def same():
        seen.append(memory_kb(server.pid))
        return len(seen) > 5 and max(seen[-5:]) - min(seen[-5:]) < 64

    until(same, "memory settles", 10, pause=0.05)
    return seen[-1]


def test_an_upload_of_300_megabytes_costs_no_memory(serve):
    server = serve(MAX_FILE_MB=1000, FILE_SIZE_THRESHOLD_MB=0)
    client = server.client("acme")
    client.submit(papers.text_pdf(1)).end("completed")
    before = settled_memory_kb(server)
    start = papers.tiny_pdf()
    block = b"\n%" + b"x" * (MEGABYTE - 2)
    peak = []

    def pieces():
        yield start
        for number in range(300):
            yield block
            if number % 20 == 0:
                peak.append(memory_kb(server.pid))

    answer = client.post("/upload?fileName=large.pdf", data=pieces())
    assert answer.status_code == 202, answer.text
    peak.append(memory_kb(server.pid))
    assert server.sanitized or max(peak) - before < 8 * 1024, f"{before} kB before, {max(peak)} kB at most while it came in"
    document = client.document(answer.json()["fileId"])
    job = document.end(seconds=60)
    assert job["sizeBytes"] == len(start) + 300 * MEGABYTE
    assert server.sanitized or memory_kb(server.pid) - before < 8 * 1024
    check_ledger(document, job)


def test_many_uploads_and_polls_at_once_are_all_served_or_refused_politely(serve):
    server = serve(FILE_SIZE_THRESHOLD_MB=0)
    data = papers.text_pdf(2)

    def work(number):
        client = server.client(f"tenant-{number % 4}")
        ids, statuses = [], []
        for _ in range(5):
            answer = client.upload(data, f"{number}.pdf")
            statuses.append(answer.status_code)
            if answer.status_code == 202:
                ids.append(answer.json()["fileId"])
                statuses.append(client.get(f"/jobs/{ids[-1]}").status_code)
            else:
                assert int(answer.headers["Retry-After"]) >= 1
        return client, ids, statuses

    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        outcomes = list(pool.map(work, range(32)))
    for client, ids, statuses in outcomes:
        assert set(statuses) <= {200, 202, 429, 503}, statuses
        for file_id in ids:
            job = client.document(file_id).end("completed", seconds=90)
            assert job["progress"]["processed"] == 2
    assert sum(len(ids) for _, ids, _ in outcomes) >= 32


def test_many_clients_waiting_for_one_document_are_all_told_of_its_end(serve):
    server = serve(FILE_SIZE_THRESHOLD_MB=0)
    document = server.client("acme").submit(papers.slow_pdf(40, levels=4))

    def follow(_):
        client = server.client("acme")
        return client.document(document.id).end("completed", seconds=60)["seq"]

    with concurrent.futures.ThreadPoolExecutor(48) as pool:
        assert len(set(pool.map(follow, range(48)))) == 1


def test_many_small_documents_do_not_make_the_server_grow(serve):
    server = serve()
    client = server.client("acme")
    for _ in range(50):
        client.submit(papers.text_pdf(3)).end("completed")
    before = settled_memory_kb(server)
    for _ in range(100):
        client.submit(papers.text_pdf(3)).end("completed")
    grown = settled_memory_kb(server) - before
    assert server.sanitized or grown < 5 * 1024, f"{grown} kB after 100 documents"


def test_one_tenants_flood_does_not_keep_another_tenants_document_waiting(serve):
    server = serve(FILE_SIZE_THRESHOLD_MB=0)
    greedy = server.client("greedy")
    data = papers.slow_pdf(40, levels=4)
    for number in range(15):
        greedy.submit(data, f"{number}.pdf")
    began = time.monotonic()
    server.client("modest").submit(papers.text_pdf(3)).end("completed")
    waited = time.monotonic() - began
    ended = len(greedy.get("/jobs?status=completed").json()["jobs"])
    assert ended < 15 and waited < 10, f"{waited:.1f} s, {ended} of the flood were done before"


def test_below_the_floor_of_free_space_uploads_are_refused_and_what_was_accepted_goes_on(serve):
    server = serve(FILE_SIZE_THRESHOLD_MB=0)
    client = server.client("acme")
    document = client.submit(papers.slow_pdf(60, levels=4))
    document.until(lambda job: job["progress"]["processed"] >= 1, "it is being read")
    server.kill()
    server.start(MIN_FREE_MB=900_000_000)
    before = server.blobs()
    answer = client.upload(papers.text_pdf(1))
    problem(answer, 507, "no-space")
    assert int(answer.headers["Retry-After"]) >= 1
    with Wire(server) as wire:
        wire.say(post(b"", length=1000))
        assert wire.answer().status == 507, "before its body"
    job = document.end("completed")
    check_ledger(document, job)
    assert len(client.get("/jobs").json()["jobs"]) == 1
    assert before <= server.blobs()


def test_a_server_that_has_nothing_to_do_does_nothing(serve):
    server = serve()
    server.client("acme").submit(papers.text_pdf(2)).end("completed")

    def ticks():
        fields = open(f"/proc/{server.pid}/stat").read().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    before = ticks()
    time.sleep(2)
    assert ticks() - before <= 0.1 * os.sysconf("SC_CLK_TCK"), "under a twentieth of a processor when idle"
