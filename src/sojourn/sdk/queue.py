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

from sojourn.sdk.contexts import Context
from sojourn.sdk.lines import Heading, append_absence, append_event
from sojourn.sdk.notices import Notices
from sojourn.sdk.ownership import Owner
from sojourn.sdk.packing import SEGMENTS_AHEAD, Packed, pack
from sojourn.sdk.segments import FIRST_SEGMENT_BYTES, HEADER, SEGMENT_BYTES, Segment
from sojourn.sdk.shapes import Shape
from sojourn.wire.messages import Absence

OVERSHOOT: Final = 16 * SEGMENT_BYTES
"""How far above its limit the queue may grow before new events are dropped: the sender's room to trim old ones."""
MEMORY_SEGMENTS: Final = 8
"""Segments that are kept in memory where no file can be written."""
SPARES: Final = 2
"""Segments that are made ready: a program may fill one faster than the sender's thread gets its turns."""
DEFINITIONS: Final = 16 * 1024
"""Bytes that a context, a heading and a shape take at most."""


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
        self.line = bytearray()
        """What the holder of the lock makes a line in."""
        self.wake_at = 1
        self.wake: Callable[[], None] = _nobody
        self._notices = notices

    def append(self, line: bytes, heading: Heading, shape: Shape) -> Segment | None:
        """Add what `write_line` gave, and tell in which segment; None when the queue is full and the event is lost."""
        segment = self.current
        if segment is None or not append_event(segment, line, heading, shape):
            segment = self._roll(len(line), heading.context)
            if segment is None or not append_event(segment, line, heading, shape):
                self.wake_sender()
                return None
        self.appended += 1
        if self.appended >= self.wake_at:
            self.wake_sender()
        return segment

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
        if self.current is None or not append_absence(self.current, absence, context):
            segment = self._roll(0, context)
            if segment is not None:
                append_absence(segment, absence, context)

    def pending_bytes(self) -> int:
        """What is queued in this process's own segments."""
        segments = [*self.sealed, self.current] if self.current else list(self.sealed)
        return sum(segment.pending_bytes for segment in segments)

    def seal(self) -> None:
        """Close the current segment to new lines, so that it can be deleted once delivered."""
        if self.current is not None:
            self.current.seal()
            self.sealed.append(self.current)
            self.current = None

    def make_ready(self) -> None:
        """Pages for the current segment, and spare segments for the next rolls: all in the sender's thread."""
        if (segment := self.current) is not None:
            segment.populate()
        while self._add_spare():
            pass

    def _add_spare(self) -> bool:
        """Make a segment ready for the next roll; False when none is needed or possible."""
        if self.owner is None or len(self.spares) >= SPARES:
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

    def _roll(self, length: int, context: Context) -> Segment | None:
        """A new current segment, with room for a line of this length; None when the queue is full."""
        if self.pending_bytes() >= self.max_bytes + OVERSHOOT:
            return None
        needed = length + DEFINITIONS + HEADER
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
            segment.approach()
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
        while self.absences and append_absence(segment, self.absences[-1], context):
            self.absences.pop()
        self.wake_sender()
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

    def _no_file(self, error: OSError) -> None:
        self._notices.keep(
            "no_file", "%s cannot be written (%s): events are kept in memory only", self.directory, error
        )

    def wake_sender(self) -> None:
        """Tell the sender that it has something to do, once until it asks again."""
        self.wake_at = 1 << 62
        self.wake()


def _nobody() -> None:
    """No one to wake yet."""
