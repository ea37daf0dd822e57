"""The result: its shape, its forms, what there is of it before the end, and that it can be made again."""
import json

import pytest

import papers
from papers import marker
from world import check_result, problem, until


@pytest.fixture
def done(client):
    document = client.submit(papers.text_pdf(3), "report.pdf")
    document.end("completed")
    return document


def test_the_result_bears_the_names_that_clients_of_an_earlier_system_know(done):
    result = done.results()
    assert set(result) >= {"fileId", "tenantId", "processedAt", "totalPages", "successCount", "failedCount", "chunks"}
    assert (result["totalPages"], result["successCount"], result["failedCount"]) == (3, 3, 0)
    assert set(result["chunks"][0]) >= {"pageNumber", "analysis", "status"}
    assert set(result["chunks"][0]["analysis"]) >= {"summary", "entities", "keyPoints", "sentiment"}
    assert set(result["document"]) >= {"summary", "entities", "keyPoints", "sentiment"}
    assert result["chunks"][0]["status"] == "done"
    check_result(result, done, done.job())


def test_entities_of_the_whole_document_name_their_pages(done):
    entities = done.results()["document"]["entities"]
    margaret = [entity for entity in entities if "Ashworth" in entity["text"]]
    assert margaret and margaret[0]["pages"] == [1, 2, 3]


def test_the_result_comes_as_markdown_where_it_is_asked_for(client, done):
    answer = client.get(done.path("/results"), headers={"Accept": "text/markdown"})
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/markdown")
    assert answer.text.startswith("#")
    assert "report.pdf" in answer.text


def test_the_result_comes_as_json_lines_the_document_first_and_then_a_page_a_line(client, done):
    answer = client.get(done.path("/results"), headers={"Accept": "application/jsonl"})
    assert answer.headers["Content-Type"].startswith("application/jsonl")
    lines = [json.loads(line) for line in answer.text.splitlines()]
    result = done.results()
    document, *pages = lines
    assert {name: document[name] for name in document} == {name: result[name] for name in result if name != "chunks"}
    assert pages == result["chunks"]


def test_markup_in_a_document_stays_text_in_markdown(client):
    document = client.submit(b"Buy <script>alert(1)</script> and [click](http://example.com) now, said the *star*.", "a.txt")
    document.end("completed")
    answer = client.get(document.path("/results"), headers={"Accept": "text/markdown"})
    unescaped = answer.text.replace("\\<", "").replace("\\[", "").replace("\\*", "")
    assert "script" in answer.text and "<script" not in unescaped
    assert "[click" not in unescaped and "*star" not in unescaped


def test_the_form_with_the_highest_quality_wins(client, done):
    for accept, kind in [
        ("*/*", "application/json"),
        ("text/html, application/json;q=0.9, text/markdown;q=0.95", "text/markdown"),
        ("application/jsonl, application/json;q=0.5", "application/jsonl"),
        ("application/*", "application/json"),
    ]:
        answer = client.get(done.path("/results"), headers={"Accept": accept})
        assert answer.headers["Content-Type"].split(";")[0] == kind, accept
        assert "Accept" in answer.headers["Vary"]


def test_a_form_that_nobody_makes_is_refused(client, done):
    problem(client.get(done.path("/results"), headers={"Accept": "image/png"}), 406, "not-acceptable")


def test_the_result_has_a_tag_and_is_not_sent_twice(client, done):
    first = client.get(done.path("/results"))
    again = client.get(done.path("/results"), headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304 and not again.content
    other = client.get(done.path("/results"), headers={"If-None-Match": first.headers["ETag"], "Accept": "text/markdown"})
    assert other.status_code == 200


def test_a_head_request_tells_the_size_alone(client, done):
    whole = client.get(done.path("/results"))
    head = client.request("HEAD", "/api" + done.path("/results"))
    assert head.status_code == 200 and not head.content
    assert int(head.headers["Content-Length"]) == len(whole.content)


def test_while_pages_are_read_there_is_no_result_but_what_there_is_can_be_had(prompt_client):
    slow = set(range(5, 41))
    document = prompt_client.submit(papers.slow_pdf(40, levels=4, slow=slow), "slow.pdf")
    refusal = problem(prompt_client.get(document.path("/results")), 404, "result-not-ready")
    assert refusal
    answer = prompt_client.get(document.path("/results"))
    assert answer.status_code == 404 and int(answer.headers["Retry-After"]) >= 1
    problem(prompt_client.get(document.path("/download")), 404, "result-not-ready")

    def first_page_there():
        answer = prompt_client.get(document.path("/results?partial=true"))
        if answer.status_code == 404:
            problem(answer, 404, "result-not-ready")
            return None
        assert answer.status_code == 200, answer.text
        return answer.json() if answer.json()["successCount"] else None

    partial = until(first_page_there, "a first page")
    assert partial["totalPages"] == len(partial["chunks"]) == 40
    assert partial["successCount"] == sum(chunk["status"] == "done" for chunk in partial["chunks"])
    if partial["successCount"] < 40:
        assert partial["partial"] is True
        waiting = [chunk for chunk in partial["chunks"] if chunk["status"] == "pending"]
        assert waiting and all(chunk["analysis"] is None for chunk in waiting)
    job = document.end("completed")
    check_result(document.results(), document, job)


def test_the_same_document_read_again_gives_the_same_analyses(client):
    first = client.submit(papers.text_pdf(5), "twice.pdf")
    second = client.submit(papers.text_pdf(5), "twice.pdf")
    for document in (first, second):
        document.end("completed")
    one, two = first.results(), second.results()
    assert one["chunks"] == two["chunks"]
    assert one["document"] == two["document"]


def test_the_result_is_the_same_bytes_whenever_it_is_asked_for(client, done):
    assert client.get(done.path("/results")).content == client.get(done.path("/results")).content


def test_the_result_made_again_after_the_results_file_was_lost_has_the_same_bytes(serve):
    server = serve()
    client = server.client("acme")
    document = client.submit(papers.text_pdf(30), "report.pdf")
    document.end("completed")
    answer = client.get(document.path("/results"), headers={"Accept": "text/markdown"})
    derived = [name for name in server.blobs() if name.endswith(".md")]
    assert derived, "the Markdown form is kept as a file"
    for name in derived:
        (server.data / name).unlink()
    again = client.get(document.path("/results"), headers={"Accept": "text/markdown"})
    assert again.content == answer.content


def test_pages_not_chosen_are_skipped_and_said_to_be(client):
    document = client.submit(papers.text_pdf(10), "choice.pdf", pages="2-4,9-")
    job = document.end("completed")
    assert job["pages"] == {"total": 10, "done": 5, "failed": 0, "skipped": 5, "pending": 0}
    assert job["outcome"] == "full"
    result = document.results()
    check_result(result, document, job)
    assert [chunk["pageNumber"] for chunk in result["chunks"] if chunk["status"] == "done"] == [2, 3, 4, 9, 10]
    assert [chunk["pageNumber"] for chunk in result["chunks"] if chunk["status"] == "skipped"] == [1, 5, 6, 7, 8]
    assert job["usage"]["modelCalls"] <= 6
    assert marker(9) in document.page(9)["text"]
    assert document.page(1)["status"] == "skipped"


def test_a_choice_without_pages_of_the_document_fails_with_its_reason(prompt_client):
    document = prompt_client.submit(papers.text_pdf(2), "choice.pdf", pages="7-9")
    job = document.end("failed")
    assert job["error"]["reason"] == "no_pages"
    problem(prompt_client.get(document.path("/results")), 404, "no-result")


@pytest.mark.parametrize("pages", ["0", "3-1", "a", "1,,2", "1-2-3", "-", "1;2", "99999999999999999999", "1-5x"])
def test_a_choice_of_pages_that_is_none_is_refused_by_name(client, pages):
    said = problem(client.upload(papers.tiny_pdf(), pages=pages), 400, "validation")
    assert [wrong["field"] for wrong in said["errors"]] == ["pages"]
