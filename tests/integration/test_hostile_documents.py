"""Many hostile documents at once: each ends with a reason, and neither the server nor a good document suffers."""

import datetime
import os
import random
from pathlib import Path

import hostile_books
import hostile_pdfs
import hostile_pictures
import papers
from papers import marker
from world import REASONS, check_ledger, descendants, memory_kb, until

HELPERS = 2
SEED = 20250314


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def workers(server):
    """The helpers that have a document open: children of those that only fork."""
    return [pid for forks in server.helpers() for pid in descendants(forks)]


def is_confined(pid):
    try:
        return {"NoNewPrivs:\t1", "Seccomp:\t2"} <= set(Path(f"/proc/{pid}/status").read_text().splitlines())
    except OSError:
        return False  # it has ended


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def last_page_end(document):
    return max(moment(page["endedAt"]) for page in document.pages())


def settled(server):
    """Every document has ended, so no helper is left but those that only fork: one of each class."""
    until(lambda: len(server.helpers()) <= 2, f"only idle helpers ({server.helpers()})")
    return descriptors(server.pid), memory_kb(server.pid)


def cut_documents():
    """Of every kind, one broken off after each kilobyte."""
    whole = {
        "pdf": papers.typeset_pdf(12),
        "scan.pdf": papers.scanned_pdf(["one"]),
        "png": papers.picture("one"),
        "jpg": papers.picture("one", "JPEG", quality=10),
        "tiff": papers.tiff(["one"]),
        "epub": papers.epub([papers.prose(n, 60) for n in range(40)]),
    }
    for kind, data in whole.items():
        for size in range(1024, len(data), max(1024, len(data) // 6 // 1024 * 1024)):
            yield f"cut at {size}.{kind}", data[:size]


def test_every_hostile_document_ends_with_a_reason_and_harms_nothing(serve):
    server = serve(
        FILE_SIZE_THRESHOLD_MB=0, PAGE_TIMEOUT_SECONDS=1, OCR_TIMEOUT_SECONDS=2, HELPERS=HELPERS, MAX_PAGES=2000
    )
    client, decent = server.client("hostile"), server.client("decent")
    made = [
        (name, make())
        for name, make in (hostile_pdfs.documents | hostile_pictures.documents | hostile_books.documents).values()
    ] + list(cut_documents())
    assert len(made) > 260
    random.Random(SEED).shuffle(made)
    before = None
    for half in (made[::2], made[1::2]):
        documents = []
        for name, data in half:
            answer = client.upload(data, name)
            assert answer.status_code in (202, 415), f"{name}: {answer.text}"
            if answer.status_code == 202:
                documents.append((name, client.document(answer.json()["fileId"])))
        good = decent.submit(papers.text_pdf(2))
        for name, document in documents:
            job = document.end(seconds=90)
            assert job["status"] in ("completed", "failed"), name
            pages, _ = check_ledger(document, job)
            reasons = {page["error"]["reason"] for page in pages if page["error"]}
            reasons |= {job["error"]["reason"]} if job["error"] else set()
            assert reasons <= REASONS - {"internal"}, (name, job["error"], reasons)
        good.end("completed")
        assert marker(2) in good.page(2)["text"]
        now = settled(server)
        # What is made on first use is there after the first half; what leaks, leaks with every document.
        if before:
            assert now[0] <= before[0] + 8, f"descriptors: {before[0]}, then {now[0]}"
            assert server.sanitized or now[1] <= before[1] + 20_000, f"kilobytes: {before[1]}, then {now[1]}"
        before = now
    # Documents may hang or crash a helper. None made it say what it may not say, and none reached the one that forks.
    causes = {event["cause"] for event in server.events("helper.replaced")}
    assert causes <= {"timeout", "crash"} and "timeout" in causes


def test_a_document_that_hangs_its_helper_among_a_hundred_good_ones_costs_one_page_and_one_helpers_time(serve):
    timeout = 4
    server = serve(FILE_SIZE_THRESHOLD_MB=0, PAGE_TIMEOUT_SECONDS=timeout, HELPERS=HELPERS)
    clients = [server.client("neighbour"), server.client("hostile")]
    hanging = server.client("hostile").submit(papers.hanging_pdf(3, hanging=(2,)))
    until(lambda: hanging.job()["status"] == "processing", "it hangs")
    until(
        lambda: any(is_confined(pid) for pid in workers(server)) or server.sanitized, "it does so in a sandbox", timeout
    )
    good = [clients[number % 2].submit(papers.text_pdf(1, first=number + 1)) for number in range(100)]
    for number, document in enumerate(good):
        job = document.end("completed")
        assert job["progress"] == {"processed": 1, "total": 1, "failed": 0}
        assert marker(number + 1) in document.page(1)["text"]
    job = hanging.end("completed")
    pages, _ = check_ledger(hanging, job)
    assert [page["error"] and page["error"]["reason"] for page in pages] == [None, "timeout", None]
    assert [event["cause"] for event in server.events("helper.replaced")] == ["timeout"]
    # The other helper went on meanwhile, and nothing was waiting for the one that hung.
    deadline = moment(pages[1]["endedAt"])
    ends = sorted(last_page_end(document) for document in good)
    assert ends[0] < deadline, "none was read while it hung"
    assert ends[-1] < deadline + timeout, "the others lost more than one helper's time"
