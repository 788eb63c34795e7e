"""Keeps the queue within its disk limit: leaves out the oldest measurements first, then whole segments, and says so."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from sojourn.rules.events import EventKind
from sojourn.sdk.batches import Reader, Region
from sojourn.sdk.packing import Packed
from sojourn.sdk.segments import ABSENCE, HEADER, MARKER, Segment
from sojourn.wire.messages import Absence

MEASUREMENTS: Final = frozenset({EventKind.ACTION, EventKind.VALUE, EventKind.VIEW, EventKind.HTTP_REQUEST})
"""Kinds that go first: how fast something was matters less than who did what in which session."""

_KIND: Final = re.compile(rb'"kind":"([a-z_]+)"')
_encode = msgspec.json.Encoder().encode


class _Place(msgspec.Struct):
    """Where an event stood in its stream."""

    session_id: str = ""
    stream_id: str = ""
    sequence: int = -1


_place = msgspec.json.Decoder(_Place)


def thin(segment: Segment | Packed, *, measurements_only: bool) -> tuple[Segment, int] | None:
    """A smaller segment in place of this one, and how many events were left out; None when nothing can be.

    The caller closes the old one, once no one looks at it any more.

    The new file is written aside and takes the old one's name, so a process killed here loses neither.
    """
    region = Reader(segment).next_region(1 << 40, segment.size)
    if region is None or segment.path is None:
        return None
    lines, dropped = _kept_lines(region, measurements_only=measurements_only)
    if not dropped:
        return None
    aside = segment.path.with_suffix(".new")
    aside.unlink(missing_ok=True)
    smaller = Segment.create(aside, HEADER + sum(len(line) for line in lines))
    for line in lines:
        smaller.append(line)
    path: Path = segment.path
    aside.replace(path)
    smaller.path = path
    return smaller, dropped


def _kept_lines(region: Region, *, measurements_only: bool) -> tuple[list[bytes], int]:
    lines: list[bytes] = []
    dropped = 0
    for number, part in enumerate(region.parts):
        lines.append(b"%b%d %b\n" % (MARKER, number, _encode(part.context)))
        absences = list(part.absences)
        for line in part.lines():
            if measurements_only and not _is_measurement(line):
                lines.append(line + b",\n")
            else:
                dropped += 1
                absences.append(_absence_of(line))
        lines.extend(ABSENCE + _encode(absence) + b"\n" for absence in joined(absences))
    return lines, dropped


def _is_measurement(line: bytes) -> bool:
    found = _KIND.search(line, 0, 200)
    return found is not None and found[1].decode() in MEASUREMENTS


def _absence_of(line: bytes, reason: str = "queue_full") -> Absence:
    try:
        place = _place.decode(line)
    except msgspec.DecodeError:
        place = _Place()
    return Absence(
        session_id=place.session_id, stream_id=place.stream_id, sequence=place.sequence, count=1, reason=reason
    )


def absences_of(lines: Iterator[bytes], reason: str) -> list[Absence]:
    """The places of events that will never arrive, neighbours joined."""
    return joined([_absence_of(line, reason) for line in lines])


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
