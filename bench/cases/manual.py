import json
import time

from harness import documents
from harness.machine import Trouble, median, ratios, run, spread
from harness.server import Client, Server


def manual(bench):
    """A manual of 397 pages from upload to results, beside mutool and the model alone.

    Each round starts a server of its own. mutool and the model are measured as whole programs; the model is given the
    pages as mutool wrote them."""
    pdf = documents.manual(bench)
    text = bench.folder / "manual.txt"
    mutool = [bench.tool("mutool", "mupdf-tools"), "draw", "-q", "-F", "txt", "-o", str(text), str(pdf)]
    run(mutool)
    alone = [bench.program("extractive_alone"), str(text)]
    body = pdf.read_bytes()
    gave = bench.rounds(7, {
        "docmill": lambda: _read(bench, body),
        "mutool": lambda: run(mutool),
        "the model alone": lambda: run(alone),
    })
    whole, texts, models = gave["docmill"], gave["mutool"], gave["the model alone"]
    pages = models[0].json()["pages"]
    if pages != documents.MANUAL_PAGES:
        raise Trouble(f"mutool wrote {pages} pages of {documents.MANUAL_PAGES}")
    _tell_times(bench.report, whole, texts, models)
    _tell_cpu(bench.report, whole, texts, models, pages)


class Reading:
    """One reading of the manual by a server."""

    def __init__(self, wall_s, cpu_before, cpu_after):
        self.wall_s = wall_s
        self.server_s, self.helpers_s = (after - before for before, after in zip(cpu_before, cpu_after))
        self.cpu_s = self.server_s + self.helpers_s


def _read(bench, body):
    with Server(bench, bench.new_folder("data")) as server:
        client = Client(server)
        client.get("/api/health/live")
        time.sleep(0.3)  # the helper starts in the background; the clock is not on its start
        before = server.cpu()
        begun = time.perf_counter()
        job = client.read(body, "manual.pdf")
        status, results = client.ask("GET", f"/api/jobs/{job['fileId']}/results")
        wall_s = time.perf_counter() - begun
        after = server.cpu()
        client.close()
    if status != 200 or json.loads(results)["successCount"] != documents.MANUAL_PAGES:
        raise Trouble(f"the results were answered with {status}: {results[:300].decode(errors='replace')}")
    return Reading(wall_s, before, after)


def _tell_times(report, whole, texts, models):
    wall = [one.wall_s for one in whole]
    text = [one.wall_s for one in texts]
    model = [one.wall_s for one in models]
    both = [a + b for a, b in zip(text, model)]
    report.figure("docmill, upload to results", spread(wall, "{:.2f} s"))
    report.figure("mutool draw -F txt", spread(text, "{:.2f} s"))
    report.figure("the model alone", spread(model, "{:.2f} s"))
    ratio = median(ratios(wall, both))
    report.goal("time / (mutool + model)", ratio, f"{ratio:.2f}", most=1.0)
    ratio = median(ratios(wall, text))
    report.goal("time / mutool alone", ratio, f"{ratio:.2f}", most=1.5)
    report.goal("time / mutool alone", ratio, f"{ratio:.2f}", most=1.0, stretch=True)


def _tell_cpu(report, whole, texts, models, pages):
    model = median(one.json()["cpu_s"] for one in models)  # without the program's start
    text = median(one.cpu_s for one in texts)
    server = median(one.server_s for one in whole)
    helpers = median(one.helpers_s for one in whole)
    total = median(one.cpu_s for one in whole)
    report.figure("CPU: server + helpers", f"{server:.2f} + {helpers:.2f} s")
    report.figure("CPU: mutool, model alone", f"{text:.2f}, {model:.2f} s")
    own = max(0.0, server - model) / total * 100
    report.goal("CPU outside text (the helpers) and model", own, f"{own:.0f} %", most=25, unit=" %")
    own = max(0.0, total - text - model) / total * 100
    report.goal("CPU outside text (as mutool) and model", own, f"{own:.0f} %", most=25, unit=" %")
    report.figure("CPU a page beside helpers and model", f"{max(0.0, server - model) / pages * 1e6:.0f} µs")
