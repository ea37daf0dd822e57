"""Running a server: what is stuck, putting it back, pausing, draining; as commands and over HTTP."""
import json
import subprocess
import time

import papers
import pytest
from world import environment, until

NONE, SOME, NOT_KNOWN, USAGE = 0, 1, 2, 64
NOBODY = "0192f3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b"


@pytest.fixture
def operator(binary, tmp_path, serve):
    """A server of its own and the program that operates it: what is paused here is nobody else's."""

    class Operator:
        def __init__(self):
            self.server = serve(FILE_SIZE_THRESHOLD_MB=0, PAGE_TIMEOUT_SECONDS=20, DRAIN_SECONDS=2)
            self.client = self.server.client("acme")

        def command(self, *arguments):
            # Whoever operates is no tenant: a name in the environment must not narrow it.
            settings = {"DOCMILL_SERVER": self.server.url, "DOCMILL_TENANT": "somebody"}
            return [binary, *arguments], environment(tmp_path, settings)

        def __call__(self, *arguments, status=0):
            line, env = self.command(*arguments)
            done = subprocess.run(line, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
            assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
            self.errors = done.stderr.decode()
            return done.stdout.decode()

    return Operator()


def test_a_pause_holds_new_work_back_is_shown_and_survives_a_crash(operator):
    server, client = operator.server, operator.client
    assert "acme is paused since" in operator("pause", "--tenant", "acme")
    paused = client.submit(papers.text_pdf(2))
    server.client("umbrella").submit(papers.text_pdf(2)).end("completed")
    assert paused.job()["status"] == "pending" and paused.job()["paused"] is True
    assert "paused" in operator("status", paused.id, "--tenant", "acme", status=NOT_KNOWN)
    server.kill()
    server.start()
    until(lambda: client.get("/health").ok, "health is known")
    assert client.get("/health").json()["paused"] == {"all": False, "tenants": 1}
    server.client("umbrella").submit(papers.text_pdf(1)).end("completed")
    assert paused.job()["status"] == "pending"
    assert operator("resume") == "Nothing is paused.\n"
    paused.end("completed")
    assert paused.job()["paused"] is False


def test_what_is_stuck_is_listed_with_what_it_waits_for_and_the_exit_status_says_whether_anything_is(operator):
    assert operator("stuck") == "Nothing is stuck.\n"
    assert json.loads(operator("pause", "--json"))["paused"]["all"]["since"]
    documents = [operator.client.submit(papers.text_pdf(1)) for _ in range(3)]
    assert "paused" in operator("stuck"), "nothing is stuck yet, and yet nothing moves"
    said = json.loads(operator("stuck", "--older-than", "0s", "--json", status=SOME))
    assert {one["fileId"] for one in said["documents"]} == {document.id for document in documents}
    for one in said["documents"]:
        assert one["tenantId"] == "acme" and one["status"] == "pending" and one["paused"]
        assert one["waitsFor"]["what"] == "turn" and one["losses"] == 0
    assert "its turn; paused" in operator("stuck", "--older-than", "0s", status=SOME)
    assert len(json.loads(operator("stuck", "--older-than", "0s", "--limit", "2", "--json", status=SOME))["documents"]) == 2
    operator("stuck", "--older-than", "0s", "--tenant", "umbrella", status=NONE)
    operator("stuck", "--older-than", "soon", status=USAGE)
    operator.client.post(documents[0].path("/cancel"))
    said = json.loads(operator("stuck", "--older-than", "0s", "--json", status=SOME))
    assert len(said["documents"]) == 2, "what has ended is not stuck"


def test_a_page_that_hangs_is_seen_and_redriven_without_a_loss(operator):
    document = operator.client.submit(papers.hanging_pdf(3, hanging=(2,)))
    document.until(lambda job: job["progress"]["processed"] == 1, "page 1 is read, and page 2 hangs")
    said = json.loads(operator("stuck", "--older-than", "0s", "--json", status=SOME))["documents"][0]
    assert said["waitsFor"]["what"] == "claim" and said["waitsFor"]["owner"] and said["claims"] == 1
    assert "left alone" in operator("redrive", document.id)
    result = json.loads(operator("redrive", document.id, "--older-than", "0s", "--json"))["results"][0]
    assert result["what"] == "let_go" and result["claims"] == 1 and result["tenantId"] == "acme"
    until(
        lambda: (stuck := json.loads(operator("stuck", "--older-than", "0s", "--json", status=SOME))["documents"])
        and stuck[0]["losses"] == 0,
        "it is listed without a loss",
    )
    assert document.cancel().status_code == 202
    assert json.loads(operator("redrive", document.id, "--json", status=SOME))["results"][0]["what"] == "ended"
    assert "not-found" in operator("redrive", NOBODY, status=SOME)
    operator("redrive", "--all-stuck", "--older-than", "0s")
    operator("redrive", status=USAGE)
    operator("redrive", NOBODY, "--all-stuck", status=USAGE)
    operator.server.kill()  # it would wait for the page that hangs


def test_drain_waits_for_the_servers_end_and_what_was_at_work_is_finished_later(operator):
    server = operator.server
    document = operator.client.submit(papers.slow_pdf(150, levels=3))
    document.until(lambda job: job["progress"]["processed"] >= 1, "some pages are read")
    began = time.monotonic()
    assert "has ended" in operator("drain")
    assert "finishes what is at work" in operator.errors
    assert time.monotonic() - began < float(server.settings.get("DRAIN_SECONDS", 8)) + 4
    assert server.wait_end(1) == 0, "at once: it had ended already"
    operator("drain", status=NOT_KNOWN)
    operator("stuck", status=NOT_KNOWN)
    server.start()
    job = document.end("completed", seconds=60)
    assert job["outcome"] == "full" and job["pages"]["done"] == 150


def test_a_drain_that_takes_longer_than_somebody_waits_is_not_known_and_goes_on(operator):
    server = operator.server
    document = operator.client.submit(papers.hanging_pdf(1, hanging=(1,)))
    document.until(lambda job: job["status"] == "processing", "the page hangs")
    operator("drain", "--timeout", "1", status=NOT_KNOWN)
    assert "has not ended yet" in operator.errors
    assert server.wait_end() == 0
