"""Signed links to results, the ledger of pages, and pictures of them."""
import base64
import datetime
import io

import pytest
from PIL import Image, ImageChops

import papers
from papers import marker, prose
from world import fresh, problem


@pytest.fixture(scope="module")
def done(_waiting_server):
    document = _waiting_server.client(fresh("links")).submit(papers.text_pdf(3), "report.pdf")
    document.end("completed")
    return document


# ---- links ----------------------------------------------------------------------------------------------------------


def test_a_link_leads_to_the_result_without_any_credential_for_an_hour_at_most(server, done):
    said = done.get("/download")
    assert said["fileId"] == done.id
    expires = datetime.datetime.fromisoformat(said["expiresAt"].replace("Z", "+00:00"))
    left = expires - datetime.datetime.now(datetime.timezone.utc)
    assert datetime.timedelta(minutes=5) < left <= datetime.timedelta(hours=1)
    answer = server.client().request("GET", said["downloadUrl"])
    assert answer.status_code == 200
    assert answer.content == done.client.get(done.path("/results")).content
    assert "attachment" in answer.headers["Content-Disposition"]


def test_a_link_gives_any_range_of_bytes(server, done):
    link = done.get("/download")["downloadUrl"]
    client = server.client()
    whole = client.request("GET", link).content
    size = len(whole)
    for asked, first, last in [
        ("bytes=0-0", 0, 0),
        ("bytes=10-99", 10, 99),
        ("bytes=100-", 100, size - 1),
        ("bytes=-50", size - 50, size - 1),
        (f"bytes=0-{size * 10}", 0, size - 1),
        (f"bytes={size - 1}-", size - 1, size - 1),
        (f"bytes=-{size * 2}", 0, size - 1),
    ]:
        answer = client.request("GET", link, headers={"Range": asked})
        assert answer.status_code == 206, asked
        assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{size}"
        assert answer.content == whole[first : last + 1], asked
    answer = client.request("GET", link, headers={"Range": f"bytes={size}-"})
    problem(answer, 416)
    assert answer.headers["Content-Range"] == f"bytes */{size}"
    for nonsense in ("bytes=5-2", "lines=1-2", "bytes=a-b", "bytes=1-2,4-5", "bytes=", "bytes=--1", "bytes=99999999999999999999999-"):
        answer = client.request("GET", link, headers={"Range": nonsense})
        assert answer.status_code in (200, 416), nonsense
        assert answer.status_code == 416 or answer.content == whole, nonsense


def test_a_broken_download_goes_on_where_it_stopped_only_if_the_file_is_the_same(server, done):
    link = done.get("/download")["downloadUrl"]
    client = server.client()
    tag = client.request("GET", link).headers["ETag"]
    assert client.request("GET", link, headers={"Range": "bytes=5-", "If-Range": tag}).status_code == 206
    assert client.request("GET", link, headers={"Range": "bytes=5-", "If-Range": '"other"'}).status_code == 200
    assert client.request("GET", link, headers={"If-None-Match": tag}).status_code == 304


def test_a_link_of_which_anything_was_changed_leads_nowhere(server, done):
    link = done.get("/download")["downloadUrl"]
    base, _, token = link.rpartition("/")
    client = server.client()
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    changed = [token[:-1], token + "A", token[1:], "", "A", "x" * 2000, token.replace(token[10], "!", 1)]
    for at in range(0, len(raw), max(1, len(raw) // 25)):
        twisted = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        changed.append(base64.urlsafe_b64encode(twisted).decode().rstrip("="))
    for bad in changed:
        answer = client.request("GET", f"{base}/{bad}")
        assert answer.status_code in (400, 403, 404), (bad, answer.status_code)
        assert "chunks" not in answer.text


def test_nobody_can_lengthen_a_links_life_or_point_it_elsewhere(server, done):
    other = server.client(fresh("other")).submit(papers.text_pdf(1))
    other.end("completed")
    base, _, token = done.get("/download")["downloadUrl"].rpartition("/")
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    for old, new in [
        (done.client.tenant.encode(), other.client.tenant.encode()),
        (done.id.encode(), other.id.encode()),
        (b"results-1", b"results-2"),
        (b"results-1.json", b"source"),
    ]:
        assert old in raw
        forged = base64.urlsafe_b64encode(raw.replace(old, new)).decode().rstrip("=")
        problem(server.client().request("GET", f"{base}/{forged}"), 403, "link-invalid")


def test_a_link_of_one_server_means_nothing_to_another(serve, done):
    another = serve()
    token = done.get("/download")["downloadUrl"].rpartition("/")[2]
    problem(another.client().request("GET", f"{another.url}/api/blobs/{token}"), 403, "link-invalid")


def test_a_link_outlives_a_restart(serve):
    server = serve()
    document = server.client("acme").submit(papers.tiny_pdf())
    token = document.get("/download")["downloadUrl"].rpartition("/")[2]
    server.stop()
    server.start()
    assert server.client().request("GET", f"{server.url}/api/blobs/{token}").status_code == 200


def test_links_begin_with_the_address_that_clients_know(serve):
    server = serve(PUBLIC_URL="https://docs.example.com")
    client = server.client("acme")
    answer = client.upload(papers.tiny_pdf())
    assert answer.headers["Location"].startswith("https://docs.example.com/api/jobs/")
    assert answer.json()["job"]["downloadUrl"].startswith("https://docs.example.com/api/blobs/")
    assert client.get("/jobs", headers={"Host": "docs.example.com"}).status_code == 200


# ---- pages ----------------------------------------------------------------------------------------------------------


def test_the_ledger_tells_how_each_page_ended(done):
    pages = done.pages()
    assert [(page["pageNumber"], page["status"], page["error"]) for page in pages] == [(n, "done", None) for n in (1, 2, 3)]
    for page in pages:
        assert page["endedAt"].endswith("Z")
        assert len(page["attempts"]) == 1 and page["attempts"][0]["status"] in ("done", "ok", "success")
        assert page["usage"]["modelCalls"] == 1


def test_pages_come_in_parts(done):
    first = done.get("/pages?limit=2")
    assert [page["pageNumber"] for page in first["pages"]] == [1, 2] and first["total"] == 3
    rest = done.get(f"/pages?limit=2&cursor={first['nextCursor']}")
    assert [page["pageNumber"] for page in rest["pages"]] == [3] and rest["nextCursor"] is None


def test_a_page_has_its_text_and_its_analysis(done):
    page = done.page(2)
    assert marker(2) in page["text"]
    assert page["analysis"] == done.results()["chunks"][1]["analysis"]


def test_offsets_of_entities_point_into_the_pages_text(done):
    page = done.page(1)
    placed = [entity for entity in page["analysis"]["entities"] if "offset" in entity]
    assert placed
    for entity in placed:
        found = page["text"][entity["offset"] : entity["offset"] + len(entity["text"])]
        assert " ".join(found.split()) == " ".join(entity["text"].split()), entity


@pytest.mark.parametrize("number", ["0", "4", "-1", "x", "1.5", "99999999999999999999"])
def test_a_page_that_is_not_there_answers_404(done, number):
    problem(done.client.get(done.path(f"/pages/{number}")), 404)
    problem(done.client.get(done.path(f"/pages/{number}/image")), 404)
    answer = done.client.post(done.path(f"/pages/{number}/retry"))
    problem(answer, 409 if number == "4" else 404)


# ---- pictures -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("accept, kind", [("image/png", "PNG"), ("image/jpeg", "JPEG"), ("*/*", "PNG")])
@pytest.mark.parametrize("size", [16, 300, 1024, 2000])
def test_a_page_has_a_picture_of_the_size_asked_for(done, accept, kind, size):
    answer = done.client.get(done.path(f"/pages/1/image?size={size}"), headers={"Accept": accept})
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == f"image/{kind.lower()}"
    image = Image.open(io.BytesIO(answer.content))
    image.load()
    assert image.format == kind and max(image.size) == size
    assert abs(image.width / image.height - 595 / 842) < 0.05
    if size >= 300:
        grey = image.convert("L")
        assert grey.getextrema()[0] < 120 and grey.getextrema()[1] > 240, "there is writing on white paper"


def test_pictures_are_the_same_each_time_and_differ_from_page_to_page(done):
    get = lambda page: done.client.get(done.path(f"/pages/{page}/image?size=400"), headers={"Accept": "image/png"}).content
    assert get(1) == get(1)
    one, two = (Image.open(io.BytesIO(get(page))).convert("L") for page in (1, 2))
    assert ImageChops.difference(one, two).getbbox()


def test_pictures_of_every_kind_of_document_can_be_had(client):
    for name, data in [
        ("a.txt", papers.plain_text(1)),
        ("a.epub", papers.epub([prose(1)])),
        ("a.tiff", papers.tiff([prose(1, 1)])),
        ("a.jpg", papers.picture(prose(1, 1), "JPEG")),
    ]:
        document = client.submit(data, name)
        document.end("completed")
        answer = client.get(document.path("/pages/1/image?size=500"), headers={"Accept": "image/png"})
        image = Image.open(io.BytesIO(answer.content))
        image.load()
        assert max(image.size) == 500, name


@pytest.mark.parametrize("size", ["15", "4097", "x", "-1"])
def test_a_size_that_is_none_is_refused(done, size):
    problem(done.client.get(done.path(f"/pages/1/image?size={size}")), 400, "validation")


def test_a_picture_can_be_had_of_a_page_that_failed_or_was_skipped(client):
    document = client.submit(papers.text_pdf(3), pages="1")
    document.end("completed")
    answer = client.get(document.path("/pages/3/image?size=200"), headers={"Accept": "image/png"})
    assert answer.status_code == 200 and Image.open(io.BytesIO(answer.content)).format == "PNG"


def test_a_form_of_picture_that_nobody_makes_is_refused(done):
    problem(done.client.get(done.path("/pages/1/image"), headers={"Accept": "image/webp"}), 406, "not-acceptable")
