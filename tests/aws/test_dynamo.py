"""The ledger in DynamoDB: the ports' contracts, the table, faults on the way, and what it costs."""
import math
import uuid

import pytest
from services import variables

PARTS = {"": 0, "document": 1, "state": 2, "work": 3, "claim": 4, "page": 5, "event": 6}  # enum dm_conflict


@pytest.fixture(scope="module")
def dynamodb(client, dynamodb_server):
    return client("dynamodb", dynamodb_server.url)


@pytest.fixture
def steps(program, dynamodb_server):
    """Takes steps with one document (dynamo.c) through whatever stands at the address; gives (code, conflict, sentence) of each."""

    def take(table, *names, url=dynamodb_server.url, **environment):
        ran = program("dynamo", table, *names, **variables(AWS_ENDPOINT_URL_DYNAMODB=url, **environment))
        assert ran.returncode == 0 and not ran.stderr, ran.stderr
        rows = [line.split("|", 2) for line in ran.stdout.splitlines()]
        return [(code, int(conflict), text) for code, conflict, text in rows]

    return take


@pytest.fixture
def table(steps):
    name = f"docmill-{uuid.uuid4()}"
    assert steps(name, "init") == [("OK", 0, "")]
    return name


@pytest.fixture
def document(steps, table):
    """A table with a document; its name."""
    assert steps(table, "put") == [("OK", 0, "")]
    return table


def codes(rows):
    return [row[0] for row in rows]


# ---- the contracts ----


def test_the_ports_contracts_are_kept(program, dynamodb_server):
    ran = program("dynamo", "contracts", timeout=600, **variables(AWS_ENDPOINT_URL_DYNAMODB=dynamodb_server.url))
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]


# ---- the table ----


def test_init_makes_the_table_once_and_finds_it_right_afterwards(steps, dynamodb):
    name = f"docmill-{uuid.uuid4()}"
    (before,) = steps(name, "verify")
    assert before[0] == "NOT_FOUND" and name in before[2] and "docmill init" in before[2]
    assert codes(steps(name, "init", "verify", "init", "verify", "check")) == ["OK"] * 5
    made = dynamodb.describe_table(TableName=name)["Table"]
    assert made["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert made["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert {index["IndexName"]: index["Projection"]["ProjectionType"] for index in made["GlobalSecondaryIndexes"]} == {
        "GSI1": "KEYS_ONLY", "GSI2": "KEYS_ONLY", "GSI3": "KEYS_ONLY"}
    expiry = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert (expiry["AttributeName"], expiry["TimeToLiveStatus"]) == ("ttl", "ENABLED")


def make_table(dynamodb, pk="PK", indexes=()):
    name = f"docmill-{uuid.uuid4()}"
    names = [pk, "SK"] + [f"{index}{part}" for index in indexes for part in ("PK", "SK")]
    keys = [{"AttributeName": pk, "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}]
    more = {"GlobalSecondaryIndexes": [
        {"IndexName": index, "Projection": {"ProjectionType": "KEYS_ONLY"},
         "KeySchema": [{"AttributeName": f"{index}PK", "KeyType": "HASH"}, {"AttributeName": f"{index}SK", "KeyType": "RANGE"}]}
        for index in indexes]} if indexes else {}
    dynamodb.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=keys,
                          AttributeDefinitions=[{"AttributeName": one, "AttributeType": "S"} for one in names], **more)
    return name


def test_a_table_of_somebody_elses_is_refused_and_what_is_wrong_with_it_is_named(steps, dynamodb):
    foreign = make_table(dynamodb, pk="id")
    for (code, _, text) in steps(foreign, "init", "verify"):
        assert code == "REFUSED" and foreign in text and "PK and SK" in text
    lacking = make_table(dynamodb, indexes=["GSI1", "GSI2"])
    for (code, _, text) in steps(lacking, "init", "verify"):
        assert code == "REFUSED" and lacking in text and "GSI3" in text


def test_init_adds_the_stream_and_the_expiry_that_are_missing(steps, dynamodb):
    name = make_table(dynamodb, indexes=["GSI1", "GSI2", "GSI3"])
    (code, _, text), = steps(name, "verify")
    assert code == "REFUSED" and "stream" in text
    assert codes(steps(name, "init", "verify")) == ["OK", "OK"]


def test_a_table_of_a_newer_docmill_is_refused(steps, table, dynamodb):
    dynamodb.put_item(TableName=table, Item={"PK": {"S": "SCHEMA"}, "SK": {"S": "SCHEMA"}, "version": {"N": "2"}})
    for code, _, text in steps(table, "verify", "check"):
        assert code == "REFUSED" and "version 2" in text and "version 1" in text


def test_what_is_no_name_of_a_table_is_refused(steps):
    for name in ("ab", "a b c", 'x","y":"', "x" * 256):
        (code, _, text), = steps(name, "verify")
        assert code == "INVALID" and "no name of a table" in text


# ---- faults on the way ----


def cancelled(*reasons):
    """The body of a transaction that was cancelled for such reasons, in the order of its actions."""
    return {"status": 400, "code": "TransactionCanceledException", "Message": "Transaction cancelled",
            "CancellationReasons": [{"Code": reason} for reason in reasons]}


def test_a_transaction_in_anothers_way_is_tried_again(steps, document, dynamodb_server, proxy):
    front = proxy(dynamodb_server)
    front.rule("TransactWriteItems", "fail", times=3, **cancelled("TransactionConflict", "None", "None", "TransactionConflict"))
    assert steps(document, "commit", url=front.url) == [("OK", 0, "")]
    assert front.seen["TransactWriteItems"] == 4


def test_one_that_is_always_in_anothers_way_has_not_happened(steps, document, dynamodb_server, proxy):
    front = proxy(dynamodb_server)
    front.rule("TransactWriteItems", "fail", times=None, **cancelled("TransactionConflict", "None", "None", "None"))
    (code, conflict, text), = steps(document, "commit", url=front.url)
    assert (code, conflict) == ("BUSY", 0) and "others write the same records" in text


def test_a_condition_that_failed_goes_before_the_conflict_beside_it(steps, document, dynamodb_server, proxy):
    front = proxy(dynamodb_server)
    front.rule("TransactWriteItems", "fail", **cancelled("TransactionConflict", "None", "ConditionalCheckFailed", "None"))
    (code, conflict, _), = steps(document, "commit", url=front.url)
    assert (code, conflict) == ("CONFLICT", PARTS["page"]) and front.seen["TransactWriteItems"] == 1


@pytest.mark.parametrize("reason", ["ThrottlingError", "ProvisionedThroughputExceeded"])
def test_throttled_transactions_are_tried_again_for_a_while(steps, document, dynamodb_server, proxy, reason):
    front = proxy(dynamodb_server)
    front.rule("TransactWriteItems", "fail", times=2, **cancelled("None", reason, "TransactionConflict", "None"))
    assert codes(steps(document, "commit", url=front.url)) == ["OK"]
    front.rule("TransactWriteItems", "fail", times=None, **cancelled("None", reason, "TransactionConflict", "None"))
    assert codes(steps(document, "commit", url=front.url)) == ["THROTTLED"]


def test_an_answer_that_was_lost_is_asked_for_again_and_the_page_ends_once(steps, document, dynamodb_server, proxy, dynamodb):
    front = proxy(dynamodb_server)
    front.rule("TransactWriteItems", "lose")
    assert steps(document, "commit", "read", url=front.url) == [("OK", 0, ""), ("OK", 0, "")]
    assert front.seen["TransactWriteItems"] == 2
    key = {"PK": {"S": "TENANT#tenant-1#DOC#01940000-0000-7000-8000-000000000001"}, "SK": {"S": "STATE"}}
    assert dynamodb.get_item(TableName=document, Key=key, ConsistentRead=True)["Item"]["version"] == {"N": "2"}


@pytest.mark.parametrize("fault", ["lose", "cut"])
def test_where_every_answer_is_lost_nobody_says_whether_it_happened(steps, document, dynamodb_server, proxy, fault):
    front = proxy(dynamodb_server)
    front.rule("TransactWriteItems", fault, times=None)
    assert codes(steps(document, "commit", url=front.url)) == ["UNAVAILABLE"]
    front.calm()
    front.rule("UpdateItem", fault, times=None)
    assert codes(steps(document, "renew", url=front.url)) == ["UNAVAILABLE"]


def test_a_refusal_after_a_lost_answer_does_not_say_that_nothing_happened(steps, document, dynamodb_server, proxy):
    front = proxy(dynamodb_server)
    front.rule("TransactWriteItems", "lose")
    front.rule("TransactWriteItems", "fail", times=None, status=400, code="ThrottlingException")
    assert codes(steps(document, "commit", url=front.url)) == ["UNAVAILABLE"]


def test_a_renewal_is_one_write_and_may_be_repeated(steps, document, dynamodb_server, proxy):
    front = proxy(dynamodb_server)
    front.rule("UpdateItem", "lose")
    front.rule("UpdateItem", "fail", status=400, code="TransactionConflictException")
    assert codes(steps(document, "renew", url=front.url)) == ["OK"]
    assert front.seen["TransactWriteItems"] == 0
    assert codes(steps(document, "erase", "renew")) == ["OK", "CONFLICT"]


def test_reads_in_anothers_way_are_tried_again(steps, document, dynamodb_server, proxy):
    front = proxy(dynamodb_server)
    front.rule("TransactGetItems", "fail", times=3, **cancelled("TransactionConflict", "None"))
    assert codes(steps(document, "read-work", url=front.url)) == ["OK"]
    front.rule("TransactGetItems", "fail", times=None, **cancelled("TransactionConflict", "None"))
    assert codes(steps(document, "read-work", url=front.url)) == ["BUSY"]


def test_a_secret_is_an_item_of_its_tenants_and_keeps_when_it_was_made(steps, table, dynamodb):
    assert set(codes(steps(table, "secret-put", "secret-put", "secret-get", "secrets"))) == {"OK"}
    key = {"PK": {"S": "TENANT#tenant-1"}, "SK": {"S": "SECRET#A_KEY"}}
    item = dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]
    assert item["sealed"] == {"B": b"sealed"}
    assert (item["created_ms"], item["changed_ms"]) == ({"N": "2"}, {"N": "3"})  # by the steps' numbers
    dynamodb.put_item(TableName=table, Item=item | {"sealed": {"N": "1"}, "created_ms": {"S": "x"}})
    assert codes(steps(table, "secret-get", "secrets")) == ["CORRUPT", "CORRUPT"]


@pytest.mark.parametrize("operation, step, before", [("UpdateItem", "secret-put", []), ("DeleteItem", "secret-remove", ["secret-put"])])
def test_a_change_of_a_secret_whose_answer_was_lost_is_asked_for_again(steps, table, dynamodb_server, proxy, operation, step, before):
    front = proxy(dynamodb_server)
    assert set(codes(steps(table, *before))) <= {"OK"}
    front.rule(operation, "lose")
    assert codes(steps(table, step, url=front.url)) == ["OK"] and front.seen[operation] == 2
    assert codes(steps(table, "secret-get")) == ["NOT_FOUND" if before else "OK"]
    front.rule(operation, "lose", times=None)
    assert codes(steps(table, "secret-put")) == ["OK"]
    assert codes(steps(table, step, url=front.url)) == ["UNAVAILABLE"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"no JSON", b'{"Responses":7}', b'{"Responses":{"x":[{"PK":1}]}}',
                                  b"[" * 100000])
def test_an_answer_that_is_none_is_an_error_and_no_document(steps, document, dynamodb_server, proxy, body):
    front = proxy(dynamodb_server)
    for operation in ("BatchGetItem", "Query", "TransactGetItems"):
        front.rule(operation, "answer", times=None, status=200, body=body)
    assert set(codes(steps(document, "read", "read-work", "poll", url=front.url))) <= {"UNAVAILABLE", "NOT_FOUND", "CORRUPT"}


def test_without_a_permission_its_name_is_said_and_work_waits(steps, document, dynamodb_server, proxy):
    front = proxy(dynamodb_server)
    front.rule("*", "fail", times=None, status=400, code="AccessDeniedException", message="")
    commit, check, verify = steps(document, "commit", "check", "verify", url=front.url)
    assert commit[0] == "UNAVAILABLE" and "dynamodb:BatchGetItem" in commit[2]
    assert check[0] == "DENIED" and "dynamodb:GetItem" in check[2]
    assert verify[0] == "DENIED" and "dynamodb:DescribeTable" in verify[2]


@pytest.mark.parametrize("status", [301, 304, 400, 403, 404, 409, 410, 412, 413, 418, 429, 500])
def test_no_status_of_whatever_stands_in_between_is_taken_for_word_of_a_document(steps, document, dynamodb_server, proxy, status):
    front = proxy(dynamodb_server)
    front.rule("*", "answer", times=None, status=status, body=b'{"a":1}')
    rows = steps(document, "read", "read-work", "poll", "renew", "put", "erase", url=front.url, AWS_MAX_ATTEMPTS=1)
    assert set(codes(rows)) <= {"UNAVAILABLE", "THROTTLED", "INTERNAL"} and {row[1] for row in rows} == {0}


# ---- what it costs ----


# On demand, in most regions: dollars for a million write units, and for a thousand objects put.
UNITS_MILLION, PUTS_THOUSAND = 0.625, 0.005


def size_of(value):
    """What an attribute's value weighs, by DynamoDB's rules."""
    (kind, content), = value.items()
    if kind == "N":
        return math.ceil(len(content.lstrip("-").rstrip("0") or "0") / 2) + 1
    if kind == "M":
        return 3 + sum(1 + len(name) + size_of(one) for name, one in content.items())
    return len(content.encode())


def units(item):
    """Write units of an item in a transaction: two for each begun kilobyte."""
    return 2 * math.ceil(sum(len(name) + size_of(value) for name, value in item.items()) / 1024)


def test_a_page_costs_at_most_two_and_a_half_write_units_and_a_poll_one_request(program, dynamodb_server, dynamodb, capsys):
    ran = program("dynamo", "cost", **variables(AWS_ENDPOINT_URL_DYNAMODB=dynamodb_server.url))
    assert ran.returncode == 0 and not ran.stderr, ran.stderr
    rows = [line.split("|") for line in ran.stdout.splitlines()]
    name, items = rows[0][1], {}
    for page in dynamodb.get_paginator("scan").paginate(TableName=name, ConsistentRead=True):
        items |= {item["SK"]["S"]: item for item in page["Items"]}
    # DynamoDB Local does not add up what a transaction consumed; so the records that each commit wrote are weighed.
    for size in (1, 10, 40):
        (first,) = (int(row[2]) for row in rows if row[0] == "commit" and int(row[1]) == size)
        buckets = sorted({number - number % 4 for number in range(first, first + size)})
        written = [items["STATE"], items["STATE#CLAIM#00000000000000000001"], items[max(key for key in items if key[:6] == "EVENT#")]]
        written += [items[f"PAGE#{number:010}"] for number in buckets]
        # The index by progress: the old place goes, the new one comes.
        each = (sum(map(units, written)) + 4) / size
        with capsys.disabled():
            price = each * UNITS_MILLION / 1000 + PUTS_THOUSAND / size
            print(f"\n  {size:2} pages a commit: {each:5.2f} write units a page; with the segment's put ${price:.5f} per 1,000 pages",
                  end="")
        assert each <= (2.5 if size == 40 else 14)
    (poll,) = (row for row in rows if row[0] == "poll")
    assert poll[1:] == ["1", "1000"]  # one request; half a unit for each of two items
