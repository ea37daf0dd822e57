"""The secrets port over KMS: data keys for tenant and purpose, kept for a while, and one key of MACs for all nodes."""
import base64
import subprocess
import threading
import uuid
from pathlib import Path

import pytest
from services import variables


@pytest.fixture
def kms(client, moto_server):
    return client("kms", moto_server.url)


@pytest.fixture
def ssm(client, moto_server):
    return client("ssm", moto_server.url)


@pytest.fixture
def key(kms):
    return kms.create_key()["KeyMetadata"]["KeyId"]


@pytest.fixture
def path():
    return f"/docmill/{uuid.uuid4().hex}"


class Node:
    """A process that has the port open."""

    def __init__(self, command, environment):
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        bufsize=1)
        self.opened = self._line()

    def _line(self):
        code, _, rest = self.process.stdout.readline().rstrip("\n").partition("|")
        return code, rest

    def ask(self, *words):
        self.process.stdin.write(" ".join(words) + "\n")
        return self._line()

    def seal(self, text, tenant="acme", purpose="one"):
        code, sealed = self.ask("seal", tenant, purpose, text)
        assert code == "OK", sealed
        return sealed

    def open(self, sealed, tenant="acme", purpose="one"):
        return self.ask("open", tenant, purpose, sealed)

    def end(self):
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()


@pytest.fixture
def node(binary, key, path, moto_server):
    made = []

    def start(keys=key, kms=moto_server.url, ssm=moto_server.url, below=path, word="talk"):
        command = [Path(binary).parent / "tests" / "aws" / "secrets", keys, below, word]
        made.append(Node(command, variables(AWS_ENDPOINT_URL_KMS=kms, AWS_ENDPOINT_URL_SSM=ssm)))
        return made[-1]

    yield start
    for one in made:
        one.end()


def test_the_ports_contract_holds(program, key, path, moto_server):
    ran = program("secrets", key, path, "contract", timeout=280, **variables(AWS_ENDPOINT_URL=moto_server.url))
    assert ran.returncode == 0, ran.stdout + ran.stderr


# ---- several nodes ----

def test_what_one_node_seals_another_opens_and_all_sign_alike(node):
    one, two = node(), node()
    assert one.opened[0] == two.opened[0] == "OK"
    assert two.open(one.seal("hello")) == ("OK", "hello")
    assert one.ask("mac", "one", "text") == two.ask("mac", "one", "text")
    assert one.ask("mac", "one", "text") != one.ask("mac", "two", "text")


def test_nodes_that_start_together_agree_on_the_key_of_macs(node):
    nodes, starts = [], [threading.Thread(target=lambda: nodes.append(node())) for _ in range(6)]
    for start in starts:
        start.start()
    for start in starts:
        start.join()
    assert [one.opened[0] for one in nodes] == ["OK"] * 6
    assert len({one.ask("mac", "one", "text") for one in nodes}) == 1


def test_the_key_of_macs_is_made_once_even_where_answers_are_lost(node, proxy, moto_server, ssm, path):
    stand = proxy(moto_server)
    for operation in ("PutParameter", "GetParameter"):
        stand.rule(operation, "lose")
    assert node(ssm=stand.url).opened[0] == "OK"
    parameter = ssm.get_parameter(Name=f"{path}/mac-key")["Parameter"]
    assert parameter["Version"] == 1 and parameter["Type"] == "String"
    assert len(base64.b64decode(parameter["Value"])) > 60, "it is encrypted"


def test_a_parameter_that_holds_no_key_is_said_and_left_alone(node, ssm, path):
    ssm.put_parameter(Name=f"{path}/mac-key", Value="b3RoZXI=", Type="String")
    code, sentence = node().opened
    assert code == "CORRUPT" and "mac-key" in sentence and "KMS_KEY_ID" in sentence
    assert ssm.get_parameter(Name=f"{path}/mac-key")["Parameter"]["Value"] == "b3RoZXI="


# ---- which key ----

def test_a_tenant_and_a_purpose_are_kmss_encryption_context(node, kms, key):
    sealed = node().seal("hello")
    raw = base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
    wrapped = raw[3:3 + int.from_bytes(raw[1:3], "big")]
    context = {"docmill:tenant": "acme", "docmill:purpose": "one"}
    assert len(kms.decrypt(CiphertextBlob=wrapped, KeyId=key, EncryptionContext=context)["Plaintext"]) == 32
    with pytest.raises(kms.exceptions.ClientError):
        kms.decrypt(CiphertextBlob=wrapped, KeyId=key, EncryptionContext=context | {"docmill:tenant": "other"})


def test_a_former_key_opens_and_a_new_one_seals(node, kms, key):
    sealed = node().seal("old")
    new = kms.create_key()["KeyMetadata"]["KeyId"]
    moved = node(keys=f"{new},{key}")
    assert moved.opened[0] == "OK" and moved.open(sealed) == ("OK", "old")
    assert node(keys=f"{key},{new}").open(moved.seal("new")) == ("OK", "new")


@pytest.mark.parametrize("keys", ["", ",", "a,", "a,b,c,d,e", "a b", "a\"b"])
def test_keys_that_are_none_are_refused_with_the_setting(node, keys):
    code, sentence = node(keys=keys).opened
    assert code == "INVALID" and "KMS_KEY_ID" in sentence


def test_a_key_that_is_not_there_is_said(node):
    code, sentence = node(keys="11111111-2222-3333-4444-555555555555").opened
    assert code == "UNAVAILABLE" and "NotFoundException" in sentence


# ---- how often KMS is asked ----

def test_kms_is_asked_once_for_many_texts_of_a_tenant(node, proxy, moto_server):
    stand = proxy(moto_server)
    one = node(kms=stand.url)
    asked = stand.seen.copy()
    sealed = [one.seal(f"text {number}") for number in range(20)]
    assert [one.open(text)[1] for text in sealed] == [f"text {number}" for number in range(20)]
    assert stand.seen - asked == {"GenerateDataKey": 1}
    one.seal("hello", tenant="other")
    one.seal("hello", purpose="two")
    assert stand.seen - asked == {"GenerateDataKey": 3}


def test_another_node_asks_once_to_open_many(node, proxy, moto_server):
    sealer, stand = node(), proxy(moto_server)
    opener = node(kms=stand.url)
    asked = stand.seen.copy()
    for number in range(20):
        assert opener.open(sealer.seal(f"text {number}"))[0] == "OK"
    assert stand.seen - asked == {"Decrypt": 1}


# ---- faults ----

def test_throttled_and_lost_answers_are_asked_for_again(node, proxy, moto_server):
    stand = proxy(moto_server)
    one = node(kms=stand.url)
    stand.rule("GenerateDataKey", "fail", status=400, code="ThrottlingException")
    stand.rule("GenerateDataKey", "lose")
    sealed = one.seal("hello")
    other = node(kms=stand.url)
    stand.rule("Decrypt", "cut")
    assert other.open(sealed) == ("OK", "hello")


def test_a_permission_that_is_missing_is_named_and_can_be_given_while_work_waits(node, proxy, moto_server):
    sealed, stand = node().seal("hello"), proxy(moto_server)
    one = node(kms=stand.url)
    stand.rule("*", "fail", times=None, status=400, code="AccessDeniedException", message="no")
    code, sentence = one.open(sealed)
    assert code == "UNAVAILABLE" and "kms:Decrypt" in sentence
    code, sentence = one.ask("seal", "acme", "one", "s3cret")
    assert code == "UNAVAILABLE" and "kms:GenerateDataKey" in sentence and "s3cret" not in sentence
    stand.calm()
    assert one.open(sealed) == ("OK", "hello")


@pytest.mark.parametrize("operation, permission", [("GenerateDataKeyWithoutPlaintext", "kms:GenerateDataKeyWithoutPlaintext"),
                                                   ("Decrypt", "kms:Decrypt"), ("GetParameter", "ssm:GetParameter"),
                                                   ("PutParameter", "ssm:PutParameter")])
def test_a_permission_that_starting_needs_is_named(node, proxy, moto_server, operation, permission):
    stand = proxy(moto_server)
    stand.rule(operation, "fail", times=None, status=400, code="AccessDeniedException", message="no")
    code, sentence = node(kms=stand.url, ssm=stand.url).opened
    assert code == "DENIED" and permission in sentence


@pytest.mark.parametrize("code", ["DisabledException", "KMSInvalidStateException", "KeyUnavailableException"])
def test_a_key_that_rests_is_no_damage_to_what_was_sealed(node, proxy, moto_server, code):
    sealed, stand = node().seal("hello"), proxy(moto_server)
    one = node(kms=stand.url)
    stand.rule("Decrypt", "fail", times=None, status=400, code=code)
    assert one.open(sealed)[0] == "UNAVAILABLE"


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"Plaintext":7}', b'{"Plaintext":"AAAA"}', b'{"Plaintext":"!!!!"}',
                                  b'{"Plaintext":"' + b"A" * 64 + b'"}', b"\xff" * 40])
def test_an_answer_without_a_key_is_no_damage_to_what_was_sealed(node, proxy, moto_server, body):
    sealed, stand = node().seal("hello"), proxy(moto_server)
    one = node(kms=stand.url)
    stand.rule("Decrypt", "answer", status=200, body=body)
    assert one.open(sealed)[0] == "UNAVAILABLE"
    assert one.open(sealed) == ("OK", "hello")


def test_another_key_in_an_answer_opens_nothing(node, proxy, moto_server):
    sealed, stand = node().seal("hello"), proxy(moto_server)
    one = node(kms=stand.url)
    stand.rule("Decrypt", "answer", status=200, body=b'{"Plaintext":"' + base64.b64encode(bytes(32)) + b'"}')
    assert one.open(sealed)[0] == "CORRUPT"
