"""The real programs and their clients, as tests see them: a server on a folder of its own, a client of the HTTP
interface for one tenant, one document, and a bare socket for what no decent client would send.

Nothing here sleeps for luck: `until` asks again and again until what is waited for is true, or a deadline says that it
never will be.
"""
import contextlib
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import requests

FINAL = {"completed", "failed", "cancelled"}
REASONS = set(
    "timeout model_timeout crashed damaged encrypted no_pages too_large unsupported empty_answer truncated invalid_json "
    "schema_mismatch blocked recitation rate_limited overloaded network auth_failed bad_request quota_exhausted "
    "budget_exhausted cancelled expired internal".split()
)
SANITIZER = re.compile(r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|UndefinedBehaviorSanitizer|runtime error:")


def until(true, what, seconds=20, pause=0.02):
    """The first answer of `true` that is not empty."""
    deadline = time.monotonic() + seconds
    while True:
        answer = true()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(pause)


# ---- processes ------------------------------------------------------------------------------------------------------


def _processes():
    """Every process as (pid, parent, session, state)."""
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = Path("/proc", entry, "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            yield int(entry), int(fields[1]), int(fields[3]), fields[0]


def descendants(pid):
    """Of a process: pid to state, of its children, theirs, and so on."""
    rows = list(_processes())
    found = {}
    wanted = {pid}
    while wanted:
        wanted = {row[0] for row in rows if row[1] in wanted and row[0] not in found}
        found.update({row[0]: row[3] for row in rows if row[0] in wanted})
    return found


def session_members(session):
    return {pid for pid, _, owner, _ in _processes() if owner == session}


def living(pids):
    """Those of the processes that have not ended. Helpers have sessions of their own, so `session_members` has them not."""
    return {pid for pid, _, _, state in _processes() if pid in pids and state != "Z"}


def memory_kb(pid, field="Rss"):
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    raise KeyError(field)


def environment(home, settings):
    """Of a program under test: nothing of the caller's but what a shell needs."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "ASAN_OPTIONS", "UBSAN_OPTIONS") if name in os.environ}
    return kept | {"HOME": str(home), "TMPDIR": str(home)} | {name: str(value) for name, value in settings.items()}


class Server:
    """A server on its own folder. It may be stopped, killed and started again; its log goes on in one file."""

    def __init__(self, binary, folder, **settings):
        self.binary = binary
        self.folder = Path(folder)
        self.data = self.folder / "data"
        self.log_path = self.folder / "server.log"
        self.settings = {"DOCMILL_DATA": self.data, "PORT": 0, "HELPERS": 2, "MIN_FREE_MB": 1} | settings
        self.process = None
        self.port = None
        self.folder.mkdir(parents=True, exist_ok=True)

    # -- life

    def start(self, **settings):
        self.launch(**settings)
        self.port = until(self._listening, "the server listens", pause=0.005)
        return self

    def launch(self, **settings):
        """Starts the process, which may not listen yet."""
        assert self.process is None
        self.settings |= settings
        self.log_from = self.log_path.stat().st_size if self.log_path.exists() else 0
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [self.binary, "serve"],
                env=environment(self.folder, self.settings),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _listening(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the server ended with {self.process.returncode} at its start:\n{self.log()}")
        for line in self.events("server.listening"):
            return int(re.search(r"127\.0\.0\.1:(\d+)", json.dumps(line))[1])
        return None

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait_end(self, seconds=20):
        status = self.process.wait(seconds)
        self.session, self.process = self.process.pid, None
        return status

    def stop(self, seconds=20):
        """As an operator stops it; everything it started must be gone with it."""
        helpers = set(descendants(self.pid))
        self.signal()
        status = self.wait_end(seconds)
        assert status == 0, f"the server ended with {status} on SIGTERM:\n{self.log()[-4000:]}"
        until(lambda: not session_members(self.session) | living(helpers), "the helpers are gone with the server", 5)
        assert not self.spooled(), f"left in the spool after the end: {self.spooled()}"

    def kill(self, helpers_too=True):
        """The server, and its helpers at once, without a word. Helpers that are let live end by themselves."""
        helpers = set(descendants(self.process.pid))
        if not helpers_too:
            self.signal(signal.SIGKILL)
            self.wait_end()
            until(lambda: not session_members(self.session) | living(helpers), "the helpers end after the server", 5)
            return
        os.killpg(self.process.pid, signal.SIGKILL)
        for pid in helpers:
            with contextlib.suppress(ProcessLookupError):  # helpers die with their parent by themselves
                os.kill(pid, signal.SIGKILL)
        self.wait_end()
        until(lambda: not session_members(self.session) | living(helpers), "all killed", 5)

    @property
    def alive(self):
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self):
        return self.process.pid

    # -- what can be seen of it

    @property
    def sanitized(self):
        """Built to find errors of memory: its own use of it says nothing then."""
        program = Path(self.binary).read_bytes()
        return b"__asan_init" in program or b"__tsan_init" in program

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def log(self):
        """Since its latest start."""
        if not self.log_path.exists():
            return ""
        with open(self.log_path, "rb") as log:
            log.seek(self.log_from)
            return log.read().decode("utf-8", "replace")

    def events(self, name=None):
        for line in self.log().splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if name is None or event.get("event") == name:
                yield event

    def spooled(self):
        return sorted(str(path) for path in self.data.rglob("*") if ".spool" in path.parts and path.is_file())

    def blobs(self):
        """Every file that it keeps, without the database and its companions."""
        return {
            str(path.relative_to(self.data))
            for path in self.data.rglob("*")
            if path.is_file() and path.parent != self.data
        }

    def bytes_on_disk(self):
        return sum(path.stat().st_size for path in self.data.rglob("*") if path.is_file())

    def helpers(self):
        return {
            pid: state
            for pid, state in descendants(self.pid).items()
            if state == "Z" or "docmill-pdf" in _command(pid)
        }

    def check(self):
        """Holds at any time, whatever clients and documents did: the server lives and keeps no rubbish."""
        assert self.alive, f"the server is gone:\n{self.log()[-4000:]}"
        until(lambda: not self.spooled(), f"an empty spool ({self.spooled()})", 10)
        until(
            lambda: "Z" not in descendants(self.pid).values(), f"no zombies ({descendants(self.pid)})", 10
        )
        found = SANITIZER.search(self.log())
        assert not found, f"a sanitizer spoke:\n{self.log()[-6000:]}"

    def client(self, tenant=None):
        return Client(self, tenant)


def end_of(server):
    """The end of a server's life, and what must be true then."""
    if server.process is None:
        return
    server.check()
    began = time.monotonic()
    server.stop()
    drain = float(server.settings.get("DRAIN_SECONDS", 8))
    assert time.monotonic() - began < drain + 4, "it took longer to stop than it may"


def lasting(binary, tmp_path_factory, name, **settings):
    """For fixtures: a server that many tests share."""
    server = Server(binary, tmp_path_factory.mktemp(name), **settings).start()
    yield server
    end_of(server)


def _command(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return ""


# ---- clients --------------------------------------------------------------------------------------------------------


class Client:
    """The HTTP interface as one tenant uses it; without a tenant, as one that never heard of tenants does."""

    def __init__(self, server, tenant=None):
        self.server = server
        self.tenant = tenant
        self.http = requests.Session()
        self.http.trust_env = False
        if tenant:
            self.http.headers["X-Tenant-Id"] = tenant

    def request(self, method, path, **options):
        options.setdefault("timeout", 60)
        url = path if path.startswith("http") else self.server.url + path
        return self.http.request(method, url, **options)

    def get(self, path, **options):
        return self.request("GET", "/api" + path, **options)

    def post(self, path, **options):
        return self.request("POST", "/api" + path, **options)

    def delete(self, path, **options):
        return self.request("DELETE", "/api" + path, **options)

    def upload(self, data, name="document.pdf", type=None, headers=None, **fields):
        part = (name, data, type) if type else (name, data)
        return self.post("/upload", files={"file": part}, data=fields, headers=headers)

    def submit(self, data, name="document.pdf", **options):
        """A document that the server must take."""
        answer = self.upload(data, name, **options)
        assert answer.status_code in (201, 202), answer.text
        return self.document(answer.json()["fileId"])

    def document(self, file_id):
        return Document(self, file_id)


class Document:
    def __init__(self, client, file_id):
        self.client = client
        self.id = file_id

    def path(self, rest=""):
        return f"/jobs/{self.id}{rest}"

    def get(self, rest="", **options):
        answer = self.client.get(self.path(rest), **options)
        assert answer.status_code == 200, f"{rest}: {answer.status_code} {answer.text}"
        return answer.json()

    def job(self):
        return self.get()

    def end(self, status=None, seconds=60):
        """Its job once it has ended."""
        deadline = time.monotonic() + seconds
        job = self.job()
        while job["status"] not in FINAL:
            left = deadline - time.monotonic()
            assert left > 0, f"{self.id} has not ended within {seconds} s: {job}"
            job = self.get(f"?wait={max(1, min(10, int(left)))}")
        assert status is None or job["status"] == status, job
        return job

    def until(self, true, what, seconds=30):
        return until(lambda: (lambda job: job if true(job) else None)(self.job()), what, seconds)

    def results(self, **options):
        return self.get("/results", **options)

    def pages(self):
        return _all(self.client, self.path("/pages"), "pages")

    def page(self, number):
        return self.get(f"/pages/{number}")

    def events(self):
        found, answer = [], None
        while answer is None or (answer and len(answer) == 1000):
            after = found[-1]["seq"] if found else 0
            answer = self.get(f"/events?limit=1000&after={after}")
            found += answer
        return found

    def cancel(self):
        return self.client.post(self.path("/cancel"))

    def retry(self, **body):
        return self.client.post(self.path("/retry"), json=body) if body else self.client.post(self.path("/retry"))


def _all(client, path, member):
    """All parts of a list that comes in parts."""
    rows, cursor = [], None
    for _ in range(10_000):
        answer = client.get(path, params={"limit": 500} | ({"cursor": cursor} if cursor else {}))
        assert answer.status_code == 200, answer.text
        rows += answer.json()[member]
        cursor = answer.json()["nextCursor"]
        if not cursor:
            return rows
    raise AssertionError("a list without an end")


def problem(answer, status, slug=None):
    """An error as RFC 9457 wants it; returns its members."""
    assert answer.status_code == status, f"{answer.status_code} {answer.text}"
    assert answer.headers["Content-Type"].split(";")[0] == "application/problem+json"
    said = answer.json()
    assert said["status"] == status
    assert said["type"].startswith("https://") and said["title"] and said["instance"]
    assert said["detail"] and said["requestId"] == answer.headers["X-Request-Id"]
    if slug:
        assert said["type"].rpartition("/")[2] == slug, said
    return said


def check_ledger(document, job=None):
    """What holds of every document that has ended: pages, counters and events tell the same story."""
    job = job or document.job()
    counts = job["pages"]
    assert counts["total"] == counts["done"] + counts["failed"] + counts["skipped"] + counts["pending"]
    pages = document.pages()
    assert [page["pageNumber"] for page in pages] == list(range(1, counts["total"] + 1))
    for status in ("done", "failed", "skipped", "pending"):
        assert sum(page["status"] == status for page in pages) == counts[status], status
    for page in pages:
        if page["status"] == "failed":
            assert page["error"]["reason"] in REASONS and page["error"]["detail"]
        else:
            assert page["error"] is None
    events = document.events()
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert len({event["id"] for event in events}) == len(events)
    assert events[0]["eventType"] == "document.uploaded"
    if job["status"] in FINAL:
        assert events[-1]["eventType"] == "document." + job["status"]
        assert job["seq"] == len(events)
    if job["status"] == "failed":
        assert job["error"]["reason"] in REASONS and job["error"]["detail"]
    if job["status"] == "completed":
        check_result(document.results(), document, job)
    return pages, events


def check_result(result, document, job):
    """Every page once, in order, and the names that clients rely on."""
    assert result["fileId"] == document.id and result["tenantId"]
    assert result["processedAt"].endswith("Z")
    assert result["totalPages"] == job["progress"]["total"] == len(result["chunks"])
    assert result["successCount"] == job["progress"]["processed"]
    assert result["failedCount"] == job["progress"]["failed"]
    assert [chunk["pageNumber"] for chunk in result["chunks"]] == list(range(1, result["totalPages"] + 1))
    for chunk in result["chunks"]:
        if chunk["status"] == "done":
            check_analysis(chunk["analysis"])
        else:
            assert chunk["status"] in ("failed", "skipped") and chunk["analysis"] is None
            assert set(chunk["error"]) >= {"reason", "detail"}
    check_analysis(result["document"], reduction=True)
    assert result["model"] and "usage" in result


def check_analysis(analysis, reduction=False):
    assert isinstance(analysis["summary"], str)
    assert analysis["sentiment"] in ("positive", "neutral", "negative", "mixed")
    assert all(entity["text"] and entity["type"] for entity in analysis["entities"])
    if not reduction:
        assert all(isinstance(point, str) for point in analysis["keyPoints"])


# ---- bare sockets ---------------------------------------------------------------------------------------------------


class Wire:
    """A connection on which anything may be said."""

    def __init__(self, server, seconds=15):
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def say(self, data):
        """False where the server has hung up already."""
        try:
            self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)
            return True
        except (BrokenPipeError, ConnectionResetError):
            return False

    def end_of_saying(self):
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def hear(self):
        """Everything until the server closes. A reset counts as closing."""
        heard = b""
        try:
            while piece := self.socket.recv(65536):
                heard += piece
        except ConnectionResetError:
            pass
        return heard

    def answer(self):
        """One answer whose length is said."""
        heard = b""
        while b"\r\n\r\n" not in heard:
            piece = self._piece()
            if not piece:
                return Answer(heard)
            heard += piece
        answer = Answer(heard)
        if answer.status == 100 or answer.status == 204 or answer.status == 304:
            return answer
        length = int(answer.headers.get("content-length", 0))
        while len(answer.body) < length:
            piece = self._piece()
            if not piece:
                break
            answer.body += piece
        return answer

    def _piece(self):
        try:
            return self.socket.recv(65536)
        except ConnectionResetError:
            return b""


class Answer:
    def __init__(self, heard):
        head, _, self.body = heard.partition(b"\r\n\r\n")
        first, *fields = head.decode("latin-1").split("\r\n")
        self.status = int(first.split()[1]) if first.startswith("HTTP/1.1 ") else None
        self.headers = {}
        for field in fields:
            name, _, value = field.partition(":")
            self.headers[name.lower()] = value.strip()

    def problem(self):
        assert self.headers["content-type"].startswith("application/problem+json"), (self.status, self.headers, self.body)
        said = json.loads(self.body)
        assert said["status"] == self.status
        return said


def ask(server, data, seconds=15):
    """Sends it and takes the first answer; None where the server closed without one."""
    with Wire(server, seconds) as wire:
        wire.say(data)
        answer = wire.answer()
        return answer if answer.status else None


# ---- forms ----------------------------------------------------------------------------------------------------------

_numbers = itertools.count(1)


def fresh(word="t"):
    """A name that nothing else in this run has."""
    return f"{word}-{next(_numbers)}"


def form_part(name, value, filename=None, type=None, extra=""):
    disposition = f'Content-Disposition: form-data; name="{name}"' + (f'; filename="{filename}"' if filename else "")
    head = disposition + "\r\n" + (f"Content-Type: {type}\r\n" if type else "") + extra
    value = value.encode() if isinstance(value, str) else value
    return head.encode("utf-8", "surrogateescape") + b"\r\n" + value


def form(*parts, boundary="BoundarY"):
    line = b"--" + boundary.encode()
    return b"".join(line + b"\r\n" + part + b"\r\n" for part in parts) + line + b"--\r\n"


def post(body, path="/api/upload", type="multipart/form-data; boundary=BoundarY", length=None, headers=()):
    """A whole request as bytes."""
    head = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1"]
    if type:
        head.append(f"Content-Type: {type}")
    head += [f"Content-Length: {len(body) if length is None else length}"] if length != "" else []
    head += list(headers)
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body
