"""Parameters of SSM: read below a path with decryption, written, and read again by a task while docmill runs."""
import json
import subprocess
import threading
import time
import uuid
from pathlib import Path

import pytest
from services import variables


@pytest.fixture
def ssm(client, moto_server):
    return client("ssm", moto_server.url)


@pytest.fixture
def path():
    """Below which no other test looks."""
    return f"/docmill/{uuid.uuid4().hex}"


@pytest.fixture
def put(ssm, path):
    def make(name, value, kind="SecureString", below=path):
        ssm.put_parameter(Name=f"{below}/{name}", Value=value, Type=kind, Overwrite=True)

    return make


@pytest.fixture
def parameters(program, moto_server, path):
    """Runs the C program; gives (code, sentence, {name: (value, version, how it lies there, whether it has a date)})."""

    def run(*words, url=moto_server.url, below=path, **more):
        ran = program("parameters", below, *words, **variables(AWS_ENDPOINT_URL_SSM=url, **more))
        assert ran.returncode == 0 and not ran.stderr, ran.stderr
        first, *rest = ran.stdout.splitlines()
        code, _, sentence = first.partition("|")
        rows = [line.split("|") for line in rest]
        return code, sentence, {name: tuple(more) for name, *more in rows}

    return run


class Watch:
    """The task that reads again, driven line by line."""

    def __init__(self, binary, path, every_ms, url, more):
        command = [Path(binary).parent / "tests" / "aws" / "parameters", path, "watch", str(every_ms)]
        self.process = subprocess.Popen(command, env=variables(AWS_ENDPOINT_URL_SSM=url, **more), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1)
        self.lines, self.came = [], threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        assert self.line("OK|") == "OK|"

    def _read(self):
        for line in self.process.stdout:
            with self.came:
                self.lines.append(line.rstrip("\n"))
                self.came.notify_all()

    def line(self, beginning, seconds=20):
        """The next line that begins so; it is taken away."""
        deadline = time.monotonic() + seconds
        with self.came:
            while not (found := [line for line in self.lines if line.startswith(beginning)]):
                assert self.came.wait(deadline - time.monotonic()), f"no {beginning!r} in {self.lines}"
            self.lines.remove(found[0])
            return found[0]

    def ask(self, word, beginning="= "):
        self.process.stdin.write(word + "\n")
        return self.line(beginning)

    def end(self):
        """How long it took to stop."""
        begun = time.monotonic()
        self.process.stdin.close()
        assert self.process.wait(20) == 0
        self.reader.join()
        self.process.stdout.close()
        return time.monotonic() - begun


@pytest.fixture
def watch(binary, path, moto_server):
    made = []

    def start(url=moto_server.url, every_ms=100, **more):
        more = {name: str(value) for name, value in more.items()}
        made.append(Watch(binary, path, every_ms, url, more))
        return made[-1]

    yield start
    for one in made:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


# ---- reading ----

def test_all_pages_are_read_with_decryption(parameters, put):
    for number in range(23):
        put(f"name-{number:02}", f"value {number}")
    put("team/plain", "seen", kind="String")
    code, _, found = parameters("read")
    assert code == "OK" and len(found) == 24
    assert found["name-07"] == ("value 7", "1", "encrypted", "dated")
    assert found["team/plain"][::2] == ("seen", "plain")


def test_nothing_below_the_path_is_nothing(parameters):
    assert parameters("read") == ("OK", "", {})


def test_a_path_that_another_one_begins_with_is_another(parameters, put, path):
    put("a", "mine")
    put("a", "another's", below=path + "-more")
    assert list(parameters("read")[2]) == ["a"]


@pytest.mark.parametrize("below", ["/", "docmill", "/docmill//prod", "/docmill/pro d", "/" + "x" * 1100])
def test_a_path_that_is_none_is_refused(parameters, below):
    assert parameters("read", below=below)[0] == "INVALID"


def test_more_parameters_than_settings_can_have_are_refused(parameters, proxy, moto_server, path):
    stand = proxy(moto_server)
    for page in range(21):
        rows = [{"Name": f"{path}/n{page}-{i}", "Value": "v", "Type": "String", "Version": 1} for i in range(10)]
        stand.rule("GetParametersByPath", "answer", status=200, body=answer(rows, f"page {page}"))
    code, sentence, found = parameters("read", url=stand.url)
    assert code == "TOO_LARGE" and "200" in sentence and not found


# ---- faults on the way ----

def test_throttled_and_lost_pages_are_asked_for_again(parameters, proxy, moto_server, put):
    for number in range(12):
        put(f"name-{number:02}", "v")
    stand = proxy(moto_server)
    stand.rule("GetParametersByPath", "fail", status=400, code="ThrottlingException")
    stand.rule("GetParametersByPath", "lose")
    assert parameters("read", url=stand.url)[0] == "OK"
    assert stand.seen["GetParametersByPath"] == 4


def test_throttling_that_does_not_end_is_said(parameters, proxy, moto_server):
    stand = proxy(moto_server)
    stand.rule("*", "fail", times=None, status=400, code="ThrottlingException")
    assert parameters("read", url=stand.url)[0] == "THROTTLED"
    assert stand.seen["GetParametersByPath"] == 3


@pytest.mark.parametrize("words, permission", [(("read",), "ssm:GetParametersByPath"), (("get", "a"), "ssm:GetParameter"),
                                               (("put", "a", "s3cret"), "ssm:PutParameter"),
                                               (("remove", "a"), "ssm:DeleteParameter")])
def test_a_permission_that_is_missing_is_named(parameters, proxy, moto_server, words, permission):
    stand = proxy(moto_server)
    stand.rule("*", "fail", times=None, status=400, code="AccessDeniedException", message="no")
    code, sentence, _ = parameters(*words, url=stand.url)
    assert code == "DENIED" and permission in sentence and "s3cret" not in sentence


def test_the_permission_that_the_service_names_goes_before(parameters, proxy, moto_server):
    stand = proxy(moto_server)
    stand.rule("*", "fail", times=None, status=400, code="AccessDeniedException",
               message="User x is not authorized to perform: kms:Decrypt on resource y")
    assert "the permission kms:Decrypt is missing" in parameters("read", url=stand.url)[1]


# ---- hostile answers ----

def answer(rows, token=None):
    return json.dumps({"Parameters": rows} | ({"NextToken": token} if token else {})).encode()


def row(path, **more):
    return {"Name": f"{path}/a", "Value": "s3cret", "Type": "String", "Version": 1} | more


@pytest.mark.parametrize("make", [
    lambda path: b"", lambda path: b"{", lambda path: b"[]", lambda path: b"{}", lambda path: b'{"Parameters":{}}',
    lambda path: answer([1]), lambda path: answer([row(path, Name="/other/a")]), lambda path: answer([row(path, Name=path)]),
    lambda path: answer([row(path, Name=f"{path}/../x/a b")]), lambda path: answer([row(path, Value=7)]),
    lambda path: answer([row(path, Value="")]), lambda path: answer([row(path, Value="x" * 8193)]),
    lambda path: answer([row(path, Type="Strange")]), lambda path: answer([row(path, Version=0)]),
    lambda path: answer([row(path), row(path)]), lambda path: answer([row(path)], "x" * 5000),
    lambda path: b'{"Parameters":[],"NextToken":7}', lambda path: answer([row(path, Value="a\0b")])])
def test_an_answer_that_is_none_is_refused_and_not_repeated_in_the_sentence(parameters, proxy, moto_server, path, make):
    stand = proxy(moto_server)
    stand.rule("*", "answer", times=None, status=200, body=make(path))
    code, sentence, found = parameters("read", url=stand.url)
    assert code == "CORRUPT" and not found and "s3cret" not in sentence


def test_an_answer_without_end_is_cut_off(parameters, proxy, moto_server):
    stand = proxy(moto_server)
    stand.rule("*", "answer", times=None, status=200, body=b"x" * 1_000_000)
    assert parameters("read", url=stand.url)[0] == "TOO_LARGE"


def test_pages_without_end_end(parameters, proxy, moto_server):
    stand = proxy(moto_server)
    stand.rule("*", "answer", times=None, status=200, body=answer([], "the same"))
    code, sentence, _ = parameters("read", url=stand.url)
    assert code == "CORRUPT" and "do not end" in sentence and stand.seen["GetParametersByPath"] == 2


def test_empty_pages_with_new_tokens_end_too(parameters, proxy, moto_server):
    stand = proxy(moto_server)
    for number in range(200):
        stand.rule("*", "answer", status=200, body=answer([], f"page {number}"))
    assert parameters("read", url=stand.url)[0] == "CORRUPT"
    assert stand.seen["GetParametersByPath"] == 100


# ---- writing ----

def test_what_is_written_lies_there_encrypted(parameters, ssm, path):
    assert parameters("put", "gemini-api-key", "k1")[0] == "OK"
    assert parameters("put", "gemini-api-key", "k2")[0] == "OK"
    found = ssm.get_parameter(Name=f"{path}/gemini-api-key", WithDecryption=True)["Parameter"]
    assert (found["Value"], found["Type"], found["Version"]) == ("k2", "SecureString", 2)


def test_a_new_one_never_replaces_another(parameters):
    assert parameters("new", "a", "first")[0] == "OK"
    assert parameters("new", "a", "second")[0] == "EXISTS"
    assert parameters("get", "a")[2]["a"][0] == "first"


@pytest.mark.parametrize("value", ["", "x" * 4097, "\udcff"])
def test_a_value_that_no_parameter_can_have_is_refused_before_it_is_sent(parameters, proxy, moto_server, value):
    stand = proxy(moto_server)
    assert parameters("put", "a", value, url=stand.url)[0] in ("INVALID", "TOO_LARGE") and not stand.seen


def test_what_ssm_quotes_of_a_refused_value_is_not_repeated(parameters, proxy, moto_server):
    stand = proxy(moto_server)
    stand.rule("*", "fail", status=400, code="ValidationException", message="Value 's3cr' at 'value' failed")
    code, sentence, _ = parameters("put", "a", "s3cr\u00e9t", url=stand.url)
    assert code == "INVALID" and "ValidationException" in sentence and "s3cr" not in sentence


def test_removing_is_told_once_even_where_its_answer_was_lost(parameters, proxy, moto_server, put):
    stand = proxy(moto_server)
    put("a", "v")
    stand.rule("DeleteParameter", "lose")
    assert parameters("remove", "a", url=stand.url)[0] == "OK"
    assert parameters("remove", "a")[0] == "NOT_FOUND"


# ---- the task ----

def test_a_new_value_is_there_soon_and_old_ones_stay_while_ssm_fails(watch, proxy, moto_server, put):
    put("key", "first")
    stand = proxy(moto_server)
    task = watch(stand.url)
    assert task.ask("key") == "= first"
    put("key", "second")
    assert task.line("changed ") == "changed key"
    assert task.ask("key") == "= second"

    stand.rule("*", "fail", times=None, status=400, code="AccessDeniedException", message="no")
    put("key", "third")
    assert "ssm:GetParametersByPath" in task.line("failing ")
    assert task.ask("key") == "= second" and task.ask("check", "DENIED|")
    seen = stand.seen["GetParametersByPath"]
    while stand.seen["GetParametersByPath"] < seen + 3:
        time.sleep(0.01)
    stand.calm()
    task.line("back")
    assert task.ask("key") == "= third" and task.ask("check", "OK|")
    assert not [line for line in task.lines if line.startswith("failing")], "one failure is told once"
    task.end()


def test_what_is_gone_keeps_its_value_and_is_told_once(watch, ssm, put, path):
    put("key", "first")
    task = watch()
    ssm.delete_parameter(Name=f"{path}/key")
    assert task.line("gone ") == "gone key" and task.ask("key") == "= first"
    put("other", "more")
    assert task.line("changed ") == "changed other" and task.ask("other") == "= more"
    assert not [line for line in task.lines if line.startswith("gone")]
    assert task.ask("none", "NOT_FOUND|")
    task.end()


def test_throttling_makes_it_ask_less_often(watch, proxy, moto_server):
    stand = proxy(moto_server)
    stand.rule("*", "hand on", times=1)  # the first reading, before the task
    stand.rule("*", "fail", times=None, status=400, code="ThrottlingException")
    task = watch(stand.url, every_ms=100, AWS_MAX_ATTEMPTS=1)
    task.line("failing ")
    begun = time.monotonic()
    while stand.seen["GetParametersByPath"] < 5:
        time.sleep(0.01)
    assert time.monotonic() - begun > 0.9 * (0.2 + 0.4 + 0.8) - 0.1, "each pause is twice the one before"
    task.end()


def test_it_stops_at_once_while_it_asks(watch, proxy, moto_server):
    stand = proxy(moto_server)
    task = watch(stand.url, every_ms=20)
    stand.rule("*", "delay", times=None, seconds=8)
    seen = stand.seen["GetParametersByPath"]
    while stand.seen["GetParametersByPath"] < seen + 1:
        time.sleep(0.01)
    assert task.end() < 4


def test_whoever_is_refused_with_a_value_has_it_read_at_once_but_not_all_the_time(watch, proxy, moto_server, put):
    put("key", "first")
    stand = proxy(moto_server)
    task = watch(stand.url, every_ms=600_000)
    put("key", "second")
    deadline = time.monotonic() + 20
    while not [line for line in task.lines if line == "changed key"]:
        assert time.monotonic() < deadline
        task.process.stdin.write("hurry\n")
        time.sleep(0.05)
    assert task.ask("key") == "= second"
    assert stand.seen["GetParametersByPath"] == 2
    task.end()
