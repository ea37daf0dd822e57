"""Blobs on S3: the ports' contract, objects of many parts, and faults on the way."""
import hashlib

import pytest
from services import variables

MIB = 1 << 20
FILE = "019a0000-0000-7000-8000-000000000001"
SOURCE, RESULT = f"{FILE}/source", f"{FILE}/results-1.json"


def pattern(size):
    return bytes((i * 7 + i // 256) & 255 for i in range(size))


def sha256(data):
    return hashlib.sha256(data).hexdigest() if data else ""


class Blobs:
    def __init__(self, program, url, bucket, results="-", encryption="-", **environment):
        self.program, self.places = program, (bucket, results, encryption)
        self.environment = variables(AWS_ENDPOINT_URL_S3=url, **environment)

    def __call__(self, word, key="x", size=0, timeout=120, **environment):
        ran = self.program("blobs", *self.places, word, key, str(size), timeout=timeout, **self.environment | environment)
        assert ran.returncode == 0 and not ran.stderr, ran.stderr
        first, *self.lines = ran.stdout.splitlines()
        code, number, digest, text = first.split("|", 3)
        self.text = text
        return code, int(number), digest

    def code(self, *arguments, **more):
        return self(*arguments, **more)[0]


@pytest.fixture
def results_bucket(s3, bucket):
    s3.create_bucket(Bucket=bucket + "-results")
    return bucket + "-results"


@pytest.fixture
def blobs(program, s3_server, bucket):
    return Blobs(program, s3_server.url, bucket)


@pytest.fixture
def front(s3_server, proxy):
    return proxy(s3_server)


@pytest.fixture
def faulty(program, front, bucket):
    return Blobs(program, front.url, bucket)


@pytest.fixture
def uploads(s3, bucket):
    """Uploads that were begun and neither completed nor given up."""
    return lambda: s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])


@pytest.mark.parametrize("apart", [False, True], ids=["one bucket", "results apart"])
def test_s3_keeps_the_contract_of_all_blobs(program, s3_server, bucket, results_bucket, apart):
    ran = program("blobs", bucket, results_bucket if apart else "-", "-", "contract",
                  **variables(AWS_ENDPOINT_URL_S3=s3_server.url))
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_contract_holds_while_answers_are_lost_and_requests_fail(program, s3_server, proxy, bucket):
    front = proxy(s3_server)
    # Rarely enough for what further tries may cost: 14 tokens each, and few of them come back where two fail in a row.
    front.rule("*", "lose", times=None, every=13)
    front.rule("*", "fail", times=None, every=17, status=500, code="InternalError")
    front.rule("*", "cut", times=None, every=19)
    ran = program("blobs", bucket, "-", "-", "contract", **variables(AWS_ENDPOINT_URL_S3=front.url, AWS_MAX_ATTEMPTS=10))
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_keys_are_below_the_prefix_and_the_tenant_and_results_in_their_bucket(blobs, s3, bucket, results_bucket):
    blobs.places = (bucket, results_bucket, "-")
    assert blobs.code("sink", SOURCE, 3, PREFIX="a b/") == "OK" and blobs.code("sink", RESULT, 4, PREFIX="a b/") == "OK"
    names = lambda where: [item["Key"] for item in s3.list_objects_v2(Bucket=where).get("Contents", [])]
    assert names(bucket) == [f"a b/acme/{SOURCE}"] and names(results_bucket) == [f"a b/acme/{RESULT}"]
    assert blobs("list", FILE + "/", PREFIX="a b/")[1] == 2 and blobs.lines == [RESULT, SOURCE]
    assert blobs("list", FILE + "/", 1, PREFIX="a b/")[1] == 1 and blobs.lines == [RESULT]
    assert blobs("get", RESULT, PREFIX="a b/") == ("OK", 4, sha256(pattern(4)))
    assert blobs.code("remove", FILE + "/", PREFIX="a b/") == "OK"
    assert names(bucket) == names(results_bucket) == []


@pytest.mark.parametrize("size", [8 * MIB, 8 * MIB + 1, 40 * MIB + 5])
def test_large_objects_go_and_come_in_parts(blobs, s3, bucket, uploads, size):
    data = pattern(size)
    assert blobs("sink", SOURCE, size) == ("OK", size, sha256(data))
    stored = s3.get_object(Bucket=bucket, Key=f"acme/{SOURCE}")["Body"].read()
    assert stored == data and not uploads()
    assert blobs("open", SOURCE) == ("OK", size, sha256(data))
    assert blobs("get", SOURCE) == ("OK", size, sha256(data))


def test_a_part_that_fails_gives_the_upload_up(faulty, front, s3, bucket, uploads):
    front.rule("UploadPart", "fail", times=None, status=403, code="AccessDenied")
    assert faulty.code("sink", SOURCE, 20 * MIB) == "UNAVAILABLE"
    assert "s3:PutObject is missing" in faulty.text
    assert not uploads() and "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_parts_are_sent_again_where_answers_are_lost(faulty, front, s3, bucket, uploads):
    front.rule("CreateMultipartUpload", "fail", status=503, code="SlowDown")
    front.rule("UploadPart", "lose", times=2)
    front.rule("UploadPart", "fail", times=2, status=500, code="InternalError")
    front.rule("CompleteMultipartUpload", "lose")
    size = 30 * MIB
    assert faulty("sink", SOURCE, size) == ("OK", size, sha256(pattern(size)))
    assert s3.head_object(Bucket=bucket, Key=f"acme/{SOURCE}")["ContentLength"] == size and not uploads()


def test_a_completion_that_fails_late_is_a_failure(faulty, front, uploads):
    front.rule("CompleteMultipartUpload", "answer", times=None, status=200,
               body=b"<?xml version='1.0'?>\n<Error><Code>InternalError</Code><Message>late</Message></Error>")
    assert faulty.code("sink", SOURCE, 9 * MIB) == "UNAVAILABLE" and "InternalError" in faulty.text
    assert not uploads()


def test_who_put_first_is_known_also_where_the_answer_was_lost(faulty, front, blobs):
    front.rule("PutObject", "lose")
    assert faulty.code("new", SOURCE, 5) == "OK"
    assert faulty.code("new", SOURCE, 5) == "EXISTS" and blobs.code("new", SOURCE, 6) == "EXISTS"
    front.rule("PutObject", "fail", status=409, code="ConditionalRequestConflict")
    assert faulty.code("new", SOURCE, 5) == "EXISTS"
    assert blobs.code("remove", SOURCE) == "OK"
    front.rule("PutObject", "fail", status=409, code="ConditionalRequestConflict")
    assert faulty.code("new", SOURCE, 5) == "OK"


def test_an_object_that_changes_while_it_is_read_is_not_mixed(faulty, front, s3, bucket):
    faulty("sink", SOURCE, 20 * MIB)
    front.rule("GetObject", "delay", seconds=0)
    front.rule("GetObject", "fail", times=None, status=412, code="PreconditionFailed")
    assert faulty.code("open", SOURCE) == "UNAVAILABLE" and "changed while it was read" in faulty.text
    assert faulty.code("get", SOURCE) == "UNAVAILABLE"


@pytest.mark.parametrize("headers, body", [
    ({}, b"12345"),
    ({"Content-Range": "bytes 1-5/5"}, b"12345"),
    ({"Content-Range": "bytes 0-5/6"}, b"12345"),
    ({"Content-Range": "bytes 0-4/99999999"}, b"12345"),
    ({"Content-Range": "bytes 0-4/*"}, b"12345"),
    ({"Content-Range": "bytes 0-18446744073709551615/18446744073709551616"}, b"12345"),
])
def test_a_range_that_is_not_what_was_asked_for_is_refused(faulty, front, headers, body):
    front.rule("GetObject", "answer", times=None, status=206, headers=headers, body=body)
    assert faulty.code("get", SOURCE) == "UNAVAILABLE" and faulty.code("open", SOURCE) == "UNAVAILABLE"


@pytest.mark.parametrize("body", [
    b"", b"<", b"<ListBucketResult>", b"<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
    f"<ListBucketResult><Contents><Key>other/{SOURCE}</Key></Contents></ListBucketResult>".encode(),
    b"<!DOCTYPE a [<!ENTITY b 'c'>]><ListBucketResult/>", b"<a>" * 100000, b"<ListBucketResult><Contents><Key>" + b"k" * 30000,
])
def test_a_list_that_is_none_removes_nothing(faulty, front, body):
    front.rule("ListObjectsV2", "answer", times=None, status=200, body=body)
    assert faulty.code("remove", FILE + "/") == "UNAVAILABLE" and front.seen["DeleteObjects"] == 0
    assert faulty.code("list", FILE + "/") == "UNAVAILABLE"


def test_what_could_not_be_removed_is_told(faulty, front):
    faulty.code("sink", SOURCE, 3)
    front.rule("DeleteObjects", "answer", status=200,
               body=b"<DeleteResult><Error><Key>k</Key><Code>AccessDenied</Code></Error></DeleteResult>")
    assert faulty.code("remove", FILE + "/") == "UNAVAILABLE" and "AccessDenied" in faulty.text


def test_more_than_a_thousand_objects_are_removed(blobs, s3, bucket):
    for number in range(1003):
        s3.put_object(Bucket=bucket, Key=f"acme/{FILE}/pages/seg-1-{number:05}-1-1.jsonl", Body=b"")
    assert blobs.code("remove", f"{FILE}/") == "OK"
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_an_archived_object_is_told_as_such(faulty, front):
    front.rule("GetObject", "fail", times=None, status=403, code="InvalidObjectState", message="not valid for its class")
    assert faulty.code("get", SOURCE) == "ARCHIVED" and faulty.code("open", SOURCE) == "ARCHIVED"


def test_encryption_is_asked_for_as_the_settings_say(program, moto_server, client, bucket):
    there = client("s3", moto_server.url)
    there.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    for encryption in ("AES256", "aws:kms"):
        blobs = Blobs(program, moto_server.url, bucket, encryption=encryption)
        for key, size in ((SOURCE, 3), (RESULT, 9 * MIB)):
            assert blobs.code("sink", key, size) == "OK", blobs.text
            assert there.head_object(Bucket=bucket, Key=f"acme/{key}")["ServerSideEncryption"] == encryption


def test_a_bucket_that_is_not_there_is_named_and_no_blob_counts_as_absent(program, s3_server):
    blobs = Blobs(program, s3_server.url, "no-such-bucket")
    for word in ("check", "get", "open", "new", "list", "remove"):
        code = blobs.code(word, FILE + "/" if word == "list" else SOURCE)
        assert code == ("NOT_FOUND" if word == "check" else "UNAVAILABLE"), word
        assert 'no bucket "no-such-bucket"' in blobs.text


@pytest.mark.parametrize("name", ["Upper", "ab", "a..b", "-a-", "a/b", "x" * 64, "a b"])
def test_a_name_that_no_bucket_has_is_refused(program, s3_server, name):
    blobs = Blobs(program, s3_server.url, name)
    assert blobs.code("check") == "INVALID" and "name of a bucket" in blobs.text


def test_a_folder_for_temporary_files_that_is_not_there_is_named(blobs):
    assert blobs.code("check", TMPDIR="/nowhere/at/all") == "IO" and "/nowhere/at/all" in blobs.text


def test_missing_permissions_show_in_the_check(faulty, front):
    front.rule("ListObjectsV2", "fail", status=403, code="AccessDenied")
    assert faulty.code("check") == "DENIED" and "s3:ListBucket is missing" in faulty.text
    assert faulty.code("check") == "OK"
