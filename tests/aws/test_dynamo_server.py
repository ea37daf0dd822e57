"""Whole documents through a server whose ledger lies in DynamoDB: from upload to results, through faults and deaths."""
import subprocess
import time
import uuid

import papers
import pytest
from services import variables
from world import Server, check_ledger, end_of, environment, until

FAULTS = [
    ("TransactWriteItems", "lose", {}),
    ("TransactWriteItems", "fail", {"status": 400, "code": "ThrottlingException"}),
    ("TransactWriteItems", "fail", {"status": 400, "code": "TransactionInProgressException"}),
    ("TransactWriteItems", "cut", {}),
    ("Query", "fail", {"status": 500, "code": "InternalServerError"}),
    ("BatchGetItem", "cut", {}),
    ("BatchGetItem", "fail", {"status": 400, "code": "ProvisionedThroughputExceededException"}),
    ("TransactGetItems", "fail", {"status": 400, "code": "TransactionCanceledException",
                                  "CancellationReasons": [{"Code": "TransactionConflict"}, {"Code": "None"}, {"Code": "None"}]}),
]


def init(binary, tmp_path, **settings):
    return subprocess.run([binary, "init"], env=environment(tmp_path, variables(**settings)), capture_output=True, text=True,
                          timeout=60)


@pytest.fixture
def table(binary, tmp_path, dynamodb_server):
    name = f"docmill-{uuid.uuid4()}"
    ran = init(binary, tmp_path, STORE=f"dynamodb:{name}", AWS_ENDPOINT_URL_DYNAMODB=dynamodb_server.url)
    assert (ran.returncode, ran.stdout) == (0, f"table {name}: made\n"), ran.stdout + ran.stderr
    return name


@pytest.fixture
def serve(binary, tmp_path, table):
    """A server on the table behind an address."""
    made = []

    def start(url, **settings):
        where = variables(STORE=f"dynamodb:{table}", AWS_ENDPOINT_URL_DYNAMODB=url)
        made.append(Server(binary, tmp_path / f"server-{len(made)}", **where, **settings).start())
        return made[-1]

    yield start
    for one in made:
        end_of(one)


def test_a_document_goes_from_upload_to_results_and_is_deleted(serve, dynamodb_server, client, table):
    tenant = serve(dynamodb_server.url).client("acme")
    document = tenant.submit(papers.text_pdf(14))
    check_ledger(document, document.end("completed"))
    assert [job["fileId"] for job in tenant.get("/jobs").json()["jobs"]] == [document.id]
    assert tenant.server.client("other").get(document.path()).status_code == 404
    assert tenant.delete(document.path()).status_code in (200, 202, 204)
    assert tenant.get(document.path()).status_code == 404
    assert tenant.get("/jobs").json()["jobs"] == []
    pages = client("dynamodb", dynamodb_server.url).get_paginator("scan").paginate(TableName=table)
    keys = {item["PK"]["S"] for page in pages for item in page["Items"]}
    assert keys <= {"SCHEMA", "PAUSE"} | {f"TENANT#acme#DOC#{document.id}"}  # the tenant is part of every key


def test_init_leaves_what_is_there_and_names_what_is_not(binary, tmp_path, table, dynamodb_server, s3_server, bucket):
    where = {"STORE": f"dynamodb:{table}", "AWS_ENDPOINT_URL_DYNAMODB": dynamodb_server.url,
             "AWS_ENDPOINT_URL_S3": s3_server.url}
    ran = init(binary, tmp_path, BLOBS=f"s3:{bucket}", **where)
    assert (ran.returncode, ran.stdout) == (0, f"table {table}: there, and in order\nbucket {bucket}: there, and can be used\n")
    ran = init(binary, tmp_path, BLOBS="s3:no-such-bucket", **where)
    assert ran.returncode == 1 and "in order" in ran.stdout and "BLOBS=s3:no-such-bucket" in ran.stderr
    ran = init(binary, tmp_path)
    assert ran.returncode == 64 and "STORE" in ran.stderr


def test_nothing_of_a_document_needs_this_machine_where_blobs_lie_in_s3_too(serve, dynamodb_server, s3_server, bucket, s3):
    first = serve(dynamodb_server.url, BLOBS=f"s3:{bucket}", AWS_ENDPOINT_URL_S3=s3_server.url)
    document = first.client("acme").submit(papers.text_pdf(14))
    told = check_ledger(document, document.end("completed"))
    assert s3.list_objects_v2(Bucket=bucket, Prefix=f"acme/{document.id}/")["KeyCount"] >= 3
    # A server on another folder finds all of it.
    second = serve(dynamodb_server.url, BLOBS=f"s3:{bucket}", AWS_ENDPOINT_URL_S3=s3_server.url)
    assert check_ledger(second.client("acme").document(document.id)) == told


def test_documents_end_right_while_the_service_throttles_fails_and_loses(serve, dynamodb_server, proxy):
    front = proxy(dynamodb_server)
    tenant = serve(front.url, FILE_SIZE_THRESHOLD_MB=0).client("acme")
    documents = []
    for operation, action, details in FAULTS * 2:
        front.rule(operation, action, **details)
        documents.append(tenant.submit(papers.text_pdf(3)))
    for document in documents:
        check_ledger(document, document.end("completed", seconds=120))
    until(lambda: not [rule for rule in front.rules if rule.left], "every fault was met", 60)


def test_an_upload_under_one_key_is_one_document_though_answers_are_lost(serve, dynamodb_server, proxy):
    front = proxy(dynamodb_server)
    tenant = serve(front.url).client("acme")
    front.rule("TransactWriteItems", "lose")
    headers = {"Idempotency-Key": "one"}
    first = tenant.upload(papers.text_pdf(1), headers=headers).json()["fileId"]
    assert tenant.upload(papers.text_pdf(1), headers=headers).json()["fileId"] == first
    assert len(tenant.get("/jobs").json()["jobs"]) == 1


def test_an_outage_is_told_and_over_when_it_is_over(serve, dynamodb_server, proxy):
    front = proxy(dynamodb_server)
    server = serve(front.url)
    tenant = server.client("acme")
    document = tenant.submit(papers.text_pdf(1))
    document.end("completed")
    front.rule("*", "cut", times=None)
    answer = tenant.get(document.path(), timeout=60)
    assert answer.status_code == 503 and "Retry-After" in answer.headers
    front.calm()
    until(lambda: tenant.get(document.path()).status_code == 200, "it is found again", 60)
    tenant.submit(papers.text_pdf(2)).end("completed")


def test_what_a_killed_server_had_begun_is_finished_by_the_next(serve, dynamodb_server):
    server = serve(dynamodb_server.url, FILE_SIZE_THRESHOLD_MB=0)
    tenant = server.client("acme")
    documents = [tenant.submit(papers.slow_pdf(12, levels=4))] + [tenant.submit(papers.text_pdf(20)) for _ in range(5)]
    documents[0].until(lambda job: job["progress"]["processed"] > 0, "pages are being read")
    server.kill()
    server.start()
    documents.append(tenant.submit(papers.text_pdf(3)))
    began = time.monotonic()
    for document in documents:
        check_ledger(document, document.end("completed", seconds=120))
    # Nobody takes a claim before its lease has been seen to stand still for 30 seconds.
    assert time.monotonic() - began < 110


def test_a_server_without_its_table_does_not_start_and_says_why(binary, tmp_path, dynamodb_server):
    settings = {"DOCMILL_DATA": tmp_path / "data", "PORT": 0, "STORE": "dynamodb:no-such-table"}
    settings |= variables(AWS_ENDPOINT_URL_DYNAMODB=dynamodb_server.url)
    ran = subprocess.run([binary, "serve"], env=environment(tmp_path, settings), capture_output=True, text=True, timeout=60)
    assert ran.returncode != 0 and "no-such-table" in ran.stderr and "docmill init" in ran.stderr
