"""A docmill server of one's own: its folder, its port, its time and memory; and a client of it."""

import http.client
import json
import os
import socket
import subprocess
import time

from . import machine
from .machine import Trouble

ENDED = ("completed", "failed", "cancelled")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Server:
    """Runs `docmill serve` on a folder while the block lasts; the folder is the caller's.

    Settings of whoever runs the benches do not reach it."""

    def __init__(self, bench, folder, *flags, env=None):
        self.port = free_port()
        self.log = bench.folder / f"server-{self.port}.log"
        command = [str(bench.docmill), "serve", "--data", str(folder), "--port", str(self.port), "--log-level", "warn",
                   *flags]
        environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(bench.folder), "TMPDIR": str(bench.folder),
                       "LANG": "C.UTF-8", **(env or {})}
        with open(self.log, "wb") as log:
            begun = time.perf_counter()
            self.child = machine.start(command, env=environment, stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=log)
        self.pid = self.child.pid
        try:
            self._wait_until_ready(begun)
        except BaseException:
            machine.kill(self.child)
            raise

    def _wait_until_ready(self, begun):
        request = (f"GET /api/health/ready HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
                   "Connection: close\r\n\r\n").encode()
        answer = b"nothing"
        while time.perf_counter() - begun < 15:
            if self.child.poll() is not None:
                raise Trouble(f"docmill serve ended with {self.child.returncode}: {self.words()}")
            try:
                with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
                    connection.sendall(request)
                    answer = connection.recv(65536)
            except ConnectionError:
                time.sleep(0.0005)
                continue
            if answer.startswith(b"HTTP/1.1 200"):
                self.ready_s = time.perf_counter() - begun
                return
            time.sleep(0.001)
        raise Trouble(f"docmill serve was not ready after 15 s; /api/health/ready said {answer[:300]!r}; "
                      f"{self.words()}")

    def words(self):
        return self.log.read_text(errors="replace").strip()[-2000:] or "it said nothing"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        machine.stop(self.child)

    def kill(self):
        """Ends it at once, where what it still has to do is of no interest."""
        machine.kill(self.child)

    # ---- what it costs -----------------------------------------------------------------------------------------------

    def cpu(self):
        """Seconds of (the server, its helpers)."""
        return machine.cpu_seconds(self.pid)

    def memory(self, settle_s=0.0):
        """Bytes of (the server, all processes), the least of a few looks."""
        time.sleep(settle_s)
        looks = []
        for _ in range(5):
            pids = machine.family(self.pid)
            looks.append((machine.memory_of(self.pid), machine.memory_of_all(pids)))
            time.sleep(0.05)
        return min(one for one, _ in looks), min(every for _, every in looks)

    def loops(self):
        """How many threads serve connections: libmicrohttpd names those it starts."""
        names = []
        for task in os.listdir(f"/proc/{self.pid}/task"):
            with open(f"/proc/{self.pid}/task/{task}/comm", encoding="utf-8") as file:
                names.append(file.read().strip())
        return max(1, sum(name.startswith("MHD") for name in names))


class Client:
    """One connection, kept."""

    def __init__(self, server):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)

    def ask(self, method, target, body=None, headers=None):
        self.connection.request(method, target, body, headers or {})
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def get(self, target):
        status, body = self.ask("GET", target)
        if status != 200:
            raise Trouble(f"GET {target} was answered with {status}: {body[:500].decode(errors='replace')}")
        return json.loads(body)

    def upload(self, body, name="document.pdf", headers=None):
        """The document's id, and its job where the answer has one already."""
        status, said = self.ask("POST", f"/api/upload?fileName={name}", body,
                                {"Content-Type": "application/pdf", **(headers or {})})
        if status not in (201, 202):
            raise Trouble(f"an upload was answered with {status}: {said[:500].decode(errors='replace')}")
        answer = json.loads(said)
        return answer["fileId"], answer.get("job")

    def wait(self, file_id):
        """The job once it has ended."""
        while True:
            job = self.get(f"/api/jobs/{file_id}?wait=20")
            if job["status"] in ENDED:
                return job

    def read(self, body, name="document.pdf"):
        """Hands a document in and waits for its end."""
        file_id, job = self.upload(body, name)
        if not job or job.get("status") not in ENDED:
            job = self.wait(file_id)
        if job["status"] != "completed" or job["progress"]["failed"]:
            raise Trouble(f"{name} ended {job['status']}: {json.dumps(job)[:500]}")
        return job

    def close(self):
        self.connection.close()
