import re
import socket
import subprocess

from harness import documents, machine
from harness.machine import Trouble, median, ratios, run, spread
from harness.server import Client, Server

SECONDS = 3


def polls(bench):
    """GET /api/jobs/{id} under wrk, beside bare libmicrohttpd that sends the same bytes.

    The bare server has as many threads as docmill has loops, and no route, ledger or tenant. It makes MHD's response
    once and sends it for ever; "anew" is the same server making it for each request."""
    with Server(bench, bench.new_folder("data")) as server:
        client = Client(server)
        job = client.read(documents.pdf(documents.Author(2).pages(3)))
        client.close()
        target = f"/api/jobs/{job['fileId']}"
        answer = bench.folder / "answer"
        answer.write_bytes(_ask(server.port, target))
        threads = server.loops()
        once, once_port = _start_bare(bench, answer, threads, "once")
        each, each_port = _start_bare(bench, answer, threads, "each")
        try:
            _compare(answer.read_bytes(), _ask(once_port, target))
            gave = bench.rounds(5, {
                "docmill": lambda: _wrk(bench, server.pid, server.port, target),
                "bare": lambda: _wrk(bench, once.pid, once_port, target),
                "bare, made anew": lambda: _wrk(bench, each.pid, each_port, target),
            })
        finally:
            machine.stop(once)
            machine.stop(each)
    rate = {name: [one for one, _ in ones] for name, ones in gave.items()}
    cpu = [median(cpu for _, cpu in ones) * 1e6 for ones in gave.values()]
    report = bench.report
    report.figure("docmill", spread(rate["docmill"], "{:.0f} /s"))
    report.figure(f"bare libmicrohttpd, threads: {threads}", spread(rate["bare"], "{:.0f} /s"))
    share = median(ratios(rate["docmill"], rate["bare"])) * 100
    report.goal("docmill / bare", share, f"{share:.0f} %", least=60, unit=" %")
    share = median(ratios(rate["docmill"], rate["bare, made anew"])) * 100
    report.figure("docmill / bare, response made anew each time", f"{share:.0f} %")
    report.figure("CPU a poll: docmill, bare, bare anew", "{:.1f}, {:.1f}, {:.1f} µs".format(*cpu))


def _ask(port, target):
    """The answer as it comes, with its head. wrk asks with the same words."""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += _more(connection)
        head, _, body = answer.partition(b"\r\n\r\n")
        length = int(re.search(rb"(?i)\r\ncontent-length: *(\d+)", head).group(1))
        while len(body) < length:
            body += _more(connection)
        return head + b"\r\n\r\n" + body


def _more(connection):
    got = connection.recv(65536)
    if not got:
        raise Trouble("a server closed the connection within an answer")
    return got


def _compare(ours, bare):
    """Both must send as much, or the comparison says nothing."""
    if len(ours) != len(bare):
        raise Trouble(f"docmill sends {len(ours)} bytes and the bare server {len(bare)}: {bare[:600]!r}")


def _start_bare(bench, answer, threads, how):
    child = machine.start([bench.program("bare_server"), str(answer), str(threads), how], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE)
    port = child.stdout.readline()
    if not port.strip():
        machine.kill(child)
        raise Trouble("the bare server did not start")
    return child, int(port)


def _wrk(bench, pid, port, target):
    """(answers a second, the server's seconds of CPU for each)"""
    before = machine.cpu_seconds(pid)[0]
    said = run([bench.tool("wrk", "wrk"), "-t1", "-c64", f"-d{SECONDS}s", f"http://127.0.0.1:{port}{target}"]).output
    spent = machine.cpu_seconds(pid)[0] - before
    for line in said.splitlines():
        if "Non-2xx" in line or "Socket errors" in line:
            raise Trouble(f"wrk: {line.strip()}")
    answers = int(re.search(r"(\d+) requests in", said).group(1))
    return float(re.search(r"Requests/sec: *([\d.]+)", said).group(1)), spent / answers
