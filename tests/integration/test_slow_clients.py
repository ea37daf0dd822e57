"""A thousand clients that say a byte a second, stop in the middle, never read, or take all connections there are: each is
cut off at its limit, others are served quickly meanwhile, the pipeline goes on, and all is as before afterwards."""
import contextlib
import os
import resource
import selectors
import socket
import threading
import time


import papers
from world import Answer, Wire, check_ledger, memory_kb, problem, until

HEAD = "GET /api/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\n"
UPLOAD = "POST /api/upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=BoundarY\r\n"
RAW = "POST /api/upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/pdf\r\n"
PART = '--BoundarY\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n%PDF-1.4\n'

# What is said at first, and then again every second.
SLOW = {
    "a head that drips": (HEAD + "X-Filler: ", "a"),
    "a head that stops": (HEAD + "X-", ""),
    "a line that drips": ("GET /api/jobs", "a"),
    "a greeting of another protocol": (bytes.fromhex("1603010200010001fc0303").decode("latin-1") + "\0" * 200, ""),
    "nothing at all": ("", ""),
    "a body that does not begin": (UPLOAD + "Content-Length: 100000\r\n\r\n", ""),
    "a body that stops": (UPLOAD + "Content-Length: 100000\r\n\r\n" + PART + "x" * 30_000, ""),
    "a body that drips": (UPLOAD + "Content-Length: 100000\r\n\r\n" + PART, "x"),
    "chunks that drip": (RAW + "Transfer-Encoding: chunked\r\n\r\n9\r\n%PDF-1.4\n\r\n", "1\r\nx\r\n"),
}
DEADLINE = 15 + 10 + 5  # the head's, or the body's first full window, with the ticks of a busy machine


@contextlib.contextmanager
def descriptors(limit=None):
    """For the test and the servers that it starts: as many as may be had, or fewer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit or min(hard, 8192), hard))
    try:
        yield limit or min(hard, 8192)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Crowd:
    """Slow clients, served by one thread: what each heard, and when its connection ended."""

    def __init__(self, server, count):
        self.names, self.sockets, self.heard, self.ended = [], [], [], []
        kinds = list(SLOW)
        self.selector = selectors.DefaultSelector()
        self.began = time.monotonic()
        for number in range(count):
            name = kinds[number % len(kinds)]
            wire = socket.create_connection(("127.0.0.1", server.port), timeout=10)
            wire.sendall(SLOW[name][0].encode("latin-1"))
            wire.setblocking(False)
            self.names.append(name)
            self.sockets.append(wire)
            self.heard.append(b"")
            self.ended.append(None)
            self.selector.register(wire, selectors.EVENT_READ, number)
        self.open = count
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        next_drip = time.monotonic() + 1
        while self.open and time.monotonic() - self.began < DEADLINE + 15:
            for key, _ in self.selector.select(max(0, next_drip - time.monotonic())):
                self._hear(key.data)
            if time.monotonic() >= next_drip:
                next_drip += 1
                for number, name in enumerate(self.names):
                    if self.ended[number] is None and SLOW[name][1]:
                        with contextlib.suppress(OSError):  # it is seen when it is read
                            self.sockets[number].send(SLOW[name][1].encode("latin-1"))

    def _hear(self, number):
        try:
            piece = self.sockets[number].recv(65536)
        except ConnectionResetError:
            piece = b""
        except BlockingIOError:
            return
        self.heard[number] += piece
        if not piece:
            self.ended[number] = time.monotonic() - self.began
            self.selector.unregister(self.sockets[number])
            self.sockets[number].close()
            self.open -= 1


def deaf(server, path, requests):
    """A client that asks and never reads."""
    wire = socket.socket()
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    wire.settimeout(5)
    wire.connect(("127.0.0.1", server.port))
    with contextlib.suppress(OSError):
        wire.settimeout(0.05)
        wire.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Tenant-Id: acme\r\n\r\n".encode() * requests)
    return wire


def open_files(server):
    return len(os.listdir(f"/proc/{server.pid}/fd"))


def connections(server):
    """Sockets alone: under load the server opens its database some more times, and keeps those."""
    count = 0
    for name in os.listdir(f"/proc/{server.pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            count += os.readlink(f"/proc/{server.pid}/fd/{name}").startswith("socket:")
    return count


def test_a_thousand_slow_clients_are_cut_off_and_nobody_else_notices(serve):
    with descriptors() as limit:
        server = serve(FILE_SIZE_THRESHOLD_MB=0, PAGE_TIMEOUT_SECONDS=20)
        count = min(1000, limit - 500)
        client = server.client("acme")
        large = client.submit(papers.text_pdf(150))
        large.end("completed")
        before, sockets = memory_kb(server.pid), connections(server)
        waiting = client.submit(papers.slow_pdf(100, levels=4))
        crowd = Crowd(server, count)
        # Others who never read: large results, many answers, long polls. And some who come and go at once.
        silent = [deaf(server, "/api" + large.path("/results"), 50) for _ in range(20)]
        silent += [deaf(server, f"/api{waiting.path()}?wait=25", 20) for _ in range(20)]
        for number in range(300):
            wire = socket.create_connection(("127.0.0.1", server.port), timeout=10)
            if number % 3:
                wire.sendall((HEAD + "\r\n").encode()[: 20 * (number % 3)])
            wire.close()

        slowest, peak, uploads = 0, 0, []
        while crowd.open and time.monotonic() - crowd.began < DEADLINE:
            began = time.monotonic()
            assert client.get("/jobs?limit=1").status_code == 200
            other = server.client("acme")  # a connection of its own
            answer = other.upload(papers.tiny_pdf())
            other.http.close()
            # So many bodies may be on their way at once, and no more; the others are told when to come again.
            if answer.status_code == 202:
                uploads.append(answer.json()["fileId"])
            else:
                assert int(problem(answer, 503, "overloaded") and answer.headers["Retry-After"]) >= 1
            slowest = max(slowest, time.monotonic() - began)
            peak = max(peak, memory_kb(server.pid))
            time.sleep(0.25)
        assert slowest < 5, f"a poll and an upload took {slowest:.1f} s"
        assert server.sanitized or peak - before < 100 * 1024, f"{peak - before} kB for {count} slow clients"
        crowd.thread.join(10)
        late = {name for name, ended in zip(crowd.names, crowd.ended) if ended is None or ended > DEADLINE}
        assert not late, f"borne for over {DEADLINE} s: {late}"
        for name, heard in zip(crowd.names, crowd.heard):
            assert not heard or heard.startswith((b"HTTP/1.1 408 ", b"HTTP/1.1 400 ", b"HTTP/1.1 503 ")), (name, heard[:200])
            if heard.startswith(b"HTTP/1.1 408 "):
                Answer(heard).problem()
        for name in ("a body that stops", "a body that drips", "a head that drips"):
            told = [heard for other, heard in zip(crowd.names, crowd.heard) if other == name]
            assert sum(heard.startswith((b"HTTP/1.1 408 ", b"HTTP/1.1 503 ")) for heard in told) > len(told) / 2, name

        assert waiting.end("completed")["progress"]["processed"] == 100
        assert uploads, "as soon as the first slow ones were cut off"
        for file_id in uploads:
            client.document(file_id).end("completed")
        until(lambda: not server.spooled(), "what they sent is gone")
        # Who lets large answers lie is cut off, too. Small ones have left the server, and such a client is merely idle.
        client.http.close()
        until(lambda: connections(server) <= sockets + len(silent) // 2, "they are cut off", 20)
        for wire in silent:
            wire.close()
        until(lambda: connections(server) <= sockets, "the server is what it was", 20)
        problem(client.upload(b"no document"), 415)


def test_clients_that_take_every_connection_take_no_descriptor_from_the_pipeline(serve):
    with descriptors(256):
        server = serve(FILE_SIZE_THRESHOLD_MB=0)
    client = server.client("acme")
    assert client.get("/jobs").status_code == 200  # a connection of its own, before all are taken
    wires = []
    for _ in range(200):
        wires.append(Wire(server))
        wires[-1].say("GET /health/live HTTP/1.1\r\n")
    documents = [client.submit(papers.text_pdf(5)) for _ in range(5)]
    for document in documents:
        job = document.end("completed", seconds=10)
        check_ledger(document, job)
    assert open_files(server) < 256
    for wire in wires:
        wire.socket.close()
    until(lambda: _lives(server), "new clients are served again", 10)


def test_without_descriptors_uploads_are_refused_and_what_was_accepted_is_read_afterwards(serve):
    server = serve(FILE_SIZE_THRESHOLD_MB=0)
    client = server.client("acme")
    document = client.submit(papers.slow_pdf(60, levels=3))
    other = server.client("acme")
    assert other.get("/jobs").status_code == 200
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (open_files(server) + 10, 4096))
    wires = [Wire(server) for _ in range(40)]
    for wire in wires:
        wire.say("GET /health/live HTTP/1.1\r\n")
    until(lambda: len(os.listdir(f"/proc/{server.pid}/fd")) >= resource.prlimit(server.pid, resource.RLIMIT_NOFILE)[0], "none is left")
    assert document.job()["status"] in ("pending", "chunking", "processing", "aggregating", "completed")
    answer = other.upload(papers.tiny_pdf())
    assert answer.status_code == 202 or problem(answer, 503)
    for wire in wires:
        wire.socket.close()
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (1024, 4096))
    until(lambda: _lives(server), "it serves again")
    job = document.end("completed", seconds=30)
    assert job["progress"]["failed"] == 0
    check_ledger(document, job)
    assert client.submit(papers.text_pdf(1)).end("completed")


def _lives(server):
    import requests

    try:
        return server.client().get("/../health/live", timeout=2).status_code == 200
    except requests.RequestException:
        return False
