"""What is waiting to be sent: this process's segments and those adopted from dead ones. For the sender's thread alone.

It finds the oldest region, deletes what was delivered, packs what waits for long, and keeps all within the disk limit.
"""

import time
from collections import deque
from typing import Final

from sojourn.sdk.batches import Reader, Region
from sojourn.sdk.notices import Notices
from sojourn.sdk.ownership import Owner, bytes_of_others, dead_owners
from sojourn.sdk.packing import SEGMENTS_AHEAD, Packed, open_segment, pack
from sojourn.sdk.queue import Queue
from sojourn.sdk.segments import SEGMENT_BYTES, Segment, SegmentError
from sojourn.sdk.trimming import thin

LOOK_FOR_ORPHANS: Final = 20.0
"""Seconds between two looks for the files of dead processes."""
PACK_FROM: Final = 8 * SEGMENT_BYTES
"""Waiting bytes from which segments are packed: before that, they are on their way already."""


class Backlog:
    """All that the sender has to send, oldest first: the dead processes' before this one's."""

    def __init__(self, queue: Queue, notices: Notices) -> None:
        self._queue = queue
        self._notices = notices
        self._front: Reader | None = None
        self._adopted: deque[tuple[Owner, deque[Segment | Packed]]] = deque()
        self._looked_at = -LOOK_FOR_ORPHANS

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to send."""
        return not self._adopted and not self._queue.pending_bytes()

    @property
    def is_inherited(self) -> bool:
        """Whether what comes next was left behind by another process."""
        return bool(self._adopted)

    def next_region(self, max_events: int, max_bytes: int) -> tuple[Reader, Region] | None:
        """The oldest region that is left; segments that are done with are deleted on the way."""
        while self._adopted:
            owner, segments = self._adopted[0]
            while segments:
                if region := self._reader(segments[0]).next_region(max_events, max_bytes):
                    return self._reader(segments[0]), region
                self._discard(segments.popleft())
            owner.release()
            self._adopted.popleft()
        queue = self._queue
        while True:
            with queue.lock:
                is_sealed = bool(queue.sealed)
                segment = queue.sealed[0] if is_sealed else queue.current
            if segment is None:
                return None
            if region := self._reader(segment).next_region(max_events, max_bytes):
                return self._reader(segment), region
            if not is_sealed:
                return None
            with queue.lock:
                queue.sealed.popleft()
            self._discard(segment)

    def pass_over(self, reader: Reader, region: Region) -> int:
        """The region is done with; how many events of this process it held."""
        reader.pass_over(region)
        return 0 if self._adopted else region.lines

    def keep_house(self) -> int:
        """Spare segments, orphans, packing and the disk limit; how many of this process's events had to be dropped."""
        self._queue.make_ready()
        now = time.monotonic()
        if now - self._looked_at >= LOOK_FOR_ORPHANS:
            self._looked_at = now
            self._look_for_orphans()
        if self._bytes() > min(PACK_FROM, self._queue.max_bytes // 4):
            self._pack()
        return self._trim()

    def close(self) -> None:
        """Let go of everything; what was not delivered stays in files that the next start finds."""
        for owner, segments in self._adopted:
            for segment in segments:
                segment.close()
            owner.release()
        queue = self._queue
        with queue.lock:
            queue.seal()
            queue.drop_spares()
            for segment in queue.sealed:
                (segment.remove if segment.committed == segment.delivered else segment.shrink_and_close)()
            queue.sealed.clear()
            if queue.owner is not None:
                queue.owner.release()
                queue.owner = None

    def abandon(self) -> None:
        """In a forked child: what was adopted is the parent's."""
        for owner, _ in self._adopted:
            owner.abandon()

    def _reader(self, segment: Segment | Packed) -> Reader:
        if self._front is None or self._front.segment is not segment:
            self._front = Reader(segment)
        return self._front

    def _discard(self, segment: Segment | Packed) -> None:
        self._front = None
        segment.remove()

    def _look_for_orphans(self) -> None:
        queue = self._queue
        mine = {queue.owner.name} if queue.owner else set()
        for owner in dead_owners(queue.directory, mine | {owner.name for owner, _ in self._adopted}):
            segments: deque[Segment | Packed] = deque()
            for path in owner.segments():
                try:
                    open_segment(path).shrink_and_close()
                    segments.append(open_segment(path))
                except SegmentError:
                    # It was being made when the process died: nothing was ever appended.
                    path.unlink(missing_ok=True)
                except OSError:
                    continue
            self._adopted.append((owner, segments))

    def _bytes(self) -> int:
        adopted = sum(segment.pending_bytes for _, found in self._adopted for segment in found)
        return adopted + self._queue.pending_bytes()

    def _waiting(self) -> list[Segment | Packed]:
        """All closed segments, oldest first."""
        with self._queue.lock:
            sealed = list(self._queue.sealed)
        return [segment for _, found in self._adopted for segment in found] + sealed

    def _pack(self) -> None:
        for segment in self._waiting()[SEGMENTS_AHEAD:]:
            if isinstance(segment, Segment) and segment.path is not None:
                try:
                    self._replace(segment, pack(segment))
                except OSError:
                    return

    def _trim(self) -> int:
        """Bring all back under the limit, oldest first: measurements, then whatever there is."""
        queue = self._queue
        used = self._bytes()
        if used <= queue.max_bytes // 2:
            return 0
        mine = {owner.name for owner, _ in self._adopted} | ({queue.owner.name} if queue.owner else set())
        excess = used + bytes_of_others(queue.directory, mine) - queue.max_bytes
        dropped = 0
        for measurements_only in (True, False):
            for segment in self._waiting():
                if excess <= 0:
                    return dropped
                before = segment.pending_bytes
                try:
                    result = thin(segment, measurements_only=measurements_only)
                except OSError:
                    continue
                if result is not None:
                    smaller, count = result
                    dropped += count if self._replace(segment, smaller) else 0
                    excess -= before - smaller.pending_bytes
                    self._notices.tell(
                        "trimmed",
                        "the queue is over its limit of %d bytes: the oldest events are dropped",
                        queue.max_bytes,
                    )
        return dropped

    def _replace(self, segment: Segment | Packed, other: Segment | Packed) -> bool:
        """Put another file in a segment's place; whether it is one of this process."""
        if self._front is not None and self._front.segment is segment:
            self._front = None
        for _, found in self._adopted:
            if segment in found:
                found[found.index(segment)] = other
                segment.close()
                return False
        with self._queue.lock:
            self._queue.sealed[self._queue.sealed.index(segment)] = other
        segment.close()
        return True
