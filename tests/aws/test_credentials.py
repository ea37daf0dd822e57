"""Where credentials come from: servers of containers, of instances and STS, and how they are renewed."""
import pytest
from services import KEY, KEY_ID, REGION


@pytest.fixture
def get(program, s3, s3_server, bucket):
    """Calls S3 (once or several times over one client) with nothing but these variables."""
    s3.put_object(Bucket=bucket, Key="a", Body=b"bytes")

    def make(times=1, **environment):
        ran = program("call", "S3", "GetObject", "GET", bucket, "/a", "-", "-", str(times),
                      **({"AWS_ENDPOINT_URL_S3": s3_server.url, "AWS_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true"} | environment))
        assert ran.returncode == 0 and not ran.stderr, ran.stderr
        return [line.split("|", 5) for line in ran.stdout.splitlines()]

    return make


def test_a_container_asks_its_endpoint_once(get, container):
    rows = get(times=3, AWS_CONTAINER_CREDENTIALS_FULL_URI=container.url + "/v2/credentials/x?y=z")
    assert [row[0] for row in rows] == ["OK"] * 3
    assert [path for _, path, _ in container.asked] == ["/v2/credentials/x?y=z"]


def test_the_token_comes_from_its_file(get, container, tmp_path):
    container.token = "from-the-file"
    (tmp_path / "token").write_text("from-the-file")
    row, = get(AWS_CONTAINER_CREDENTIALS_FULL_URI=container.url, AWS_CONTAINER_AUTHORIZATION_TOKEN="hush",
               AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=tmp_path / "token")
    assert row[0] == "OK"
    row, = get(AWS_CONTAINER_CREDENTIALS_FULL_URI=container.url, AWS_CONTAINER_AUTHORIZATION_TOKEN="hush")
    assert row[0] == "DENIED" and "HTTP 401" in row[5] and "hush" not in row[5]


@pytest.mark.parametrize("token", ["two\nlines", "carriage\rreturn", "trailing\n"])
def test_a_token_with_a_line_break_is_not_sent(get, container, tmp_path, token):
    (tmp_path / "token").write_text(token, newline="")
    row, = get(AWS_CONTAINER_CREDENTIALS_FULL_URI=container.url, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=tmp_path / "token")
    assert row[0] == "INVALID" and "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE" in row[5] and not container.asked


@pytest.mark.parametrize("host", ["127.0.0.1.example.org", "169.254.170.2.example.org", "169.254.170.20", "10.0.0.1", "127.1",
                                  "[::2]", "[fd00:ec2::24]", "2130706433", "localhost.example.org"])
def test_a_host_that_only_looks_like_the_containers_is_refused(get, host):
    row, = get(AWS_CONTAINER_CREDENTIALS_FULL_URI=f"http://{host}/")
    assert row[0] == "INVALID" and "AWS_CONTAINER_CREDENTIALS_FULL_URI" in row[5]


def test_credentials_are_renewed_before_they_end(get, container):
    container.seconds = 1
    rows = get(times=4000, AWS_CONTAINER_CREDENTIALS_FULL_URI=container.url)
    assert {row[0] for row in rows} == {"OK"} and {row[2] for row in rows} == {"1"}
    assert container.given >= 3


def test_expired_credentials_are_exchanged_and_the_call_goes_on(get, container, s3_server, proxy):
    front = proxy(s3_server)
    front.rule("GetObject", "fail", status=400, code="ExpiredToken")
    row, = get(AWS_CONTAINER_CREDENTIALS_FULL_URI=container.url, AWS_ENDPOINT_URL_S3=front.url)
    assert row[:3] == ["OK", "200", "2"] and container.given == 2


def test_keys_of_a_profile_that_were_renewed_are_found_while_calls_go_on(get, s3_server, proxy, tmp_path):
    """The key is changed between the refusal and the second attempt."""
    front = proxy(s3_server)
    file = tmp_path / "credentials"
    file.write_text("[default]\naws_access_key_id = AKIAOLD\naws_secret_access_key = old\n")

    def renew(rule):
        file.write_text(f"[default]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {KEY}\n")

    front.rule("GetObject", "fail", status=403, code="InvalidAccessKeyId", before=renew)
    row, = get(AWS_SHARED_CREDENTIALS_FILE=file, AWS_ENDPOINT_URL_S3=front.url)
    assert row[:3] == ["OK", "200", "2"]
    file.write_text("[default]\naws_access_key_id = AKIAOLD\naws_secret_access_key = old\n")
    row, = get(AWS_SHARED_CREDENTIALS_FILE=file)
    assert row[0] == "DENIED" and row[2] == "1" and "does not know the access key" in row[5]


def test_an_endpoint_that_fails_says_so(get, container):
    container.down = True
    row, = get(AWS_CONTAINER_CREDENTIALS_FULL_URI=container.url, DEADLINE_MS=4000)
    assert row[0] == "UNAVAILABLE" and "the endpoint of the container's credentials answers HTTP 500" in row[5]


def test_an_instance_is_asked_by_version_2(get, instance):
    row, = get(AWS_EC2_METADATA_SERVICE_ENDPOINT=instance.url, AWS_EC2_METADATA_DISABLED="false")
    assert row[0] == "OK"
    assert [(method, path) for method, path, _ in instance.asked] == [
        ("PUT", "/latest/api/token"), ("GET", "/latest/meta-data/iam/security-credentials/"),
        ("GET", "/latest/meta-data/iam/security-credentials/docmill-role")]


@pytest.mark.parametrize("role", ["../../evil", "a b", "", "x" * 200])
def test_a_role_that_is_none_leads_nowhere(get, instance, role):
    instance.role = role
    row, = get(AWS_EC2_METADATA_SERVICE_ENDPOINT=instance.url, AWS_EC2_METADATA_DISABLED="false", DEADLINE_MS=500)
    assert row[0] == "UNAVAILABLE" and all(path.endswith(("/token", "/security-credentials/")) for _, path, _ in instance.asked)


def test_without_any_credentials_it_says_what_to_do(get):
    row, = get()
    assert row[0] == "NOT_FOUND" and "AWS_ACCESS_KEY_ID" in row[5] and "AWS_EC2_METADATA_DISABLED" in row[5]
    row, = get(AWS_EC2_METADATA_SERVICE_ENDPOINT="http://127.0.0.1:1", AWS_EC2_METADATA_DISABLED="false")
    assert row[0] == "NOT_FOUND" and "AWS_ACCESS_KEY_ID" in row[5]


@pytest.fixture
def role(moto_server, tmp_path):
    (tmp_path / "token").write_text("header.payload.signature\n")
    return {"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/docmill", "AWS_WEB_IDENTITY_TOKEN_FILE": tmp_path / "token",
            "AWS_ENDPOINT_URL_STS": moto_server.url, "AWS_ENDPOINT_URL_S3": moto_server.url}


def test_a_role_is_taken_by_a_web_identity(get, role, moto_server, client, bucket):
    client("s3", moto_server.url).create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    client("s3", moto_server.url).put_object(Bucket=bucket, Key="a", Body=b"bytes")
    row, = get(**role)
    assert row[0] == "OK", row


def test_what_sts_refuses_is_told(get, role, moto_server, proxy):
    front = proxy(moto_server)
    front.rule("*", "answer", times=None, status=403, body=b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>Not authorized"
               b"</Message></Error><RequestId>R1</RequestId></ErrorResponse>")
    row, = get(**role | {"AWS_ENDPOINT_URL_STS": front.url})
    assert row[0] == "DENIED" and "STS AssumeRoleWithWebIdentity" in row[5] and "R1" in row[5] and "payload" not in row[5]


def test_half_of_a_web_identity_is_named(get, role, tmp_path):
    row, = get(**role | {"AWS_ROLE_ARN": ""})
    assert row[0] == "INVALID" and "AWS_ROLE_ARN" in row[5]
    row, = get(**role | {"AWS_WEB_IDENTITY_TOKEN_FILE": tmp_path / "absent", "DEADLINE_MS": 200})
    assert "AWS_WEB_IDENTITY_TOKEN_FILE" in row[5]
