import concurrent.futures
import json
import pathlib
import subprocess
import sys
import time

from harness import documents, machine
from harness.machine import MB, Trouble, median, run, spread
from harness.server import ENDED, Client, Server

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / "tests"))

AT_ONCE = 50
PAGES = 100
LATENCY_MS = 500
IDEAL_S = PAGES / AT_ONCE * LATENCY_MS / 1000
MANY = 500
FEW_PAGES = 5
RATE = 100
IN_FLIGHT = 2000


def models(bench):
    """Pages read by a model that is slow, limited and moody, beside a plain asyncio client and py-zerox.

    The provider is tests/fake_provider on this machine, which takes a processor's time of its own. Pages go to it as
    text, but for py-zerox, which sends pictures."""
    python = _python(bench, "tests/integration/requirements.txt", "provider-python")
    from fake_provider import FakeProvider

    with FakeProvider(python) as fake:
        _hundred_pages(bench, fake)
        _at_the_limit(bench, fake)
        _moods(bench, fake)
        _in_flight(bench, fake)


def _python(bench, requirements, name):
    """A Python with what the file lists, made once beside the programs."""
    folder, wanted = bench.build / "bench" / name, (ROOT / requirements).read_bytes()
    noted = folder / "installed.txt"
    if not noted.exists() or noted.read_bytes() != wanted:
        bench.report.progress(f"installing {requirements}")
        for command in ([sys.executable, "-m", "venv", "--clear", str(folder)],
                        [str(folder / "bin/python"), "-m", "pip", "install", "-q", "-r", str(ROOT / requirements)]):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                raise Trouble(f"{' '.join(command)}: {done.stderr.strip()[-500:]}")
        noted.write_bytes(wanted)
    return folder / "bin/python"


def _server(bench, fake, **settings):
    env = {"MODEL": "gemini:gemini-2.5-flash", "GEMINI_API_KEY": "test-key", "GEMINI_BASE_URL": fake.base("gemini"),
           "MODEL_INPUT": "text", "MODEL_CONCURRENCY": AT_ONCE, "FILE_SIZE_THRESHOLD_MB": 0} | settings
    return Server(bench, bench.new_folder("data"), env={name: str(value) for name, value in env.items()})


def _fresh(fake, **settings):
    usual = {"latency_ms": str(LATENCY_MS), "shares": {}, "request_limit": "", "request_burst": 0,
             "retry_after_ms": 1000}
    fake.change(**usual | settings)
    fake.forget()


# ---- a hundred pages -------------------------------------------------------------------------------------------------


def _hundred_pages(bench, fake):
    _fresh(fake)
    body = documents.pdf(documents.Author(7).pages(PAGES))
    sides = {"docmill": lambda: _read(bench, fake, body)}
    try:
        python = _python(bench, "bench/requirements.txt", "clients-python")
    except Trouble as trouble:
        python = None
        bench.report.figure("plain asyncio client", f"not here: {trouble}"[:60])
    if python:
        script = str(ROOT / "bench/asyncio_client.py")
        file = bench.folder / "hundred.pdf"
        file.write_bytes(body)
        sides["asyncio"] = lambda: _client(python, script, fake.url, str(PAGES), str(AT_ONCE))
        sides["py-zerox"] = lambda: _client(python, script, "zerox", fake.url, str(file), str(AT_ONCE))
    gave = bench.rounds(3, sides)
    report = bench.report
    last = [one["committed"] for one in gave["docmill"]]
    report.goal(f"{PAGES} pages, last committed after (ideal {IDEAL_S:g})", median(last), spread(last, "{:.2f} s"),
                most=1.3,
                unit=" s")
    rest = [one["completed"] - one["committed"] for one in gave["docmill"]]
    report.goal("completed after the last page", median(rest), spread(rest, "{:.2f} s"), most=0.7, unit=" s")
    cpu = median(one["cpu"] for one in gave["docmill"]) / PAGES * 1000
    report.goal("CPU of the server a page", cpu, f"{cpu:.2f} ms", most=1, unit=" ms")
    for name in ("asyncio", "py-zerox"):
        if name in gave:
            times = [one for one in gave[name] if one is not None]
            report.figure(f"the calls alone: {name}", spread(times, "{:.2f} s") if times else "did not work")


def _client(python, *words):
    """Seconds, or None where the program did not get through: that is its figure."""
    try:
        said = run([str(python), *words]).output.strip().splitlines()[-1]
        return json.loads(said)["seconds"] if json.loads(said)["pages"] == PAGES else None
    except (Trouble, IndexError, ValueError):
        return None


def _read(bench, fake, body):
    """Seconds from the first call to the last commit and to the end, by the events' own times, and the server's CPU."""
    fake.forget()
    with _server(bench, fake) as server:
        client = Client(server)
        time.sleep(0.3)  # the helper starts in the background; the clock is not on its start
        before = server.cpu()[0]
        begun = time.perf_counter()
        file_id, _ = client.upload(body, "hundred.pdf")
        committed = None
        while True:
            job = client.get(f"/api/jobs/{file_id}")
            if committed is None and job["progress"]["processed"] == PAGES:
                committed = time.perf_counter() - begun
            if job["status"] in ENDED:
                break
            time.sleep(0.005)
        completed = time.perf_counter() - begun
        cpu = server.cpu()[0] - before
        client.close()
    if job["status"] != "completed" or job["progress"]["failed"]:
        raise Trouble(f"{PAGES} pages ended {job['status']}: {json.dumps(job)[:400]}")
    reductions = len(fake.calls(task="reduction", mood="ok"))
    if reductions != 1:
        raise Trouble(f"the document was reduced by {reductions} calls, and not by one")
    return {"committed": committed, "completed": completed, "cpu": cpu}


# ---- many documents --------------------------------------------------------------------------------------------------


def _submit_many(server, count, pages):
    """Uploads them from a few connections and returns their ids."""
    author = documents.Author(11)
    bodies = [documents.pdf(author.pages(pages)).replace(documents.MARK, b"%016d" % i) for i in range(count)]

    def some(share):
        client = Client(server)
        ids = [client.upload(body)[0] for body in share]
        client.close()
        return ids

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return [one for ids in pool.map(some, [bodies[i::4] for i in range(4)]) for one in ids]


def _wait_many(server, ids, seconds):
    """Their jobs once all have ended."""
    client, jobs, deadline = Client(server), [], time.perf_counter() + seconds
    for file_id in ids:
        job = client.wait(file_id)
        if time.perf_counter() > deadline:
            raise Trouble(f"not all of {len(ids)} documents ended within {seconds} s")
        jobs.append(job)
    client.close()
    return jobs


def _failures(jobs):
    return sum(job["progress"]["total"] - job["progress"]["processed"] for job in jobs)


def _at_the_limit(bench, fake):
    """Each document costs a call a page and one of its reduction."""
    bench.report.progress(f"{MANY} documents at {RATE} calls a second")
    _fresh(fake, request_limit=f"{RATE}/s", latency_ms="200")
    with _server(bench, fake, MODEL_RPM=RATE * 60) as server:
        jobs = _wait_many(server, _submit_many(server, MANY, FEW_PAGES), 180)
    calls = fake.calls()
    good = [call for call in calls if call.good]
    ideal = (len(good) - RATE) / RATE  # the first second's are there at once
    took = max(call.ended for call in good) - calls[0].arrived
    late = [call for call in calls if call.arrived > calls[0].arrived + 10]
    refused = 100 * sum(call.status == 429 for call in late) / max(1, len(late))
    report = bench.report
    report.goal(f"{MANY} documents at {RATE} calls a second, pages lost", _failures(jobs), str(_failures(jobs)), most=0)
    report.goal("time / ideal", took / ideal, f"{took / ideal:.3f} ({took:.1f} s)", most=1.05)
    report.goal("calls answered 429 after ten seconds", refused, f"{refused:.2f} %", most=2, unit=" %")


def _moods(bench, fake):
    bench.report.progress("half of the calls refused, some hang, some are cut")
    _fresh(fake, latency_ms="50", shares={"429": 0.5, "hang": 0.05, "cut": 0.05}, retry_after_ms=200)
    with _server(bench, fake, MODEL_TIMEOUT_SECONDS=2) as server:
        jobs = _wait_many(server, _submit_many(server, 20, 15), 300)
    lost = _failures(jobs)
    bench.report.goal("50 % 429, 5 % hang, 5 % cut: pages lost of 300", lost, str(lost), most=0)


def _in_flight(bench, fake):
    """Long answers, so that all of them are under way at once; looks while they are."""
    bench.report.progress(f"{IN_FLIGHT} calls under way")
    _fresh(fake, latency_ms="20000")
    with _server(bench, fake, MODEL_CONCURRENCY=IN_FLIGHT) as server:
        _submit_many(server, IN_FLIGHT // 100, 100)
        deadline = time.perf_counter() + 60
        while fake.state()["in_flight"] < IN_FLIGHT * 0.99:
            if time.perf_counter() > deadline:
                raise Trouble(f"only {fake.state()['in_flight']} of {IN_FLIGHT} calls came to be under way")
            time.sleep(0.05)
        before, begun = machine.cpu_seconds(server.pid)[0], time.perf_counter()
        memory, _ = server.memory(2)
        cpu = (machine.cpu_seconds(server.pid)[0] - before) / (time.perf_counter() - begun)
        server.kill()
    bench.report.goal(f"{IN_FLIGHT} calls under way: memory of the server", memory / MB, f"{memory / MB:.0f} MB",
                      most=100,
                      unit=" MB")
    bench.report.goal("its CPU meanwhile", cpu * 100, f"{cpu * 100:.0f} % of a core", most=50, unit=" %")
