"""What a server takes: its processes as the kernel accounts for them, its folder, its database; and how that grows."""
import contextlib
import os
import sqlite3
from pathlib import Path

from harness.machine import family, stat_of

RECORDS = ("document", "state", "work", "claim", "page", "event")


class Process:
    """One look at one process."""

    def __init__(self, pid, server):
        fields = stat_of(pid)
        self.life = (pid, fields[19])  # numbers are used again, with another start
        self.parent = int(fields[1])
        self.threads = int(fields[17])
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").split()
        self.role = "server" if pid == server.pid else "helper " + (words[-1] if len(words) > 1 else "?")
        memory = _memory(pid)
        self.pss_kb = memory["Pss"]
        # What the process itself asked for. The rest are pages of programs and libraries: how many others on the
        # machine share them today is not the server's doing.
        self.own_kb = memory.get("Pss_Anon", memory["Pss"])
        # How many connections there are is the clients' doing.
        self.descriptors = len(os.listdir(f"/proc/{pid}/fd"))
        if pid == server.pid:
            self.descriptors -= _connections(pid, server.port)


def _memory(pid):
    values = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, value, *_ = line.split()
        values[name.rstrip(":")] = int(value)
    return values


def _connections(pid, port):
    """Of clients to the server: rows of the kernel's table whose socket is one of the process's."""
    own = set()
    for name in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):
            own.add(os.readlink(f"/proc/{pid}/fd/{name}"))
    found = 0
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        local, remote = (int(address.rpartition(":")[2], 16) for address in fields[1:3])
        found += local == port and remote != 0 and f"socket:[{fields[9]}]" in own
    return found


def processes(server):
    found = []
    for pid in family(server.pid):
        with contextlib.suppress(OSError, KeyError, IndexError):  # it has ended since
            found.append(Process(pid, server))
    return found


class Folder:
    """One look at the data folder."""

    def __init__(self, server):
        data = server.data
        self.database = size(data / "docmill.db")
        self.log = size(data / "docmill.db-wal")
        # Folders come and go under the look, which os.walk bears with.
        files = [Path(folder, name) for folder, _, names in os.walk(data / "blobs") for name in names]
        self.spooled = sum(path.parent.name == ".spool" for path in files)
        self.blobs = len(files) - self.spooled
        # A kill between an upload's last byte and its acceptance leaves the bytes, which nothing names.
        self.cut_off = sum(path.name.endswith(",source") for path in files)
        self.blob_bytes = sum(size(path) for path in files)
        self.records = records(data / "docmill.db")
        self.kept = self.records["document"]
        self.unended = self.records.pop("unended")


    def kept_records(self):
        """Without the Idempotency-Keys, which stand for a day, whatever becomes of their documents."""
        return {name: count for name, count in self.records.items() if name != "idem"}


def size(path):
    try:
        return path.stat().st_size
    except OSError:
        return 0


def records(database):
    """How many of each there are, read from outside and beside the running server."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)) as connection:
        counted = {name: name for name in RECORDS + ("idem",)}
        counted["unended"] = "state WHERE status NOT IN ('completed','failed','cancelled')"
        return {
            name: connection.execute(f"SELECT count(*) FROM {what}").fetchone()[0] for name, what in counted.items()
        }


class Look:
    """Everything at one quiet moment, after `done` documents."""

    def __init__(self, server, done, restarts):
        self.done = done
        self.restarts = restarts
        self.processes = processes(server)
        self.folder = Folder(server)
        self.server = self.processes[0]
        self.helpers = len(self.processes) - 1


def slope(series):
    """Growth per unit, by Theil and Sen: the median of the slopes between any two points of a series, the longer ones
    counting for more. A step of the allocator's, up or down, moves it little; a leak moves all of them.

    `series` is a list of lists of (x, y); pairs are made within a list alone. None where there is too little."""
    slopes = []
    for points in series:
        for i, (x, y) in enumerate(points):
            slopes += [
                ((later_y - y) / (later_x - x), later_x - x) for later_x, later_y in points[i + 1 :] if later_x > x
            ]
    if len(slopes) < 10:
        return None
    slopes.sort()
    half = sum(weight for _, weight in slopes) / 2
    for value, weight in slopes:
        half -= weight
        if half <= 0:
            return value
    return slopes[-1][0]
