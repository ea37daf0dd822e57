"""What people run is what the sources say: no bug that is planted for the simulator's sake."""

import pathlib
import subprocess


def test_no_planted_bug_is_in_the_program(binary):
    symbols = subprocess.run(["nm", binary], check=True, text=True, stdout=subprocess.PIPE).stdout
    assert "dm_ledger_end_pages" in symbols, "the program has no symbols to look at"
    assert "planted" not in symbols
    assert b"PLANTED" not in pathlib.Path(binary).read_bytes()
