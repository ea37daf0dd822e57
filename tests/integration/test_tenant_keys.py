"""Tenants with keys of their own at the model's provider: set by docmill secret, sealed, and nobody else's trouble."""
import hashlib
import json
import os
import pty
import subprocess
import time

import pytest

import papers
from fake_provider import KEY
from world import check_ledger, environment, until

NAME = "GEMINI_API_KEY"
ACME, OTHER, ROTATED = "sk-acme-0000000000000000", "sk-umbrella-11111111111111", "sk-acme-2222222222222222"
SECRETS = ACME, OTHER, ROTATED
FAILED, NOT_KNOWN, USAGE = 1, 2, 64


def counted_as(key):
    """As the fake provider remembers a key."""
    return hashlib.sha256(key.encode()).hexdigest()[:12]


@pytest.fixture
def secret(binary, tmp_path):
    """`docmill secret …`, with a value on its standard input where there is one."""

    def run(*arguments, value=None, server=None, status=0):
        env = environment(tmp_path, {"DOCMILL_SERVER": server.url} if server else {})
        done = subprocess.run([binary, "secret", *arguments], env=env, input=value, capture_output=True, text=True, timeout=60)
        assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
        assert not any(one in done.stdout + done.stderr for one in SECRETS)
        return done.stdout + done.stderr

    return run


@pytest.fixture
def reading(serve, fake):
    def start(**settings):
        return serve(FILE_SIZE_THRESHOLD_MB=0, MODEL="gemini:gemini-2.5-flash", MODEL_INPUT="text",
                     GEMINI_BASE_URL=fake.base("gemini"), **settings)

    return start


def assert_nowhere(server):
    """No key stands in clear in the folder or the log."""
    paths = [path for path in [*server.data.rglob("*"), server.log_path] if path.is_file()]
    assert any(path.name == "docmill.db" for path in paths)
    for path in paths:
        held = path.read_bytes()
        for key in SECRETS:
            assert key.encode() not in held, f"{path} holds a key in clear"


def used(fake, key, **which):
    return [call for call in fake.calls(**which) if call.key == counted_as(key)]


def test_a_revoked_key_stops_its_tenant_alone_and_a_new_one_is_used_without_a_restart(reading, fake, secret):
    fake.change(keys=[KEY, ACME, OTHER, ROTATED])
    server = reading(GEMINI_API_KEY=KEY, MODEL_CONCURRENCY=4)
    for tenant, key in (("acme", ACME), ("umbrella", OTHER)):
        assert f"of {tenant} is set" in secret("set", NAME, "--tenant", tenant, value=key + "\n", server=server)
    acme, umbrella, common = (server.client(tenant) for tenant in ("acme", "umbrella", "common"))
    for client, pages in ((acme, 3), (umbrella, 4), (common, 5)):
        document = client.submit(papers.text_pdf(pages))
        check_ledger(document, document.end("completed"))
    assert [len(used(fake, key, task="page")) for key in (ACME, OTHER, KEY)] == [3, 4, 5]

    fake.change(keys=[KEY, OTHER, ROTATED])
    fake.forget()
    waiting = [acme.submit(papers.text_pdf(60)) for _ in range(4)]
    until(lambda: "model.down" in server.log(), "the key is refused")
    others = [client.submit(papers.text_pdf(30)) for client in (umbrella, common) for _ in range(3)]
    for document in others:
        check_ledger(document, document.end("completed", seconds=30))
    refused = used(fake, ACME)
    assert 0 < len(refused) <= 8, "single calls find out whether it still is"
    assert all(document.job()["status"] not in ("completed", "failed") for document in waiting)
    health = umbrella.get("/health/ready")
    assert health.status_code == 200
    assert health.json()["checks"]["model"] == {"status": "ok", "tenantKeysFailing": 1}
    said = secret("list", server=server)
    assert "The key of acme does not work" in said and "auth_failed" in said and "umbrella" in said

    secret("set", NAME, "--tenant", "acme", value=ROTATED, server=server)
    changed = time.monotonic()
    fake.until(lambda now: len([call for call in now.calls() if call.key == counted_as(ROTATED)]) > 0, "the new key is used")
    assert time.monotonic() - changed < 10, "and not when the old one would have been tried again"
    for document in waiting:
        check_ledger(document, document.end("completed", seconds=60))
    assert "does not work" not in secret("list", "--tenant", "acme", server=server)
    assert_nowhere(server)

    secret("remove", NAME, "--tenant", "acme", server=server)
    secret("remove", NAME, "--tenant", "acme", server=server, status=NOT_KNOWN)
    assert "acme" not in secret("list", server=server)
    server.stop()
    assert_nowhere(server)


def test_without_a_common_key_a_server_starts_once_a_tenant_has_one(reading, serve, fake, secret, tmp_path):
    fake.change(keys=[ACME])
    data = tmp_path / "elsewhere"
    secret("set", NAME, "--tenant", "acme", "--data", str(data), value=ACME)
    rows = json.loads(secret("list", "--json", "--data", str(data)))["secrets"]
    assert [(row["tenantId"], row["name"]) for row in rows] == [("acme", NAME)] and set(rows[0]) == {
        "tenantId", "name", "created", "changed"}
    server = reading(DOCMILL_DATA=data)
    waiting = server.client("nobody").submit(papers.text_pdf(1))
    server.client("acme").submit(papers.text_pdf(2)).end("completed")
    until(lambda: server.client("acme").get("/health").json()["checks"]["model"]["status"] == "failing", "health says so")
    assert waiting.job()["status"] == "processing", "it waits as for a key that was refused"
    assert "process" in secret("list", "--data", str(data), status=FAILED), "the server has the folder"


def test_what_can_be_no_secret_is_refused(reading, fake, secret):
    server = reading(GEMINI_API_KEY=KEY)
    here = ["--tenant", "acme"]
    for arguments, value, status, words in (
            (["set", NAME], ACME, USAGE, "--tenant"),
            (["set", "PATH", *here], ACME, USAGE, "like GEMINI_API_KEY"),
            (["set", *here], ACME, USAGE, "like GEMINI_API_KEY"),
            (["set", NAME, ACME, *here], "", USAGE, "standard input"),
            (["set", NAME, *here], "", USAGE, "is empty"),
            (["set", NAME, *here], "two words", USAGE, "no spaces"),
            (["set", NAME, *here], "k" * 5000, USAGE, "bytes"),
            (["set", NAME, "--tenant", "no name"], ACME, USAGE, "--tenant"),
            (["get", NAME, *here], "", USAGE, "knows set"),
            ([], "", USAGE, "set NAME")):
        assert words in secret(*arguments, value=value, server=server, status=status), arguments
    assert "No tenant has a key of its own" in secret("list", server=server)


def test_on_a_terminal_it_is_asked_for_and_not_shown(reading, fake, binary, tmp_path, secret):
    server = reading(GEMINI_API_KEY=KEY)
    for typed, status in ((ACME + "\n", 0), ("\x03", FAILED)):
        master, slave = pty.openpty()
        done = subprocess.Popen([binary, "secret", "set", NAME, "--tenant", "acme"], stdin=slave, stdout=slave, stderr=slave,
                                env=environment(tmp_path, {"DOCMILL_SERVER": server.url}))
        os.close(slave)
        shown = b""
        while NAME.encode() + b" of acme: " not in shown:
            shown += os.read(master, 1000)
        os.write(master, typed.encode())
        assert done.wait(20) == status
        while True:
            try:
                more = os.read(master, 1000)
            except OSError:  # the other end is closed
                break
            if not more:
                break
            shown += more
        os.close(master)
        assert ACME.encode() not in shown, shown
    assert json.loads(secret("list", "--json", server=server))["secrets"][0]["tenantId"] == "acme"
