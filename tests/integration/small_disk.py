"""The test's side of small_disk.c: a disk that is full when the test says so, for what the test says."""
import contextlib
import os
import struct
from pathlib import Path

BYTES, NAMES, SYNCS = 1, 2, 4
EVERYTHING = BYTES | NAMES | SYNCS
_REFUSE, _REFUSED, _ROOM, _WORD = 0, 4, 8, 16
_WORD_BYTES = 64


class SmallDisk:
    """`struct disk` of small_disk.c, in a file that lies outside of what is full."""

    def __init__(self, binary, folder):
        self.path = Path(folder) / "disk"
        self.path.write_bytes(bytes(_WORD + _WORD_BYTES))
        self._file = os.open(self.path, os.O_RDWR)
        self._library = Path(binary).parent / "tests" / "integration" / "small_disk.so"
        assert self._library.exists(), f"{self._library} is not there; it is built with -Dtests=true"

    def settings(self, data):
        """For the environment of a server that keeps its things in `data`."""
        return {"LD_PRELOAD": self._library, "SMALL_DISK": self.path, "SMALL_DISK_FOLDER": data}

    def close(self):
        os.close(self._file)

    def _put(self, form, at, *values):
        os.pwrite(self._file, struct.pack("=" + form, *values), at)

    def _get(self, form, at):
        return struct.unpack("=" + form, os.pread(self._file, struct.calcsize("=" + form), at))[0]

    def fill(self, word="", what=EVERYTHING, room=0):
        """From now on full, once `room` more bytes are written; for paths with `word` in them alone."""
        self.free()
        self._put(f"{_WORD_BYTES}s", _WORD, word.encode())
        self._put("q", _ROOM, room)
        self._put("I", _REFUSED, 0)
        self._put("I", _REFUSE, what)

    def free(self):
        self._put("I", _REFUSE, 0)

    @property
    def refused(self):
        """So many calls since it was filled."""
        return self._get("I", _REFUSED)

    @contextlib.contextmanager
    def full(self, *arguments, **options):
        self.fill(*arguments, **options)
        try:
            yield
        finally:
            self.free()
