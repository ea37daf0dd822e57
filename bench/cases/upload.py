import random
import time

from harness.machine import MB, MemoryWatch, Trouble, free_bytes, median
from harness.server import Client, Server

BYTES = 1_000_000_000
BOUNDARY = "docmill-bench-boundary"


def upload(bench):
    """The server's memory while 1 GB is uploaded, raw and as a form.

    Before is the idle server, which has served nothing but the question whether it is ready. Memory is that of all
    its processes. The bytes begin like a PDF and are not read by anyone (--role api)."""
    if free_bytes(bench.folder) < 2.5 * BYTES:
        raise Trouble(f"needs 2.5 GB of free space in {bench.folder}")
    gave = bench.rounds(1, {"raw": lambda: _upload(bench, _raw), "form": lambda: _upload(bench, _form)})
    report = bench.report
    for name, ones in gave.items():
        growth = median(one["most"] - one["before"] for one in ones) / MB
        report.goal(f"growth at most, {name}", growth, f"{growth:.1f} MB", most=8, unit=" MB")
        left = median(one["after"] - one["before"] for one in ones) / MB
        seconds = median(one["seconds"] for one in ones)
        report.figure("left a second later; it took", f"{left:.1f} MB; {seconds:.1f} s")


def _upload(bench, shape):
    body, size, content_type, target = shape()
    folder = bench.new_folder("data")
    with Server(bench, folder, "--role", "api", "--max-file-mb", "1100") as server:
        _, before = server.memory(settle_s=1)
        client = Client(server)
        begun = time.perf_counter()
        with MemoryWatch(server.pid) as watch:
            status, said = client.ask("POST", target, body, {"Content-Type": content_type, "Content-Length": str(size)})
        seconds = time.perf_counter() - begun
        client.close()
        if status not in (201, 202):
            raise Trouble(f"the upload was answered with {status}: {said[:500].decode(errors='replace')}")
        if watch.looks < 10:
            raise Trouble(f"looked at the memory only {watch.looks} times")
        _, after = server.memory(settle_s=1)
        server.kill()
    bench.set_aside(folder)
    return {"before": before, "most": watch.most, "after": after, "seconds": seconds}


def _document():
    head = b"%PDF-1.7\n"
    block = random.Random(1).randbytes(MB)
    yield head + block[len(head):]
    for _ in range(BYTES // MB - 1):
        yield block


def _raw():
    return _document(), BYTES, "application/pdf", "/api/upload?fileName=large.pdf"


def _form():
    """As an earlier client sends it: the file before the tenant."""
    head = (f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"large.pdf\"\r\n"
            "Content-Type: application/pdf\r\n\r\n").encode()
    tail = (f"\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"tenantId\"\r\n\r\nacme\r\n"
            f"--{BOUNDARY}--\r\n").encode()

    def parts():
        yield head
        yield from _document()
        yield tail

    return parts(), len(head) + BYTES + len(tail), f"multipart/form-data; boundary={BOUNDARY}", "/api/upload"
