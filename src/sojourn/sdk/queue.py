"""The durable queue of one process: appends lines to its segments. Sending and deleting is the sender's affair.

What was appended lies in a shared mapping of a file, so it is in the kernel's hands: it survives the death of the
process. Nothing is synced to the disk, so the caller never waits for one.
"""

import contextlib
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from sojourn.sdk.contexts import Context
from sojourn.sdk.notices import Notices
from sojourn.sdk.ownership import Owner
from sojourn.sdk.packing import SEGMENTS_AHEAD, Packed, pack
from sojourn.sdk.segments import ABSENCE, FIRST_SEGMENT_BYTES, HEADER, MARKER, SEGMENT_BYTES, Segment
from sojourn.wire.messages import Absence

OVERSHOOT: Final = 16 * SEGMENT_BYTES
"""How far above its limit the queue may grow before new events are dropped: the sender's room to trim old ones."""
MEMORY_SEGMENTS: Final = 8
"""Segments that are kept in memory where no file can be written."""
SPARES: Final = 2

_encode = msgspec.json.Encoder().encode


class Queue:
    """Segments of this process: sealed ones, the current one, and spares. The caller of `append` holds the lock."""

    def __init__(self, directory: Path, notices: Notices, max_bytes: int) -> None:
        self.lock = threading.RLock()
        self.directory = directory
        self.max_bytes = max_bytes
        self.owner: Owner | None = None
        self.current: Segment | None = None
        self.sealed: deque[Segment | Packed] = deque()
        self.spares: deque[Segment] = deque()
        self.absences: list[Absence] = []
        self.accounted = 0
        self._size = FIRST_SEGMENT_BYTES
        self.appended = 0
        self.wake_at = 1
        self.wake: Callable[[], None] = _nobody
        self._notices = notices

    def append(self, line: bytes, context: Context) -> bool:
        """Add an event's line; False when the queue is full and the event is lost."""
        segment = self.current
        if segment is None or segment.last_context is not context or not segment.append(line):
            segment = self._segment_for(line, context)
            if segment is None or not segment.append(line):
                self._wake()
                return False
        appended = self.appended = self.appended + 1
        if appended >= self.wake_at:
            self._wake()
        return True

    def lose(self, session_id: str, stream_id: str, sequence: int) -> None:
        """Remember an event that found no room, so that the server can be told."""
        self.appended += 1
        self.accounted += 1
        last = self.absences[-1] if self.absences else None
        if last and (last.session_id, last.stream_id, last.sequence + last.count) == (session_id, stream_id, sequence):
            last.count += 1
        else:
            self.absences.append(Absence(session_id=session_id, stream_id=stream_id, sequence=sequence))
        self._notices.keep("queue_full", "the queue is full (%d bytes); new events are dropped", self.max_bytes)

    def note_absence(self, absence: Absence, context: Context) -> None:
        """Queue a report of events that will never arrive."""
        line = ABSENCE + _encode(absence) + b"\n"
        segment = self._segment_for(line, context)
        if segment is not None:
            segment.append(line)

    def pending_bytes(self) -> int:
        """What is queued in this process's own segments."""
        segments = [*self.sealed, self.current] if self.current else list(self.sealed)
        return sum(segment.pending_bytes for segment in segments)

    def seal(self) -> None:
        """Close the current segment to new lines, so that it can be deleted once delivered."""
        if self.current is not None:
            self.sealed.append(self.current)
            self.current = None

    def add_spare(self) -> bool:
        """Make a segment ready for the next roll, in the sender's thread; False when none is needed or possible."""
        wanted = SPARES if self._size == SEGMENT_BYTES else 1
        if self.owner is None or len(self.spares) >= wanted:
            return False
        try:
            spare = Segment.create(self.owner.next_path(), self._next_size())
        except OSError:
            return False
        spare.populate()
        with self.lock:
            if self.current is None or self.current.path is None or spare.path > self.current.path:  # type: ignore[operator]
                self.spares.append(spare)
                return True
        # The caller's thread rolled meanwhile, and the names of segments must keep their order.
        spare.remove()
        return True

    def drop_spares(self) -> None:
        """Delete the segments that were made ready and never used."""
        while self.spares:
            self.spares.pop().remove()

    def forget_after_fork(self) -> None:
        """In a forked child: the parent's files are the parent's."""
        if self.owner is not None:
            self.owner.abandon()
        self.owner = None
        self.current = None
        self.sealed.clear()
        self.spares.clear()
        self.absences.clear()
        self.lock = threading.RLock()
        self.appended = self.accounted = 0
        self._size = FIRST_SEGMENT_BYTES
        self.wake_at = 1

    def _segment_for(self, line: bytes, context: Context) -> Segment | None:
        """The segment that the line goes to, with the marker of its context written."""
        segment = self.current
        marked = segment is not None and (segment.last_context is context or _mark(segment, context))
        if segment is None or not marked or segment.committed + len(line) > segment.size:
            segment = self._roll(len(line))
            if segment is None:
                return None
            _mark(segment, context)
            self._write_absences(segment)
        return segment

    def _roll(self, length: int) -> Segment | None:
        if self.pending_bytes() >= self.max_bytes + OVERSHOOT:
            return None
        needed = length + 4 * 1024 + HEADER
        if self.owner is None:
            try:
                self.owner = Owner.claim(self.directory)
            except OSError as error:
                self._no_file(error)
        segment: Segment | None = None
        if self.spares and self.spares[0].size < needed:
            self.drop_spares()
        if self.spares:
            segment = self.spares.popleft()
        elif self.owner is not None:
            try:
                segment = Segment.create(self.owner.next_path(), max(self._next_size(), needed))
            except OSError as error:
                self._no_file(error)
        if segment is None:
            if sum(kept.path is None for kept in self.sealed) >= MEMORY_SEGMENTS:
                return None
            segment = Segment.in_memory(max(self._next_size(), needed))
        self._seal_full()
        self.current = segment
        self._wake()
        return segment

    def _seal_full(self) -> None:
        """Seal the current segment; under overload, packed.

        Where the program reports faster than the sender can follow, packing here costs one call in some thousand
        a few milliseconds of computing, and makes room for ten times as many events.
        """
        segment = self.current
        # With two in front of it, the sender is not reading this one.
        waits = segment is not None and segment.path is not None and len(self.sealed) >= SEGMENTS_AHEAD
        if segment is not None and waits and self.pending_bytes() > self.max_bytes // 2:
            with contextlib.suppress(OSError):
                self.sealed.append(pack(segment))
                self.current = None
                segment.close()
        self.seal()

    def _next_size(self) -> int:
        size, self._size = self._size, min(2 * self._size, SEGMENT_BYTES)
        return size

    def _write_absences(self, segment: Segment) -> None:
        while self.absences and segment.append(ABSENCE + _encode(self.absences[-1]) + b"\n"):
            self.absences.pop()

    def _no_file(self, error: OSError) -> None:
        self._notices.keep(
            "no_file", "%s cannot be written (%s): events are kept in memory only", self.directory, error
        )

    def _wake(self) -> None:
        self.wake_at = 1 << 62
        self.wake()


def _mark(segment: Segment, context: Context) -> bool:
    """Write that the next events belong to this context; False when there is no room for it."""
    number = segment.contexts.get(context)
    definition = b"" if number is not None else b" " + _encode(context)
    if not segment.append(b"%b%d%b\n" % (MARKER, len(segment.contexts) if number is None else number, definition)):
        return False
    segment.contexts.setdefault(context, len(segment.contexts))
    segment.last_context = context
    return True


def _nobody() -> None:
    """No one to wake yet."""
