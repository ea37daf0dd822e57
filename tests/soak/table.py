"""The table at the end: what was promised, what was measured, and the goals."""
import statistics
import signal

from harness.report import Report
from load import CLIENTS
from measure import slope

PROMISES = ("documents lost", "documents without an end", "wrong ends", "wrong answers")
GROWTH_KB = 50  # a process, per thousand documents
# Below this many documents a server's caches are still filling when it ends, and a slope would show them and no leak.
ENOUGH = 5000
LOG_MB = 17  # the most that the database's log keeps (16 MiB)
MB = 1_000_000


class Table:
    def __init__(self, soak, left):
        self.soak = soak
        self.report = Report("soak")
        self._documents(soak.load)
        self._restarts()
        self._processes()
        self._folder()
        self._left(left)

    def status(self):
        """1: something that was promised was not kept; 2: a figure misses its goal."""
        missed = {row[0] for row in self.report.rows if row[4] == "NOT MET"}
        return 1 if missed & {"documents", "at the end"} else 2 if missed else 0

    # ---- parts -------------------------------------------------------------------------------------------------------

    def _documents(self, load):
        report, counts = self.report, load.counts
        report.name = "documents"
        report.figure("accepted, pages read", f"{counts['accepted']}, {counts['pages']}")
        for what in ("completed", "failed", "cancelled"):
            report.figure(f"ended {what}", f"{counts[what]}")
        report.figure("retried, deleted", f"{counts['retried']}, {counts['deleted']}")
        for what in PROMISES:
            number = sum(where == what for where, _ in load.troubles)
            report.goal(what, number, f"{number}", most=0)

    def _restarts(self):
        report, ready = self.report, self.soak.ready_ms
        report.name = "restarts"
        ways = self.soak.ways
        report.figure("stopped, killed under load", f"{ways[signal.SIGTERM]}, {ways[signal.SIGKILL]}")
        report.figure("listening again (worst)", f"{statistics.median(ready):.0f} ms ({max(ready):.0f})")
        report.figure("requests that clients repeated", f"{self.soak.load.counts['asked again']}")

    def _processes(self):
        """After each process's warm-up, and that of the whole run."""
        warm = max(200, self.soak.progress.total // 10)
        lives = {}
        for look in self.soak.looks:
            for one in look.processes:
                lives.setdefault((one.role, one.life), []).append((look.done, one))
        for role in sorted({role for role, _ in lives}, reverse=True):
            series = [
                [(done, one) for done, one in life if done - life[0][0] >= warm and done >= 2 * warm]
                for (name, _), life in lives.items()
                if name == role
            ]
            self._process(role, [life for life in series if len(life) > 1])
        helpers = [look.helpers for look in self.soak.looks]
        self.report.name = "helpers"
        self.report.goal("at rest", max(helpers), f"{min(helpers)} to {max(helpers)}", most=2)

    def _process(self, role, series):
        report = self.report
        report.name = role
        looks = [one for life in series for _, one in life]
        if not looks:
            report.figure("none lived long enough", "")
            return
        report.figure("memory, median (worst)", f"{statistics.median(one.pss_kb for one in looks) / 1024:.1f} MB "
                      f"({max(one.pss_kb for one in looks) / 1024:.1f})")
        for what, unit, most, value in (
            ("memory", " KB", GROWTH_KB, lambda one: one.own_kb),
            ("descriptors", "", 0.5, lambda one: one.descriptors),
            ("threads", "", 0.5, lambda one: one.threads),
        ):
            values = [value(one) for one in looks]
            if what != "memory":
                report.figure(what, f"{min(values)} to {max(values)}")
            growth = slope([[(done / 1000, value(one)) for done, one in life] for life in series])
            name = f"{what}, growth per 1,000 documents"
            if growth is not None and self.soak.progress.total >= ENOUGH:
                report.goal(name, growth, f"{growth:+.1f}{unit}", most=most, unit=unit)
            elif growth is not None:
                report.figure(name, f"{growth:+.1f}{unit}")

    def _folder(self):
        report, looks = self.report, [look.folder for look in self.soak.looks]
        middle = looks[: (len(looks) + 1) // 2]
        report.name = "folder"
        report.figure("documents kept at once, first half, all",
                      f"{max(look.kept for look in middle)}, {max(look.kept for look in looks)}")
        report.figure("database in the middle, at the end",
                      f"{middle[-1].database / MB:.2f}, {looks[-1].database / MB:.2f} MB")
        # A database does not shrink; what was freed is used again. So its size follows the most that was kept at once.
        each = [max(look.database for look in part) / max(look.kept for look in part) for part in (middle, looks)]
        growth = each[1] / each[0]
        report.goal("for each kept at once, end / middle", growth, f"{growth:.2f}", most=1.15)
        log = max(look.log for look in looks) / MB
        report.goal("its log (WAL), the most", log, f"{log:.1f} MB", most=LOG_MB, unit=" MB")
        report.figure("blobs, the most", f"{max(look.blobs for look in looks)}, "
                      f"{max(look.blob_bytes for look in looks) / MB:.1f} MB")
        spooled = max(look.spooled for look in looks)
        report.goal("files in the spool, at rest", spooled, f"{spooled}", most=0)

    def _left(self, left):
        report = self.report
        report.name = "at the end"
        kept = sum(left.kept_records().values())
        report.goal("records after retention", kept, f"{kept}", most=0)
        cut_off = CLIENTS * self.soak.ways[signal.SIGKILL]
        report.goal("files after retention", left.blobs - left.cut_off, f"{left.blobs - left.cut_off}", most=0)
        report.goal("sources of uploads that a kill cut off", left.cut_off, f"{left.cut_off}", most=cut_off)
        report.figure("Idempotency-Keys (a day each)", f"{left.records['idem']}")
