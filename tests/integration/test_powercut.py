"""The power cut itself: who forgets a sync loses something under it, and who forgets none loses nothing."""
import os
import random
import signal
import sqlite3
import subprocess

import pytest

from powercut import Power

SEEDS = range(12)


class Lost(Exception):
    pass


def told_before_the_cut(powercut, folder, how, seed):
    """Runs the forgetful program up to its death or an earlier kill, and cuts the power; the last that it told."""
    watched = folder / "watched"
    watched.mkdir()
    power = Power(powercut / "libpowercut.so", watched, folder / "journal")
    dice = random.Random(seed)
    lines = dice.randint(1, 20)
    program = subprocess.Popen(
        [powercut / "forgetful", how, watched], env=os.environ | power.settings, stdout=subprocess.PIPE
    )
    told = [program.stdout.readline() for _ in range(lines)]
    program.kill()
    told += program.stdout.readlines()
    program.stdout.close()
    assert program.wait() == -signal.SIGKILL
    figures = power.cut(dice)
    assert figures["changes"] > 0
    return watched, int([line for line in told if line][-1])


def check_replaced(watched, told):
    """The file is whole, and not older than what was told."""
    try:
        text = (watched / "kept").read_bytes()
    except FileNotFoundError:
        raise Lost("the file") from None
    if len(text) != 20_000 or len(set(text)) != 1:
        raise Lost("some of its bytes")
    # The one after it may have happened, too.
    if text[0] - ord("a") not in (told, told + 1):
        raise Lost("the newest")


def check_rows(watched, told):
    db = sqlite3.connect(watched / "rows.db")
    try:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = [number for (number,) in db.execute("SELECT number FROM rows ORDER BY number")]
    except (sqlite3.Error, AssertionError) as error:
        raise Lost("the database") from error
    finally:
        db.close()
    if rows != list(range(1, len(rows) + 1)) or len(rows) not in (told, told + 1):
        raise Lost("rows")


def losses(powercut, tmp_path, how, check):
    lost = {}
    for seed in SEEDS:
        folder = tmp_path / str(seed)
        folder.mkdir()
        try:
            check(*told_before_the_cut(powercut, folder, how, seed))
        except Lost as what:
            lost[seed] = str(what)
    return lost


@pytest.mark.parametrize("how", ["nothing", "file", "folder"])
def test_a_file_that_is_replaced_without_all_the_syncs_is_lost_by_some_cuts(powercut, tmp_path, how):
    assert losses(powercut, tmp_path, how, check_replaced)


def test_a_file_that_is_replaced_with_all_the_syncs_is_never_lost(powercut, tmp_path):
    assert losses(powercut, tmp_path, "all", check_replaced) == {}


def test_a_database_without_syncs_loses_rows_by_some_cuts(powercut, tmp_path):
    assert losses(powercut, tmp_path, "sqlite-off", check_rows)


def test_a_database_with_syncs_never_loses_what_it_committed(powercut, tmp_path):
    assert losses(powercut, tmp_path, "sqlite-full", check_rows) == {}
