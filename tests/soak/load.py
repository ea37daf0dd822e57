"""The clients: they hand documents in, cancel, delete and retry some, and see each to its end, whatever becomes of the
server meanwhile. What they were promised and did not get is kept as a trouble.
"""
import collections
import queue
import random
import threading
import time
import uuid

import requests
from world import FINAL

CLIENTS = 8
TENANTS = ("acme", "globex", "initech")
# Of a thousand documents; the others are left alone.
ACTIONS = {"cancel": 70, "delete at once": 40, "delete": 100, "retry": 100, "look": 60}
KEYED_ONE_IN = 20
ANSWER_SECONDS = 90  # with a restart in between, on a busy machine
END_SECONDS = 240


class Trouble(Exception):
    """A promise that was not kept; `what` is the line of the table it counts in."""

    def __init__(self, what, sentence):
        super().__init__(sentence)
        self.what = what


class Task:
    def __init__(self, number, kind, body, action, keyed):
        self.number = number
        self.kind = kind
        self.body = body
        self.action = action
        self.key = str(uuid.UUID(int=keyed)) if keyed else None


def plan(kinds, count, seed, hanging):
    """The documents in order. Those numbered in `hanging` have a page that hangs."""
    dice = random.Random(seed)
    names, shares = zip(*((name, kind.share) for name, kind in kinds.items()))
    actions, weights = zip(*ACTIONS.items(), ("none", 1000 - sum(ACTIONS.values())))
    for number in range(count):
        name = dice.choices(names, shares)[0]
        action = dice.choices(actions, weights)[0]
        keyed = dice.getrandbits(128) if dice.randrange(KEYED_ONE_IN) == 0 else 0
        if number in hanging:
            name, action = "hanging", "none"
        yield Task(number, kinds[name], dice.choice(kinds[name].bodies), action, keyed)


class Load:
    def __init__(self, server):
        self.server = server
        self.tasks = queue.Queue()
        self.lock = threading.Lock()
        self.counts = collections.Counter()
        self.troubles = []
        self.done = 0
        for number in range(CLIENTS):
            threading.Thread(target=self._run, args=(TENANTS[number % len(TENANTS)],), daemon=True).start()

    def count(self, what, number=1):
        with self.lock:
            self.counts[what] += number

    def _run(self, tenant):
        client = Patient(self, tenant)
        while True:
            task = self.tasks.get()
            try:
                client.handle(task)
            except Exception as trouble:  # whatever it is, the run goes on and its end tells it
                what = getattr(trouble, "what", "wrong answers")
                with self.lock:
                    self.troubles.append((what, f"document {task.number}: {trouble!r}"))
            with self.lock:
                self.done += 1
            self.tasks.task_done()


class Patient:
    """A client that asks again where the server is away or busy, as clients must."""

    def __init__(self, load, tenant):
        self.load = load
        self.client = load.server.client(tenant)

    def ask(self, request, wanted, what):
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            try:
                answer = request()
            except requests.RequestException as gone:
                said = repr(gone)
            else:
                if answer.status_code in wanted:
                    return answer
                said = f"{answer.status_code} {answer.text[:300]}"
                if answer.status_code == 404:
                    raise Trouble("documents lost", f"{what}: {said}")
                if answer.status_code not in (429, 503):
                    raise Trouble("wrong answers", f"{what}: {said}")
            self.load.count("asked again")
            if time.monotonic() > deadline:
                raise Trouble("wrong answers", f"{what}: not answered within {ANSWER_SECONDS} s, at last {said}")
            time.sleep(0.05)

    # ---- one document ------------------------------------------------------------------------------------------------

    def handle(self, task):
        document = self.hand_in(task)
        if task.action == "cancel":
            # 409: it had ended already.
            said = self.ask(document.cancel, (202, 409), "cancel")
            self.load.count("cancelled in time", said.status_code == 202)
        if task.action == "delete at once":
            return self.delete(document)
        job = self.see_its_end(document)
        self.judge(task, job)
        if task.action == "retry" and job["status"] != "cancelled":
            self.retry(task, document, job)
        if task.action == "look":
            self.look(document, job)
        if task.action == "delete":
            self.delete(document)
        return None

    def hand_in(self, task):
        headers = {"Idempotency-Key": task.key} if task.key else None

        def upload():
            return self.client.upload(task.body, task.kind.name, headers=headers, **task.kind.fields)

        # 422: it could not be read, and that was found while the answer waited. It was accepted all the same.
        answer = self.ask(upload, (201, 202, 422), "upload")
        file_id = answer.json()["fileId"]
        self.load.count("accepted")
        if task.key:
            again = self.ask(upload, (201, 202, 422), "the upload again").json()["fileId"]
            if again != file_id:
                raise Trouble("wrong answers", f"{file_id} and, under the same key, {again}")
        return self.client.document(file_id)

    def see_its_end(self, document):
        deadline = time.monotonic() + END_SECONDS
        while True:
            job = self.ask(lambda: self.client.get(document.path("?wait=10")), (200,), document.id).json()
            if job["status"] in FINAL:
                return job
            if time.monotonic() > deadline:
                raise Trouble("documents without an end", f"{document.id} after {END_SECONDS} s: {job}")

    def judge(self, task, job):
        kind, pages = task.kind, job["pages"]
        self.load.count(job["status"])
        self.load.count("pages", pages["done"] + pages["failed"])
        if job["status"] == "cancelled" and task.action == "cancel":
            return
        reason = (job["error"] or {}).get("reason")
        failed = 1 if kind.failed else 0
        if job["status"] != kind.status or reason != kind.reason or pages["pending"] or pages["failed"] != failed:
            raise Trouble("wrong ends", f"{job['fileId']}, to be {kind.status} ({kind.reason}, {failed} failed): {job}")

    def retry(self, task, document, job):
        failed = job["pages"]["failed"]
        body = {} if failed or job["status"] == "failed" else {"pages": "1"}
        # 409: the request was repeated, and the first one had been heard. 410: retention was faster.
        said = self.ask(lambda: document.retry(**body), (202, 409, 410), "retry")
        self.load.count("retried", said.status_code == 202)
        self.judge(task, self.see_its_end(document))

    def look(self, document, job):
        """What people look at: the list, the pages, the events, the picture of a page, the result."""
        paths = ["/events", "/pages"]
        if job["pages"]["done"] and not job["pages"]["failed"]:
            paths += ["/results", "/pages/1", "/pages/1/image?size=200"]
        for path in paths:
            self.ask(lambda: self.client.get(document.path(path)), (200, 410), document.id + path)
        self.ask(lambda: self.client.get("/jobs?limit=20"), (200,), "the list")

    def delete(self, document):
        # 404: the request was repeated, and the first one had been heard.
        self.ask(lambda: self.client.delete(document.path()), (204, 404), "delete")
        self.ask(lambda: self.client.get(document.path()), (404,), "a deleted document")
        self.load.count("deleted")
