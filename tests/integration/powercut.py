"""Power cuts: after the kill of a program that ran with powercut.c preloaded, takes back what no sync had covered.

What a disk may do, and so what `cut` does by its dice:

- Each block of a file stands as it was at the file's last sync or after any write since; its size likewise.
- Each name in a folder stands as it was at the folder's last sync or after any change since, whatever became of other
  names. A rename is done, or not done, or has left the old name behind as well.
- A folder whose own name was not durable is gone with all that is in it.
- Contents and names are apart: a file may have its new name and none of its bytes.
"""
import contextlib
import os
import shutil
import struct
from pathlib import Path

HEAD = struct.Struct("<IIQQQQQQIIII")
MAGIC = 0x43575031
KINDS = "? make link unlink rename mkdir rmdir write truncate sync_file sync_folder failed".split()


class Change:
    def __init__(self, head, first, second, data):
        _, kind, self.number, self.inode, self.offset, self.size, self.old_size, self.upto = head[:8]
        self.kind = KINDS[kind]
        self.first = os.fsdecode(first)
        self.second = os.fsdecode(second)
        self.data = data

    @property
    def names(self):
        return {self.first, self.second} if self.kind == "rename" else {self.first}

    @property
    def folder(self):
        """Whose sync makes it durable."""
        return os.path.dirname(self.second if self.kind == "rename" else self.first)


def read_journal(path):
    data = path.read_bytes()
    changes, at = [], 0
    while at + HEAD.size <= len(data):
        head = HEAD.unpack_from(data, at)
        assert head[0] == MAGIC, f"the journal is damaged at {at}"
        first, second, size = head[8:11]
        end = at + HEAD.size + first + second + size
        if end > len(data):
            break  # the kill came while it was written; the change was not made
        body = data[at + HEAD.size : end]
        changes.append(Change(head, body[:first], body[first : first + second], body[first + second :]))
        at = end
    return changes


class Power:
    """A folder whose power can be cut. `settings` go into the environment of the program that writes there."""

    def __init__(self, library, folder, journal, deaf=None):
        self.folder = Path(folder).resolve()
        self.journal = Path(journal).resolve()
        self.settings = {"LD_PRELOAD": library, "POWERCUT_FOLDER": self.folder, "POWERCUT_JOURNAL": self.journal}
        if deaf:
            self.settings["POWERCUT_DEAF"] = deaf
        self.on()

    def on(self):
        """What was changed up to now is durable; removed files that were kept for a cut are gone."""
        shutil.rmtree(self.journal, ignore_errors=True)
        self.journal.mkdir(parents=True)

    def cut(self, dice):
        """Only when all that wrote are dead. Says how many changes were open, and how many of them were taken back."""
        path = self.journal / "journal"
        changes = read_journal(path) if path.exists() else []
        failed = {change.upto for change in changes if change.kind == "failed"}
        files, folders = {}, {}
        for change in changes:
            if change.kind == "sync_file":
                files[change.inode] = max(files.get(change.inode, 0), change.upto)
            elif change.kind == "sync_folder":
                folders[change.first] = max(folders.get(change.first, 0), change.upto)
        told_of = ("sync_file", "sync_folder", "failed")
        made = [change for change in changes if change.kind not in told_of and change.number not in failed]
        told = self._cut_contents([change for change in made if not change.first], files, dice)
        told.update(self._cut_names([change for change in made if change.first], folders, dice))
        for shared in self.folder.rglob("*-shm"):
            if dice.random() < 0.5:
                shared.write_bytes(dice.randbytes(shared.stat().st_size))
        self.on()
        return told | {"changes": len(made)}

    # -- bytes

    def _cut_contents(self, changes, synced, dice):
        places = {}
        for top in (self.journal, self.folder):
            for path in top.rglob("*"):
                if path.is_file() and not path.is_symlink():
                    places[path.stat().st_ino] = path
        by_file = {}
        for change in changes:
            if change.number > synced.get(change.inode, 0):
                by_file.setdefault(change.inode, []).append(change)
        torn = 0
        for inode, open_changes in by_file.items():
            fate = dice.choice(("kept", "undone", "torn", "torn"))
            if inode in places and fate != "kept":
                torn += _tear(places[inode], open_changes, fate, dice)
        return {"open writes": sum(map(len, by_file.values())), "torn files": torn}

    # -- names

    def _cut_names(self, changes, synced, dice):
        likely = dice.choice((0.1, 0.5, 0.9, 1.0))
        held, undone, still_open, doubled = set(), 0, 0, 0
        for change in reversed(changes):
            durable = change.number <= synced.get(change.folder, 0)
            still_open += not durable
            if not durable and not change.names & held and dice.random() < likely and _undo(change):
                undone += 1
                continue
            if change.kind == "rename" and not change.names & held and dice.random() < 0.5:
                if change.number > synced.get(os.path.dirname(change.first), 0):
                    with contextlib.suppress(OSError):
                        os.link(change.second, change.first)
                        doubled += 1
            held |= change.names
        return {"open names": still_open, "names undone": undone, "names doubled": doubled}


def _undo(change):
    """False where it cannot be, because it was the last and had not been made, or its folder is gone."""
    try:
        if change.kind in ("make", "link"):
            os.unlink(change.first)
        elif change.kind == "unlink":
            os.link(change.second, change.first)
        elif change.kind == "mkdir":
            shutil.rmtree(change.first)
        elif change.kind == "rmdir":
            os.mkdir(change.first, 0o700)
        elif os.stat(change.second).st_ino != change.inode:
            return False
        else:
            os.rename(change.second, change.first)
            if change.data:
                os.link(os.fsdecode(change.data), change.second)
    except OSError:
        return False
    return True


def _tear(path, changes, fate, dice):
    """Gives the file a state that its disk may have: `changes` are those of its bytes since its last sync."""
    now = path.read_bytes()
    block = dice.choice((512, 4096))
    versions = {}

    def remember(data, offset, size):
        for number in range(offset // block, (offset + size + block - 1) // block):
            versions.setdefault(number, []).append(data[number * block : (number + 1) * block])

    data = bytearray(now)
    for change in reversed(changes):
        low, high = change.offset, change.offset + change.size
        if change.kind == "truncate":
            low, high = sorted((change.size, change.old_size))
        remember(data, low, high - low)
        if change.kind == "write":
            data[low : low + len(change.data)] = change.data
            del data[change.old_size :]
        else:
            del data[change.size :]
            data += change.data
            data += bytes(max(0, change.old_size - len(data)))
        del data[change.old_size :]
        remember(data, low, high - low)
    if fate == "torn":
        size = dice.choice((len(data), len(now), dice.randint(*sorted((len(data), len(now))))))
        data = data[:size] + bytes(max(0, size - len(data)))
        for number, seen in versions.items():
            piece = dice.choice(seen)[: max(0, size - number * block)]
            data[number * block : number * block + len(piece)] = piece
    with open(path, "r+b") as file:
        file.truncate(0)
        file.write(data)
    return data != now
