"""Who may read and delete which files of the queue: each process has a locked file, and adopts those of dead ones.

The lock is the kernel's (`flock`), so it ends with the process, however that ends. Names in a queue directory:
`OWNER.lock` and `OWNER.NUMBER.seg`.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sojourn.sdk.ids import random_hex

try:
    import fcntl
except ImportError:  # Windows: an open file cannot be deleted or renamed there, which serves as the lock
    fcntl = None  # type: ignore[assignment]

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
        name = random_hex(8)
        hidden = directory / f".{name}"
        descriptor = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o600)
        _lock(descriptor)
        # It gets its name only when it is locked, so no other process ever finds it free.
        hidden.rename(directory / (name + LOCK))
        return cls(directory, name, descriptor)

    @classmethod
    def adopt(cls, directory: Path, name: str) -> "Owner | None":
        """The right of another process, if that one is dead and no third one was faster."""
        path = directory / (name + LOCK)
        try:
            descriptor = os.open(path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
        except OSError:
            return None
        try:
            if _lock(descriptor) and os.path.samestat(os.fstat(descriptor), path.stat()):
                return cls(directory, name, descriptor)
        except OSError:
            pass
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


def _lock(descriptor: int) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
