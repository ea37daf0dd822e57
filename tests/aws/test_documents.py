"""Whole documents through a server whose blobs lie on S3."""
import json
import os
import subprocess

import pytest
from papers import text_pdf
from services import KEY, KEY_ID, REGION
from world import FINAL, Server, end_of, until


@pytest.fixture
def results_bucket(s3, bucket):
    s3.create_bucket(Bucket=bucket + "-results")
    return bucket + "-results"


@pytest.fixture
def settings(s3_server, bucket, results_bucket):
    return {"BLOBS": f"s3:{bucket}", "S3_RESULTS_BUCKET": results_bucket, "AWS_ENDPOINT_URL_S3": s3_server.url,
            "AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": KEY, "AWS_REGION": REGION}


@pytest.fixture
def serve(binary, tmp_path, settings):
    servers = []

    def start(**more):
        servers.append(Server(binary, tmp_path / f"server{len(servers)}", **settings | more))
        return servers[-1].start()

    yield start
    for server in servers:
        end_of(server)


@pytest.fixture
def keys(s3):
    def of(bucket):
        return sorted(item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", []))

    return of


def test_a_document_is_read_and_its_blobs_lie_under_its_tenant(serve, s3, bucket, results_bucket, keys):
    server = serve(FILE_SIZE_THRESHOLD_MB=0)
    document = server.client("acme").submit(text_pdf(2))
    document.end("completed")
    answer = document.client.get(document.path("/results"))
    assert answer.status_code == 200 and len(json.loads(s3.get_object(Bucket=results_bucket, Key=f"acme/{document.id}/results-1.json")
                                                        ["Body"].read())) > 0
    assert all(key.startswith(f"acme/{document.id}/") for key in keys(bucket) + keys(results_bucket))
    assert f"acme/{document.id}/source" in keys(bucket)
    assert keys(results_bucket) == [f"acme/{document.id}/results-1.json"]
    assert document.client.get(document.path("/pages/1")).status_code == 200
    assert not [path for path in server.blobs() if "source" in path or "results" in path]


def test_an_archived_result_is_answered_as_such(serve, proxy, s3_server):
    front = proxy(s3_server)
    server = serve(AWS_ENDPOINT_URL_S3=front.url, FILE_SIZE_THRESHOLD_MB=0)
    document = server.client("acme").submit(text_pdf(1))
    document.end("completed")
    front.rule("GetObject", "fail", times=None, status=403, code="InvalidObjectState")
    answer = document.client.get(document.path("/results"))
    assert answer.status_code == 409 and answer.json()["type"].endswith("archived"), answer.text


def test_documents_get_through_while_s3_fails_now_and_then(serve, proxy, s3_server):
    front = proxy(s3_server)
    server = serve(AWS_ENDPOINT_URL_S3=front.url, FILE_SIZE_THRESHOLD_MB=0)
    front.rule("*", "fail", times=None, every=9, status=500, code="InternalError")
    front.rule("*", "lose", times=None, every=11)
    for document, count in [(server.client("acme").submit(text_pdf(count)), count) for count in (1, 3, 7)]:
        assert document.end("completed")["progress"]["processed"] == count


@pytest.mark.parametrize("wrong, named", [
    ({"BLOBS": "s3:no-such-bucket"}, "no-such-bucket"),
    ({"AWS_SECRET_ACCESS_KEY": "hush-hush"}, "the secret key is wrong"),
    ({"AWS_REGION": ""}, "AWS_REGION"),
    ({"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1"}, "BLOBS"),
    ({"S3_RESULTS_BUCKET": "no-such-results"}, "no-such-results"),
])
def test_a_server_that_cannot_have_its_blobs_does_not_start(binary, tmp_path, settings, wrong, named):
    server = Server(binary, tmp_path / "refused", **settings | wrong)
    server.launch()
    assert server.wait_end(30) != 0
    assert named in server.log() and "hush" not in server.log()


def test_the_doctor_tries_the_bucket(binary, tmp_path, settings):
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)} | settings

    def doctor(**more):
        ran = subprocess.run([binary, "doctor", "--json", "--port", "0"], env=environment | more, capture_output=True, text=True, timeout=60)
        return next(check for check in json.loads(ran.stdout)["checks"] if check["name"] == "blobs")

    assert doctor()["verdict"] == "ok"
    failed = doctor(BLOBS="s3:no-such-bucket")
    assert failed["verdict"] == "fail" and "no-such-bucket" in failed["saw"]


def test_nothing_accepted_is_lost_over_deaths(serve, proxy, s3_server, keys, bucket):
    """Six times killed while documents come and are read, with a slow S3 to die in; twice at most over the same documents, because what
    is lost three times in a row is taken for the cause."""
    front = proxy(s3_server)
    front.rule("*", "delay", times=None, every=3, seconds=0.05)
    server = serve(AWS_ENDPOINT_URL_S3=front.url, FILE_SIZE_THRESHOLD_MB=0)
    accepted = []
    for death, seen in enumerate(("PutObject", "PutObject", "GetObject", "PutObject", "GetObject", "PutObject")):
        accepted += [server.client("acme").submit(text_pdf(count)).id for count in (2, 5)]
        before = front.seen[seen]
        until(lambda: front.seen[seen] > before or all(server.client("acme").document(one).job()["status"] in FINAL for one in accepted),
              f"another {seen}")
        server.kill()
        server.start()
        if death % 2:
            for one in accepted:
                server.client("acme").document(one).end("completed", seconds=60)
    for one in accepted:
        assert server.client("acme").document(one).end("completed", seconds=120)["progress"]["failed"] == 0
    there = keys(bucket)
    assert all(f"acme/{one}/source" in there for one in accepted)
