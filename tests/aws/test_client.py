"""The client that all services share: where it asks, when it tries again, and what it says when it does not work."""
import time

import pytest
from services import variables


@pytest.fixture
def call(program):
    """Calls an operation (once or several times over one client); gives (code, status, attempts, service's code, id, sentence)."""

    def make(service, operation, method="-", bucket="-", path="-", query="-", body="-", times=1, timeout=60, **environment):
        ran = program("call", service, operation, method, bucket, path, query, body, str(times), timeout=timeout,
                      **variables(**environment))
        assert ran.returncode == 0 and not ran.stderr, ran.stderr
        lines = [line.split("|", 5) for line in ran.stdout.splitlines()]
        rows = [(code, int(status), int(attempts), name, request, text) for code, status, attempts, name, request, text in lines]
        return rows if times > 1 else rows[0]

    return make


@pytest.fixture
def get(call, s3, bucket):
    """Gets an object that is there through whatever stands at the address."""
    s3.put_object(Bucket=bucket, Key="a", Body=b"bytes")

    def make(url, **more):
        return call("S3", "GetObject", "GET", bucket, "/a", AWS_ENDPOINT_URL_S3=url, **more)

    return make


def test_a_signed_request_is_answered(get, s3_server):
    assert get(s3_server.url)[:3] == ("OK", 200, 1)


def test_the_services_own_endpoint_goes_before_the_common_one(get, s3_server):
    assert get(s3_server.url, AWS_ENDPOINT_URL="http://127.0.0.1:1")[0] == "OK"


@pytest.mark.parametrize("url", ["ftp://x", "http://", "http://a b", "http://u:p@127.0.0.1", "http://127.0.0.1:99999", "127.0.0.1"])
def test_an_endpoint_that_is_none_is_refused_with_its_name(call, url):
    code, *_, text = call("S3", "ListBuckets", "GET", AWS_ENDPOINT_URL_S3=url)
    assert code == "INVALID" and "AWS_ENDPOINT_URL_S3" in text


def test_a_region_that_could_lead_elsewhere_is_refused(call):
    code, *_, text = call("S3", "ListBuckets", "GET", AWS_REGION="example.org/")
    assert code == "INVALID" and "AWS_REGION" in text


def test_a_wrong_key_is_told_without_it(get, s3_server):
    code, status, attempts, name, _, text = get(s3_server.url, AWS_SECRET_ACCESS_KEY="hush-hush")
    assert (code, status, attempts, name) == ("DENIED", 403, 1, "SignatureDoesNotMatch")
    assert "S3 GetObject" in text and "the secret key is wrong" in text and "hush" not in text


def test_what_is_transient_or_throttled_is_tried_again(get, s3_server, proxy):
    front = proxy(s3_server)
    front.rule("GetObject", "fail", status=500, code="InternalError")
    front.rule("GetObject", "fail", status=503, code="SlowDown")
    assert get(front.url)[:3] == ("OK", 200, 3)


@pytest.mark.parametrize("fault", ["cut", "lose"])
def test_a_connection_that_breaks_is_no_answer(get, s3_server, proxy, fault):
    front = proxy(s3_server)
    front.rule("GetObject", fault)
    assert get(front.url)[:3] == ("OK", 200, 2)
    front.rule("GetObject", fault, times=None)
    code, status, attempts, *_, text = get(front.url)
    assert (code, status, attempts) == ("UNAVAILABLE", 0, 3) and "S3 GetObject" in text


def test_after_all_attempts_the_error_names_the_request(get, s3_server, proxy):
    front = proxy(s3_server)
    front.rule("GetObject", "fail", times=None, status=503, code="SlowDown")
    code, status, attempts, name, request, text = get(front.url)
    assert (code, status, attempts, name, request) == ("THROTTLED", 503, 3, "SlowDown", "TESTREQUEST")
    assert "S3 GetObject" in text and "TESTREQUEST" in text
    assert get(front.url, AWS_MAX_ATTEMPTS=1)[2] == 1


def test_what_is_final_is_not_tried_again(call, moto_server, proxy):
    front = proxy(moto_server)
    front.rule("GetItem", "fail", status=400, code="ValidationException", message="no such attribute")
    code, _, attempts, name, _, text = call("DynamoDB", "GetItem", body="{}", AWS_ENDPOINT_URL_DYNAMODB=front.url)
    assert (code, attempts, name) == ("INTERNAL", 1, "ValidationException") and "no such attribute" in text


def test_a_missing_permission_is_named(call, moto_server, proxy):
    front = proxy(moto_server)
    front.rule("GetItem", "fail", status=400, code="AccessDeniedException", message="")
    front.rule("GetItem", "fail", status=400, code="AccessDeniedException",
               message="User: arn:aws:iam::1:user/u is not authorized to perform: kms:Decrypt on resource: k")
    first, second = call("DynamoDB", "GetItem", body="{}", times=2, AWS_ENDPOINT_URL_DYNAMODB=front.url)
    assert first[0] == "DENIED" and "the permission dynamodb:GetItem is missing" in first[5]
    assert second[0] == "DENIED" and "the permission kms:Decrypt is missing" in second[5]


def test_a_redirect_is_not_followed_and_the_region_is_named(get, s3_server, proxy):
    front = proxy(s3_server)
    front.rule("GetObject", "answer", status=301, body=b"<Error><Code>PermanentRedirect</Code></Error>",
               headers={"Location": "http://127.0.0.1:1/", "x-amz-bucket-region": "us-west-2"})
    code, status, attempts, *_, text = get(front.url)
    assert (code, status, attempts) == ("REFUSED", 301, 1) and "us-west-2" in text and "AWS_REGION" in text


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 200 OK\r\n" + b"X-Endless: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 5000,
    b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
    b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 2000000,
    b"no HTTP at all\r\n\r\n",
    b"HTTP/1.1 500 Fault\r\nContent-Length: 9\r\n\r\n<Error><C",
    b"HTTP/1.1 403 No\r\nContent-Length: 46\r\n\r\n<!DOCTYPE Error [<!ENTITY a 'b'>]><Error/>&a;&",
])
def test_a_broken_or_hostile_answer_is_an_error(get, s3_server, proxy, answer):
    front = proxy(s3_server)
    front.rule("GetObject", "raw", times=None, bytes=answer)
    code, *_, text = get(front.url)
    assert code in ("UNAVAILABLE", "TOO_LARGE", "DENIED") and "S3 GetObject" in text


def test_a_service_in_trouble_is_asked_less_and_less(get, s3_server, proxy):
    """500 tokens, 14 for each further try: after 35 of them a call is one request."""
    front = proxy(s3_server)
    front.rule("GetObject", "fail", times=None, status=500, code="InternalError")
    rows = get(front.url, times=40)
    assert [row[2] for row in rows[:17]] == [3] * 17
    assert [row[2] for row in rows[20:]] == [1] * 20
    assert front.seen["GetObject"] == 40 + 500 // 14


def test_a_clock_that_is_off_is_corrected_by_the_services_date(get, s3_server, proxy):
    front = proxy(s3_server)
    soon = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 600))
    front.rule("GetObject", "answer", status=403, body=b"<Error><Code>RequestTimeTooSkewed</Code></Error>", headers={"Date": soon})
    rows = get(front.url, times=2)
    # versitygw allows a quarter of an hour: what is signed ten minutes ahead is taken.
    assert [row[:3] for row in rows] == [("OK", 200, 2), ("OK", 200, 1)]
    # The same date again is no reason to try again.
    front.rule("GetObject", "answer", times=2, status=403, body=b"<Error><Code>RequestTimeTooSkewed</Code></Error>",
               headers={"Date": soon})
    code, _, attempts, *_ , text = get(front.url)
    assert (code, attempts) == ("DENIED", 2) and "clock" in text


def test_bytes_that_do_not_match_their_checksum_are_asked_for_again(call, moto_server, proxy):
    front = proxy(moto_server)
    front.rule("ListTables", "answer", status=200, headers={"x-amz-crc32": "1"}, body=b"{}")
    assert call("DynamoDB", "ListTables", body="{}", AWS_ENDPOINT_URL_DYNAMODB=front.url)[:3] == ("OK", 200, 2)
