"""Health for those who watch, and what every answer carries."""
import re

import pytest

import papers
from world import ask, fresh, problem, until


@pytest.mark.parametrize("base", ["", "/api"])
def test_health_is_told_at_the_root_and_below_api(server, base):
    client = server.client()
    until(lambda: client.get("/health/ready").ok, "the first checks are done")
    for path in ("/health", "/health/live", "/health/ready"):
        answer = client.request("GET", base + path)
        assert answer.status_code == 200, answer.text
        assert answer.json()["status"] == "ok"


def test_ready_says_how_each_backend_does(server):
    client = server.client()
    until(lambda: client.get("/health/ready").ok, "the first checks are done")
    said = client.get("/health/ready").json()
    assert set(said["checks"]) == {"store", "blobs", "stream", "reader", "model"}
    assert all(check["status"] == "ok" for check in said["checks"].values())


def test_ready_says_which_backend_fails(serve):
    server = serve(MIN_FREE_MB=900_000_000)
    client = server.client()

    def failing():
        answer = client.get("/health/ready")
        checks = answer.json()["checks"].values()
        return [answer] if "starting" not in [check["status"] for check in checks] else None

    [answer] = until(failing, "the full disk is noticed", 20)
    said = answer.json()
    assert answer.status_code == 503 and said["status"] == "failing" and said["checks"]["blobs"]["status"] == "failing"
    assert said["checks"]["store"]["status"] == "ok"
    assert answer.headers["Retry-After"]
    assert client.get("/health/live").status_code == 200


def test_every_answer_has_an_id_and_the_headers_that_protect(client):
    for answer in (client.get("/jobs"), client.get("/jobs/x"), client.get("/nowhere"), client.post("/upload"), client.get("/health")):
        assert re.fullmatch(r"[A-Za-z0-9._-]{1,128}", answer.headers["X-Request-Id"])
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"]
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "microhttpd" not in str(answer.headers).lower()


def test_a_sane_request_id_comes_back_and_another_does_not(client):
    assert client.get("/jobs", headers={"X-Request-Id": "abc-1.2_3"}).headers["X-Request-Id"] == "abc-1.2_3"
    for bad in ("a b", "x" * 129, "a/b", "<b>", ""):
        assert client.get("/jobs", headers={"X-Request-Id": bad}).headers["X-Request-Id"] != bad


def test_a_trace_goes_on_under_a_new_span(client):
    trace = "00-695735a5bd862e3fe1be46a994272793-53995c3f42cd8ad8-01"
    said = client.get("/jobs", headers={"traceparent": trace}).headers["traceparent"]
    assert said.startswith("00-695735a5bd862e3fe1be46a994272793-") and said.endswith("-01") and said != trace
    for bad in ("00-" + "0" * 32 + "-53995c3f42cd8ad8-01", "ff" + trace[2:], trace.upper(), "x"):
        assert "traceparent" not in client.get("/jobs", headers={"traceparent": bad}).headers


@pytest.mark.parametrize(
    "method, path, allowed",
    [
        ("GET", "/api/upload", {"POST"}),
        ("PUT", "/api/jobs", {"GET", "HEAD"}),
        ("POST", "/api/jobs/x", {"GET", "HEAD", "DELETE"}),
        ("DELETE", "/api/jobs/x/results", {"GET", "HEAD"}),
        ("GET", "/api/jobs/x/cancel", {"POST"}),
        ("PATCH", "/api/jobs/tenant/x", {"GET", "HEAD"}),
        ("DELETE", "/health", {"GET", "HEAD"}),
    ],
)
def test_a_method_that_a_route_lacks_is_refused_with_those_it_has(server, method, path, allowed):
    answer = server.client().request(method, path)
    problem(answer, 405, "method-not-allowed")
    assert {word.strip() for word in answer.headers["Allow"].split(",")} - {"OPTIONS"} == allowed


def test_options_names_the_methods_of_a_route(server):
    answer = server.client().request("OPTIONS", "/api/upload")
    assert answer.status_code == 204 and "POST" in answer.headers["Allow"]


@pytest.mark.parametrize("path", ["/", "/nowhere", "/api", "/api/", "/api/nowhere", "/jobs", "/api/jobs/", "/api/jobs/x/y/z/a/b/c/d/e/f", "/api//jobs", "/API/jobs", "/api/health/x"])
def test_a_path_that_nobody_serves_answers_404(server, path):
    problem(server.client().request("GET", path), 404)


@pytest.mark.parametrize("path", ["/api/jobs/../../etc/passwd", "/api/jobs/..%2f..%2fetc%2fpasswd", "/api/blobs/..%2f..%2fsource", "/api/%2e%2e/jobs"])
def test_paths_that_climb_lead_nowhere(server, path):
    answer = ask(server, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert answer.status in (400, 403, 404)


@pytest.mark.parametrize("path", ["/api/jobs", "/api/jobs/x/pages", "/api/jobs/x/events"])
def test_a_query_parameter_that_is_not_known_is_refused_by_name(client, path):
    document = client.submit(papers.tiny_pdf())
    said = problem(client.request("GET", path.replace("x", document.id, 1) if "/x/" in path else path, params={"colour": "blue"}), 400, "validation")
    assert [wrong["field"] for wrong in said["errors"]] == ["colour"]


@pytest.mark.parametrize("query", ["%zz", "a=%0", "limit=%00", "limit=1&limit=2", "&".join(f"a{n}=1" for n in range(200))])
def test_a_query_that_cannot_be_taken_apart_is_refused(server, query):
    answer = ask(server, f"GET /api/jobs?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert answer.status == 400
    answer.problem()


# ---- foreign sites --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["example.com", "127.0.0.1.example.com", "localhost.example.com", "10.0.0.1", "127.example.com:80", "0x7f.1", "[::2]"])
def test_a_name_that_does_not_mean_this_machine_is_refused(server, host):
    answer = ask(server, f"GET /api/jobs HTTP/1.1\r\nHost: {host}\r\n\r\n")
    assert answer.status in (400, 403)
    answer.problem()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:3005", "localhost", "LOCALHOST:1", "[::1]:3005", "docmill.localhost"])
def test_names_that_mean_this_machine_are_taken(server, host):
    assert ask(server, f"GET /api/jobs HTTP/1.1\r\nHost: {host}\r\n\r\n").status == 200


@pytest.mark.parametrize("origin", ["https://example.com", "null", "http://localhost:9", "http://127.0.0.1", "file://", "http://127.0.0.1:{port}.example.com"])
@pytest.mark.parametrize("method, path", [("POST", "/api/upload"), ("DELETE", "/api/jobs/x"), ("GET", "/api/jobs")])
def test_a_page_of_a_foreign_site_may_ask_for_nothing(server, origin, method, path):
    answer = server.client().request(method, path, headers={"Origin": origin.format(port=server.port)})
    problem(answer, 403, "foreign-site")
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_page_of_this_server_may_ask(server):
    answer = server.client(fresh("tenant")).upload(papers.tiny_pdf(), headers={"Origin": server.url})
    assert answer.status_code == 201


def test_a_browser_that_says_the_request_crosses_sites_is_believed(server):
    client = server.client()
    problem(client.upload(papers.tiny_pdf(), headers={"Sec-Fetch-Site": "cross-site"}), 403, "foreign-site")
    assert client.get("/jobs", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200
