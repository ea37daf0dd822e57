#!/usr/bin/env python3
"""Does the simulator find the bugs that are planted for it? Runs each until a seed fails and prints the table.

  planted_table.py SIM_PLANTED [--seeds N] [--only 3,7] [--quick]

Exit status 1 where a bug was not found within N seeds (5,000), or where the stages without a bug fail.
"""

import argparse
import re
import subprocess
import sys
import time

from planted import RARE, ROWS

FAILED = re.compile(r"^seed (\d+): (.*)")


def hunt(program, number, seeds):
    """The first seed that failed, what it said, and how long that took; the seed is None where all passed."""
    began = time.monotonic()
    done = subprocess.run([program, "--planted", str(number), "--seeds", f"1-{seeds}"], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600)
    found = [(int(match[1]), match[2]) for match in map(FAILED.match, done.stdout.splitlines()) if match]
    if done.returncode == 0:
        return None, "", time.monotonic() - began
    seed, said = min(found, default=(0, done.stdout[-200:]))
    return seed, said, time.monotonic() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("program", help="build/tests/sim/sim-planted")
    parser.add_argument("--seeds", type=int, default=5000, help="how many each may take (5000)")
    parser.add_argument("--only", default="", help="numbers of bugs, by commas")
    parser.add_argument("--quick", action="store_true", help="without those that take thousands of seeds")
    arguments = parser.parse_args()
    numbers = [int(number) for number in arguments.only.split(",") if number] or list(ROWS)
    rare = [number for number in numbers if number in RARE and arguments.quick]
    numbers = [number for number in numbers if number not in rare]
    seed, said, _ = hunt(arguments.program, 0, 20)
    if seed is not None:
        sys.exit(f"without any bug seed {seed} fails: {said}")
    missed = []
    print(f"{'bug':>3}  {'what was planted':62} {'seeds':>6} {'time':>7}  how it was seen")
    for number in numbers:
        name, invariant, _, _, _ = ROWS[number]
        seed, said, seconds = hunt(arguments.program, number, arguments.seeds)
        if seed is None:
            missed.append(number)
        shown = "MISSED" if seed is None else str(seed)
        print(f"{number:3}  {name:62} {shown:>6} {seconds:5.1f} s  {said[:90] or f'(breaks invariant {invariant})'}",
              flush=True)
    left = f"; left to make test-long, for they take thousands of seeds: {', '.join(map(str, rare))}" if rare else ""
    print(f"{len(numbers) - len(missed)} of {len(numbers)} planted bugs found{left}")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
