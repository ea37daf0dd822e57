"""Deaths under load: nothing that was accepted is lost, and nothing that was read is read again (see crash_rounds.py).

CRASH_ROUNDS and CRASH_POWER_ROUNDS say how many rounds there are, CRASH_SEED with which seed they begin.
"""
import os
import random

import pytest

import crash_rounds
import papers
from crash_rounds import image, run_rounds
from powercut import Power
from world import Server

FIRST = int(os.environ.get("CRASH_SEED", 1))
ROUNDS = int(os.environ.get("CRASH_ROUNDS", 10))
POWER_ROUNDS = int(os.environ.get("CRASH_POWER_ROUNDS", 4))


def run(name, binary, folder, count, reference, library=None):
    failures, sums = run_rounds(binary, folder, range(FIRST, FIRST + count), reference, library)
    crash_rounds.FIGURES += [f"{name}: {line}" for line in sums.lines()]
    assert not failures, "\n\n".join(failures)
    # A good poll within a second of the start; the median, for a busy machine stops for longer than that now and then.
    assert sums.poll_ms < 1000
    return sums


def test_nothing_accepted_is_lost_and_nothing_is_read_twice_over_many_deaths(binary, tmp_path, reference):
    sums = run("kill -9", binary, tmp_path, ROUNDS, reference)
    # The rounds are worth nothing if they strike when nothing happens.
    if ROUNDS >= 10:
        assert {"body", "chunking", "processing", "aggregating", "start-up", "claims"} <= set(sums.phases), sums.phases


def test_nothing_accepted_is_lost_when_what_was_not_synced_is_forgotten(binary, tmp_path, reference, powercut):
    run("power cut", binary, tmp_path, POWER_ROUNDS, reference, powercut / "libpowercut.so")


def lost(binary, folder, powercut, seed, deaf):
    """Whether of some acknowledged documents one is lost by a power cut right after the last answer."""
    server = Server(binary, folder / "server", FILE_SIZE_THRESHOLD_MB=0)
    power = Power(powercut / "libpowercut.so", server.folder, folder / "journal", deaf)
    server.settings |= power.settings
    client = server.start().client("acme")
    accepted = [client.submit(papers.text_pdf(1, first=page)) for page in range(12)]
    server.kill()
    power.cut(random.Random(seed))
    try:
        server.start()
        for document in accepted:
            document.end("completed", seconds=10)
        server.stop()
        return False
    except AssertionError:
        if server.alive:
            server.kill()
        return True


@pytest.mark.parametrize("deaf", [None, "files", "folders"])
def test_a_power_cut_right_after_the_answer_loses_nothing_unless_syncs_do_nothing(binary, tmp_path, powercut, deaf):
    """On disks that lie about one kind of sync, too: so a docmill that forgot those would be found out."""
    losses = (lost(binary, tmp_path / str(seed), powercut, seed, deaf) for seed in range(8))
    if deaf:
        assert any(losses)
    else:
        assert not any(losses)


def test_a_picture_that_was_made_before_a_power_cut_is_whole_or_made_anew(binary, tmp_path, powercut):
    """Derived blobs need not outlive a cut; if one does, it must not be a name with other bytes behind it."""
    server = Server(binary, tmp_path / "server")
    power = Power(powercut / "libpowercut.so", server.folder, tmp_path / "journal")
    server.settings |= power.settings
    client = server.start().client("acme")
    document = client.submit(papers.text_pdf(3))
    document.end("completed")
    for seed in range(6):
        markdown = client.get(document.path("/results"), headers={"Accept": "text/markdown"}).content
        picture = image(client, document)
        server.kill()
        power.cut(random.Random(seed))
        server.start()
        assert client.get(document.path("/results"), headers={"Accept": "text/markdown"}).content == markdown
        assert image(client, document) == picture
        document = client.submit(papers.text_pdf(3, first=seed))
        document.end("completed")
    server.stop()
