"""What is told: progress while it runs, the table at the end."""

import shutil
import sys
import textwrap
import time


class Report:
    def __init__(self, head="bench"):
        self.head = head
        self.rows = []
        self.name = ""
        self.begun = 0.0
        self.live = sys.stderr.isatty()

    # ---- progress ----------------------------------------------------------------------------------------------------

    def begin(self, name):
        self.name = name
        self.begun = time.monotonic()
        if not self.live:
            print(f"{name} ...", file=sys.stderr, flush=True)

    def progress(self, words):
        if self.live:
            line = f"{self.name}: {words}"[: shutil.get_terminal_size().columns - 1]
            print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)

    def end(self):
        if self.live:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
        print(f"{self.name}: took {time.monotonic() - self.begun:.0f} s", file=sys.stderr, flush=True)
        for row in self.rows:
            if row[0] == self.name and self.live:
                print(self._plain(row), file=sys.stderr, flush=True)

    @staticmethod
    def _plain(row):
        name, what, figure, target, verdict = row
        return f"{name}: {what}: {figure}" + (f" (goal {target}: {verdict})" if target else "")

    # ---- figures -----------------------------------------------------------------------------------------------------

    def figure(self, what, figure):
        """A figure that explains others and has no goal of its own."""
        self.rows.append((self.name, what, figure, "", ""))

    def goal(self, what, value, figure, most=None, least=None, unit="", stretch=False):
        """A figure with a goal; `value` is what is compared."""
        met = value <= most if most is not None else value >= least
        target = f"≤ {most:g}{unit}" if most is not None else f"≥ {least:g}{unit}"
        if stretch:
            target += " (stretch)"
        self.rows.append((self.name, what, figure, target, "met" if met else "NOT MET"))

    def failed(self, sentence):
        print(f"\r{self.name}: {sentence}" if self.live else f"{self.name}: {sentence}", file=sys.stderr, flush=True)
        self.rows.append((self.name, "did not work: " + textwrap.shorten(sentence, 60), "", "", ""))

    def print_table(self):
        heads = (self.head, "what", "figure", "goal", "")
        widths = [max(len(row[i]) for row in [heads, *self.rows]) for i in range(5)]

        def line(row):
            # Figures are read as a column, so they end at one edge.
            cells = [row[0].ljust(widths[0]), row[1].ljust(widths[1]), row[2].rjust(widths[2]),
                     row[3].ljust(widths[3]), row[4]]
            return "  ".join(cells).rstrip()

        print(line(heads))
        last = ""
        for row in self.rows:
            if row[0] != last:
                print("-" * (sum(widths) + 8))
            print(line((row[0] if row[0] != last else "", *row[1:])))
            last = row[0]
