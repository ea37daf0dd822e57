"""What somebody sends who means harm: whatever it is costs little, is answered at once or cut off, and changes nothing that
it should not. What is broken, cut off or smuggled in the plainer ways stands in test_bad_requests.py."""
import gzip
import json
import time

import pytest

import papers
from world import Wire, ask, form, form_part, fresh, memory_kb, post, until

PDF = papers.tiny_pdf()
FILE = form_part("file", PDF, "a.pdf", "application/pdf")
GOOD = form(FILE, form_part("tenantId", "attack"))
FORM_TYPE = "Content-Type: multipart/form-data; boundary=BoundarY"
CHUNKED = "Transfer-Encoding: chunked"
MEGABYTE = 1 << 20


def head(*fields, target="/api/upload", method="POST", version="HTTP/1.1"):
    return "\r\n".join([f"{method} {target} {version}", "Host: 127.0.0.1", *fields, "", ""]).encode("latin-1")


def get(target, *fields, method="GET", version="HTTP/1.1"):
    return head(*fields, target=target, method=method, version=version)


def chunk(data, extension=b""):
    return b"%x%s\r\n%s\r\n" % (len(data), extension, data)


@pytest.fixture(scope="module")
def before(_prompt_server):
    server = _prompt_server
    server.client("attack").submit(PDF).end("completed")
    return memory_kb(server.pid)


@pytest.fixture(autouse=True)
def costs_little(prompt_server, before):
    yield
    grown = memory_kb(prompt_server.pid) - before
    assert prompt_server.sanitized or grown < 8 * 1024, f"{grown} kB more than before all attacks"


@pytest.fixture
def target(prompt_server):
    return prompt_server


@pytest.fixture(scope="module")
def done(_prompt_server):
    document = _prompt_server.client(fresh("attacked")).submit(papers.text_pdf(3))
    document.end("completed")
    return document


def ended(target, answer, tenant="attack"):
    """The document that an attack became, after all: the pipeline reads it like any other."""
    job = target.client(tenant).document(json.loads(answer.body)["fileId"]).end()
    return job["status"], job["sizeBytes"]


# ---- what is refused ------------------------------------------------------------------------------------------------

MANY = 100_000

REFUSED = {
    "chunk_extension_of_a_megabyte": (head(FORM_TYPE, CHUNKED) + chunk(GOOD, b";x=" + b"y" * MEGABYTE) + b"0\r\n\r\n", {400, 413, 431, 500}),
    "trailer_of_a_megabyte": (head(FORM_TYPE, CHUNKED) + chunk(GOOD) + b"0\r\nX: " + b"y" * MEGABYTE + b"\r\n\r\n", {400, 413, 431}),
    "many_trailers": (head(FORM_TYPE, CHUNKED) + chunk(GOOD) + b"0\r\n" + b"X-A: b\r\n" * MANY + b"\r\n", {400, 413, 431}),
    "chunk_size_in_blanks": (head(FORM_TYPE, CHUNKED) + b"%x  \r\n%s\r\n0\r\n\r\n" % (len(GOOD), GOOD), {400}),
    "chunk_size_with_0x": (head(FORM_TYPE, CHUNKED) + b"0x%x\r\n%s\r\n0\r\n\r\n" % (len(GOOD), GOOD), {400}),
    "encoding_after_a_vertical_tab": (head(FORM_TYPE, "Transfer-Encoding: \x0bchunked") + chunk(GOOD) + b"0\r\n\r\n", {400}),
    "encoding_in_quotation_marks": (head(FORM_TYPE, 'Transfer-Encoding: "chunked"') + chunk(GOOD) + b"0\r\n\r\n", {400}),
    "chunks_in_an_old_version": (head(FORM_TYPE, CHUNKED, version="HTTP/1.0") + chunk(GOOD) + b"0\r\n\r\n", {400}),
    "lines_without_cr": (get("/api/jobs").replace(b"\r\n", b"\n"), {400}),
    "one_line_without_cr": (b"GET /api/jobs HTTP/1.1\r\nHost: 127.0.0.1\nX: y\r\n\r\n", {400}),
    "many_empty_lines_before_the_request": (b"\r\n" * MANY + get("/api/jobs"), {400, 413, 414, 431}),
    "a_first_field_that_is_folded": (b"GET /api/jobs HTTP/1.1\r\n Host: a\r\nHost: 127.0.0.1\r\n\r\n", {400}),
    "target_of_another_host": (get("http://evil.example/api/jobs"), {400, 403}),
    "target_with_a_user": (get("http://127.0.0.1@evil.example/api/jobs"), {400, 403}),
    "target_without_a_path": (get("http://127.0.0.1"), {400}),
    "connect": (get("evil.example:443", method="CONNECT"), {400, 405}),
    "connect_to_a_path": (get("/api/jobs", method="CONNECT"), {405}),
    "trace": (get("/api/jobs", "X-Secret: s", method="TRACE"), {405}),
    "method_of_10000_letters": (get("/api/jobs", method="A" * 10_000), {400, 405, 414}),
    "method_in_small_letters": (get("/api/jobs", method="get"), {400, 405}),
    "path_that_climbs": (get("/api/jobs/../../etc/passwd"), {404}),
    "path_that_climbs_escaped": (get("/api/jobs/%2e%2e%2f%2e%2e%2fetc%2fpasswd"), {404}),
    "path_with_nul": (get("/api/jobs%00"), {400}),
    "path_with_empty_steps": (get("//api//jobs"), {404}),
    "path_of_3900_steps": (get("/" + "a/" * 3900), {404}),
    "query_of_3900_parameters": (get("/api/jobs?" + "a&" * 3900), {400}),
    "parameter_given_100_times": (get("/api/jobs?" + "limit=5&" * 100), {400}),
    "accept_of_10000_entries": (get("/api/jobs", "Accept: " + ",".join(f"a/b{n}" for n in range(10_000))), {400, 413, 431}),
    "tags_without_end": (get("/api/jobs", "If-None-Match: " + ",".join(f'"{n}"' for n in range(10_000))), {400, 413, 431}),
    "packed_file": (head("Content-Encoding: gzip", f"Content-Length: {len(gzip.compress(PDF))}", "Content-Type: application/pdf") + gzip.compress(PDF), {415}),
    "packed_form": (head(FORM_TYPE, "Content-Encoding: gzip", f"Content-Length: {len(GOOD)}") + GOOD, {415}),
    "packed_twice": (head(FORM_TYPE, "Content-Encoding: identity", "Content-Encoding: br", f"Content-Length: {len(GOOD)}") + GOOD, {415}),
    "parts_100000": (post(form(*[form_part("x", "")] * MANY)), {400, 413}),
    "part_with_100_fields": (post(form(form_part("file", PDF, "a.pdf", extra="X-A: b\r\n" * 100))), {400}),
    "field_of_a_megabyte": (post(form(form_part("metadata", "x" * (MEGABYTE - 2000)), FILE)), {400}),
    "field_given_twice": (post(form(form_part("priority", "1"), form_part("priority", "1"), FILE)), {400}),
    "file_given_twice_under_two_names": (post(form(FILE, form_part("file", PDF, "b.pdf"))), {400}),
    "preamble_without_end": (post(b"x" * 500_000 + b"\r\n" + GOOD), {400}),
    "padding_behind_a_boundary": (post(GOOD.replace(b"--BoundarY\r\n", b"--BoundarY" + b" " * 100_000 + b"\r\n", 1)), {400}),
}


@pytest.mark.parametrize("data, statuses", REFUSED.values(), ids=REFUSED.keys())
def test_it_is_refused_at_once_and_nothing_stays(target, data, statuses):
    blobs = target.blobs()
    began = time.monotonic()
    answer = ask(target, data)
    assert time.monotonic() - began < 5
    # Who goes on sending may see the end of the connection in place of the answer.
    assert answer.status in statuses if answer else len(data) > 100_000, answer and answer.body
    until(lambda: target.blobs() == blobs, "nothing stays", 5)


@pytest.mark.parametrize("body", [b"[" * 60_000, b'{"pages":"1","pages":"2"}', b'{"pages":1e999999999999999999}', b'{"pages":["1"]}', b'{"a":' * 3000 + b"1" + b"}" * 3000, b'{"pages":"\xff"}', b"{}garbage"])
def test_json_that_is_meant_to_harm_is_refused(target, done, body):
    answer = ask(target, head("Content-Type: application/json", f"Content-Length: {len(body)}", f"X-Tenant-Id: {done.client.tenant}", target=f"/api/jobs/{done.id}/retry") + body)
    assert answer.status in (400, 413), answer.body
    answer.problem()
    assert done.job()["epoch"] == 1


# ---- what is taken for what it is -----------------------------------------------------------------------------------

NESTED = form(form_part("file", b"%PDF-1.4 inner", "x.pdf"), boundary="inner")
LOOK_ALIKES = b"\r\n--Boundar" * 40_000 + b"\r\n--Boundary--" * 1000 + b"\r" * 400_000 + b"\r\n--BoundarZ\r\n\r\n"

TAKEN = {
    "chunk_extensions": (head(FORM_TYPE, CHUNKED) + chunk(GOOD, b";x=y") + b"0;z\r\n\r\n", len(PDF)),
    "trailers_that_say_how_long_it_was": (head(FORM_TYPE, CHUNKED) + chunk(GOOD) + b"0\r\nContent-Length: 5\r\nHost: evil\r\n\r\n", len(PDF)),
    "chunks_of_one_byte": (head(FORM_TYPE, CHUNKED) + b"".join(chunk(GOOD[at : at + 1]) for at in range(len(GOOD))) + b"0\r\n\r\n", len(PDF)),
    "expectations_of_many_kinds": (head(FORM_TYPE, "Expect: 200-ok", f"Content-Length: {len(GOOD)}") + GOOD, len(PDF)),
    "old_version": (head(FORM_TYPE, f"Content-Length: {len(GOOD)}", version="HTTP/1.0") + GOOD, len(PDF)),
    "epilogue": (post(GOOD + b"x" * 900_000), len(PDF)),
    "nested_form": (post(form(form_part("file", PDF + NESTED, "a.pdf", "multipart/mixed; boundary=inner"), form_part("tenantId", "attack"))), len(PDF + NESTED)),
    "look_alikes_of_the_boundary": (post(form(form_part("file", PDF + LOOK_ALIKES, "a.pdf"), form_part("tenantId", "attack"))), len(PDF + LOOK_ALIKES)),
    "fields_that_nobody_knows": (post(form(*[form_part(f"x{n}" * 10, "v" * 10_000) for n in range(60)], FILE, form_part("tenantId", "attack"))), len(PDF)),
}


@pytest.mark.parametrize("data, size", TAKEN.values(), ids=TAKEN.keys())
def test_it_is_one_document_of_the_right_size(target, data, size):
    with Wire(target) as wire:
        # Pieces of an odd size, so that boundaries lie across them.
        for at in range(0, len(data), 16_411):
            assert wire.say(data[at : at + 16_411])
        answer = wire.answer()
        assert answer.status == 202, answer.body
        assert ended(target, answer) == ("completed", size)
        # And what came behind it is no second request.
        wire.socket.settimeout(0.1)
        try:
            heard = wire.socket.recv(1000)
        except TimeoutError:
            heard = b""
        assert heard == b""


def test_a_client_that_expects_to_be_told_in_every_request_is_told_once_each(target):
    with Wire(target) as wire:
        for _ in range(5):
            wire.say(head(FORM_TYPE, *["Expect: 100-continue"] * 40, f"Content-Length: {len(GOOD)}"))
            assert wire.answer().status == 100
            wire.say(GOOD)
            answer = wire.answer()
            assert answer.status == 202
            assert ended(target, answer)[0] == "completed"


def test_a_name_cannot_add_a_line_to_any_head(target):
    name = "a%0d%0aX-Injected: 1\"; filename=\"b%22%0d%0aX-Injected: 2.pdf"
    body = form(form_part("file", PDF, name), form_part("tenantId", "attack"))
    answer = ask(target, post(body))
    if answer.status == 202:
        client = target.client("attack")
        document = client.document(json.loads(answer.body)["fileId"])
        document.end("completed")
        for path in ("/results?format=md", "/results", "/pages"):
            told = client.get(document.path(path))
            assert "X-Injected" not in told.headers
            assert "\n" not in told.headers.get("Content-Disposition", "")
    else:
        assert answer.status == 400


RANGES = [
    "bytes=" + ",".join(["0-"] * 1000),
    "bytes=" + ",".join(f"{n}-{n + 9}" for n in range(1000)),
    "bytes=5-2",
    "bytes=-0",
    "bytes=--5",
    "bytes=0-99999999999999999999999",
    "bytes=99999999999999999999-",
    "bytes=18446744073709551615-",
    "bytes=18446744073709551614-18446744073709551615",
    "bytes=-18446744073709551616",
    "bytes=9223372036854775807-",
    "bytes=-9223372036854775808",
    "bytes=0x0-5",
    "items=0-5",
    "bytes=",
    "bytes=,,,",
]


@pytest.mark.parametrize("value", RANGES, ids=range(len(RANGES)))
def test_a_range_that_is_meant_to_harm_gives_no_more_than_the_file(target, done, value):
    url = done.get("/download")["downloadUrl"]
    whole = done.client.request("GET", url).content
    answer = done.client.request("GET", url, headers={"Range": value})
    if answer.status_code == 416:
        assert answer.headers["Content-Range"] == f"bytes */{len(whole)}"
    else:
        assert answer.status_code in (200, 206)
        assert answer.content == whole, "all of it, or one range that is all of it"


@pytest.mark.parametrize("fields", [["Accept: ;;;,,,=,q=;q=1e9,*/*;q=-1,a/b;q=99999999999999999999"], ["Accept: text/html"] * 90, ['If-None-Match: "abc, W/, "", "'], ['If-None-Match: "x"'] * 90, ["If-None-Match: *"], ["If-Modified-Since: " + "9" * 1000], ["Accept-Encoding: " + "gzip," * 500]])
def test_fields_that_choose_an_answer_choose_one_or_none(target, done, fields):
    answer = ask(target, get(f"/api/jobs/{done.id}/results", f"X-Tenant-Id: {done.client.tenant}", *fields))
    assert answer.status in (200, 304, 406, 400), answer.status


def test_requests_sent_without_waiting_are_answered_one_after_the_other_however_many(target):
    count = 400
    with Wire(target) as wire:
        wire.say(b"".join(get(f"/api/jobs?limit={1 + n % 5}") for n in range(count - 1)) + get("/health/live", "Connection: close"))
        assert wire.hear().count(b"HTTP/1.1 200 ") == count
