"""Handing in: forms and raw bodies, waited for or not, options, names, and the same upload sent twice."""
import concurrent.futures
import json
import re
import time

import pytest

import papers
from world import Wire, ask, check_ledger, form, form_part, fresh, post, problem, until

UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")


# ---- as an earlier client does it -----------------------------------------------------------------------------------


def test_an_earlier_client_that_names_the_tenant_after_the_file_sees_its_document_from_the_first_poll(prompt_server):
    """It sends the file first, has no credential, knows no header of ours, and asks for the job at once."""
    client = prompt_server.client()
    tenant = fresh("earlier")
    for _ in range(10):
        body = form(
            form_part("file", papers.text_pdf(2), "report.pdf", "application/pdf"), form_part("tenantId", tenant)
        )
        answer = client.post("/upload", data=body, headers={"Content-Type": "multipart/form-data; boundary=BoundarY"})
        assert answer.status_code == 202
        said = answer.json()
        assert set(said) >= {"message", "fileId", "status", "processingType"}
        assert (said["status"], said["processingType"]) == ("uploaded", "async")
        first = client.get(f"/jobs/{said['fileId']}", params={"tenantId": tenant})
        assert first.status_code == 200, first.text
    client.tenant = tenant
    listed = client.get(f"/jobs/tenant/{tenant}")
    assert listed.status_code == 200 and len(listed.json()) == 10


def test_an_earlier_client_that_never_names_a_tenant_again_sees_its_document_from_the_first_poll(prompt_server):
    """Its GET /jobs/{fileId} carries nothing but the id, whatever tenant the upload named."""
    client = prompt_server.client()
    for tenant in ("default", fresh("earlier")):
        body = form(form_part("file", papers.text_pdf(2), "report.pdf"), form_part("tenantId", tenant))
        answer = client.post("/upload", data=body, headers={"Content-Type": "multipart/form-data; boundary=BoundarY"})
        document = client.document(answer.json()["fileId"])
        first = client.get(document.path())
        assert first.status_code == 200, f"uploaded for {tenant}: {first.text}"
        document.end("completed")
        assert document.results()["tenantId"] == tenant
        assert document.get("/download")["downloadUrl"]


def test_a_job_bears_the_names_that_clients_of_an_earlier_system_know(client):
    job = client.submit(papers.text_pdf(2), "report.pdf").end("completed")
    assert set(job) >= {"fileId", "fileName", "status", "progress", "timestamps", "result", "downloadUrl"}
    assert set(job["progress"]) >= {"processed", "total", "failed"}
    assert set(job["timestamps"]) >= {"uploaded", "started", "completed"}
    assert job["fileName"] == "report.pdf"
    assert job["result"]["s3Key"] == f"{client.tenant}/{job['fileId']}/results-1.json"
    assert job["timestamps"]["uploaded"] <= job["timestamps"]["started"] <= job["timestamps"]["completed"]


def test_fields_that_are_not_known_are_ignored_with_a_warning_where_earlier_clients_call(client):
    answer = client.upload(papers.tiny_pdf(), colour="blue")
    assert answer.status_code == 201
    assert "colour" in answer.headers["Warning"]
    answer = client.get(f"/jobs/{answer.json()['fileId']}?verbose=1")
    assert answer.status_code == 200 and "verbose" in answer.headers["Warning"]


# ---- waited for or not ----------------------------------------------------------------------------------------------


def test_a_small_upload_answers_with_its_finished_job(client):
    answer = client.upload(papers.text_pdf(2), "small.pdf")
    assert answer.status_code == 201
    said = answer.json()
    assert (said["status"], said["processingType"]) == ("uploaded", "sync")
    assert UUID.match(said["fileId"])
    assert said["job"]["status"] == "completed" and said["job"]["progress"]["processed"] == 2
    assert answer.headers["Location"].endswith(f"/api/jobs/{said['fileId']}")
    result = client.request("GET", said["resultUrl"])
    assert result.status_code == 200 and result.json()["totalPages"] == 2
    assert client.request("GET", said["job"]["downloadUrl"]).content == result.content


def test_an_upload_over_the_threshold_answers_at_once(serve):
    client = serve(FILE_SIZE_THRESHOLD_MB="0.01").client("acme")
    small = client.upload(papers.text_pdf(1))
    assert (small.status_code, small.json()["processingType"]) == (201, "sync")
    large = client.upload(papers.scanned_pdf(["one"]))
    assert (large.status_code, large.json()["processingType"]) == (202, "async")
    assert large.headers["Location"].endswith(f"/api/jobs/{large.json()['fileId']}")
    assert "job" not in large.json()
    client.document(large.json()["fileId"]).end("completed")


def test_with_a_threshold_of_nothing_no_upload_waits(prompt_client):
    answer = prompt_client.upload(papers.tiny_pdf())
    assert (answer.status_code, answer.json()["processingType"]) == (202, "async")
    prompt_client.document(answer.json()["fileId"]).end("completed")


def test_a_wait_that_takes_too_long_ends_with_202_and_the_document_goes_on(serve):
    client = serve(SYNC_WAIT_SECONDS=1).client("acme")
    began = time.monotonic()
    answer = client.upload(papers.slow_pdf(400, levels=4), "slow.pdf")
    waited = time.monotonic() - began
    assert answer.status_code == 202 and 0.9 <= waited < 4, waited
    document = client.document(answer.json()["fileId"])
    assert document.job()["status"] in ("pending", "chunking", "processing", "aggregating")
    document.until(lambda job: job["progress"]["processed"] > 0, "it goes on")
    document.cancel()


# ---- raw bodies -----------------------------------------------------------------------------------------------------


def test_a_document_may_be_the_body_itself(client):
    answer = client.post(
        "/upload", params={"fileName": "raw.pdf", "pages": "2"}, data=papers.text_pdf(3),
        headers={"Content-Type": "application/pdf"},
    )
    assert answer.status_code == 201, answer.text
    job = answer.json()["job"]
    assert (job["fileName"], job["pages"]["done"], job["pages"]["skipped"]) == ("raw.pdf", 1, 2)


def test_a_raw_body_without_a_name_is_named_after_its_kind(client):
    answer = client.post("/upload", data=papers.tiny_pdf(), headers={"Content-Type": "application/pdf"})
    assert answer.status_code == 201 and answer.json()["job"]["fileName"] == "document.pdf"


def test_a_raw_body_in_chunks_of_unknown_length_is_taken(client):
    data = papers.text_pdf(2)
    pieces = (data[at : at + 100] for at in range(0, len(data), 100))
    answer = client.post("/upload?fileName=chunked.pdf", data=pieces)
    assert answer.status_code == 201 and answer.json()["job"]["sizeBytes"] == len(data)


def test_a_form_that_arrives_byte_by_byte_is_taken(server):
    body = form(form_part("file", papers.tiny_pdf(), "slow.pdf"), form_part("tenantId", "drip"))
    with Wire(server) as wire:
        for at in range(0, len(post(body)), 7):
            wire.say(post(body)[at : at + 7])
        answer = wire.answer()
    assert answer.status == 201 and json.loads(answer.body)["job"]["sizeBytes"] == len(papers.tiny_pdf())


def test_a_form_whose_content_looks_like_its_boundary_arrives_unchanged(client):
    text = "--BoundarY\n\r\n--Boundar\r\n--BoundarX\r\n-\r\n--\r\n\r\r\n--BoundarZ " * 50
    body = form(form_part("file", text, "trap.txt"), form_part("tenantId", client.tenant))
    answer = client.post("/upload", data=body, headers={"Content-Type": "multipart/form-data; boundary=BoundarY"})
    assert answer.status_code == 201, answer.text
    assert answer.json()["job"]["sizeBytes"] == len(text)


def test_the_job_knows_size_kind_and_digest_of_what_came(client):
    import hashlib

    data = papers.text_pdf(1)
    job = client.submit(data).end("completed")
    assert job["sizeBytes"] == len(data)
    assert job["contentType"] == "application/pdf"
    assert job["sha256"] == hashlib.sha256(data).hexdigest()


# ---- options --------------------------------------------------------------------------------------------------------


def test_metadata_stays_with_the_document_unchanged(client):
    metadata = {"case": "4711", "nested": {"a": [1, 2.5, None, True]}, "text": "ü \" \\ \u2028"}
    document = client.submit(papers.tiny_pdf(), metadata=json.dumps(metadata))
    assert document.job()["metadata"] == metadata
    assert all(event["metadata"] == metadata for event in document.events())


@pytest.mark.parametrize(
    "fields, wrong",
    [
        ({"metadata": "[1]"}, ["metadata"]),
        ({"metadata": "{"}, ["metadata"]),
        ({"metadata": json.dumps({"a": "x" * 20_000})}, ["metadata"]),
        ({"metadata": '{"a":' * 3000 + "1" + "}" * 3000}, ["metadata"]),
        ({"priority": "10"}, ["priority"]),
        ({"priority": "-1"}, ["priority"]),
        ({"priority": "first"}, ["priority"]),
        ({"tenantId": "../etc"}, ["tenantId"]),
        ({"tenantId": "a" * 65}, ["tenantId"]),
        ({"tenantId": ""}, ["tenantId"]),
        ({"webhookUrl": "https://example.com/hook"}, ["webhookUrl"]),
        ({"prompt": "Summarise"}, ["prompt"]),
        ({"profile": "unheard-of"}, ["profile"]),
        ({"password": "x" * 300}, ["password"]),
        ({"priority": "x", "pages": "x", "metadata": "x"}, ["metadata", "pages", "priority"]),
    ],
)
def test_every_wrong_option_is_named(server, fields, wrong):
    client = server.client()
    before = server.blobs()
    said = problem(client.upload(papers.tiny_pdf(), **fields), 400, "validation")
    assert sorted(error["field"] for error in said["errors"]) == wrong
    assert all(error["detail"] for error in said["errors"])
    until(lambda: server.blobs() == before, "nothing left")


def test_a_password_in_the_address_is_refused_because_addresses_end_up_in_logs(client):
    said = problem(client.post("/upload?fileName=a.pdf&password=hush", data=papers.tiny_pdf()), 400, "validation")
    assert "hush" not in json.dumps(said)


def test_two_tenants_in_one_request_are_refused(server):
    client = server.client("one")
    problem(client.upload(papers.tiny_pdf(), tenantId="two"), 400, "validation")


def test_a_form_without_a_file_is_refused_by_name(client):
    said = problem(client.post("/upload", files={"tenantId": (None, client.tenant)}), 400, "validation")
    assert [error["field"] for error in said["errors"]] == ["file"]


def test_two_files_in_one_form_are_refused(client):
    files = [("file", ("a.pdf", papers.tiny_pdf())), ("file", ("b.pdf", papers.tiny_pdf()))]
    said = problem(client.post("/upload", files=files), 400, "validation")
    assert [error["field"] for error in said["errors"]] == ["file"]


# ---- names are data -------------------------------------------------------------------------------------------------

NAMES = [
    "../../../../etc/passwd",
    "..\\..\\windows\\system32\\config",
    "/etc/shadow",
    "....//....//x.pdf",
    "name with spaces & 'quotes'.pdf",
    "Überweisung – Zürich.pdf",
    "報告書😀.pdf",
    ".",
    "..",
    "con.pdf",
    "a" * 1000 + ".pdf",
    "%2e%2e%2f%00.pdf",
    "{fileId}/source",
    "<script>alert(1)</script>.pdf",
    "x.pdf; filename=y.exe",
    "'; DROP TABLE documents; --.pdf",
]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_name_full_of_tricks_is_kept_as_data_and_moves_no_file(server, client, name):
    answer = client.post("/upload", params={"fileName": name}, data=papers.tiny_pdf())
    assert answer.status_code == 201, answer.text
    document = client.document(answer.json()["fileId"])
    assert document.job()["fileName"] == name
    for blob in server.blobs():
        assert "passwd" not in blob and "windows" not in blob and "source/" not in blob
    outside = [path for path in server.folder.iterdir() if path not in (server.data, server.log_path)]
    assert not outside, f"something was written outside the data folder: {outside}"
    row = client.get("/jobs").json()["jobs"][0]
    assert row["fileName"] == name
    link = client.request("GET", document.get("/download")["downloadUrl"])
    disposition = link.headers["Content-Disposition"]
    assert "\r" not in disposition and "\n" not in disposition
    plain = re.search(r'filename="((?:[^"\\]|\\.)*)"', disposition)
    assert plain is None or ("/" not in plain[1] and "\\" not in plain[1].replace('\\"', ""))


@pytest.mark.parametrize("name", ["x\r\nX-Injected: yes.pdf", "x\0.pdf", "x\n.pdf", "tab\t.pdf", "\x7f.pdf"])
def test_a_name_with_control_characters_is_refused_and_injects_nothing(server, name):
    from urllib.parse import quote

    client = server.client()
    answer = client.post("/upload?fileName=" + quote(name), data=papers.tiny_pdf())
    problem(answer, 400)
    assert "X-Injected" not in answer.headers
    body = form(form_part("file", papers.tiny_pdf(), name.replace("\r\n", "\n")))
    raw = ask(server, post(body))
    assert raw is not None and raw.status == 400
    assert "x-injected" not in raw.headers


def test_a_name_too_long_is_refused(client):
    problem(client.post("/upload", params={"fileName": "a" * 1100}, data=papers.tiny_pdf()), 400, "validation")


def test_a_name_in_the_extended_notation_wins_over_the_plain_one(client):
    part = (
        b'Content-Disposition: form-data; name="file"; filename="plain.pdf"; '
        b"filename*=UTF-8''Gr%C3%BC%C3%9Fe.pdf\r\n\r\n" + papers.tiny_pdf()
    )
    answer = client.post("/upload", data=form(part), headers={"Content-Type": "multipart/form-data; boundary=BoundarY"})
    assert answer.status_code == 201 and answer.json()["job"]["fileName"] == "Grüße.pdf"


# ---- once ------------------------------------------------------------------------------------------------------------


def test_the_same_upload_under_the_same_key_is_one_document(prompt_client):
    key = {"Idempotency-Key": fresh("key")}
    first = prompt_client.upload(papers.text_pdf(2), "a.pdf", headers=key)
    again = prompt_client.upload(papers.text_pdf(2), "a.pdf", headers=key)
    assert first.status_code == again.status_code == 202
    assert first.json()["fileId"] == again.json()["fileId"]
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(prompt_client.get("/jobs").json()["jobs"]) == 1
    prompt_client.document(first.json()["fileId"]).end("completed")


def test_a_key_in_quotation_marks_is_the_same_key(prompt_client):
    key = fresh("key")
    first = prompt_client.upload(papers.tiny_pdf(), headers={"Idempotency-Key": key})
    again = prompt_client.upload(papers.tiny_pdf(), headers={"Idempotency-Key": f'"{key}"'})
    assert first.json()["fileId"] == again.json()["fileId"]


def test_another_upload_under_a_used_key_is_refused(server, client):
    key = {"Idempotency-Key": fresh("key")}
    first = client.upload(papers.tiny_pdf("one"), headers=key).json()["fileId"]
    before = server.blobs()
    problem(client.upload(papers.tiny_pdf("two"), headers=key), 422, "idempotency-key-reused")
    problem(client.upload(papers.tiny_pdf("one"), pages="1", headers=key), 422, "idempotency-key-reused")
    until(lambda: server.blobs() == before, "nothing left of the refused uploads")
    assert [job["fileId"] for job in client.get("/jobs").json()["jobs"]] == [first]


def test_a_key_belongs_to_its_tenant(server):
    key = {"Idempotency-Key": fresh("key")}
    one, two = server.client(fresh("tenant")), server.client(fresh("tenant"))
    assert one.upload(papers.tiny_pdf(), headers=key).json()["fileId"] != two.upload(papers.tiny_pdf(), headers=key).json()["fileId"]


def test_the_same_upload_sent_many_times_at_once_is_one_document(prompt_server):
    tenant = fresh("tenant")
    key = {"Idempotency-Key": fresh("key")}
    data = papers.text_pdf(3)

    def send(_):
        return prompt_server.client(tenant).upload(data, "a.pdf", headers=key)

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(send, range(16)))
    taken = [answer for answer in answers if answer.status_code == 202]
    assert taken and all(answer.status_code in (202, 409) for answer in answers), [a.status_code for a in answers]
    assert len({answer.json()["fileId"] for answer in taken}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in taken) == 1
    client = prompt_server.client(tenant)
    assert len(client.get("/jobs").json()["jobs"]) == 1
    document = client.document(taken[0].json()["fileId"])
    document.end("completed")
    check_ledger(document)
    sources = [blob for blob in prompt_server.blobs() if f"/{tenant}/" in f"/{blob}" and blob.endswith("source")]
    assert len(sources) <= 1, sources


@pytest.mark.parametrize("key", ["x" * 256, "with space", '""'])
def test_a_key_that_is_none_is_refused(client, key):
    problem(client.upload(papers.tiny_pdf(), headers={"Idempotency-Key": key}), 400, "validation")
