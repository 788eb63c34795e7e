"""Who may read and delete which files of the queue: each process has a locked file, and adopts those of dead ones.

The lock is the kernel's (`flock`), so it ends with the process, however that ends. Names in a queue directory:
`OWNER.lock` and `OWNER.NUMBER.seg`.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sojourn.sdk.ids import random_hex

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

LOCK: Final = ".lock"
SEGMENT: Final = ".seg"


class Owner:
    """The right to the segments of one name, held until `release` or the end of the process."""

    __slots__ = ("_descriptor", "_next", "directory", "name")

    def __init__(self, directory: Path, name: str, descriptor: int) -> None:
        self.directory = directory
        self.name = name
        self._descriptor = descriptor
        self._next = 0

    @classmethod
    def claim(cls, directory: Path) -> "Owner":
        """A new name for this process. Raises OSError when the directory cannot be used."""
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        while True:
            name = random_hex(8)
            path = directory / (name + LOCK)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o600)
            if _is_ours(descriptor, path):
                return cls(directory, name, descriptor)
            # Another process took the new file for that of a dead one, before it was locked.
            os.close(descriptor)

    @classmethod
    def adopt(cls, directory: Path, name: str) -> "Owner | None":
        """The right of another process, if that one is dead and no third one was faster."""
        path = directory / (name + LOCK)
        try:
            descriptor = os.open(path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
        except OSError:
            return None
        if _is_ours(descriptor, path):
            return cls(directory, name, descriptor)
        os.close(descriptor)
        return None

    def next_path(self) -> Path:
        """Where the next segment goes; in the order of their names, segments are in the order of time."""
        self._next += 1
        return self.directory / f"{self.name}.{self._next:08d}{SEGMENT}"

    def segments(self) -> list[Path]:
        """The files of this name, oldest first."""
        return sorted(self.directory.glob(f"{self.name}.*{SEGMENT}"))

    def release(self) -> None:
        """Give up the right. Files that are left can be adopted; without any, the name is gone."""
        for unfinished in self.directory.glob(f"{self.name}.*.new"):
            unfinished.unlink(missing_ok=True)
        if not self.segments():
            with contextlib.suppress(OSError):
                (self.directory / (self.name + LOCK)).unlink()
        self.abandon()

    def abandon(self) -> None:
        """Close the descriptor alone: in a forked child, the parent keeps the right."""
        with contextlib.suppress(OSError):
            os.close(self._descriptor)


def dead_owners(directory: Path, living: set[str]) -> Iterator[Owner]:
    """The names of dead processes, each adopted before it is given."""
    with contextlib.suppress(OSError):
        for path in sorted(directory.glob("*" + LOCK)):
            name = path.name.removesuffix(LOCK)
            if name not in living and (owner := Owner.adopt(directory, name)):
                yield owner


def bytes_of_others(directory: Path, mine: set[str]) -> int:
    """What the segments of other living processes occupy."""
    total = 0
    with contextlib.suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            if entry.name.endswith(SEGMENT) and entry.name.partition(".")[0] not in mine:
                with contextlib.suppress(OSError):
                    total += entry.stat().st_size
    return total


def _is_ours(descriptor: int, path: Path) -> bool:
    """Lock an open file; whether that worked and the file is still the one of that name."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False
