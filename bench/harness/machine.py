"""Processes as the kernel accounts for them: time on the processors, memory, children."""

import glob
import json
import os
import pathlib
import signal
import statistics
import subprocess
import tempfile
import threading
import time

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
MB = 1_000_000


class Trouble(Exception):
    """Something does not work; being slow is none."""


median = statistics.median


def spread(values, shape):
    """The median, and between which values it lies: "520 /s (490 to 610)"."""
    ends = f" ({shape.format(min(values)).split()[0]} to {shape.format(max(values)).split()[0]})"
    return shape.format(median(values)) + (ends if len(values) > 1 else "")


def ratios(one, other):
    """Each round's ratio: what disturbs the machine for a while disturbs both sides of it."""
    return [a / b for a, b in zip(one, other)]


# ---- programs that run to their end ----------------------------------------------------------------------------------


class Finished:
    def __init__(self, output, wall_s, usage):
        self.output = output
        self.wall_s = wall_s
        self.cpu_s = usage.ru_utime + usage.ru_stime

    def json(self):
        try:
            return json.loads(self.output)
        except ValueError as error:
            raise Trouble(f"said {self.output[:200]!r} in place of JSON") from error


def run(command, timeout_s=120):
    """Runs a program, and measures it as a whole: its start and end belong to it."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begun = time.perf_counter()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        children.add(child)
        timer = threading.Timer(timeout_s, child.kill)
        timer.start()
        try:
            _, status, usage = os.wait4(child.pid, 0)
        finally:
            timer.cancel()
            children.discard(child)
        wall_s = time.perf_counter() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if child.returncode != 0:
            said = err.read().decode(errors="replace").strip() or "without a word"
            raise Trouble(f"{os.path.basename(str(command[0]))} ended with {child.returncode}: {said[-2000:]}")
        return Finished(out.read().decode(errors="replace"), wall_s, usage)


# ---- processes that stay ---------------------------------------------------------------------------------------------

children = set()


def start(command, **options):
    """Starts a process in a session of its own: keys pressed on the terminal do not reach it."""
    child = subprocess.Popen(command, start_new_session=True, **options)
    children.add(child)
    return child


def stop(child, patience_s=10):
    """Asks a process to end and makes it; then whatever is left of its session."""
    if child.returncode is None and child.poll() is None:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(patience_s)
        except subprocess.TimeoutExpired:
            pass
    kill(child)


def kill(child):
    try:
        # Its number cannot be another's: a group lasts as long as any of its processes.
        os.killpg(child.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    if child.returncode is None:
        child.wait()
    children.discard(child)


def stop_everything():
    for child in list(children):
        kill(child)


def stat_of(pid):
    """Fields of /proc/PID/stat from the third on: the second is a name and may hold anything."""
    with open(f"/proc/{pid}/stat", "rb") as file:
        return file.read().rpartition(b") ")[2].split()


def family(pid):
    """The process and everything below it."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                parents.setdefault(int(stat_of(name)[1]), []).append(int(name))
            except (OSError, IndexError):
                pass
    found = [pid]
    for member in found:
        found += parents.get(member, [])
    return found


def cpu_seconds(pid):
    """(of the process, of all below it). Those that ended are in their parent's sum once it has seen them off."""
    own = below = 0
    for member in family(pid):
        try:
            user, system, child_user, child_system = (int(field) for field in stat_of(member)[11:15])
        except (OSError, IndexError):
            continue
        below += child_user + child_system
        if member == pid:
            own += user + system
        else:
            below += user + system
    return own / TICKS, below / TICKS


def memory_of(pid):
    """Proportional set size in bytes: a page that several share counts for each by its part."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            for line in file:
                if line.startswith(b"Pss:"):
                    return int(line.split()[1]) * 1024
    except PermissionError:
        # A process that guards its memory shows it to root alone; its resident set is more, never less.
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * PAGE
    return 0  # a process that has ended and not been seen off


def memory_of_all(pids):
    total = 0
    for pid in pids:
        try:
            total += memory_of(pid)
        except OSError:
            pass
    return total


class MemoryWatch:
    """The most memory that a process and its children had while it ran; looks every few milliseconds."""

    def __init__(self, pid):
        self.pids = family(pid)
        self.most = memory_of_all(self.pids)
        self.looks = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self):
        while not self._end.wait(0.005):
            self.most = max(self.most, memory_of_all(self.pids))
            self.looks += 1

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()


# ---- the disk --------------------------------------------------------------------------------------------------------


def default_folder():
    """On many systems /tmp is memory; /var/tmp is a disk."""
    for candidate in (os.environ.get("TMPDIR"), "/var/tmp", "/tmp"):
        if candidate and os.access(candidate, os.W_OK):
            return pathlib.Path(candidate)
    raise Trouble("no folder for temporary files; name one with --folder")


def file_system_of(folder):
    folder = os.path.realpath(folder)
    best = ("", "unknown", "")
    with open("/proc/self/mounts", encoding="utf-8") as file:
        for line in file:
            device, where, kind = line.split()[:3]
            inside = folder == where or folder.startswith(where.rstrip("/") + "/")
            if inside and len(where) >= len(best[0]):
                best = (where, kind, os.path.basename(os.path.realpath(device)))
    _, kind, device = best
    if kind == "ext4" and os.path.isdir(f"/proc/fs/ext4/{device}"):
        return kind + (" with a journal" if glob.glob(f"/proc/fs/jbd2/{device}-*") else " without a journal")
    return kind


def free_bytes(folder):
    facts = os.statvfs(folder)
    return facts.f_bavail * facts.f_frsize
