"""The main way: every kind of document goes in, is read, and comes out as one result."""
import papers
from papers import marker, prose
from world import check_ledger


def read(client, data, name, pages, **options):
    document = client.submit(data, name, **options)
    job = document.end("completed", seconds=60)
    assert job["outcome"] == "full" and job["percent"] == 100
    assert job["progress"] == {"processed": pages, "total": pages, "failed": 0}
    check_ledger(document, job)
    return document


def has_words(document, page, words):
    text = " ".join(document.page(page)["text"].split()).lower()
    missing = [word for word in words if word.lower() not in text]
    assert not missing, f"page {page} lacks {missing}: {text[:400]}"


def test_a_pdf_with_text_is_read_page_by_page(client):
    document = read(client, papers.text_pdf(12), "report.pdf", 12)
    for page in (1, 7, 12):
        has_words(document, page, [marker(page), "Margaret Ashworth", "Northwind Traders"])


def test_a_pdf_of_a_widespread_program_is_read(client):
    document = read(client, papers.typeset_pdf(2), "typeset.pdf", 2)
    has_words(document, 2, [marker(2), "excellent results"])


def test_a_valid_pdf_of_half_a_kilobyte_is_read(client):
    tiny = papers.tiny_pdf("Tiny but valid")
    assert len(tiny) < 600
    has_words(read(client, tiny, "tiny.pdf", 1), 1, ["Tiny but valid"])


def test_valid_pdfs_of_every_size_below_four_kilobytes_are_read(client):
    for size in (550, 700, 1000, 1299, 1300, 1301, 2048, 3000, 4095):
        tiny = papers.tiny_pdf("Tiny but valid")
        padded = tiny[:9] + b"%" + b"." * (size - len(tiny) - 2) + b"\n" + tiny[9:]
        assert len(padded) == size
        read(client, padded, f"tiny-{size}.pdf", 1)


def test_a_scanned_pdf_is_read_by_recognising_its_letters(client):
    document = read(client, papers.scanned_pdf([prose(1, 3), prose(2, 3)]), "scan.pdf", 2)
    has_words(document, 1, ["Chapter", "harbour", "Margaret Ashworth"])
    has_words(document, 2, ["harbour", "agreement"])


def test_a_png_is_a_document_of_one_page(client):
    has_words(read(client, papers.picture(prose(1, 3)), "photo.png", 1), 1, ["harbour", "containers"])


def test_a_jpeg_is_a_document_of_one_page(client):
    data = papers.picture(prose(1, 3), "JPEG", quality=85)
    has_words(read(client, data, "photo.jpg", 1), 1, ["harbour", "containers"])


def test_a_tiff_has_a_page_for_each_of_its_pictures(client):
    document = read(client, papers.tiff([prose(1, 2), prose(2, 2)]), "fax.tiff", 2)
    has_words(document, 1, ["harbour of Hamburg"])
    has_words(document, 2, ["harbour of Lisbon"])


def test_an_epub_is_read_chapter_by_chapter(client):
    document = client.submit(papers.epub([prose(1), prose(2), prose(3)]), "book.epub")
    job = document.end("completed")
    assert job["progress"]["total"] >= 3
    pages, _ = check_ledger(document, job)
    text = " ".join(document.page(page["pageNumber"])["text"] for page in pages)
    assert [text.count(marker(chapter)) for chapter in (1, 2, 3)] == [1, 1, 1]
    assert text.index(marker(1)) < text.index(marker(2)) < text.index(marker(3))


def test_plain_text_has_a_page_for_each_form_feed(client):
    document = read(client, papers.plain_text(3), "notes.txt", 3)
    has_words(document, 3, [marker(3), "Northwind Traders"])


def test_text_in_the_latin_alphabet_of_old_is_understood(client):
    document = read(client, "Die Straße nach Köln führt über die Brücke.".encode("latin-1"), "alt.txt", 1)
    has_words(document, 1, ["Straße", "Köln", "über"])


def test_text_of_many_scripts_comes_back_unchanged(client):
    lines = ["Ελληνικά κείμενα", "Русский текст", "日本語のテキスト", "😀 emoji"]
    document = read(client, "\n".join(lines).encode(), "scripts.txt", 1)
    has_words(document, 1, lines)


def test_a_page_without_anything_on_it_says_that_it_is_empty(client):
    pdf = papers.PagedPdf()
    pdf.text_page(prose(1))
    pdf.page("")
    document = read(client, pdf.bytes(), "blank.pdf", 2)
    empty = document.results()["chunks"][1]["analysis"]
    assert empty["empty"] is True
    assert (empty["summary"], empty["entities"], empty["keyPoints"], empty["sentiment"]) == ("", [], [], "neutral")


def test_a_long_document_is_read_whole(client):
    document = client.submit(papers.text_pdf(300), "long.pdf")
    job = document.end("completed", seconds=60)
    pages, events = check_ledger(document, job)
    assert len(pages) == 300
    assert job["usage"]["modelCalls"] >= 300
    told = sorted(n for event in events if event["eventType"] == "page.done" for n in page_numbers(event))
    assert told == list(range(1, 301))
    for page in (1, 40, 41, 150, 300):
        has_words(document, page, [marker(page)])


def page_numbers(event):
    return [page["pageNumber"] if isinstance(page, dict) else page for page in event["data"]["pages"]]


def test_what_a_person_would_notice_is_in_the_analysis(client):
    text = (
        "Angela Merkel met Emmanuel Macron in Berlin on 12 May 2019. The European Commission paid $3.5 million to "
        "Siemens AG. Write to press@example.org or visit https://example.org/news. The meeting was a wonderful success "
        "and everybody was delighted with the excellent result."
    )
    document = read(client, text.encode(), "news.txt", 1)
    analysis = document.results()["chunks"][0]["analysis"]
    assert analysis["summary"] and analysis["summary"].split(".")[0] in text
    assert analysis["keyPoints"]
    texts = " | ".join(entity["text"] for entity in analysis["entities"])
    for wanted in ("Merkel", "Macron", "Berlin", "12 May 2019", "press@example.org", "https://example.org/news", "3.5 million"):
        assert wanted in texts, (wanted, texts)
    assert analysis["sentiment"] == "positive"
    assert analysis["sentimentScore"] > 0


def test_the_model_says_what_it_is(client):
    document = client.submit(b"A short note.", "note.txt")
    document.end("completed")
    assert "extractive" in document.results()["model"]
    assert "extractive" in document.job()["model"]
