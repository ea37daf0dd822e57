import queue
import threading
import time

from harness import documents
from harness.machine import MB, run
from harness.server import Client, Server

DOCUMENTS, FIRST, PAGES = 2000, 100, 10
CLIENTS = 8
SAMPLE = 50
SETTLE_S = 3


def leak(bench):
    """2,000 documents of 10 pages: memory after the last beside that after the first hundred; documents a second."""
    author = documents.Author(3)
    made = [author.pages(PAGES) for _ in range(DOCUMENTS)]
    model_s = _model_seconds_a_page(bench, made[:SAMPLE])
    with Server(bench, bench.new_folder("data")) as server:
        _read_all(bench, server, made[:FIRST], 0)
        first = server.memory(SETTLE_S)
        before = server.cpu()
        seconds = _read_all(bench, server, made[FIRST:], FIRST)
        own_s, helpers_s = (after - earlier for earlier, after in zip(before, server.cpu()))
        last = server.memory(SETTLE_S)
    report = bench.report
    growth = (last[1] - first[1]) / MB
    report.goal("growth of all processes", growth, f"{growth:+.1f} MB", most=5, unit=" MB")
    report.figure("all processes, first hundred and last", f"{first[1] / MB:.1f}, {last[1] / MB:.1f} MB")
    report.figure("the server, first hundred and last", f"{first[0] / MB:.1f}, {last[0] / MB:.1f} MB")
    count = DOCUMENTS - FIRST
    pages = count * PAGES
    report.figure("documents of 10 pages", f"{count / seconds:.0f} /s")
    report.figure("CPU a page: server, helpers, model alone",
                  f"{own_s / pages * 1e6:.0f}, {helpers_s / pages * 1e6:.0f}, {model_s * 1e6:.0f} µs")
    report.figure("CPU a page beside helpers and model", f"{(own_s / pages - model_s) * 1e6:.0f} µs")


def _model_seconds_a_page(bench, made):
    text = bench.folder / "pages.txt"
    text.write_text("".join("\n".join(page) + "\n\f" for pages in made for page in pages), encoding="utf-8")
    gave = run([bench.program("extractive_alone"), str(text)]).json()
    return gave["cpu_s"] / gave["pages"]


def _read_all(bench, server, made, done):
    """Hands the documents in from several connections, each waiting for its document's end. Returns the seconds."""
    bodies = queue.SimpleQueue()
    for pages in made:
        bodies.put(documents.pdf(pages))
    troubles = []
    finished = [done]

    def hand_in():
        client = Client(server)
        try:
            while not troubles:
                client.read(bodies.get_nowait())
                finished[0] += 1
        except queue.Empty:
            pass
        except Exception as trouble:  # whatever it is, the bench ends and tells it
            troubles.append(trouble)
        finally:
            client.close()

    begun = time.perf_counter()
    threads = [threading.Thread(target=hand_in, daemon=True) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(0.2)
            bench.report.progress(f"{finished[0]} of {DOCUMENTS} documents")
    if troubles:
        raise troubles[0]
    return time.perf_counter() - begun
