"""Keeps the queue within its disk limit: leaves out the oldest measurements first, then whole segments, and says so."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from sojourn.rules.events import EventKind
from sojourn.sdk.batches import Reader, Region
from sojourn.sdk.lines import KIND, Found, append_absence, append_event, write_line
from sojourn.sdk.packing import Packed
from sojourn.sdk.segments import HEADER, Segment
from sojourn.wire.messages import Absence

MEASUREMENTS: Final = frozenset({EventKind.ACTION, EventKind.VALUE, EventKind.VIEW, EventKind.HTTP_REQUEST})
"""Kinds that go first: how fast something was matters less than who did what in which session."""

LONGEST_ABSENCE: Final = 512
"""Bytes that the report of one dropped event takes at most."""


def thin(segment: Segment | Packed, *, measurements_only: bool) -> tuple[Segment, int] | None:
    """A smaller segment in place of this one, and how many events were left out; None when nothing can be.

    The caller closes the old one, once no one looks at it any more.

    The new file is written aside and takes the old one's name, so a process killed here loses neither.
    """
    region = Reader(segment).next_region(1 << 40, segment.size)
    if region is None or segment.path is None:
        return None
    room = Segment.in_memory(segment.size + LONGEST_ABSENCE * (region.lines + 1))
    try:
        dropped = _keep(region, room, measurements_only=measurements_only)
        if not dropped:
            return None
        aside = segment.path.with_suffix(".new")
        aside.unlink(missing_ok=True)
        smaller = Segment.create(aside, room.committed)
        smaller.append(room.read(HEADER, room.committed))
    finally:
        room.close()
    path: Path = segment.path
    aside.replace(path)
    smaller.path = path
    return smaller, dropped


def _keep(region: Region, room: Segment, *, measurements_only: bool) -> int:
    """Put into `room` what is kept of the region, and reports of the rest; how many events that rest is."""
    dropped = 0
    for part in region.parts:
        absences = list(part.absences)
        for found in part.lines:
            heading, shape, line = found
            if measurements_only and line.more.get("kind", KIND) not in MEASUREMENTS:
                again = write_line(line.sequence, line.time, line.name, line.values, line.more)
                append_event(room, again, heading, shape)
            else:
                dropped += 1
                absences.append(_absence_of(found))
        for absence in joined(absences):
            append_absence(room, absence, part.context)
    return dropped


def _absence_of(found: Found, reason: str = "queue_full") -> Absence:
    heading = found.heading
    return Absence(
        session_id=heading.session_id, stream_id=heading.stream_id, sequence=found.line.sequence, count=1, reason=reason
    )


def absences_of(lines: Iterable[Found], reason: str) -> list[Absence]:
    """The places of events that will never arrive, neighbours joined."""
    return joined([_absence_of(found, reason) for found in lines])


def joined(absences: list[Absence]) -> list[Absence]:
    """The same places in as few reports as can be."""
    result: list[Absence] = []
    for absence in sorted(absences, key=lambda a: (a.session_id, a.stream_id, a.reason, a.sequence)):
        last = result[-1] if result else None
        if absence.sequence < 0:
            continue
        if (
            last
            and (last.session_id, last.stream_id, last.reason)
            == (absence.session_id, absence.stream_id, absence.reason)
            and last.sequence + last.count >= absence.sequence
        ):
            last.count = max(last.count, absence.sequence + absence.count - last.sequence)
        else:
            result.append(absence)
    return result
