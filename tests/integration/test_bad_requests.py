"""Requests that are broken, cut off, smuggled, endless or slow. Where an answer is possible it is a problem, the server
lives on, and nothing stays on disk."""
import concurrent.futures
import socket
import time

import pytest

import papers
from world import Wire, ask, form, form_part, fresh, post, problem, until

PDF = papers.tiny_pdf()
FILE = form_part("file", PDF, "a.pdf", "application/pdf")
GOOD = form(FILE, form_part("tenantId", "wire"))


@pytest.fixture(autouse=True)
def nothing_stays(prompt_server):
    """After each of these the folder is as it was and a decent client is served."""
    before = prompt_server.blobs()
    yield
    until(lambda: prompt_server.blobs() == before, f"left on disk: {prompt_server.blobs() - before}", 15)
    assert prompt_server.client().get("/health/live").status_code == 200


@pytest.fixture
def target(prompt_server):
    return prompt_server


# ---- forms ----------------------------------------------------------------------------------------------------------

BROKEN_FORMS = {
    "empty": b"",
    "only_blanks": b"\r\n\r\n",
    "no_boundary_at_all": PDF,
    "another_boundary": GOOD.replace(b"--BoundarY", b"--Elsewhere"),
    "last_boundary_missing": GOOD.replace(b"--BoundarY--", b""),
    "last_boundary_half": GOOD[:-4],
    "last_boundary_without_its_dashes": GOOD[:-4] + b"\r\n",
    "cut_within_a_head": GOOD[:40],
    "cut_within_the_file": GOOD[: len(GOOD) // 2],
    "head_without_its_end": b"--BoundarY\r\nContent-Disposition: form-data; name=\"file\"\r\n",
    "head_line_without_colon": form(b"Content-Disposition form-data\r\n\r\nx"),
    "head_folded": form(b'Content-Disposition: form-data;\r\n name="file"\r\n\r\nx'),
    "head_with_bare_newlines": form(b'Content-Disposition: form-data; name="file"\n\n' + PDF),
    "head_with_nul": form(b'Content-Disposition: form-data; name="fi\0le"\r\n\r\nx'),
    "part_without_a_name": form(b'Content-Disposition: form-data; filename="a.pdf"\r\n\r\n' + PDF),
    "part_without_a_disposition": form(b"Content-Type: application/pdf\r\n\r\n" + PDF),
    "part_with_two_dispositions": form(
        b'Content-Disposition: form-data; name="file"\r\nContent-Disposition: form-data; name="tenantId"\r\n\r\n' + PDF
    ),
    "name_with_an_open_quotation_mark": form(b'Content-Disposition: form-data; name="file\r\n\r\n' + PDF),
    "name_given_twice": form(b'Content-Disposition: form-data; name="file"; name="tenantId"\r\n\r\n' + PDF),
    "disposition_is_attachment": form(b'Content-Disposition: attachment; name="file"\r\n\r\n' + PDF),
    "encoded_as_base64": form(
        b'Content-Disposition: form-data; name="file"; filename="a.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0='
    ),
    "garbage_behind_a_boundary": GOOD.replace(b"--BoundarY\r\n", b"--BoundarY garbage\r\n", 1),
    "extended_name_in_an_unknown_charset": form(
        b"Content-Disposition: form-data; name=\"file\"; filename*=EBCDIC''a.pdf\r\n\r\n" + PDF
    ),
    "extended_name_that_is_not_utf8": form(
        b"Content-Disposition: form-data; name=\"file\"; filename*=UTF-8''%ff%fe.pdf\r\n\r\n" + PDF
    ),
}


@pytest.mark.parametrize("body", BROKEN_FORMS.values(), ids=BROKEN_FORMS.keys())
def test_a_broken_form_is_refused(target, body):
    answer = ask(target, post(body))
    assert answer.status == 400
    answer.problem()


@pytest.mark.parametrize(
    "type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""',
        "multipart/form-data; boundary=" + "x" * 71,
        'multipart/form-data; boundary="a\tb"',
        "multipart/form-data; boundary=a@b",
        'multipart/form-data; boundary="ends with blank "',
    ],
)
def test_a_form_without_a_usable_boundary_is_refused(target, type):
    answer = ask(target, post(GOOD, type=type))
    assert answer.status == 400
    answer.problem()


@pytest.mark.parametrize("type", ["application/x-www-form-urlencoded", "application/json", "text/html", "multipart/mixed; boundary=BoundarY", None])
def test_a_body_that_is_neither_a_form_nor_a_document_is_refused(target, type):
    answer = ask(target, post(b"a=b", type=type))
    assert answer.status == 415
    answer.problem()


def test_an_endless_part_head_is_refused_before_it_ends(target):
    with Wire(target) as wire:
        wire.say(post(b"", length=50_000_000) + b'--BoundarY\r\nContent-Disposition: form-data; name="file"\r\nX: ')
        sent = 0
        while sent < 50_000_000 and wire.say(b"y" * 65536):
            sent += 65536
        answer = wire.answer()
    # A client that goes on and on is cut off; one that listens is told.
    assert sent < 20_000_000 or answer.status == 400, sent
    assert answer.status in (400, 413, None)


def test_a_form_of_very_many_parts_is_bounded(target):
    parts = b"".join(b"--BoundarY\r\n" + form_part(f"x{n}", "y") + b"\r\n" for n in range(20_000))
    answer = ask(target, post(parts + GOOD))
    assert answer is None or answer.status in (202, 400, 413)
    if answer and answer.status == 202:
        import json

        client = target.client("wire")
        document = client.document(json.loads(answer.body)["fileId"])
        document.end("completed")  # taken, with a Warning
        document.delete()  # what it was made of would be counted as left behind by the test


def test_uploads_cut_off_in_the_middle_leave_nothing_on_disk(target):
    small, large = post(GOOD), post(form(form_part("file", b"%PDF-1.4\n" + b"x" * 8_000_000, "a.pdf")))
    cuts = [small[: len(small) - len(GOOD) + at] for at in (0, 1, 30, 120, 400, len(GOOD) - 3)] + [large[:5_000_000]]

    def close(cut):
        with Wire(target) as wire:
            wire.say(cut)

    def fall_silent(cut):
        with Wire(target, 30) as wire:
            wire.say(cut)
            wire.end_of_saying()
            return wire.hear()

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        closed = pool.map(close, cuts)
        for heard in pool.map(fall_silent, cuts):
            assert not heard or heard.split()[1] in (b"400", b"408"), heard[:200]
        list(closed)


def test_uploads_reset_by_many_clients_at_once_leave_nothing_on_disk(target):
    body = post(form(form_part("file", b"%PDF-1.4\n" + b"x" * 400_000, "a.pdf")))

    def reset(number):
        wire = Wire(target)
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        wire.say(body[: 1000 + number * 9000])
        wire.socket.close()

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(reset, range(40)))


# ---- framing --------------------------------------------------------------------------------------------------------


def head(*fields, target="/api/upload", method="POST"):
    return "\r\n".join([f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", *fields, "", ""])


FORM_TYPE = "Content-Type: multipart/form-data; boundary=BoundarY"
CHUNKED_GOOD = b"%x\r\n%s\r\n0\r\n\r\n" % (len(GOOD), GOOD)

SMUGGLED = {
    "two_lengths": head(FORM_TYPE, f"Content-Length: {len(GOOD)}", "Content-Length: 5").encode() + GOOD,
    "two_equal_lengths_in_one_field": head(FORM_TYPE, f"Content-Length: {len(GOOD)}, {len(GOOD) + 1}").encode() + GOOD,
    "length_and_chunked": head(FORM_TYPE, f"Content-Length: {len(GOOD)}", "Transfer-Encoding: chunked").encode() + CHUNKED_GOOD,
    "chunked_and_length": head(FORM_TYPE, "Transfer-Encoding: chunked", "Content-Length: 5").encode() + CHUNKED_GOOD,
    "unknown_encoding": head(FORM_TYPE, "Transfer-Encoding: gzip").encode() + GOOD,
    "chunked_twice": head(FORM_TYPE, "Transfer-Encoding: chunked, chunked").encode() + CHUNKED_GOOD,
    "chunked_not_last": head(FORM_TYPE, "Transfer-Encoding: chunked, identity").encode() + CHUNKED_GOOD,
    "chunked_misspelt": head(FORM_TYPE, "Transfer-Encoding: xchunked").encode() + CHUNKED_GOOD,
    "two_encodings": head(FORM_TYPE, "Transfer-Encoding: chunked", "Transfer-Encoding: identity").encode() + CHUNKED_GOOD,
    "negative_length": head(FORM_TYPE, "Content-Length: -1").encode() + GOOD,
    "length_with_plus": head(FORM_TYPE, f"Content-Length: +{len(GOOD)}").encode() + GOOD,
    "length_in_hex": head(FORM_TYPE, "Content-Length: 0x10").encode() + GOOD,
    "length_with_blank": head(FORM_TYPE, "Content-Length: 1 0").encode() + GOOD,
    "length_beyond_64_bits": head(FORM_TYPE, "Content-Length: 99999999999999999999999").encode() + GOOD,
    "length_empty": head(FORM_TYPE, "Content-Length:").encode() + GOOD,
    "blank_before_the_colon": head(FORM_TYPE, f"Content-Length : {len(GOOD)}").encode() + GOOD,
    "chunk_size_no_number": head(FORM_TYPE, "Transfer-Encoding: chunked").encode() + b"zz\r\n" + GOOD,
    "chunk_size_negative": head(FORM_TYPE, "Transfer-Encoding: chunked").encode() + b"-5\r\n" + GOOD,
    "chunk_size_beyond_64_bits": head(FORM_TYPE, "Transfer-Encoding: chunked").encode() + b"fffffffffffffffff\r\n" + GOOD,
    "chunk_without_its_line_end": head(FORM_TYPE, "Transfer-Encoding: chunked").encode() + b"3\r\nabcdef\r\n0\r\n\r\n",
    "two_hosts": b"GET /api/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: example.com\r\n\r\n",
    "no_host": b"GET /api/jobs HTTP/1.1\r\n\r\n",
    "no_version": b"GET /api/jobs\r\n\r\n",
    "other_version": b"GET /api/jobs HTTP/3.7\r\nHost: 127.0.0.1\r\n\r\n",
    "line_without_colon": b"GET /api/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nnonsense\r\n\r\n",
    "folded_line": b"GET /api/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: b\r\n c\r\n\r\n",
    "nul_in_a_field": b"GET /api/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: b\0c\r\n\r\n",
    "bare_cr_in_a_field": b"GET /api/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: b\rX-B: c\r\n\r\n",
    "blank_in_a_name": b"GET /api/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nX A: b\r\n\r\n",
    "binary": bytes(range(256)) * 4,
    "http2_preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}


@pytest.mark.parametrize("data", SMUGGLED.values(), ids=SMUGGLED.keys())
def test_a_request_of_which_two_readers_could_make_two_things_is_refused_and_the_connection_closed(target, data):
    with Wire(target) as wire:
        wire.say(data)
        wire.end_of_saying()
        heard = wire.hear()
    assert not heard.startswith(b"HTTP/1.1 2"), heard[:300]
    if heard:
        assert heard.split()[1] in (b"400", b"405", b"411", b"413", b"426", b"431", b"501", b"505"), heard[:300]
    # The library that takes requests apart says the head of its own refusals twice.
    heads = {part for part in heard.split(b"\r\n\r\n") if part.startswith(b"HTTP/1.1 ")}
    assert len(heads) <= 1, "what was left was not read as another request"


def test_a_request_hidden_in_a_refused_body_is_not_run(target):
    client = target.client(fresh("victim"))
    document = client.submit(papers.tiny_pdf())
    document.end("completed")
    hidden = f"DELETE /api/jobs/{document.id} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Tenant-Id: {client.tenant}\r\n\r\n".encode()
    for first in (
        head(FORM_TYPE, "Content-Length: 5", f"Content-Length: {5 + len(hidden)}").encode() + b"abcde",
        head(FORM_TYPE, "Content-Length: 4", "Transfer-Encoding: chunked").encode() + b"0\r\n\r\n",
        head("Content-Type: text/html", f"Content-Length: {len(hidden)}").encode(),
        head(f"Content-Length: {len(hidden)}", target="/api/jobs", method="GET").encode(),
        head("Content-Type: application/json", f"Content-Length: {len(hidden)}", target="/api/nowhere").encode(),
    ):
        with Wire(target) as wire:
            wire.say(first + hidden)
            wire.end_of_saying()
            heard = wire.hear()
        assert b" 204 " not in heard
        assert client.get(document.path()).status_code == 200, first
    assert client.delete(document.path()).status_code == 204
    # The folder goes back to what it was only once its blobs are removed, which takes an hour.
    for path in (target.data / name for name in target.blobs() if document.id in name):
        path.unlink()


def test_decent_requests_on_one_connection_are_answered_one_after_the_other(target):
    with Wire(target) as wire:
        wire.say("GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 3 + "GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        assert wire.hear().count(b"HTTP/1.1 200 ") == 4


def test_an_endless_request_line_is_refused(target):
    with Wire(target) as wire:
        sent = 0
        wire.say("GET /api/jobs?")
        while sent < 20_000_000 and wire.say(b"a" * 65536):
            sent += 65536
        answer = wire.answer()
    assert sent < 5_000_000
    assert answer.status in (400, 413, 414, 431, None)


def test_endless_header_lines_are_refused(target):
    with Wire(target) as wire:
        sent = 0
        wire.say("GET /api/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        while sent < 20_000_000 and wire.say(b"X-Filler: " + b"a" * 1000 + b"\r\n"):
            sent += 1012
        answer = wire.answer()
    assert sent < 5_000_000
    assert answer.status in (400, 413, 431, None)


@pytest.mark.parametrize("target_path", ["/api/jobs/\xff", "/api/jobs/\x01", "/api/jobs/%", "/api/jobs/%00", "/api/jobs/%zz"])
def test_an_address_that_is_not_spelt_as_it_must_be_is_refused(target, target_path):
    answer = ask(target, f"GET {target_path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert answer.status == 400
    answer.problem()


@pytest.mark.parametrize("size, status", [(7000, 200), (9000, 414)])
def test_an_address_has_a_greatest_length(target, size, status):
    path = "/api/jobs/tenant/default?unknown=" + "a" * (size - 40)
    assert ask(target, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").status == status


def test_too_many_header_fields_are_refused(target):
    fields = "".join(f"X-{n}: 1\r\n" for n in range(150))
    answer = ask(target, f"GET /api/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\n{fields}\r\n")
    assert answer.status == 431
    answer.problem()


def test_a_body_where_none_belongs_is_refused(target):
    answer = ask(target, head("Content-Length: 3", target="/api/jobs", method="GET") + "abc")
    assert answer.status == 400
    answer.problem()


@pytest.mark.parametrize("value", ["a%0d%0aX-Injected:%20yes", "a%0aX-Injected:%20yes", "%E5%98%8A%E5%98%8DX-Injected:%20yes"])
def test_fields_with_line_ends_inject_nothing(target, value):
    for path in (f"/api/jobs?cursor={value}", f"/api/jobs/{value}", f"/api/jobs/tenant/x?{value}=1", f"/api/jobs?tenantId={value}"):
        answer = ask(target, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Request-Id: {value}\r\n\r\n")
        assert "x-injected" not in answer.headers and b"\nX-Injected" not in answer.body, path


# ---- sizes ----------------------------------------------------------------------------------------------------------


def test_a_file_over_the_limit_is_refused_before_its_body(serve):
    server = serve(MAX_FILE_MB=1)
    body = form(form_part("file", b"%PDF-1.4\n" + b"x" * 3_000_000, "a.pdf"))
    with Wire(server) as wire:
        wire.say(post(body)[: post(body).index(b"\r\n\r\n") + 4])
        answer = wire.answer()
    assert answer.status == 413
    assert answer.problem()["limitBytes"] == 1_000_000 or answer.problem()["limitBytes"] == 1 << 20
    assert not server.blobs()


def test_a_client_that_expects_to_be_told_sends_no_byte_of_a_file_over_the_limit(serve):
    server = serve(MAX_FILE_MB=1)
    fields = [FORM_TYPE, "Content-Length: 3000000", "Expect: 100-continue"]
    with Wire(server) as wire:
        wire.say(head(*fields))
        assert wire.answer().status == 413
    body = form(FILE)
    with Wire(server) as wire:
        wire.say(head(FORM_TYPE, f"Content-Length: {len(body)}", "Expect: 100-continue"))
        assert wire.answer().status == 100
        wire.say(body)
        assert wire.answer().status == 201


def test_a_file_that_turns_out_to_be_over_the_limit_is_refused(serve):
    server = serve(MAX_FILE_MB=1)
    client = server.client()
    pieces = lambda: (piece for piece in [b"%PDF-1.4\n"] + [b"x" * 100_000] * 30)
    answer = client.post("/upload?fileName=a.pdf", data=pieces())
    problem(answer, 413, "too-large")
    data = b"%PDF-1.4\n" + b"x" * 1_300_000
    problem(client.upload(data), 413, "too-large")
    until(lambda: not server.blobs() and not server.spooled(), "nothing left")


def test_a_file_at_the_limit_is_taken(serve):
    client = serve(MAX_FILE_MB="0.1").client()
    limit = problem(client.upload(b"%PDF-1.4\n" + b"x" * 2_000_000), 413)["limitBytes"]
    tiny = papers.tiny_pdf()
    padded = lambda size: tiny[:9] + b"%" + b"." * (size - len(tiny) - 2) + b"\n" + tiny[9:]
    assert client.upload(padded(limit)).status_code == 201
    problem(client.upload(padded(limit + 1)), 413, "too-large")


def test_an_unending_stream_of_chunks_is_cut_off(serve):
    server = serve(MAX_FILE_MB=1)
    with Wire(server) as wire:
        wire.say(head("Content-Type: application/pdf", "Transfer-Encoding: chunked"))
        sent = 0
        chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        while sent < 100_000_000 and wire.say(chunk):
            sent += 65536
        assert sent < 40_000_000
    until(lambda: not server.blobs() and not server.spooled(), "nothing left")


# ---- slow -----------------------------------------------------------------------------------------------------------


def test_clients_that_say_nothing_do_not_keep_others_out(target):
    silent = [Wire(target) for _ in range(100)]
    for number, wire in enumerate(silent):
        wire.say(["", "GET /api/jobs HT", head(FORM_TYPE, "Content-Length: 1000"), post(GOOD)[:-20].decode("latin-1")][number % 4])
    began = time.monotonic()
    client = target.client("default")
    for _ in range(20):
        assert client.get("/jobs").status_code == 200
    assert time.monotonic() - began < 5
    for wire in silent:
        wire.socket.close()


def test_a_client_that_does_not_read_its_answers_does_not_keep_others_out(target):
    deaf = [Wire(target) for _ in range(10)]
    for wire in deaf:
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wire.socket.settimeout(0.2)
        try:
            for _ in range(200):
                wire.socket.sendall(b"GET /api/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 20)
        except (TimeoutError, OSError):
            pass
    began = time.monotonic()
    assert target.client().get("/jobs").status_code == 200
    assert time.monotonic() - began < 3
    for wire in deaf:
        wire.socket.close()
