r"""One file of the queue: a mapped page of committed lines. Nothing about owners, sending or sessions.

Layout: a header of 64 bytes, native eight-byte words (magic, end of the committed part, end of the part
that was delivered), then lines. A line is one of

- `\x01N {…}`  defines the context N: instance, clock (see `contexts.py`);
- `\x02N […]`  defines the heading N: number of its context, session, stream, node, base, user (see `lines.py`);
- `\x03N {…}`  an absence, under the context N: events that were dropped;
- `\x04N […]`  defines the shape N: the names of an event's properties and their data types, in their order;
- `[N,S,…]`    an event under the heading N, of the shape S (see `lines.py`).

Numbers count from 0 in each file, and each definition stands before what refers to it. No line means anything else
because of the line before it, so one that is lost misleads nobody.

A line ends with a NUL, which JSON has not, and which need not be written, as files are born as zeros. A writer copies
a line behind the committed part and then stores the new end, one aligned word: a process that is killed leaves
either the whole line or none of it. A page that a power failure lost is more NULs, and what is left of the lines at
its ends is no JSON: it costs its own lines, and those that refer to what it defined.
"""

import contextlib
import errno
import mmap
import os
import sys
from pathlib import Path
from typing import Final

from sojourn.sdk.shapes import KnownShape, Shape

SEPARATOR: Final = b"\0"
CONTEXT: Final = b"\x01"
HEADING: Final = b"\x02"
ABSENCE: Final = b"\x03"
SHAPE: Final = b"\x04"
MAGIC: Final = int.from_bytes(b"SOJOURN1", sys.byteorder)
HEADER: Final = 64
SEGMENT_BYTES: Final = 1 << 20
FIRST_SEGMENT_BYTES: Final = 128 << 10
"""The first file of a process is small, and each next one twice as large: most programs report little."""
COMMITTED: Final = 1
DELIVERED: Final = 2
_POPULATE_WRITE: Final = 23  # MADV_POPULATE_WRITE (Linux 5.14)
_POPULATE_STEP: Final = 64 * 1024


class SegmentError(OSError):
    """A file that cannot be used as a segment."""


class Segment:
    """A mapped segment. One writer, who holds the queue's lock; one reader, the sender."""

    __slots__ = (
        "contexts",
        "end",
        "headings",
        "latest",
        "mapped",
        "path",
        "populated",
        "shapes",
        "size",
        "usual",
        "words",
    )

    def __init__(self, mapped: mmap.mmap, path: Path | None) -> None:
        self.mapped = mapped
        self.path = path
        self.size = len(mapped)
        self.words = memoryview(mapped)[:HEADER].cast("Q")
        self.end = self.words[COMMITTED]
        self.populated = False
        self.contexts: dict[object, int] = {}
        self.headings: dict[object, int] = {}
        self.shapes: dict[Shape, KnownShape] = {}
        self.usual: dict[str, KnownShape] = {}
        """The shape of all plain events of a name; NO_SHAPE where they differ."""
        self.latest: dict[tuple[str, ...], KnownShape] = {}
        """By the names of properties the shape of the latest plain event that had them."""

    @classmethod
    def create(cls, path: Path, size: int = SEGMENT_BYTES) -> "Segment":
        """A new, empty file. Raises OSError when there is no room, so that no later write can find none."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o600)
        try:
            _reserve(descriptor, size)
            segment = cls(mmap.mmap(descriptor, size), path)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)
        segment._write_header()
        return segment

    @classmethod
    def in_memory(cls, size: int = SEGMENT_BYTES) -> "Segment":
        """A segment without a file, for a machine that has no room or no right to write."""
        segment = cls(mmap.mmap(-1, size), None)
        segment._write_header()
        return segment

    def _write_header(self) -> None:
        self.words[0] = MAGIC
        self.words[DELIVERED] = HEADER
        self.words[COMMITTED] = self.end = HEADER

    @classmethod
    def open(cls, path: Path) -> "Segment":
        """An existing file. Raises SegmentError for one that is empty, foreign or damaged in its header."""
        descriptor = os.open(path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
        try:
            if os.fstat(descriptor).st_size < HEADER:
                raise SegmentError(f"{path} is too short")
            segment = cls(mmap.mmap(descriptor, 0), path)
        finally:
            os.close(descriptor)
        if segment.words[0] != MAGIC or not HEADER <= segment.delivered <= segment.committed <= segment.size:
            segment.close()
            raise SegmentError(f"{path} has no valid header")
        return segment

    def shrink_and_close(self) -> None:
        """Close, and give back the room behind what was committed."""
        committed = self.committed
        self.close()
        if self.path is not None:
            with contextlib.suppress(OSError):
                os.truncate(self.path, committed)

    def populate(self) -> None:
        """Have the pages in memory before the first write needs them. For the sender's thread."""
        if self.path is not None and not self.populated and sys.platform == "linux":
            self.populated = True
            with contextlib.suppress(OSError, ValueError):
                # In steps, because the call does not release the interpreter.
                for start in range(0, self.size, _POPULATE_STEP):
                    self.mapped.madvise(_POPULATE_WRITE, start, min(_POPULATE_STEP, self.size - start))

    @property
    def committed(self) -> int:
        """Where the committed lines end, in bytes from the start of the file."""
        return self.words[COMMITTED]

    @property
    def delivered(self) -> int:
        """Where the delivered lines end."""
        return self.words[DELIVERED]

    @property
    def pending_bytes(self) -> int:
        """What is still to be sent."""
        return self.words[COMMITTED] - self.words[DELIVERED]

    def mark_delivered(self, end: int) -> None:
        """Everything before `end` has been delivered or accounted for."""
        self.words[DELIVERED] = end

    def seal(self) -> None:
        """No more lines come: what the writer remembered of the definitions is of no use any more."""
        self.contexts.clear()
        self.headings.clear()
        self.shapes.clear()
        self.usual.clear()
        self.latest.clear()

    def append(self, line: bytes) -> bool:
        """Add a line; False when the segment has no room for it."""
        start = self.end
        end = start + len(line)
        if end > self.size:
            return False
        self.mapped[start:end] = line
        self.words[COMMITTED] = self.end = end
        return True

    def approach(self) -> None:
        """Read a byte of each page: a call that writes to one for the first time then waits less for the processor."""
        self.mapped[:: mmap.PAGESIZE]

    def read(self, start: int, end: int) -> bytes:
        """A copy of a part of the file."""
        return self.mapped[start:end]

    def close(self) -> None:
        """Let go of the mapping; what was appended stays in the file."""
        self.words.release()
        self.mapped.close()

    def remove(self) -> None:
        """Close, and delete the file."""
        self.close()
        if self.path is not None:
            with contextlib.suppress(OSError):
                self.path.unlink()


def _reserve(descriptor: int, size: int) -> None:
    """Give the file its room on the disk: a write to a mapped page for which there is none would kill the process."""
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(descriptor, 0, size)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                raise
        else:
            return
    block = bytes(64 * 1024)
    for start in range(0, size, len(block)):
        os.write(descriptor, block[: size - start])
