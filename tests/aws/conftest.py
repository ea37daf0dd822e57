"""Fixtures: what stands in for Amazon's services, each on a free port, and the programs under test. scripts/test-aws starts this."""
import os
import subprocess
import sys
from pathlib import Path

import boto3
import botocore.config
import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "integration"))  # for the world of servers and clients
sys.path.append(str(Path(__file__).resolve().parents[1]))  # for fake_provider

from fault_proxy import FaultProxy  # noqa: E402
from services import KEY, KEY_ID, REGION, Service, free_port  # noqa: E402
from stand_ins import Credentials, Instance  # noqa: E402


@pytest.fixture(scope="session")
def binary():
    path = Path(os.environ.get("DOCMILL", Path(__file__).parents[2] / "build" / "docmill")).resolve()
    assert path.exists(), f"{path} is not there; scripts/test-aws builds it"
    return str(path)


@pytest.fixture(scope="session")
def program(binary):
    """Runs one of the C programs beside this file, with variables; gives what it printed."""

    def run(name, *arguments, timeout=120, **variables):
        path = Path(binary).parent / "tests" / "aws" / name
        kept = {key: os.environ[key] for key in ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS") if key in os.environ}
        return subprocess.run([path, *arguments], env=kept | {key: str(value) for key, value in variables.items()},
                              capture_output=True, text=True, timeout=timeout)

    return run


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory):
    """versitygw: S3, which checks signatures, checksums and conditions."""
    folder = tmp_path_factory.mktemp("s3")
    for name in ("data", "iam"):
        (folder / name).mkdir()
    port = free_port()
    command = [os.environ["VERSITYGW"], "--port", f"127.0.0.1:{port}", "--region", REGION, "--quiet", "--keep-alive",
               "--iam-dir", folder / "iam", "posix", folder / "data"]
    with Service("versitygw", command, port, folder, ROOT_ACCESS_KEY=KEY_ID, ROOT_SECRET_KEY=KEY) as service:
        yield service


@pytest.fixture(scope="session")
def moto_server(tmp_path_factory):
    """moto: all services, without looking at signatures."""
    port = free_port()
    command = [sys.executable, str(Path(__file__).with_name("moto_app.py")), "--host", "127.0.0.1", "--port", str(port)]
    with Service("moto", command, port, tmp_path_factory.mktemp("moto")) as service:
        yield service


@pytest.fixture(scope="session")
def dynamodb_server(tmp_path_factory):
    """DynamoDB Local: all of its calls, without signatures, and without anybody else in its way."""
    jars = os.environ["DYNAMODB_LOCAL"]
    port = free_port()
    command = ["java", "-Xmx1g", f"-Djava.library.path={jars}", "-cp", f"{jars}/*",
               "software.amazon.dynamodb.services.local.main.ServerRunner", "-inMemory", "-sharedDb",
               "-disableTelemetry", "-port", str(port)]
    with Service("dynamodb", command, port, tmp_path_factory.mktemp("dynamodb")) as service:
        yield service


@pytest.fixture(scope="session")
def client():
    """A client of a service at an address, as Amazon's own library makes it."""

    def make(service, url):
        config = botocore.config.Config(s3={"addressing_style": "path"}, retries={"max_attempts": 2})
        return boto3.client(service, endpoint_url=url, region_name=REGION, aws_access_key_id=KEY_ID,
                            aws_secret_access_key=KEY, config=config)

    return make


@pytest.fixture(scope="session")
def s3(client, s3_server):
    return client("s3", s3_server.url)


@pytest.fixture
def bucket(s3, request):
    """A bucket of the test's own."""
    name = f"test-{os.getpid()}-{abs(hash(request.node.nodeid)) % 10**12}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def proxy():
    """Makes proxies in front of services, which do to requests what a test wants."""
    made = []

    def make(service):
        made.append(FaultProxy(service.port))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def container():
    """The endpoint that gives containers their credentials."""
    with Credentials() as server:
        yield server


@pytest.fixture
def instance():
    """The metadata service of an instance, version 2."""
    with Instance() as server:
        yield server
