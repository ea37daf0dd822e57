"""The run itself: rounds of documents, restarts among them, and a look after each; see arguments.py for what it is."""
import collections
import csv
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import time

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path += [str(ROOT / "tests/integration"), str(ROOT / "bench")]

from arguments import ROUND, read_arguments
from documents import kinds
from load import Load, plan
from measure import Folder, Look, processes
from table import Table
from world import Server, until

PROCESSES_AT_REST = 3  # the server, and a helper for text and one for scans; each document is opened in one of its own


class Progress:
    """A bar on a terminal, a line now and then elsewhere."""

    def __init__(self, total):
        self.total = total
        self.live = sys.stderr.isatty()
        self.next = 0
        self.begun = time.monotonic()

    def show(self, done, words=""):
        if self.live:
            room = max(10, min(40, shutil.get_terminal_size().columns - 60))
            filled = room * done // self.total
            self._say(f"\r\033[K[{'#' * filled}{'.' * (room - filled)}] {done}/{self.total} {words}")
        elif done >= self.next:
            self.next = done + max(1, self.total // 20)
            self._say(f"{done} of {self.total} documents after {time.monotonic() - self.begun:.0f} s; {words}\n")

    def end(self):
        if self.live:
            self._say("\r\033[K")

    @staticmethod
    def _say(words):
        print(words, end="", file=sys.stderr, flush=True)


class Soak:
    def __init__(self, arguments, folder):
        self.arguments = arguments
        self.dice = random.Random(arguments.seed)
        day = 24 * 3600
        keep = arguments.retention
        self.server = Server(
            str(arguments.docmill.resolve()),
            folder,
            HELPERS=2,
            PAGE_TIMEOUT_SECONDS=3,
            # The smallest documents are answered when they are done, the others at once.
            FILE_SIZE_THRESHOLD_MB=0.001,
            RETENTION_SOURCE_DAYS=f"{keep / 2 / day:.6f}",
            RETENTION_PAGES_DAYS=f"{keep * 3 / 4 / day:.6f}",
            RETENTION_RESULTS_DAYS=f"{keep / day:.6f}",
        )
        self.rounds = arguments.documents // ROUND
        self.restarts = self._choose_restarts()
        self.looks = []
        self.ready_ms = []
        self.ways = collections.Counter()
        self.progress = Progress(self.rounds * ROUND)

    def _choose_restarts(self):
        """Round to how it ends. Most come early and close together; later the server lives long, so that what grows
        slowly can be seen as well."""
        early = range(1, max(4, self.rounds * 3 // 10))
        chosen = self.dice.sample(early, max(3, len(early) // 3))
        ways = [signal.SIGTERM, signal.SIGKILL]
        return {number: ways[i % 2] for i, number in enumerate(sorted(chosen))}

    def run(self):
        hanging = {start + i for start in range(ROUND * 5, self.rounds * ROUND, ROUND * 10) for i in (0, 50)}
        documents = plan(kinds(self.arguments.seed), self.rounds * ROUND, self.arguments.seed, hanging)
        self.server.start()
        self.load = Load(self.server)
        for number in range(self.rounds):
            for _ in range(ROUND):
                self.load.tasks.put(next(documents))
            if number in self.restarts:
                self._await(number * ROUND + self.dice.randrange(10, ROUND - 10))
                self._restart(self.restarts[number])
            self._await((number + 1) * ROUND)
            self.looks.append(self._look())

    def _await(self, done):
        while self.load.done < done:
            if not self.server.alive:
                raise AssertionError(f"the server ended by itself:\n{self.server.log()[-4000:]}")
            time.sleep(0.02)
            self.progress.show(self.load.done, self._words())

    def _words(self):
        words = f"{len(self.load.troubles)} troubles"
        if self.looks:
            look = self.looks[-1]
            words += f", server {look.processes[0].pss_kb / 1024:.1f} MB, {look.folder.kept} kept"
        return words

    def _restart(self, how):
        self.ways[how] += 1
        if how == signal.SIGKILL:
            self.server.kill()
        else:
            self.server.stop(30)
        begun = time.monotonic()
        self.server.start()
        self.ready_ms.append((time.monotonic() - begun) * 1000)

    def _look(self):
        """When nothing is under way: what a document takes while it is read is no growth."""
        until(lambda: not Folder(self.server).unended, "every document has ended", 60, 0.1)
        until(lambda: not Folder(self.server).spooled, "the spool is empty", 30, 0.1)
        # A page of a cancelled document may still be in a helper, which is a process of its own for that long.
        until(lambda: len(processes(self.server)) <= PROCESSES_AT_REST, "the helpers have nothing to read", 30)
        restarts = sum(number * ROUND < self.load.done for number in self.restarts)
        return Look(self.server, self.load.done, restarts)

    def wait_for_retention(self):
        """What is left once everything handed in is over."""
        deadline = time.monotonic() + self.arguments.retention + 60
        while True:
            self.progress.show(self.load.done, "waiting for the end of retention")
            left = Folder(self.server)
            if time.monotonic() > deadline or not any(left.kept_records().values()):
                # Files of documents go before their records.
                return left
            time.sleep(0.5)

    def save(self, path):
        with open(path, "w", newline="", encoding="utf-8") as file:
            out = csv.writer(file)
            out.writerow("done restarts role pid pss_kb own_kb descriptors threads database wal blobs kept".split())
            for look in self.looks:
                for one in look.processes:
                    out.writerow(
                        [look.done, look.restarts, one.role, one.life[0], one.pss_kb, one.own_kb, one.descriptors]
                        + [one.threads, look.folder.database, look.folder.log, look.folder.blobs, look.folder.kept]
                    )


def main():
    arguments = read_arguments()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="docmill-soak-"))
    print(f"Seed {arguments.seed}, in {folder}", file=sys.stderr)
    soak = Soak(arguments, folder)
    try:
        soak.run()
        left = soak.wait_for_retention()
        soak.progress.end()
        soak.server.stop(30)
        table = Table(soak, left)
        table.report.print_table()
        print(f"\nSeed {arguments.seed}; {time.monotonic() - soak.progress.begun:.0f} s in all.")
        for what, sentence in soak.load.troubles[:20]:
            print(f"{what}: {sentence}", file=sys.stderr)
        return table.status()
    finally:
        if soak.server.alive:
            soak.server.kill()
        if arguments.keep:
            soak.save(folder / "looks.csv")
            print(f"Left in place: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
