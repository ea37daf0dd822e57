"""Fixtures. DOCMILL names the program under test; docmill-pdf stands beside it."""
import os
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1]))  # for fake_provider, which benches use too

import crash_rounds
from fake_provider import FakeProvider
from world import Server, end_of, fresh, lasting


@pytest.fixture(scope="session")
def binary():
    path = Path(os.environ.get("DOCMILL", Path(__file__).parents[2] / "build" / "docmill")).resolve()
    assert path.exists(), f"{path} is not there; build it, or name another with DOCMILL"
    return str(path)


@pytest.fixture(scope="session")
def powercut(binary):
    """The folder with what tests/integration/powercut/ builds."""
    path = Path(binary).parent / "tests" / "integration" / "powercut"
    assert (path / "libpowercut.so").exists(), f"nothing in {path}; configure with -Dtests=true and build"
    return path


@pytest.fixture
def serve(binary, tmp_path):
    """Starts servers with settings of their own, each in a folder of its own."""
    servers = []

    def start(**settings):
        server = Server(binary, tmp_path / f"server{len(servers) + 1}", **settings)
        servers.append(server)
        return server.start()

    yield start
    for server in servers:
        end_of(server)


@pytest.fixture(scope="session")
def _waiting_server(binary, tmp_path_factory):
    yield from lasting(binary, tmp_path_factory, "waiting", PAGE_TIMEOUT_SECONDS=20)


@pytest.fixture(scope="session")
def _prompt_server(binary, tmp_path_factory):
    yield from lasting(binary, tmp_path_factory, "prompt", FILE_SIZE_THRESHOLD_MB=0, PAGE_TIMEOUT_SECONDS=20)


@pytest.fixture
def server(_waiting_server):
    """One server for many tests, with the settings a fresh installation has: small uploads wait for their result."""
    yield _waiting_server
    _waiting_server.check()


@pytest.fixture
def prompt_server(_prompt_server):
    """Another one, where no upload waits."""
    yield _prompt_server
    _prompt_server.check()


@pytest.fixture
def client(server):
    """A tenant of its own, so that tests on one server do not see each other."""
    return server.client(fresh("tenant"))


@pytest.fixture
def prompt_client(prompt_server):
    return prompt_server.client(fresh("tenant"))


@pytest.fixture(scope="session")
def reference(binary, tmp_path_factory):
    """What an undisturbed server makes of the documents of the crash rounds."""
    return crash_rounds.Reference(binary, tmp_path_factory.mktemp("reference"))


def pytest_terminal_summary(terminalreporter):
    for line in crash_rounds.FIGURES:
        terminalreporter.write_line(line)


@pytest.fixture(scope="module")
def provider():
    """A fake provider of models, which all tests of a file share; `fake` is it as it was at first."""
    with FakeProvider() as fake:
        fake.usual = fake.settings()
        yield fake


@pytest.fixture
def fake(provider):
    provider.change(**provider.usual)
    provider.forget()
    return provider
