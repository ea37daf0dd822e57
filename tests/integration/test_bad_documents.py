"""Documents that are none, or broken, or made to do harm. Each ends with its reason, and nothing else suffers."""
import time

import pytest

import papers
from papers import marker, prose
from world import REASONS, check_ledger, fresh, lasting, memory_kb, problem, until

# ---- not documents --------------------------------------------------------------------------------------------------

NOT_DOCUMENTS = {
    "html": (b"<!doctype html><html><body>hello</body></html>", "page.html", None),
    "a_program": (b"\x7fELF\x02\x01\x01" + bytes(500), "a.out", None),
    "zip": (b"PK\x03\x04" + bytes(200), "a.zip", None),
    "word": (b"PK\x03\x04\x14\x00\x06\x00[Content_Types].xml" + bytes(100), "a.docx", None),
    "gif": (b"GIF89a" + bytes(100), "a.gif", None),
    "bmp": (b"BM" + bytes(100), "a.bmp", None),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.svg", None),
    "postscript": (b"%!PS-Adobe-3.0\n", "a.ps", None),
    "random_bytes": (bytes(range(1, 256)) * 8, "a.bin", None),
    "text_without_saying_so": (b"just words", "words", None),
    "text_named_pdf": (b"just words", "words.pdf", None),
    "text_with_nul": (b"words\0words", "words.txt", None),
    "text_in_utf16": ("words".encode("utf-16"), "words.txt", None),
    "one_byte": (b"x", "x", None),
    "pdf_mark_too_late": (b"x" * 1100 + papers.tiny_pdf(), "late.pdf", None),
    "png_said_to_be_pdf": (papers.picture("x"), "x.pdf", "application/pdf"),
    "pdf_said_to_be_png": (papers.tiny_pdf(), "x.png", "image/png"),
    "pdf_said_to_be_text": (papers.tiny_pdf(), "x.txt", "text/plain"),
    "text_said_to_be_jpeg": (b"words", "x.txt", "image/jpeg"),
    "epub_without_its_mark": (papers.epub(["x"]).replace(b"application/epub+zip", b"application/other+zip"), "x.epub", None),
}


@pytest.mark.parametrize("data, name, type", NOT_DOCUMENTS.values(), ids=NOT_DOCUMENTS.keys())
def test_what_is_no_document_by_its_first_bytes_is_refused_and_not_kept(server, client, data, name, type):
    before = server.blobs()
    said = problem(client.upload(data, name, type=type), 415, "not-a-document")
    assert "docmill reads PDF" in said["detail"] or "its first bytes are" in said["detail"]
    until(lambda: server.blobs() == before, "nothing left")
    assert client.get("/jobs").json()["jobs"] == []


def test_an_empty_file_is_refused(server, client):
    before = server.blobs()
    for answer in (client.upload(b""), client.post("/upload?fileName=a.pdf", data=b""), client.post("/upload?fileName=a.pdf", data=iter([b""]))):
        said = problem(answer, 400, "validation")
        assert [wrong["field"] for wrong in said["errors"]] == ["file"]
    assert server.blobs() == before


def test_a_pdf_with_something_before_its_mark_is_taken(client):
    client.submit(b"\r\n\r\nnoise from a mail gateway\r\n" + papers.text_pdf(1)).end("completed")


def test_types_that_say_nothing_are_not_held_against_a_document(client):
    for type in ("application/octet-stream", "binary/octet-stream", "application/x-pdf; charset=x", "nonsense"):
        assert client.upload(papers.tiny_pdf(), type=type).status_code == 201, type


# ---- that cannot be read --------------------------------------------------------------------------------------------


def test_an_encrypted_document_without_its_password_is_refused_with_advice_where_the_upload_waits(client):
    said = problem(client.upload(papers.encrypted(papers.text_pdf(2), "open sesame")), 422, "unreadable-document")
    assert said["reason"] == "encrypted" and "password" in said["detail"]
    document = client.document(said["fileId"])
    assert document.end("failed")["error"]["reason"] == "encrypted"
    check_ledger(document)


def test_an_encrypted_document_without_its_password_fails_with_the_reason_where_nobody_waits(prompt_client):
    document = prompt_client.submit(papers.encrypted(papers.text_pdf(2), "open sesame"))
    job = document.end("failed")
    assert job["error"]["reason"] == "encrypted" and job["error"]["detail"]
    events = document.events()
    assert events[-1]["eventType"] == "document.failed"
    check_ledger(document, job)


def test_an_encrypted_document_with_its_password_is_read(client):
    data = papers.encrypted(papers.text_pdf(2), "open sesame")
    document = client.submit(data, password="open sesame")
    document.end("completed")
    assert marker(2) in document.page(2)["text"]
    assert client.get(document.path("/pages/1/image?size=100")).status_code == 200
    answer = client.post("/upload?fileName=a.pdf", data=data, headers={"X-Document-Password": "open sesame"})
    assert answer.status_code == 201 and answer.json()["job"]["status"] == "completed"


def test_a_wrong_password_is_as_good_as_none(client):
    said = problem(client.upload(papers.encrypted(papers.text_pdf(2), "open sesame"), password="guess"), 422)
    assert said["reason"] == "encrypted"


def test_a_password_that_was_not_needed_does_no_harm(client):
    client.submit(papers.text_pdf(1), password="not needed").end("completed")


def test_a_document_without_pages_fails_with_the_reason(client):
    said = problem(client.upload(papers.pdf_without_pages()), 422, "unreadable-document")
    assert said["reason"] in ("no_pages", "damaged")
    problem(client.upload(b" \n\t\n", "blank.txt"), 422, "unreadable-document")


def test_a_document_with_too_many_pages_fails_with_the_reason(serve):
    client = serve(MAX_PAGES=5).client()
    said = problem(client.upload(papers.text_pdf(6)), 422, "unreadable-document")
    assert said["reason"] == "too_large" and "5" in said["detail"] and "6" in said["detail"]
    assert client.upload(papers.text_pdf(5)).status_code == 201


@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-1.7\n",
        b"%PDF-1.7\n" + b"garbage " * 500,
        papers.text_pdf(1)[:200],
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        papers.picture("x")[:300],
        b"\xff\xd8\xff\xe0" + bytes(200),
        b"II*\0" + bytes(200),
        b"II*\0\xff\xff\xff\xff",
        papers.epub(["x"])[:200],
    ],
    ids=["pdf_head", "pdf_garbage", "pdf_cut", "png_zeros", "png_cut", "jpeg_zeros", "tiff_zeros", "tiff_far", "epub_cut"],
)
def test_a_document_that_is_nothing_but_its_first_bytes_fails_with_a_reason(prompt_client, data):
    document = prompt_client.submit(data, "broken")
    job = document.end(seconds=60)
    assert job["status"] in ("failed", "completed")
    check_ledger(document, job)


# ---- one bad page among good ones -----------------------------------------------------------------------------------


def test_a_damaged_page_fails_with_its_reason_and_the_others_are_read(client):
    document = client.submit(papers.pdf_with_damaged_pages(5, damaged=(2, 4)))
    job = document.end("completed")
    assert job["outcome"] == "partial"
    assert job["progress"] == {"processed": 3, "total": 5, "failed": 2}
    pages, events = check_ledger(document, job)
    assert [page["error"] and page["error"]["reason"] for page in pages] == [None, "damaged", None, "damaged", None]
    failed = [event for event in events if event["eventType"] == "page.failed"]
    assert failed
    result = document.results()
    assert (result["successCount"], result["failedCount"]) == (3, 2)
    assert result["chunks"][1]["error"]["reason"] == "damaged"


def test_a_page_that_is_no_page_fails_and_the_others_are_read(client):
    pdf = papers.PagedPdf()
    pdf.text_page(prose(1))
    pdf.page_object("[1 2 3]")
    pdf.text_page(prose(3))
    document = client.submit(pdf.bytes())
    job = document.end("completed")
    pages, _ = check_ledger(document, job)
    text = " ".join(document.page(page["pageNumber"])["text"] or "" for page in pages)
    assert marker(1) in text and marker(3) in text


def test_a_page_that_hangs_its_reader_ends_timeout_after_its_deadline_and_the_others_are_read(serve):
    server = serve(FILE_SIZE_THRESHOLD_MB=0, PAGE_TIMEOUT_SECONDS=1)
    client = server.client("acme")
    document = client.submit(papers.hanging_pdf(6, hanging=(2, 5)))
    began = time.monotonic()
    job = document.end("completed", seconds=30)
    assert time.monotonic() - began < 10
    assert job["outcome"] == "partial"
    pages, _ = check_ledger(document, job)
    assert [page["error"] and page["error"]["reason"] for page in pages] == [None, "timeout", None, None, "timeout", None]
    assert marker(3) in document.page(3)["text"] and marker(6) in document.page(6)["text"]


def test_hanging_pages_of_one_tenant_do_not_keep_another_waiting(serve):
    server = serve(FILE_SIZE_THRESHOLD_MB=0, PAGE_TIMEOUT_SECONDS=2)
    hostile, decent = server.client("hostile"), server.client("decent")
    for _ in range(3):
        hostile.submit(papers.hanging_pdf(10, hanging=range(1, 11)))
    until(lambda: hostile.get("/jobs?status=processing").json()["jobs"], "they hang")
    began = time.monotonic()
    decent.submit(papers.text_pdf(5)).end("completed", seconds=40)
    assert time.monotonic() - began < 15
    for row in hostile.get("/jobs").json()["jobs"]:
        hostile.document(row["fileId"]).cancel()


def test_a_picture_of_a_page_that_hangs_is_refused_after_its_deadline(serve):
    server = serve(FILE_SIZE_THRESHOLD_MB=0, PAGE_TIMEOUT_SECONDS=1)
    client = server.client("acme")
    document = client.submit(papers.hanging_pdf(2, hanging=(2,)))
    document.end("completed")
    began = time.monotonic()
    answer = client.get(document.path("/pages/2/image?size=100"))
    assert time.monotonic() - began < 8
    said = problem(answer, 422, "unreadable-document")
    assert "page 2" in said["detail"], "no retry helps, so it must not look like trouble of the server's"
    assert client.get(document.path("/pages/1/image?size=100")).status_code == 200


# ---- malicious ------------------------------------------------------------------------------------------------------

MALICIOUS = {
    "deflated_twice": (papers.deflate_bomb_pdf, "a.pdf"),
    "picture_in_a_pdf": (papers.image_bomb_pdf, "a.pdf"),
    "png": (papers.png_bomb, "a.png"),
    "epub": (papers.epub_bomb, "a.epub"),
    "endless_string": (papers.string_bomb_pdf, "a.pdf"),
    "nested_arrays": (papers.nested_arrays_pdf, "a.pdf"),
    "page_tree_loop": (papers.page_tree_loop_pdf, "a.pdf"),
    "deep_page_tree": (papers.deep_page_tree_pdf, "a.pdf"),
    "form_that_draws_itself": (papers.self_drawing_form_pdf, "a.pdf"),
    "object_stream_loop": (papers.object_stream_loop_pdf, "a.pdf"),
    "million_pages_claimed": (papers.million_pages_claimed_pdf, "a.pdf"),
    "one_line_of_ten_megabytes": (lambda: b"x" * 10_000_000, "a.txt"),
    "ten_megabytes_of_form_feeds": (lambda: b"\f" * 10_000_000 + b"x", "a.txt"),
}


@pytest.fixture(scope="module")
def arena(binary, tmp_path_factory):
    """A server that all malicious documents meet one after the other."""
    yield from lasting(binary, tmp_path_factory, "arena", FILE_SIZE_THRESHOLD_MB=0, PAGE_TIMEOUT_SECONDS=3)


@pytest.mark.parametrize("make, name", MALICIOUS.values(), ids=MALICIOUS.keys())
def test_a_malicious_document_ends_with_reasons_and_harms_only_itself(arena, make, name):
    client = arena.client(fresh("malicious"))
    client.submit(papers.text_pdf(1)).end("completed")
    before = memory_kb(arena.pid)
    document = client.submit(make(), name)
    job = document.end(seconds=60)
    assert job["status"] in ("completed", "failed")
    check_ledger(document, job)
    assert arena.sanitized or memory_kb(arena.pid) - before < 40_000, "the server's memory is unharmed"
    arena.check()
    client.submit(papers.text_pdf(1)).end("completed", seconds=20)


@pytest.mark.parametrize("make, name", [(papers.string_bomb_pdf, "a.pdf"), (papers.png_bomb, "a.png")], ids=["pdf", "png"])
def test_a_decompression_bomb_is_called_too_large(arena, make, name):
    document = arena.client(fresh("bomb")).submit(make(), name)
    job = document.end("failed", seconds=60)
    reasons = {page["error"]["reason"] for page in document.pages() if page["error"]} or {job["error"]["reason"]}
    assert reasons == {"too_large"}


def test_good_pages_beside_a_bomb_are_read(arena):
    document = arena.client(fresh("bomb")).submit(papers.deflate_bomb_pdf(pages=3, bomb=2))
    job = document.end("completed", seconds=60)
    assert marker(1) in document.page(1)["text"] and marker(3) in document.page(3)["text"]
    assert job["progress"]["processed"] >= 2


# ---- mutilated ------------------------------------------------------------------------------------------------------


def sources():
    return {
        "text": papers.text_pdf(3),
        "plain_streams": papers.text_pdf(2, deflate=False),
        "typeset": papers.typeset_pdf(2),
        "scan": papers.scanned_pdf(["one"]),
        "png": papers.picture("one"),
        "jpeg": papers.picture("one", "JPEG"),
        "tiff": papers.tiff(["one", "two"]),
        "epub": papers.epub([prose(1), prose(2)]),
    }


def test_mutilated_documents_end_completed_or_failed_with_reasons(arena):
    client = arena.client(fresh("mutilated"))
    documents = {}
    for number, (kind, data) in enumerate(sources().items()):
        for seed in range(9 if kind in ("text", "plain_streams", "typeset") else 4):
            twisted = papers.mutilated(data, seed * 100 + number)
            answer = client.upload(twisted, kind)
            assert answer.status_code in (202, 415), answer.text
            if answer.status_code == 202:
                documents[f"{kind} {seed}"] = client.document(answer.json()["fileId"])
    assert len(documents) > 30
    ends = []
    for name, document in documents.items():
        job = document.end(seconds=90)
        ends.append(job["status"])
        assert job["status"] in ("completed", "failed"), name
        check_ledger(document, job)
        reason = job["error"] and job["error"]["reason"]
        assert reason is None or reason in REASONS - {"internal"}, (name, job["error"])
        assert not any(page["error"] and page["error"]["reason"] == "internal" for page in document.pages()), name
    assert {"completed", "failed"} == set(ends), "some live, some do not"


def test_documents_cut_at_every_tenth_end(arena):
    client = arena.client(fresh("cut"))
    whole = papers.text_pdf(2)
    documents = [client.submit(whole[: len(whole) * tenth // 10]) for tenth in range(1, 10)]
    for document in documents:
        check_ledger(document, document.end(seconds=60))
