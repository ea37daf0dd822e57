"""What a bench is given: the programs, a folder of its own, and where to tell what it found."""

import os
import shutil
import subprocess

from .machine import Trouble


def build_programs(build):
    """The small C programs beside the two that `make` builds. Silent where nothing is to be done."""
    if not (build / "build.ninja").exists():
        raise Trouble(f"{build} is no build folder; make bench makes one")
    jobs = ["-j", os.environ["JOBS"]] if os.environ.get("JOBS") else []
    done = subprocess.run(["ninja", "-C", str(build), *jobs, "programs", "bench-programs"], capture_output=True,
                          text=True)
    if done.returncode != 0:
        raise Trouble(f"cannot build the benches' programs (was {build.name}/ configured with -Dbench=true?):\n"
                      + done.stdout[-3000:] + done.stderr[-3000:])


class Bench:
    def __init__(self, build, folder, runs, report):
        self.build = build
        self.folder = folder
        self.report = report
        self.docmill = build / "docmill"
        self._runs = runs
        self._set_aside = 0

    def runs(self, default):
        return self._runs or default

    def program(self, name):
        path = self.build / "bench" / name
        if not path.exists():
            raise Trouble(f"{path} has not been built")
        return str(path)

    def tool(self, name, package):
        path = shutil.which(name)
        if not path:
            raise Trouble(f"{name} is not here; scripts/install-packages bench installs {package}")
        return path

    def rounds(self, default, sides):
        """Runs the sides in turn, round after round. Returns what each gave, by name, in order."""
        count = self.runs(default)
        gave = {name: [] for name in sides}
        for i in range(count):
            for name, side in sides.items():
                self.report.progress(f"round {i + 1} of {count}: {name}")
                gave[name].append(side())
        return gave

    def new_folder(self, name):
        """An empty folder; what an earlier round left under the name no longer takes room on the disk."""
        path = self.folder / name
        if path.exists():
            self.set_aside(path)
            os.sync()
        path.mkdir()
        return path

    def set_aside(self, path):
        """Files lose their bytes and stay until the end of everything: some file systems (ext4 without a journal) are
        slow at making files for minutes after many were removed, and the next round would pay for it."""
        for folder, _, names in os.walk(path):
            for name in names:
                os.truncate(os.path.join(folder, name), 0)
        earlier = self.folder / "earlier"
        earlier.mkdir(exist_ok=True)
        self._set_aside += 1
        path.rename(earlier / f"{path.name}.{self._set_aside}")

    def tidy(self):
        """After each bench. The servers' logs stay."""
        for path in self.folder.iterdir():
            if path.is_dir() and path.name != "earlier":
                self.set_aside(path)

    @staticmethod
    def remove(path):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
