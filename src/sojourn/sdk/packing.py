"""Segments that wait for long, compressed: a day without a network takes a tenth of the room. Read only.

Layout: the header of `segments.py` with another magic word (its ends count unpacked bytes), then zlib's format.
"""

import contextlib
import mmap
import os
import sys
import zlib
from pathlib import Path
from typing import Final

from sojourn.sdk.segments import COMMITTED, DELIVERED, HEADER, Segment, SegmentError

PACKED_MAGIC: Final = int.from_bytes(b"SOJOURNZ", sys.byteorder)
SEGMENTS_AHEAD: Final = 2
"""The oldest segments are not packed: their turn comes next."""


class Packed:
    """A compressed segment; unpacked in memory once it is read."""

    __slots__ = ("_content", "_map", "_words", "path", "size")

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
        try:
            if os.fstat(descriptor).st_size < HEADER:
                raise SegmentError(f"{path} is too short")
            self._map = mmap.mmap(descriptor, 0)
        finally:
            os.close(descriptor)
        view = memoryview(self._map)
        self._words = view[:HEADER].cast("Q")
        view.release()
        self._content: bytes | None = None
        self.path: Path | None = path
        self.size = self.committed
        if self._words[0] != PACKED_MAGIC or not HEADER <= self.delivered <= self.committed:
            self.close()
            raise SegmentError(f"{path} has no valid header")

    @property
    def committed(self) -> int:
        """Where the lines end, in unpacked bytes from the start of the segment."""
        return self._words[COMMITTED]

    @property
    def delivered(self) -> int:
        """Where the delivered lines end."""
        return self._words[DELIVERED]

    @property
    def pending_bytes(self) -> int:
        """What it takes on the disk, as long as anything of it is to be sent."""
        return len(self._map) if self.delivered < self.committed else 0

    def mark_delivered(self, end: int) -> None:
        """Everything before `end` has been delivered or accounted for."""
        self._words[DELIVERED] = end

    def read(self, start: int, end: int) -> bytes:
        """A part of the unpacked lines. A file that a power failure damaged reads as zeros, which no line holds."""
        if self._content is None:
            try:
                self._content = zlib.decompress(self._map[HEADER:])
            except zlib.error:
                self._content = b""
            self._content = self._content.ljust(self.committed - HEADER, b"\0")
        return self._content[start - HEADER : end - HEADER]

    def close(self) -> None:
        """Let go of the mapping."""
        self._content = None
        self._words.release()
        self._map.close()

    shrink_and_close = close

    def remove(self) -> None:
        """Close, and delete the file."""
        self.close()
        if self.path is not None:
            with contextlib.suppress(OSError):
                self.path.unlink()


def pack(segment: Segment) -> Packed:
    """The same segment, compressed, under its name. Raises OSError where there is no room for it."""
    assert segment.path is not None
    header = bytearray(segment.read(0, HEADER))
    header[:8] = PACKED_MAGIC.to_bytes(8, sys.byteorder)
    aside = segment.path.with_suffix(".new")
    try:
        aside.write_bytes(header + zlib.compress(segment.read(HEADER, segment.committed), 1))
        aside.replace(segment.path)
    except OSError:
        aside.unlink(missing_ok=True)
        raise
    return Packed(segment.path)


def open_segment(path: Path) -> Segment | Packed:
    """A file of a dead process, of either kind. Raises SegmentError for one that is neither."""
    try:
        return Segment.open(path)
    except SegmentError:
        return Packed(path)
