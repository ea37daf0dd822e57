"""The provider as a process of its own, for tests and benches."""
import http.client
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from .record import Call

PACKAGE = Path(__file__).resolve().parent


class Trouble(RuntimeError):
    """It did not start, or did not like what it was told."""


class FakeProvider:
    """Runs while the block lasts:

        with FakeProvider(latency_ms="500") as fake:
            fake.change(request_limit="100/s")
            fake.next("429", page=2, retry_after_ms=1500)
            ...
            assert not early(fake.calls())

    The settings are those of settings.py. `python` is one that has what tests/integration/requirements.txt lists."""

    def __init__(self, python=sys.executable, **settings):
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        environment |= {"PYTHONPATH": str(PACKAGE.parent), "PYTHONDONTWRITEBYTECODE": "1"}
        self.process = subprocess.Popen(
            [str(python), "-m", "fake_provider", "--until-eof"], env=environment, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        line = self.process.stdout.readline()
        if not line:
            said = self.process.stderr.read().decode(errors="replace")
            self.close()
            raise Trouble(f"the fake provider did not start: {said[-2000:]}")
        for name, value in json.loads(line).items():
            setattr(self, name, value)
        self._control = http.client.HTTPConnection("127.0.0.1", self.control_port, timeout=60)
        if settings:
            self.change(**settings)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()

    @property
    def pid(self):
        return self.process.pid

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def tls_url(self):
        return f"https://127.0.0.1:{self.tls_port}"

    def base(self, protocol, tls=False):
        """The address as settings like GEMINI_BASE_URL take it: with the version, where the protocol's path has one."""
        versions = {"gemini": "/v1beta", "openai": "/v1", "anthropic": "/v1", "bedrock": ""}
        return (self.tls_url if tls else self.url) + versions[protocol]

    # -- control

    def _ask(self, method, path, value=None):
        body = None if value is None else json.dumps(value)
        self._control.request(method, path, body, {"content-type": "application/json"})
        answer = self._control.getresponse()
        said = json.loads(answer.read())
        if answer.status != 200:
            raise Trouble(f"{method} {path}: {said['error']}")
        return said

    def change(self, **settings):
        """From the next call on; limits begin full again. Settings that are not named stay."""
        self._ask("PATCH", "/settings", settings)

    def settings(self):
        return self._ask("GET", "/settings")

    def next(self, mood, times=1, page=None, task=None, **more):
        """What becomes of the next calls (of this page, of this task: "page" or "reduction"). Later ones wait."""
        step = {"mood": mood, "times": times, "page": page, "task": task} | more
        self._ask("POST", "/script", [{name: value for name, value in step.items() if value is not None}])

    def forget(self):
        """The calls so far and what was planned for the next ones."""
        self._ask("DELETE", "/calls")
        self._ask("DELETE", "/script")

    def calls(self, after=0, **wanted):
        """Those in the record, in the order of their arrival; `wanted` names fields and their values."""
        rows = self._ask("GET", f"/calls?after={after}")
        calls = [Call(**row) for row in rows]
        return [call for call in calls if all(getattr(call, name) == value for name, value in wanted.items())]

    def state(self):
        return self._ask("GET", "/state")

    def until(self, true, what, seconds=20):
        """The first answer of `true(self)` that is not empty."""
        deadline = time.monotonic() + seconds
        while not (answer := true(self)):
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds} s: {what}; the calls: {self.calls()[-20:]}")
            time.sleep(0.01)
        return answer
