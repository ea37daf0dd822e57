"""Settings and keys that lie below SSM_PARAMETER_PATH, and secrets that KMS seals, as a server uses them."""
import hashlib
import json
import subprocess
import uuid

import papers
import pytest
from fake_provider import KEY, FakeProvider
from services import variables
from world import Server, check_ledger, end_of, environment, until

OLD, NEW = "sk-old-00000000000000000000", "sk-new-11111111111111111111"
PASSWORD = "open sesame 31415"


def counted_as(key):
    """As the fake provider remembers a key."""
    return hashlib.sha256(key.encode()).hexdigest()[:12]


@pytest.fixture(scope="module")
def provider():
    with FakeProvider() as fake:
        fake.usual = fake.settings()
        yield fake


@pytest.fixture
def fake(provider):
    provider.change(**provider.usual)
    provider.forget()
    return provider


@pytest.fixture
def path():
    return f"/docmill/{uuid.uuid4().hex}"


@pytest.fixture
def put(client, moto_server, path):
    ssm = client("ssm", moto_server.url)

    def make(name, value, kind="SecureString"):
        ssm.put_parameter(Name=f"{path}/{name}", Value=value, Type=kind, Overwrite=True)

    return make


@pytest.fixture
def key(client, moto_server):
    return client("kms", moto_server.url).create_key()["KeyMetadata"]["KeyId"]


@pytest.fixture
def given(path, moto_server):
    """What a server is told; the rest lies in SSM."""
    return variables(SSM_PARAMETER_PATH=path, AWS_ENDPOINT_URL=moto_server.url)


@pytest.fixture
def serve(binary, tmp_path, given):
    servers = []

    def start(**more):
        servers.append(Server(binary, tmp_path / f"server{len(servers)}", **{"FILE_SIZE_THRESHOLD_MB": 0} | given | more))
        return servers[-1].start()

    yield start
    for server in servers:
        end_of(server)


@pytest.fixture
def docmill(binary, tmp_path, given):
    """A command that ends by itself: (status, all that it said)."""

    def run(*words, **more):
        ran = subprocess.run([binary, *words], env=environment(tmp_path, given | more), capture_output=True, text=True, timeout=60)
        return ran.returncode, ran.stdout + ran.stderr

    return run


@pytest.fixture
def settings_of(docmill):
    def read(**more):
        status, said = docmill("settings", "--json", **more)
        assert status == 0, said
        return {row["name"]: (row["value"], row["from"]) for row in json.loads(said)["settings"]}

    return read


def assert_nowhere(server, *secrets):
    """None of the secrets stands in clear in anything that the server wrote."""
    paths = [path for path in server.folder.rglob("*") if path.is_file()]
    assert server.log_path in paths and any(path.name == "docmill.db" for path in paths)
    for path in paths:
        held = path.read_bytes()
        for secret in secrets:
            assert secret.encode() not in held, f"{path} holds a secret in clear"


# ---- which settings ----

def test_parameters_are_settings_in_either_spelling(settings_of, put):
    put("gemini-api-key", OLD)
    put("MODEL_RPM", "77", kind="String")
    put("limits/max-pages", "9\n", kind="String")
    found = settings_of()
    assert found["GEMINI_API_KEY"] == ("***", "parameter gemini-api-key")
    assert found["MODEL_RPM"] == ("77", "parameter MODEL_RPM")
    assert found["MAX_PAGES"] == ("9", "parameter limits/max-pages")


def test_flag_environment_and_file_go_before_a_parameter(settings_of, docmill, put, tmp_path):
    for name in ("max-pages", "model-rpm", "max-attempts"):
        put(name, "7", kind="String")
    (tmp_path / "file").write_text("MAX_ATTEMPTS=5\n")
    status, said = docmill("settings", "--json", "--config", str(tmp_path / "file"), MAX_PAGES="11")
    found = {row["name"]: (row["value"], row["from"]) for row in json.loads(said)["settings"]}
    assert status == 0
    assert found["MAX_PAGES"] == ("11", "environment")
    assert found["MODEL_RPM"] == ("7", "parameter model-rpm")
    assert found["MAX_ATTEMPTS"][0] == "5"


@pytest.mark.parametrize("name, value, words", [
    ("gemini-apikey", "x", "did you mean GEMINI_API_KEY?"), ("nonsense-of-somebody", "x", "there is no setting"),
    ("Gemini-Api-Key", "x", "there is no setting"), ("aws-region", "eu-west-1", "is needed to find the parameters"),
    ("ssm-parameter-path", "/x", "is needed to find the parameters"), ("model-rpm", "many", "(parameter)")])
def test_a_parameter_that_is_no_setting_is_refused_with_its_name(docmill, put, name, value, words):
    put(name, value)
    status, said = docmill("serve", PORT=0)
    assert status != 0 and words in said and (name in said or name.upper().replace("-", "_") in said)


def test_a_setting_that_is_there_twice_is_refused(docmill, put):
    put("model-rpm", "7")
    put("team/MODEL_RPM", "8")
    status, said = docmill("serve", PORT=0)
    assert status != 0 and "is the same setting as another parameter's" in said


def test_secrets_are_not_in_faults(docmill, put):
    put("gemini-apikey", OLD)
    put("auth", NEW)
    status, said = docmill("serve", PORT=0)
    assert status != 0 and "GEMINI_API_KEY" in said and OLD not in said


@pytest.mark.parametrize("code, words", [("AccessDeniedException", "ssm:GetParametersByPath"), ("ThrottlingException", "Throttling")])
def test_parameters_that_cannot_be_read_are_said_with_the_setting(docmill, proxy, moto_server, path, code, words):
    stand = proxy(moto_server)
    stand.rule("*", "fail", times=None, status=400, code=code)
    status, said = docmill("serve", PORT=0, AWS_ENDPOINT_URL_SSM=stand.url)
    assert status == 1 and f"SSM_PARAMETER_PATH={path}" in said and words in said
    status, said = docmill("doctor", AWS_ENDPOINT_URL_SSM=stand.url)
    assert status != 0 and words in said


def test_a_key_of_kms_needs_a_path(docmill):
    status, said = docmill("serve", PORT=0, KMS_KEY_ID="alias/x", SSM_PARAMETER_PATH="")
    assert status != 0 and "KMS_KEY_ID" in said and "SSM_PARAMETER_PATH" in said


def test_the_doctor_tries_parameters_and_keys(docmill, proxy, moto_server, put, key):
    put("model-rpm", "7")
    stand = proxy(moto_server)
    _, said = docmill("doctor", KMS_KEY_ID=key)
    assert "parameters below /docmill/" in said and "KMS seals and opens" in said
    stand.rule("GenerateDataKey", "fail", times=None, status=400, code="AccessDeniedException", message="no")
    status, said = docmill("doctor", KMS_KEY_ID=key, AWS_ENDPOINT_URL_KMS=stand.url)
    assert status != 0 and "kms:GenerateDataKey" in said


# ---- a key that is rotated ----

@pytest.fixture
def reading(serve, fake, put):
    """A server that reads with Gemini, whose key lies in SSM."""
    put("gemini-api-key", OLD)
    fake.change(keys=[OLD, NEW])

    def start(**more):
        return serve(**{"MODEL": "gemini:gemini-2.5-flash", "MODEL_INPUT": "text", "GEMINI_BASE_URL": fake.base("gemini"),
                        "SSM_REFRESH_SECONDS": 1} | more)

    return start


def read_one(server, pages=1):
    document = server.client("acme").submit(papers.text_pdf(pages))
    check_ledger(document, document.end("completed"))
    return document


def keys_used(fake):
    return {call.key for call in fake.calls(task="page")}


def test_a_key_that_is_rotated_is_used_without_a_restart(reading, fake, put):
    server = reading()
    read_one(server)
    assert keys_used(fake) == {counted_as(OLD)}
    put("gemini-api-key", NEW + "\n")
    until(lambda: list(server.events("parameter.changed")), "the new key is seen")
    fake.forget()
    read_one(server)
    assert keys_used(fake) == {counted_as(NEW)}
    assert [(event["parameter"], event["used"]) for event in server.events("parameter.changed")] == [("gemini-api-key", "now")]
    assert_nowhere(server, OLD, NEW)


def test_pages_that_wait_for_a_revoked_key_go_on_with_the_new_one_at_once(reading, fake, put):
    server = reading(SSM_REFRESH_SECONDS=3600)
    read_one(server)
    fake.change(keys=[NEW])
    fake.forget()
    document = server.client("acme").submit(papers.text_pdf(3))
    until(lambda: [call for call in fake.calls() if call.key == counted_as(OLD) and call.status != 200], "the key is refused")
    put("gemini-api-key", NEW)
    check_ledger(document, document.end("completed", seconds=60))
    assert_nowhere(server, OLD, NEW)


def test_a_variable_goes_before_a_parameter_that_changes(reading, fake, put):
    fake.change(keys=[KEY, OLD, NEW])
    server = reading(GEMINI_API_KEY=KEY)
    put("gemini-api-key", NEW)
    until(lambda: list(server.events("parameter.changed")), "the change is seen")
    read_one(server)
    assert keys_used(fake) == {counted_as(KEY)}
    assert [event["used"] for event in server.events("parameter.changed")] == ["from the next start"]


def test_a_server_whose_parameters_cannot_be_read_goes_on_and_says_so(reading, fake, put, proxy, moto_server):
    stand = proxy(moto_server)
    server = reading(AWS_ENDPOINT_URL_SSM=stand.url)
    stand.rule("*", "fail", times=None, status=400, code="AccessDeniedException", message="no")
    down = until(lambda: list(server.events("backend.down")), "it is said")
    assert down[0]["backend"] == "parameters" and "ssm:GetParametersByPath" in down[0]["error"]
    read_one(server)
    answer = server.client("acme").get("/health")
    assert answer.status_code == 200 and answer.json()["status"] == "ok"
    assert answer.json()["checks"]["parameters"]["status"] == "failing"
    stand.calm()
    until(lambda: list(server.events("backend.up")), "it is over")
    assert server.client("acme").get("/health").json()["checks"]["parameters"] == {"status": "ok"}


# ---- secrets sealed by KMS ----

def test_a_documents_password_is_sealed_by_kms_and_nowhere_in_clear(serve, key, proxy, moto_server):
    stand = proxy(moto_server)
    server = serve(KMS_KEY_ID=key, AWS_ENDPOINT_URL_KMS=stand.url)
    document = server.client("acme").submit(papers.encrypted(papers.text_pdf(2), PASSWORD), password=PASSWORD)
    document.end("completed")
    assert stand.seen["GenerateDataKey"] == 1
    assert_nowhere(server, PASSWORD)


def test_a_document_whose_password_cannot_be_opened_yet_waits(serve, key, proxy, moto_server):
    stand = proxy(moto_server)
    server = serve(KMS_KEY_ID=key, AWS_ENDPOINT_URL_KMS=stand.url)
    stand.rule("GenerateDataKey", "fail", times=None, status=400, code="KMSInvalidStateException")
    answer = server.client("acme").upload(papers.encrypted(papers.text_pdf(1), PASSWORD), password=PASSWORD)
    assert answer.status_code == 503, answer.text
    stand.calm()
    document = server.client("acme").submit(papers.encrypted(papers.text_pdf(1), PASSWORD), password=PASSWORD)
    document.end("completed")


# ---- docmill secret ----

@pytest.fixture
def secret(binary, tmp_path, given):
    def run(*words, value=None, **more):
        ran = subprocess.run([binary, "secret", *words], env=environment(tmp_path, given | more), input=value,
                             capture_output=True, text=True, timeout=60)
        assert not any(one in ran.stdout + ran.stderr for one in (OLD, NEW))
        return ran.returncode, ran.stdout + ran.stderr

    return run


def test_docmill_secret_rotates_the_common_key(secret, reading, fake, client, moto_server, path):
    server = reading()
    status, said = secret("set", "GEMINI_API_KEY", value=NEW + "\n")
    assert status == 0 and "GEMINI_API_KEY is set" in said
    until(lambda: list(server.events("parameter.changed")), "the new key is seen")
    read_one(server)
    assert keys_used(fake) == {counted_as(NEW)}
    found = client("ssm", moto_server.url).get_parameters_by_path(Path=path, WithDecryption=True)["Parameters"]
    assert [(one["Name"], one["Value"], one["Type"]) for one in found] == [(f"{path}/gemini-api-key", NEW, "SecureString")]
    assert_nowhere(server, OLD, NEW)


def test_docmill_secret_writes_the_parameter_that_is_there_and_takes_it_away(secret, put, settings_of):
    put("team/GEMINI_API_KEY", OLD)
    assert secret("set", "GEMINI_API_KEY", value=NEW)[0] == 0
    assert settings_of()["GEMINI_API_KEY"] == ("***", "parameter team/GEMINI_API_KEY")
    assert secret("remove", "GEMINI_API_KEY")[0] == 0
    assert settings_of()["GEMINI_API_KEY"] == ("", "default")
    status, said = secret("remove", "GEMINI_API_KEY")
    assert status == 2 and "there is no parameter for GEMINI_API_KEY" in said


def test_docmill_secret_names_the_permission_that_is_missing_and_the_setting(secret, proxy, moto_server):
    stand = proxy(moto_server)
    stand.rule("PutParameter", "fail", times=None, status=400, code="AccessDeniedException", message="no")
    status, said = secret("set", "GEMINI_API_KEY", value=NEW, AWS_ENDPOINT_URL_SSM=stand.url)
    assert status == 1 and "ssm:PutParameter" in said
    status, said = secret("set", "GEMINI_API_KEY", value=NEW, SSM_PARAMETER_PATH="")
    assert status == 64 and "--tenant" in said and "SSM_PARAMETER_PATH" in said
