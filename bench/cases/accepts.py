import struct

from harness import documents
from harness.machine import Trouble, median, ratios, run, spread
from harness.server import Server

CLIENTS = 64
BYTES = 100_000
SECONDS, WARMUP_SECONDS = 2.0, 0.4


def accepts(bench):
    """Durable accepts of 100 KB PDFs by 64 clients, beside a loop that only writes, syncs and renames.

    The API alone accepts (--role api), so that no document is read meanwhile; the same with all roles is told, too.
    Nobody waits for results. What the loop costs is the file system's: on ext4 with a journal (as Debian installs it) both
    sides wait for commits; without one, on a quick disk, the loop's syncs are so cheap that two cores are too few to
    take as many documents over HTTP, hash and record them besides: there the ratio is one of processors. Every round has a server and folders of its own."""
    document = bench.folder / "100kb.pdf"
    document.write_bytes(documents.pdf(documents.Author(1).pages(10), BYTES))
    gave = bench.rounds(5, {
        "docmill": lambda: _load(bench, document, "--role", "api"),
        "write, sync, rename": lambda: _raw(bench, document, "file"),
        "write, sync, rename, sync the folder": lambda: _raw(bench, document, "folder"),
        "docmill with all roles": lambda: _load(bench, document),
    })
    api, raw, raw_folder, every = ([one["per_second"] for one in ones] for ones in gave.values())
    report = bench.report
    report.figure("docmill --role api", spread(api, "{:.0f} /s"))
    report.figure("its answers: median, 99 %", "{:.1f}, {:.1f} ms".format(
        *(median(one[key] for one in gave["docmill"]) for key in ("median_ms", "p99_ms"))))
    report.figure("its CPU an accept", f"{median(one['cpu_s'] for one in gave['docmill']) * 1e6:.0f} µs")
    report.figure("64 threads write, sync, rename", spread(raw, "{:.0f} /s"))
    report.figure("64 threads, each syncs the folder, too", spread(raw_folder, "{:.0f} /s"))
    share = median(ratios(api, raw)) * 100
    report.goal("accepts / raw loop", share, f"{share:.0f} %", least=50, unit=" %")
    share = median(ratios(api, raw_folder)) * 100
    report.figure("accepts / raw loop that syncs the folder", f"{share:.0f} %")
    report.figure("docmill with all roles, reading meanwhile", spread(every, "{:.0f} /s"))
    report.progress("counting syncs")
    _count_syncs(bench, document)


def _load(bench, document, *flags, env=None, around=None):
    with Server(bench, bench.new_folder("data"), *flags, "--file-size-threshold-mb", "0", env=env) as server:
        before = around() if around else None
        cpu = server.cpu()[0]
        gave = run([bench.program("accept_load"), str(server.port), "/api/upload?fileName=a.pdf", str(document),
                    str(CLIENTS), str(SECONDS), str(WARMUP_SECONDS)]).json()
        gave["cpu_s"] = (server.cpu()[0] - cpu) / gave["all"]
        if around:
            gave["around"] = [after - first for first, after in zip(before, around())]
        server.kill()  # what it accepted is of no interest
    if gave["accepts"] == 0:
        raise Trouble("nothing was accepted")
    return gave


def _raw(bench, document, what):
    return run([bench.program("raw_accept"), str(bench.new_folder("raw")), str(document), str(CLIENTS), str(SECONDS),
                what]).json()


def _count_syncs(bench, document):
    counts = bench.folder / "syncs"

    def read():
        return struct.unpack("4Q", counts.read_bytes())

    env = {"LD_PRELOAD": bench.program("count_syncs.so"), "COUNT_SYNCS": str(counts)}
    gave = _load(bench, document, "--role", "api", env=env, around=read)
    database, files, folders, whole = (count / gave["all"] for count in gave["around"])
    bench.report.goal("database syncs an accept", database, f"{database:.3f}", most=0.2)
    bench.report.figure("other syncs an accept: files, folders", f"{files:.2f}, {folders:.2f}")
    if whole:
        bench.report.figure("syncs of the whole file system an accept", f"{whole:.3f}")
