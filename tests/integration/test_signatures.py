"""Signatures for AWS, judged by botocore: the same requests, signed by both."""

import datetime
import pathlib
import random
import string
import subprocess
from unittest import mock
from urllib.parse import parse_qsl, quote, urlsplit

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

ODD = "aZ09-_.~ /+=%&?#:@!$'()*,;[]{}|\\^`\"<>é漢😀\t"
REQUESTS = 700


def text(rand, most, letters=ODD):
    return "".join(rand.choice(letters) for _ in range(rand.randrange(most + 1)))


def path(rand, service):
    parts = [quote(text(rand, 12), safe="~") for _ in range(rand.randrange(5))]
    if service != "s3":
        parts = [rand.choice([part, part, part, "", ".", ".."]) for part in parts]
    return "/" + "/".join(parts) + rand.choice(["", "/" if parts else ""])


def query(rand):
    pairs = []
    for _ in range(rand.choice([0, 0, 1, 2, 5])):
        name = quote(text(rand, 8) or "x", safe="")
        pairs.append((name, quote(text(rand, 12), safe="")))
        if rand.random() < 0.2:
            pairs.append((name, quote(text(rand, 3), safe="")))
    rand.shuffle(pairs)
    return "&".join(f"{name}={value}" for name, value in pairs)


def headers(rand):
    letters = string.ascii_letters + string.digits + "  \t-_=;,/"
    names = {"Content-Type", "X-Amz-Target", "Range", "If-None-Match", "x-amz-meta-" + text(rand, 5, "abcXYZ9-"),
             "X-Custom-" + text(rand, 5, "abcXYZ9-"), "User-Agent", "Expect"}
    some = rand.sample(sorted(names), rand.randrange(len(names)))
    return [(name, text(rand, 20, letters)) for name in some]


def draw(rand):
    service = rand.choice(["s3", "bedrock", "dynamodb", "kinesis", "lambda"])
    host = rand.choice([f"{service}.eu-west-1.amazonaws.com", "127.0.0.1:4566", "localhost", "[::1]:8000"])
    return {
        "service": service,
        "region": rand.choice(["us-east-1", "eu-central-1", "ap-southeast-2"]),
        "method": rand.choice(["GET", "POST", "PUT", "DELETE", "HEAD"]),
        "host": host,
        "path": path(rand, service),
        "query": query(rand),
        "headers": headers(rand),
        "body": rand.randbytes(rand.choice([0, 1, 100, 3000])),
        "key-id": "AKIA" + text(rand, 16, string.ascii_uppercase),
        "key": "k" + text(rand, 40, string.ascii_letters + "+/"),
        "session": rand.choice(["", text(rand, 900, string.ascii_letters + string.digits + "+/=")]),
        "time": rand.randrange(946_684_800, 4_102_444_800),
        "unsigned": service == "s3" and rand.random() < 0.3,
    }


def as_lines(request):
    lines = [f"{name} {request[name]}" for name in ("service", "region", "method", "host", "path", "query", "key-id", "key")]
    lines += [f"header {name}:{value}" for name, value in request["headers"]]
    lines += [f"body {request['body'].hex()}", f"session {request['session']}", f"time {request['time'] * 1000}"]
    lines += ["sha256 UNSIGNED-PAYLOAD"] if request["unsigned"] else []
    lines += [f"seconds {request['seconds']}"] if "seconds" in request else []
    lines += [f"expires {request['expires'] * 1000}"] if "expires" in request else []
    return "\n".join(lines + ["", ""])


def asked_of(request):
    url = f"https://{request['host']}{request['path']}" + (f"?{request['query']}" if request["query"] else "")
    asked = AWSRequest(request["method"], url, data=request["body"])
    for name, value in request["headers"]:
        asked.headers[name] = value
    asked.context["client_config"] = Config(s3={"payload_signing_enabled": not request["unsigned"]})
    return asked


def at_that_time(request):
    now = datetime.datetime.fromtimestamp(request["time"], datetime.timezone.utc).replace(tzinfo=None)
    return mock.patch("botocore.auth.get_current_datetime", return_value=now)


def by_botocore(request):
    """The headers that botocore adds."""
    asked = asked_of(request)
    credentials = Credentials(request["key-id"], request["key"], request["session"] or None)
    kind = botocore.auth.S3SigV4Auth if request["service"] == "s3" else botocore.auth.SigV4Auth
    with at_that_time(request):
        kind(credentials, request["service"], request["region"]).add_auth(asked)
    names = ("Authorization", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-Sha256")
    return {name.lower(): asked.headers[name] for name in names if name in asked.headers}


def presigned_by_botocore(request, seconds):
    """The parameters of a URL that botocore signs."""
    asked = asked_of(request)
    credentials = Credentials(request["key-id"], request["key"], request["session"] or None)
    with at_that_time(request):
        botocore.auth.S3SigV4QueryAuth(credentials, "s3", request["region"], expires=seconds).add_auth(asked)
    return dict(parse_qsl(urlsplit(asked.url).query, keep_blank_values=True))


def answers_of(binary, requests):
    program = pathlib.Path(binary).parent / "tests" / "integration" / "sign_requests"
    ran = subprocess.run([program], input="".join(map(as_lines, requests)), capture_output=True, text=True, timeout=60)
    assert ran.stderr == "" and ran.returncode == 0
    answers = ran.stdout.split("\n\n")[:-1]
    assert len(answers) == len(requests)
    return answers


@pytest.mark.parametrize("seed", range(3))
def test_hundreds_of_odd_requests_are_signed_as_botocore_signs_them(binary, seed):
    rand = random.Random(seed)
    requests = [draw(rand) for _ in range(REQUESTS)]
    for request, answer in zip(requests, answers_of(binary, requests)):
        added = {name.lower(): value for name, value in (line.split(": ", 1) for line in answer.split("\n"))}
        assert added == by_botocore(request), request


def draw_url(rand):
    """A request for S3 whose parameters have names of their own: botocore keeps one of a name."""
    request = draw(rand)
    names = {text(rand, 8) or "x" for _ in range(rand.choice([0, 0, 1, 3]))}
    return request | {
        "service": "s3",
        "method": rand.choice(["GET", "PUT"]),
        "path": path(rand, "s3"),
        "query": "&".join(f"{quote(name, safe='')}={quote(text(rand, 12), safe='')}" for name in names),
        "body": b"",
        "unsigned": False,
        "seconds": rand.randrange(1, 604_801),
    }


@pytest.mark.parametrize("seed", range(3))
def test_hundreds_of_urls_are_signed_as_botocore_signs_them(binary, seed):
    rand = random.Random(seed)
    requests = [draw_url(rand) for _ in range(REQUESTS)]
    for request, answer in zip(requests, answers_of(binary, requests)):
        assert dict(parse_qsl(answer, keep_blank_values=True)) == presigned_by_botocore(request, request["seconds"]), request


def test_no_url_outlives_the_credentials_behind_it(binary):
    rand = random.Random(4)
    requests = [draw_url(rand) | {"seconds": 3600} for _ in range(20)]
    for number, request in enumerate(requests):
        request["expires"] = request["time"] + 100 * (number + 1) * 2
    for number, (request, answer) in enumerate(zip(requests, answers_of(binary, requests))):
        seconds = min(3600, 200 * (number + 1))
        assert dict(parse_qsl(answer, keep_blank_values=True)) == presigned_by_botocore(request, seconds)
