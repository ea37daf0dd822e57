"""Thousands of documents through one folder: is anything lost, does anything grow?

  make soak                       10,000 documents, some minutes
  make soak DOCUMENTS=1000        fewer (scripts/soak --documents 1000 is the same)

A few clients hand in documents of many kinds, good, damaged, encrypted, hanging, and cancel, retry and delete some of
them, while the server is stopped and killed now and then, and its retention is seconds. After every hundred documents
they wait until all have ended, and memory, descriptors, threads, helpers and the folder are looked at. The table at the
end says which goals were met. The exit status is 1 where a document was lost, did not end, ended wrongly, or was kept
longer than it may, 2 where only figures miss their goal.
"""
import argparse
import pathlib
import random

ROUND = 100  # documents between two looks
PROGRAM = pathlib.Path(__file__).resolve().parent.parent.parent / "build/docmill"


def read_arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=10_000, metavar="N", help="how many (10000; at least 500)")
    parser.add_argument("--seed", type=int, metavar="N", help="repeats a run's documents and restarts")
    parser.add_argument("--retention", type=float, default=20, metavar="SECONDS", help="how long to keep them (20)")
    parser.add_argument("--docmill", type=pathlib.Path, default=PROGRAM, metavar="FILE", help="build/docmill here")
    parser.add_argument("--keep", action="store_true", help="leave the folder: the log, and every look in looks.csv")
    arguments = parser.parse_args()
    if arguments.documents < 5 * ROUND:
        parser.error(f"--documents must be at least {5 * ROUND}")
    if arguments.seed is None:
        arguments.seed = random.SystemRandom().randrange(1_000_000)
    return arguments


if __name__ == "__main__":
    read_arguments()
