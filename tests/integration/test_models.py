"""Pages read by a model over the network: the released programs against the fake provider, which remembers calls."""
import json
import re
import socket

import pytest

import papers
from fake_provider import AWS_KEY_ID, AWS_SECRET, KEY, early, moods, most_at_once, repeated
from world import check_ledger, memory_kb, until

ACCESS = {
    "gemini": lambda fake: {"MODEL": "gemini:gemini-2.5-flash", "GEMINI_API_KEY": KEY,
                            "GEMINI_BASE_URL": fake.base("gemini")},
    "openai": lambda fake: {"MODEL": "openai:gpt-4.1-mini", "OPENAI_API_KEY": KEY,
                            "OPENAI_BASE_URL": fake.base("openai")},
    "anthropic": lambda fake: {
        "MODEL": "anthropic:claude-haiku-4-5", "ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": fake.base("anthropic")},
    "bedrock": lambda fake: {
        "MODEL": "bedrock:amazon.nova-lite-v1:0", "AWS_ACCESS_KEY_ID": AWS_KEY_ID, "AWS_SECRET_ACCESS_KEY": AWS_SECRET,
        "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": fake.base("bedrock")},
}


@pytest.fixture
def read(serve, fake):
    """A client of a server that reads with Gemini, unless told otherwise."""

    def start(name="gemini", **settings):
        return serve(**{"FILE_SIZE_THRESHOLD_MB": 0,
                        "MODEL_INPUT": "text"} | ACCESS[name](fake) | settings).client("acme")

    return start


def attempts_of(document, page=1):
    return document.get(f"/pages/{page}")["attempts"]


# ---- answers --------------------------------------------------------------------------------------------------------


# OpenAI's protocol has no documents that compatible servers would read.
FORMS = [(name, form) for name in ACCESS for form in ("text", "image", "pdf") if (name, form) != ("openai", "pdf")]


@pytest.mark.parametrize("name, form", FORMS)
def test_a_page_is_read_by_each_provider_in_each_form(read, fake, name, form):
    document = read(name, MODEL_INPUT=form).submit(papers.text_pdf(1))
    job = document.end("completed")
    check_ledger(document, job)
    pages = fake.calls(task="page")
    assert [(call.protocol, call.inputs, call.status) for call in pages] == [(name, [form], 200)], pages
    assert "tells of" in document.results()["chunks"][0]["analysis"]["summary"]
    assert job["usage"]["modelCalls"] == len(fake.calls())
    assert not repeated(fake.calls())
    [attempt] = attempts_of(document)
    assert attempt["status"] == "done" and attempt["httpStatus"] == 200 and attempt["ms"] >= 0
    assert attempt["inputTokens"] == pages[0].input_tokens and attempt["outputTokens"] == pages[0].output_tokens


def test_a_blank_page_is_not_asked_about_where_its_text_would_be_all_there_is(read, fake):
    pdf = papers.PagedPdf()
    pdf.text_page(papers.prose(1))
    pdf.page("")
    document = read().submit(pdf.bytes())
    job = document.end("completed")
    check_ledger(document, job)
    assert [call.page for call in fake.calls(task="page")] == [1]
    assert document.results()["chunks"][1]["analysis"]["empty"] is True
    assert attempts_of(document, 2) == []


def test_a_document_of_blank_pages_is_completed_without_a_call(read, fake):
    pdf = papers.PagedPdf()
    pdf.page("")
    read().submit(pdf.bytes()).end("completed")
    assert not fake.calls()


@pytest.mark.parametrize("form", ["image", "pdf"])
def test_the_text_of_a_page_that_goes_as_a_picture_is_sent_beside_it_and_kept(read, fake, form):
    document = read(MODEL_INPUT=form).submit(papers.text_pdf(1))
    document.end("completed")
    assert papers.marker(1) in document.get("/pages/1")["text"]
    assert "terrible storm" in document.results()["chunks"][0]["analysis"]["summary"], "the model saw it"


def test_a_document_is_reduced_by_one_call_that_cites_its_pages(read, fake):
    document = read().submit(papers.text_pdf(4))
    document.end("completed")
    assert moods(fake.calls(task="page")) == {"ok": 4} and moods(fake.calls(task="reduction")) == {"ok": 1}
    result = document.results()
    points = result["document"]["keyPoints"]
    assert points and all(set(point["pages"]) <= {1, 2, 3, 4} and point["pages"] for point in points)
    parts = [document.get(f"/pages/{page}")["usage"] for page in (1, 2, 3, 4)] + [result["document"]["usage"]]
    assert parts[-1]["inputTokens"] > 0 and parts[-1]["costUsd"] > 0
    for what in ("modelCalls", "inputTokens", "outputTokens", "modelMs", "costUsd"):
        whole = pytest.approx(sum(part[what] for part in parts))
        assert result["usage"][what] == whole and document.job()["usage"][what] == whole, what


@pytest.mark.parametrize("name", ACCESS)
def test_a_server_that_takes_no_schema_is_asked_without_one_and_no_attempt_is_used_up(read, fake, name):
    fake.change(schemas=False, latency_ms="50", refusal_ms="50")
    document = read(name, MODEL_CONCURRENCY=1, MAX_ATTEMPTS=1).submit(papers.text_pdf(3))
    job = document.end("completed")
    check_ledger(document, job)
    calls = fake.calls()
    assert [call.status for call in calls].count(400) == 1, "it is remembered for all pages and the reduction"
    assert job["usage"]["modelCalls"] == len(calls) == 3 + 1 + 1
    refused = [attempts_of(document, page)[0] for page in (1, 2, 3) if len(attempts_of(document, page)) == 2]
    assert [(attempt["reason"], attempt["httpStatus"]) for attempt in refused] == [("bad_request", 400)]


# ---- limits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["gemini", "openai", "anthropic"])
def test_no_call_comes_before_the_provider_said(read, fake, name):
    fake.change(latency_ms="50")
    fake.next("429", page=2, retry_after_ms=1000)
    document = read(name, MODEL_CONCURRENCY=2).submit(papers.text_pdf(6))
    document.end("completed")
    assert moods(fake.calls(task="page")) == {"ok": 6, "429": 1}
    assert not early(fake.calls(), grace_s=0.1), fake.calls()
    assert attempts_of(document, 2)[0]["reason"] == "rate_limited"


def test_a_limit_for_a_second_is_not_taken_for_a_minutes(read, fake):
    fake.change(latency_ms="20", request_limit="20/s")
    read("openai", MODEL_CONCURRENCY=4).submit(papers.text_pdf(40)).end("completed", seconds=20)
    assert moods(fake.calls())["429"] < 20


def test_calls_begin_as_many_as_was_said_and_grow_by_one_for_each_round(read, fake):
    fake.change(latency_ms="100")
    read(MODEL_CONCURRENCY=3).submit(papers.text_pdf(12)).end("completed")
    calls = sorted(fake.calls(task="page"), key=lambda call: call.arrived)
    assert 1 < most_at_once(calls) <= 6
    assert len([call for call in calls if call.arrived < calls[0].arrived + 0.09]) == 3


def test_half_of_the_calls_refused_lose_no_page(read, fake):
    fake.change(shares={"429": 0.4, "503": 0.1}, retry_after_ms=50, hints=True)
    document = read(MODEL_CONCURRENCY=8).submit(papers.text_pdf(8))
    job = document.end("completed", seconds=90)
    assert job["progress"]["failed"] == 0
    assert not repeated(fake.calls())


def test_after_a_cancel_no_call_is_made(read, fake):
    fake.change(latency_ms="300")
    document = read(MODEL_CONCURRENCY=2).submit(papers.text_pdf(40))
    fake.until(lambda now: len(now.calls(mood="ok")) >= 4, "calls are made")
    document.cancel()
    # A look at the document's state may be half a second old when a call starts.
    last_allowed = fake.state()["now"] + 0.6
    until(lambda: fake.state()["now"] > last_allowed + 1.0, "a second has gone by")
    assert not [call for call in fake.calls() if call.arrived > last_allowed]
    assert len(fake.calls()) < 15


# ---- answers that will not do ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("mood, reason", [("invalid_json", "invalid_json"), ("schema_mismatch", "schema_mismatch"),
                                          ("empty", "empty_answer"), ("garbage", "invalid_json")])
def test_an_answer_that_will_not_do_is_asked_for_once_more(read, fake, mood, reason):
    fake.next(mood, task="page")
    document = read().submit(papers.text_pdf(1))
    document.end("completed")
    assert [call.mood for call in fake.calls(task="page")] == [mood, "ok"]
    assert attempts_of(document)[0]["reason"] == reason


@pytest.mark.parametrize("mood, reason", [("invalid_json", "invalid_json"), ("schema_mismatch", "schema_mismatch")])
def test_it_is_repaired_only_once(read, fake, mood, reason):
    fake.next(mood, task="page", times=10)
    document = read().submit(papers.text_pdf(1))
    document.end("failed")
    assert document.get("/pages/1")["error"]["reason"] == reason
    first, second = fake.calls(task="page")
    assert second.input_tokens > first.input_tokens, "the second call has the answer and what was wrong with it"


def test_a_truncated_answer_is_asked_for_with_room_for_more(read, fake):
    fake.next("truncated", task="page")
    document = read().submit(papers.text_pdf(1))
    document.end("completed")
    first, second = fake.calls(task="page")
    assert second.max_output > first.max_output
    assert attempts_of(document)[0]["reason"] == "truncated"


@pytest.mark.parametrize("mood, reason, calls", [("blocked", "blocked", 1), ("blocked_prompt", "blocked", 1),
                                                 ("recitation", "recitation", 2), ("400", "bad_request", 1)])
def test_what_the_model_declines_ends_the_page_with_that_reason(read, fake, mood, reason, calls):
    fake.next(mood, task="page", page=2, times=10)
    document = read().submit(papers.text_pdf(3))
    job = document.end("completed")
    check_ledger(document, job)
    assert job["progress"]["failed"] == 1
    assert document.get("/pages/2")["error"]["reason"] == reason
    assert len(fake.calls(task="page", page=2)) == calls


@pytest.mark.parametrize("mood", ["hang", "stall"])
def test_a_call_that_is_not_answered_ends_as_model_timeout(read, fake, mood):
    fake.next(mood, task="page", times=10)
    document = read(MODEL_TIMEOUT_SECONDS=1, MAX_ATTEMPTS=2).submit(papers.text_pdf(1))
    document.end("failed", seconds=60)
    assert document.get("/pages/1")["error"]["reason"] == "model_timeout"
    assert all(call.gone for call in fake.calls(mood=mood)), "docmill left"


@pytest.mark.parametrize("mood", ["endless", "endless_headers"])
def test_an_answer_without_an_end_is_bounded(read, fake, mood):
    fake.next(mood, task="page", times=10)
    client = read(MAX_ATTEMPTS=2)
    before_kb = memory_kb(client.server.pid)
    document = client.submit(papers.text_pdf(1))
    document.end("failed")
    assert document.get("/pages/1")["error"]["reason"] == "invalid_json"
    assert len(fake.calls(mood=mood)) == 2 and all(call.gone for call in fake.calls(mood=mood))
    assert client.server.sanitized or memory_kb(client.server.pid) - before_kb < 30_000


# A connection that was kept may have been closed meanwhile: there libcurl tries a fresh one before it is a failure.
@pytest.mark.parametrize("mood, times", [("cut", 1), ("noise", 1), ("silent", 2)])
def test_answers_that_are_none_are_asked_for_again(read, fake, mood, times):
    fake.next(mood, task="page", times=times)
    document = read().submit(papers.text_pdf(1))
    document.end("completed")
    assert attempts_of(document)[0]["reason"] == "network"
    assert moods(fake.calls(task="page")) == {mood: times, "ok": 1}


def test_where_nobody_listens_pages_wait_and_health_says_why(read, fake):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        client = read(GEMINI_BASE_URL=f"http://127.0.0.1:{nobody.getsockname()[1]}", MODEL_CONCURRENCY=12)
        document = client.submit(papers.text_pdf(12))
        said = until(lambda: client.get("/health/ready").json()["checks"]["model"].get("detail"), "health says so")
    assert said.startswith("network")
    assert document.job()["progress"]["failed"] == 0 and not fake.calls()


def test_a_redirect_is_not_followed_and_no_key_goes_elsewhere(read, fake):
    fake.next("redirect", task="page")
    document = read().submit(papers.text_pdf(1))
    document.end("failed")
    error = document.get("/pages/1")["error"]
    assert error["reason"] == "bad_request" and "307" in error["detail"]
    assert len(fake.calls()) == 1


# ---- keys -----------------------------------------------------------------------------------------------------------


def test_a_key_revoked_while_running_stops_the_calls_and_health_says_so(read, fake):
    fake.change(latency_ms="100", revoke_after_calls=3)
    client = read(MODEL_CONCURRENCY=1)
    document = client.submit(papers.text_pdf(8))

    def unwell():
        answer = client.get("/health/ready")
        return answer.json() if "auth_failed" in answer.text or "key" in answer.text else None

    said = until(unwell, "ready tells of the key", 20)
    assert KEY not in json.dumps(said)
    refused = len([call for call in fake.calls() if call.mood == "key_invalid"])
    assert 1 <= refused <= 4, "the breaker is open"
    assert document.job()["progress"]["failed"] == 0, "pages wait"
    fake.change(revoke_after_calls=0)
    document.end("completed", seconds=120)
    assert KEY not in client.server.log()


def test_credentials_that_are_renewed_in_their_file_are_looked_up_again(read, fake, tmp_path):
    file = tmp_path / "credentials"
    write = lambda key_id: file.write_text(
        f"[default]\naws_access_key_id = {key_id}\naws_secret_access_key = {AWS_SECRET}\n")
    write(AWS_KEY_ID)
    client = read("bedrock", AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="", AWS_SHARED_CREDENTIALS_FILE=file)
    client.submit(papers.text_pdf(1)).end("completed")
    fake.change(keys=["AKIDRENEWED000000000"])
    write("AKIDRENEWED000000000")
    document = client.submit(papers.text_pdf(1))
    document.end("completed")
    assert [attempt.get("reason") for attempt in attempts_of(document)] == ["auth_failed", None]
    assert moods(fake.calls()) == {"ok": 4, "key_invalid": 1}
    assert AWS_SECRET not in client.server.log()


@pytest.mark.parametrize("settings, name", [
    ({"MODEL": "gemmini:x"}, "MODEL"), ({"MODEL": "gemini:"}, "MODEL"), ({"GEMINI_API_KEY": ""}, "GEMINI_API_KEY"),
    ({"GEMINI_BASE_URL": "ftp://x"}, "GEMINI_BASE_URL"), ({"MODEL_CONCURRENCY": "9999"}, "MODEL_CONCURRENCY"),
    ({"MODEL_RPM": "-1"}, "MODEL_RPM"), ({"MODEL_TPM": "much"}, "MODEL_TPM"), ({"MODEL_INPUT": "sound"}, "MODEL_INPUT"),
])
def test_wrong_settings_are_refused_at_the_start_by_name(binary, fake, tmp_path, settings, name):
    from world import Server

    server = Server(binary, tmp_path / "wrong", **ACCESS["gemini"](fake) | settings)
    server.launch()
    assert server.wait_end() != 0
    assert re.search(rf"\b{name}\b", server.log_path.read_text()), server.log_path.read_text()
    assert not fake.calls() and KEY not in server.log_path.read_text()


@pytest.mark.parametrize("name", ["gemini", "anthropic"])
def test_a_model_that_the_provider_does_not_know_is_refused_at_the_start(binary, fake, tmp_path, name):
    from world import Server

    fake.change(models=["another"])
    server = Server(binary, tmp_path / "unknown", **ACCESS[name](fake))
    server.launch()
    assert server.wait_end() != 0
    said = server.log_path.read_text()
    assert f"MODEL={ACCESS[name](fake)['MODEL']}" in said and "knows no such model" in said, said
    assert not fake.calls() and KEY not in said


def test_a_model_that_goes_while_running_is_named_in_the_pages_error(read, fake):
    client = read()
    fake.change(models=["another"])
    document = client.submit(papers.text_pdf(1))
    document.end("failed")
    assert "gemini knows no such model: correct MODEL" in document.get("/pages/1")["error"]["detail"]
