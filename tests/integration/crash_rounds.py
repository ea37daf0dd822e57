"""Crash rounds: clients at work, deaths at chosen moments, and what must be true when all has ended.

A round has a folder, a few clients and two spells. In a spell the clients hand in documents, ask, cancel, retry and
delete while the server dies twice and its helpers now and then; then it is left alone until all has ended. (Twice,
because what is lost three times in a row is taken for the cause and ends `crashed`.) At the end everything that any
client was told is held against what there is.

All choices come from the seed; moments are events, so two runs of a seed differ by milliseconds. By hand:

    python tests/integration/crash_rounds.py --seed 7              # one round and its story
    python tests/integration/crash_rounds.py --seed 7 --rounds 20 --power
"""
import argparse
import collections
import contextlib
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import requests

import papers
from powercut import Power
from world import FINAL, Server, Wire, check_ledger, descendants, form, form_part, post, until

SPELLS = 2
CLIENTS = 4
ACTIONS = 8
HELPERS = 2
TENANTS = ("tenant-0", "tenant-1")

# ---- documents ------------------------------------------------------------------------------------------------------


def _with_ballast(data, size, seed):
    """A document with bytes behind its end that no reader looks at."""
    return data + b"\n%" + random.Random(seed).randbytes(size).replace(b"\n", b" ").replace(b"\r", b" ")


PAPERS = {
    "note.txt": papers.plain_text(1),
    "leaflet.txt": papers.plain_text(5),
    "letter.pdf": papers.text_pdf(1),
    "report.pdf": papers.text_pdf(14),
    "thick.pdf": papers.text_pdf(130),
    "slow.pdf": papers.slow_pdf(45, draws=9, levels=3),
    "slower.pdf": papers.slow_pdf(12, levels=4),
    "torn.pdf": papers.pdf_with_damaged_pages(6, damaged=(2, 5)),
    "heavy.pdf": _with_ballast(papers.text_pdf(3), 1_500_000, 1),
    "heavier.pdf": _with_ballast(papers.text_pdf(2), 5_000_000, 2),
}
PAGES = {"note.txt": 1, "leaflet.txt": 5, "letter.pdf": 1, "report.pdf": 14, "thick.pdf": 130, "slow.pdf": 45}
PAGES |= {"slower.pdf": 12, "torn.pdf": 6, "heavy.pdf": 3, "heavier.pdf": 2}
DAMAGED = {"torn.pdf": [2, 5]}

_OWN = (
    (re.compile(rb'"(fileId|tenantId|fileName|processedAt)":"[^"]*"'), rb'"\1":"-"'),
    (re.compile(rb'"modelMs":\d+'), rb'"modelMs":0'),
)


def plain_result(data, epoch=1):
    """The bytes of a result without ids, clients' names and times; what was paid differs where it was read again."""
    for pattern, instead in _OWN:
        data = pattern.sub(instead, data)
    return data if epoch == 1 else re.sub(rb'"usage":\{[^}]*\}', b'"usage":{}', data)


class Reference:
    """What an undisturbed server makes of each document."""

    def __init__(self, binary, folder):
        server = Server(binary, folder, FILE_SIZE_THRESHOLD_MB=0, HELPERS=HELPERS).start()
        client = server.client("reference")
        self.results, self.images, self.calls = {}, {}, {}
        for name, data in PAPERS.items():
            document = client.submit(data, name)
            job = document.end("completed")
            self.results[name] = client.get(document.path("/results")).content
            self.images[name] = image(client, document)
            self.calls[name] = job["usage"]["modelCalls"]
        server.stop()


def image(client, document):
    answer = client.get(document.path("/pages/1/image?size=200"))
    assert answer.status_code == 200, answer.text
    return answer.content


# ---- clients --------------------------------------------------------------------------------------------------------


class Upload:
    """A document as the client that handed it in knows it."""

    def __init__(self, tenant, name, paper, key):
        self.tenant, self.name, self.paper, self.key = tenant, name, paper, key
        self.id = None
        # Of what was asked for: no, yes (the server said so), maybe (it died before it answered).
        self.cancelled = self.deleted = self.read_again = "no"
        self.pages_seen = {}

    def __repr__(self):
        return f"{self.name} {self.id} (cancelled: {self.cancelled}, deleted: {self.deleted}, again: {self.read_again})"


class Answered:
    def __init__(self, status, body):
        self.status, self.body = status, body


class Clerk(threading.Thread):
    """A client at work. It waits while there is no server, and asks again where it may."""

    def __init__(self, round, number, spell):
        super().__init__(name=f"client {number}")
        self.round = round
        self.dice = random.Random(f"{round.seed}/{spell}/{number}")
        self.tenant = TENANTS[number % len(TENANTS)]
        self.prefix = f"s{spell}-c{number}"
        self.client = round.server.client(self.tenant)
        self.uploads = []
        self.counter = 0

    def run(self):
        try:
            weights = {"hand_in": 50, "look": 22, "view": 8, "cancel": 10, "retry": 6, "delete": 4, "repeat": 5}
            self.hand_in()
            for doing in self.dice.choices(list(weights), list(weights.values()), k=ACTIONS - 1):
                getattr(self, doing)()
        except BaseException as error:
            self.round.failed(error)

    # -- asking

    def ask(self, say):
        """What the server answered; None where it died before."""
        generation = self.round.wait_serving()
        try:
            return say()
        except (requests.RequestException, OSError) as error:
            # The server had no right to hang up unless it was killed meanwhile.
            assert self.round.killed_since(generation), f"no answer from a living server: {error!r}"
            return None

    def _one_of(self, wanted):
        found = [upload for upload in self.uploads if upload.id and upload.deleted == "no" and wanted(upload)]
        return self.dice.choice(found[-4:]) if found else None

    def _path(self, upload, rest=""):
        return f"/jobs/{upload.id}{rest}"

    # -- doing

    def hand_in(self):
        self.counter += 1
        paper = self.dice.choice(list(PAPERS))
        ending = paper.rpartition(".")[2]
        key = f"{self.prefix}-{self.counter}-{self.dice.getrandbits(64):x}" if self.dice.random() < 0.6 else None
        upload = Upload(self.tenant, f"{self.prefix}-{self.counter}.{ending}", paper, key)
        self.uploads.append(upload)
        slowly = len(PAPERS[paper]) > 1_000_000 or self.dice.random() < 0.25
        while not upload.id:
            answer = self.ask(lambda: self._send_slowly(upload) if slowly else self._send(upload))
            if answer:
                # 422: it was waited for, and it failed; it is accepted all the same.
                assert answer.status in (201, 202, 422), f"{upload}: {answer.status} {answer.body}"
                upload.id = answer.body["fileId"]
                self.round.happened("accepted")
            elif not key:
                return  # nobody knows

    def repeat(self):
        """What was answered, sent again under its key, is the same document."""
        upload = self._one_of(lambda upload: upload.key)
        if upload:
            answer = self.ask(lambda: self._send(upload))
            assert not answer or answer.body["fileId"] == upload.id, f"{upload}: again, and {answer.body}"

    def _send(self, upload):
        headers = {"Idempotency-Key": upload.key} if upload.key else None
        answer = self.client.upload(PAPERS[upload.paper], upload.name, headers=headers)
        return Answered(answer.status_code, answer.json())

    def _send_slowly(self, upload):
        headers = [f"X-Tenant-Id: {self.tenant}"] + ([f"Idempotency-Key: {upload.key}"] if upload.key else [])
        request = post(form(form_part("file", PAPERS[upload.paper], upload.name)), headers=headers)
        at = self.dice.randrange(len(request) // 3, len(request))
        with Wire(self.round.server, 60) as wire:
            wire.say(request[:at])
            self.round.happened("body")
            # Half of it has come, and the rest does not, for a moment.
            self.round.wait_death(self.dice.uniform(0, 0.08))
            wire.say(request[at:])
            answer = wire.answer()
        if answer.status is None:
            raise ConnectionError("hung up")
        return Answered(answer.status, json.loads(answer.body))

    def look(self):
        upload = self._one_of(lambda upload: True)
        if not upload:
            return
        document = self.client.document(upload.id)
        if self.dice.random() < 0.3:
            self.ask(lambda: self.client.get(self._path(upload, f"?wait={self.dice.choice((1, 2))}")))
        job = self.ask(document.job)
        pages = job and self.ask(document.pages)
        if pages and upload.read_again == "no":
            assert job["epoch"] == 1, f"{upload} is read again, and nobody asked for it: {job}"
            for page in pages:
                if page["status"] == "done":
                    before = upload.pages_seen.setdefault(page["pageNumber"], page)
                    assert page == before, f"{upload}: a page that was done was read again: {before}, then {page}"

    def view(self):
        """What is made on demand and not synced."""
        upload = self._one_of(lambda upload: True)
        if upload:
            self.ask(lambda: self.client.get(self._path(upload, "/results"), headers={"Accept": "text/markdown"}))
            self.ask(lambda: self.client.get(self._path(upload, "/pages/1/image?size=200")))

    def cancel(self):
        upload = self._one_of(lambda upload: upload.cancelled == "no")
        if upload:
            say = lambda: self.client.post(self._path(upload, "/cancel"))
            self._change(upload, "cancelled", "cancel", say, (202, 409))

    def retry(self):
        upload = self._one_of(lambda upload: upload.cancelled == "no" and upload.read_again == "no")
        if upload:
            body = {} if upload.paper in DAMAGED else {"json": {"pages": "1"}}
            say = lambda: self.client.post(self._path(upload, "/retry"), **body)
            self._change(upload, "read_again", "retry", say, (202, 409))

    def delete(self):
        upload = self._one_of(lambda upload: True)
        if upload:
            say = lambda: self.client.delete(self._path(upload))
            self._change(upload, "deleted", "delete", say, (204,))

    def _change(self, upload, what, moment, say, allowed):
        self.round.happened(moment)
        setattr(upload, what, "maybe")
        self.round.in_flight[moment] += 1
        answer = self.ask(say)
        if answer is not None:
            self.round.in_flight[moment] -= 1
            assert answer.status_code in allowed, f"{upload}: {moment}: {answer.status_code} {answer.text}"
            setattr(upload, what, "no" if answer.status_code == 409 else "yes")


# ---- a round --------------------------------------------------------------------------------------------------------

MOMENTS = 2 * ("body", "accepted", "pages", "aggregation") + ("cancel", "retry", "delete", "any")


class Round:
    def __init__(self, binary, folder, seed, reference, library=None):
        self.seed, self.reference = seed, reference
        self.folder = Path(folder)
        self.dice = random.Random(seed)
        self.power = None
        settings = {"FILE_SIZE_THRESHOLD_MB": self.dice.choice((0, 0, 0, 1)), "HELPERS": HELPERS}
        self.server = Server(binary, self.folder / "server", **settings)
        if library:
            self.power = Power(library, self.server.folder, self.folder / "journal")
            self.server.settings |= self.power.settings
        self.changed = threading.Condition()
        self.serving = False
        self.generation = 0
        self.moments = collections.Counter()
        self.in_flight = collections.Counter()
        self.errors, self.uploads, self.lines = [], [], []
        self.deaths = self.helper_deaths = 0
        self.story = None
        self.first_polls = []
        self.phases = collections.Counter()
        self.unnamed = collections.Counter()
        self.began = time.monotonic()

    def tell(self, text):
        line = f"{time.monotonic() - self.began:7.3f} s  {text}"
        self.lines.append(line)
        if self.story:
            self.story(line)

    # -- between clients and killer

    def failed(self, error):
        with self.changed:
            self.errors.append(error)
            self.changed.notify_all()

    def happened(self, moment):
        with self.changed:
            self.moments[moment] += 1
            self.changed.notify_all()

    def wait_serving(self):
        with self.changed:
            assert self.changed.wait_for(lambda: self.serving or self.errors, 60), "the server did not come back"
            if self.errors:
                raise SystemExit  # one failure is enough
            return self.generation

    def killed_since(self, generation):
        with self.changed:
            return self.generation != generation or not self.serving

    def wait_death(self, seconds):
        with self.changed:
            self.changed.wait_for(lambda: not self.serving, seconds)

    def _serve(self, serving):
        with self.changed:
            self.serving = serving
            self.generation += not serving
            self.changed.notify_all()

    # -- the killer

    def run(self):
        try:
            self._run()
        except BaseException:
            if self.server.process:
                self.server.kill()
            raise

    def _run(self):
        if self.dice.random() < 0.6:
            self._die_starting("the first start")
        self._start()
        for spell in range(SPELLS):
            clerks = [Clerk(self, number, spell) for number in range(CLIENTS)]
            for clerk in clerks:
                clerk.start()
            try:
                for moment, what in self._plan():
                    self._await(moment)
                    self._strike(moment, what)
            except BaseException as error:
                self.failed(error)
            for clerk in clerks:
                clerk.join(90)
                assert not clerk.is_alive(), "a client does not end"
            if self.errors:
                raise self.errors[0]
            self.uploads += [upload for clerk in clerks for upload in clerk.uploads]
            self._settle()
        self._check()

    def _plan(self):
        """Two deaths, and up to two of helpers before, between and after."""
        plan = [(self.dice.choice(MOMENTS), self.dice.choice(("all", "all", "server"))) for _ in range(2)]
        # Such a death comes before anybody could ask the server for anything.
        if self.dice.random() < 0.35:
            plan[1] = (self.dice.choice(("start-up", "restart")), "all")
        for _ in range(self.dice.choice((0, 0, 1, 2))):
            plan.insert(self.dice.choice((0, len(plan))), (self.dice.choice(("pages", "accepted", "any")), "helpers"))
        return plan

    def _await(self, moment):
        """Until it comes, if it does."""
        if moment in ("start-up", "restart"):
            return
        if moment == "any":
            with self.changed:
                self.changed.wait_for(lambda: self.errors, self.dice.uniform(0, 0.4))
        elif moment in ("pages", "aggregation"):
            wanted = "status=aggregating" if moment == "aggregation" else "status=processing"
            clients = [self.server.client(tenant) for tenant in TENANTS]
            deadline = time.monotonic() + 1.5
            while time.monotonic() < deadline and not self.errors:
                if any(client.get(f"/jobs?{wanted}&limit=1").json()["jobs"] for client in clients):
                    break
        else:
            with self.changed:
                before = self.moments[moment]
                self.changed.wait_for(lambda: self.moments[moment] > before or self.errors, 1.5)
        # What was asked at that moment takes a millisecond or two.
        delay = self.dice.choice((0, 0.001, 0.003, 0.01, 0.05)) * self.dice.random()
        with self.changed:
            self.changed.wait_for(lambda: self.errors, delay)

    def _strike(self, moment, what):
        if what == "helpers":
            self._kill_helpers(moment)
            return
        if moment == "start-up":
            self._serve(False)
            self.server.kill()
            self._fallen("server and helpers, a quick death before the next start dies, too")
            self._die_starting("a start")
            self._start()
            return
        self._serve(False)
        self.server.kill(helpers_too=what == "all")
        self._fallen(f"{moment}: killed {'server and helpers' if what == 'all' else 'the server alone'}")
        self._start()
        self.phases["restart"] += moment == "restart"

    def _kill_helpers(self, moment):
        self.helper_deaths += 1
        helpers = [pid for pid in descendants(self.server.pid)]
        for pid in helpers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.tell(f"{moment}: killed {len(helpers)} helpers")

    def _die_starting(self, what):
        """Killed up to 30 ms after its exec: on the way are its lock, key, tables, claims and helpers."""
        self.server.launch()
        with self.changed:
            self.changed.wait_for(lambda: self.errors, self.dice.uniform(0, 0.03))
        self.server.kill()
        self.phases["start-up"] += 1
        self._fallen(f"{what} was killed on its way")

    def _fallen(self, text):
        self.deaths += 1
        phases = self._phases()
        for phase in phases:
            self.phases[phase] += 1
        self.tell(f"{text}; at work: {', '.join(f'{count} {phase}' for phase, count in phases.items()) or 'nothing'}")
        self.in_flight.clear()
        if self.power:
            self.tell(f"power cut: {self.power.cut(self.dice)}")

    def _start(self):
        began = time.monotonic()
        self.server.start()
        # Any document that somebody was told of, or, where there is none yet, its health.
        known = next((upload for upload in self.uploads if upload.id and upload.deleted == "no"), None)
        path = f"/jobs/{known.id}" if known else "/health/live"
        client = self.server.client(known.tenant if known else None)
        until(lambda: client.get(path).status_code == 200, f"a good poll of {path}", 30, pause=0.001)
        self.first_polls.append(time.monotonic() - began)
        self.tell(f"serves again; the first good poll came {self.first_polls[-1] * 1000:.0f} ms after exec")
        self._serve(True)

    def _phases(self):
        """What was going on, read from a copy of what the dead server left."""
        found = collections.Counter({f"{moment} in flight": count for moment, count in self.in_flight.items()})
        found["body"] = sum(os.path.getsize(path) > 0 for path in self.server.spooled())
        database = self.server.data / "docmill.db"
        with tempfile.TemporaryDirectory(dir=self.folder) as copy:
            for path in (database, Path(f"{database}-wal")):
                if path.exists():
                    shutil.copy(path, copy)
            db = sqlite3.connect(Path(copy, "docmill.db"))
            try:
                for status, count in db.execute("SELECT status, count(*) FROM state GROUP BY status"):
                    if status not in FINAL:
                        found[status] += count
                found["claims"] = db.execute("SELECT count(*) FROM claim").fetchone()[0]
            except sqlite3.OperationalError:
                found["migration"] += 1  # there are no tables yet
            finally:
                db.close()
        return +found

    # -- left alone

    def _settle(self):
        for upload in self.uploads:
            if upload.id and upload.deleted == "no":
                self._end(upload)
        self._end_unanswered()
        self.tell("all has ended")

    def _end_unanswered(self):
        for upload in self.uploads:
            if not upload.id:
                for job in self._listed(upload.tenant).get(upload.name, []):
                    self.server.client(upload.tenant).document(job).end()

    def _end(self, upload):
        document = self.server.client(upload.tenant).document(upload.id)
        job = document.end()
        # A page that a killed helper was reading has ended `crashed`. It is read again, for the comparison.
        for _ in range(4):
            crashed = [page for page in document.pages() if page["error"] and page["error"]["reason"] == "crashed"]
            alone = job["status"] == "failed" and job["error"]["reason"] == "crashed"
            if not crashed and not alone:
                return
            # So has what three deaths of the server in a row found at work (docs/guarantees.md).
            suspects = self.helper_deaths + self.deaths // 3
            assert suspects, f"{upload}: nothing was killed that could have read it, and yet: {job} {crashed}"
            most = (HELPERS + 1) * suspects
            assert len(crashed) <= most, f"{upload}: {self.helper_deaths} helpers' deaths, {len(crashed)} pages crashed"
            assert document.retry().status_code == 202
            upload.read_again = "yes"
            job = document.end()
        raise AssertionError(f"{upload}: crashes although nobody kills helpers any more: {job}")

    # -- what must be true

    def _listed(self, tenant):
        """File ids by the names that clients gave."""
        found = collections.defaultdict(list)
        client = self.server.client(tenant)
        cursor = None
        while True:
            answer = client.get("/jobs", params={"limit": 500} | ({"cursor": cursor} if cursor else {})).json()
            for job in answer["jobs"]:
                found[job["fileName"]].append(job["fileId"])
            cursor = answer["nextCursor"]
            if not cursor:
                return found

    def _check(self):
        jobs = {}
        for tenant in TENANTS:
            listed = self._listed(tenant)
            mine = [upload for upload in self.uploads if upload.tenant == tenant]
            assert set(listed) <= {upload.name for upload in mine}, f"documents that nobody handed in: {listed}"
            for upload in mine:
                self._check_listed(upload, listed.get(upload.name, []))
        for upload in self.uploads:
            if upload.id and upload.deleted == "no":
                jobs[upload.id] = self._check_document(upload)
        self.server.check()
        self.server.stop()
        self._check_files()
        if self.power:
            self.tell(f"power cut after the end: {self.power.cut(self.dice)}")
        self._start()
        for upload in self.uploads:
            if upload.id in jobs:
                job = self.server.client(upload.tenant).document(upload.id).job()
                kept = {name: job[name] for name in ("status", "seq", "epoch", "pages", "usage", "timestamps")}
                before = jobs[upload.id]
                assert kept == {name: before[name] for name in kept}, f"{upload}: {before} became {job}"
                self._check_result(upload, job)
        self.server.stop()
        self.tell(f"{len(jobs)} documents as they must be")

    def _check_listed(self, upload, listed):
        assert len(listed) <= 1, f"{upload} is there {len(listed)} times: {listed}"
        if upload.id and upload.deleted == "no":
            assert listed == [upload.id], f"{upload} was accepted, and there is {listed}"
        if upload.deleted == "yes":
            assert listed == [], f"{upload} was deleted, and there is {listed}"
            assert self.server.client(upload.tenant).get(f"/jobs/{upload.id}").status_code == 404
        if not upload.id and listed:
            upload.id = listed[0]
        elif upload.deleted == "maybe" and not listed:
            upload.deleted = "yes"
        elif upload.deleted == "maybe":
            upload.deleted = "no"

    def _check_document(self, upload):
        document = self.server.client(upload.tenant).document(upload.id)
        job = document.job()
        assert job["fileName"] == upload.name and job["sizeBytes"] == len(PAPERS[upload.paper]), f"{upload}: {job}"
        allowed = {"no": ("completed",), "maybe": ("completed", "cancelled"), "yes": ("cancelled",)}[upload.cancelled]
        assert job["status"] in allowed, f"{upload}: {job}"
        pages, events = check_ledger(document, job)
        if upload.read_again == "no":
            assert job["epoch"] == 1, f"{upload}: {job}"
        if job["status"] == "completed":
            self._check_completed(upload, job, pages, events)
        if job["epoch"] == 1:
            now = {page["pageNumber"]: page for page in pages}
            for number, page in upload.pages_seen.items():
                assert now[number] == page, f"{upload}: page {number} was read twice: {page}, then {now[number]}"
        return job

    def _check_completed(self, upload, job, pages, events):
        total, damaged = PAGES[upload.paper], DAMAGED.get(upload.paper, [])
        failed = [page["pageNumber"] for page in pages if page["status"] == "failed"]
        assert len(pages) == total and failed == damaged, f"{upload}: {pages}"
        for page in pages:
            if page["status"] == "done":
                assert page["usage"]["modelCalls"] == 1 == len(page["attempts"]), f"{upload}: {page}"
        told, done = collections.Counter(), 0
        for event in events:
            if event["eventType"] in ("page.done", "page.failed"):
                told.update(page["pageNumber"] for page in event["data"]["pages"])
                done += len(event["data"]["pages"]) if event["eventType"] == "page.done" else 0
        # Each page ends once in each reading. Calls whose answers were lost with the process are not known to anybody.
        assert max(told.values()) <= job["epoch"] and min(told.values()) >= 1, f"{upload}: told {told}"
        reductions = self.reference.calls[upload.paper] - (total - len(damaged))
        # A reduction that a death left behind is taken over; what it cost is known to nobody, like a lost answer's.
        most = done + reductions * job["epoch"]
        assert done <= job["usage"]["modelCalls"] <= most, f"{upload}: {job['usage']} for {done} pages done"
        self._check_result(upload, job)

    def _check_result(self, upload, job):
        if job["status"] != "completed":
            return
        client = self.server.client(upload.tenant)
        document = client.document(upload.id)
        found = plain_result(client.get(document.path("/results")).content, job["epoch"])
        wanted = plain_result(self.reference.results[upload.paper], job["epoch"])
        assert found == wanted, f"{upload}: the result differs at {_difference(found, wanted)}"
        assert image(client, document) == self.reference.images[upload.paper], f"{upload}: the picture differs"

    def _check_files(self):
        """After an orderly end the folder holds what the ledger names, and no more."""
        assert not self.server.spooled(), self.server.spooled()
        blobs = {}
        for path in self.server.blobs():
            part = Path(path).parts
            blobs[part[1], "/".join(part[3:]).replace(",", "/", 1)] = path
        db = sqlite3.connect(self.server.data / "docmill.db")
        named = set()
        files = {}
        for tenant, file, status, epoch in db.execute("SELECT tenant, file, status, result_epoch FROM state"):
            files[file] = status
            named.add((tenant, f"{file}/source"))
            if epoch:
                named.add((tenant, f"{file}/results-{epoch}.json"))
        named.update(db.execute("SELECT DISTINCT tenant, segment FROM page WHERE segment<>''"))
        db.close()
        assert named <= set(blobs), f"the ledger names what is not there: {named - set(blobs)}"
        unnamed = self.unnamed
        for tenant, key in set(blobs) - named:
            file, _, rest = key.partition("/")
            if file not in files:
                unnamed["sources of nobody" if rest == "source" else f"other blobs of nobody: {rest}"] += 1
            elif rest.startswith("pages/"):
                unnamed["segments that no page names, of a document that is " + files[file]] += 1
            elif not rest.startswith(("results-", "reduction-", "images/")):
                unnamed["others"] += 1
        # A power cut may take the note of them, too.
        assert self.power or not unnamed["sources of nobody"], f"{unnamed}"
        if +unnamed:
            self.tell(f"left behind: {dict(unnamed)}")


def _difference(found, wanted):
    at = next((n for n, (a, b) in enumerate(zip(found, wanted)) if a != b), min(len(found), len(wanted)))
    around = slice(max(0, at - 60), at + 60)
    return f"byte {at} of {len(found)} and {len(wanted)}: {found[around]!r}, not {wanted[around]!r}"


# ---- many rounds ----------------------------------------------------------------------------------------------------

FIGURES = []  # lines for the end of a run of tests


def run_rounds(binary, folder, seeds, reference, library=None, say=lambda line: None, story=None):
    """Runs a round for each seed; returns what failed, and sums."""
    failures, rounds = [], []
    for seed in seeds:
        place = Path(folder, f"round-{seed}")
        round = Round(binary, place, seed, reference, library)
        round.story = story
        try:
            round.run()
            said = "ok"
        except Exception as error:
            said = f"FAILED: {type(error).__name__}: {error}"
            failures.append("\n".join([*round.lines, f"seed {seed}: {said}", f"its folder: {place}"]))
        else:
            shutil.rmtree(place)
        rounds.append(round)
        took = time.monotonic() - round.began
        say(f"seed {seed}: {said}; {round.deaths} deaths, {len(round.uploads)} uploads, {took:.1f} s")
    return failures, Sums(rounds)


class Sums:
    def __init__(self, rounds):
        self.rounds = len(rounds)
        self.deaths = sum(round.deaths for round in rounds)
        self.helper_deaths = sum(round.helper_deaths for round in rounds)
        self.uploads = sum(len(round.uploads) for round in rounds)
        self.phases = sum((round.phases for round in rounds), collections.Counter())
        self.unnamed = sum((round.unnamed for round in rounds), collections.Counter())
        self.polls_ms = [poll * 1000 for round in rounds for poll in round.first_polls] or [0]

    @property
    def poll_ms(self):
        return statistics.median(self.polls_ms)

    def lines(self):
        deaths = f"{self.deaths} deaths of the server, {self.helper_deaths} of helpers alone"
        return [
            f"{self.rounds} rounds: {deaths}, {self.uploads} uploads",
            f"first good poll after exec: median {self.poll_ms:.0f} ms, longest {max(self.polls_ms):.0f} ms",
            "at work at a death: " + ", ".join(f"{count} {phase}" for phase, count in self.phases.most_common()),
        ] + [f"left behind: {count} {what}" for what, count in self.unnamed.items()]


# ---- by hand --------------------------------------------------------------------------------------------------------


def main():
    ask = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    ask.add_argument("--seed", type=int, default=1, help="of the first round")
    ask.add_argument("--rounds", type=int, default=1)
    ask.add_argument("--power", action="store_true", help="unsynced changes are lost with the process")
    ask.add_argument("--keep", action="store_true", help="leave the folders of failed rounds")
    build = Path(__file__).parents[2] / "build"
    ask.add_argument("--docmill", default=os.environ.get("DOCMILL", build / "docmill"))
    wanted = ask.parse_args()
    library = Path(wanted.docmill).parent / "tests/integration/powercut/libpowercut.so" if wanted.power else None
    folder = tempfile.mkdtemp(prefix="crash-rounds-")
    reference = Reference(str(wanted.docmill), Path(folder, "reference"))
    seeds = range(wanted.seed, wanted.seed + wanted.rounds)
    story = print if wanted.rounds == 1 else None
    failures, sums = run_rounds(
        str(wanted.docmill), folder, seeds, reference, library, lambda line: print(line, flush=True), story
    )
    for failure in failures:
        print(failure)
    print("\n".join(sums.lines()))
    print(f"{wanted.rounds - len(failures)} of {wanted.rounds} rounds passed")
    if not (failures and wanted.keep):
        shutil.rmtree(folder)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
