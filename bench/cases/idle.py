import shutil
import subprocess

from harness.machine import MB, Trouble, median, spread
from harness.server import Server

SETTLE_S = 2


def idle(bench):
    """An idle server: its memory, how soon it is ready, how large the program is.

    Ready is the first 200 of /api/health/ready after exec: with an empty folder, where the database is made first, and
    with the same folder again."""
    again = bench.new_folder("again")
    with Server(bench, again):
        pass
    gave = bench.rounds(20, {
        "empty folder": lambda: _start(bench, bench.new_folder("data")),
        "same folder": lambda: _start(bench, again),
    })
    memory = bench.rounds(3, {"memory": lambda: _memory(bench)})["memory"]
    report = bench.report
    every = median(every for _, every in memory) / MB
    report.goal("memory of all processes", every, f"{every:.1f} MB", most=20, unit=" MB")
    report.figure("of that the server", f"{median(one for one, _ in memory) / MB:.1f} MB")
    for name, seconds in gave.items():
        ready = [one * 1000 for one in seconds]
        report.goal(f"ready after exec, {name}", median(ready), spread(ready, "{:.0f} ms"), most=50, unit=" ms")
    size = _stripped(bench, "docmill") / MB
    report.goal("docmill, stripped", size, f"{size:.2f} MB", most=2, unit=" MB")
    report.figure("docmill-pdf, stripped", f"{_stripped(bench, 'docmill-pdf') / MB:.2f} MB")


def _start(bench, folder):
    with Server(bench, folder) as server:
        return server.ready_s


def _memory(bench):
    with Server(bench, bench.new_folder("data")) as server:
        return server.memory(SETTLE_S)


def _stripped(bench, name):
    copy = bench.folder / name
    shutil.copy(bench.build / name, copy)
    done = subprocess.run(["strip", str(copy)], capture_output=True, text=True)
    if done.returncode != 0:
        raise Trouble(f"strip: {done.stderr.strip()}")
    return copy.stat().st_size
