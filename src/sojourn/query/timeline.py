"""One session as a picture: events sorted into lanes, nested actions in rows, gaps where events are missing.

Pure: it is given the events and knows nothing of tables, pixels or colours.
"""

from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from sojourn.query.answers import SessionEvent
from sojourn.rules.events import EventKind

LANES = (
    ("view", "Views", (EventKind.VIEW,)),
    ("action", "Actions", (EventKind.ACTION,)),
    ("event", "Events", (EventKind.EVENT, EventKind.VALUE, EventKind.HTTP_REQUEST)),
    ("error", "Errors", (EventKind.ERROR, EventKind.CRASH)),
    ("user", "User", (EventKind.IDENTIFY,)),
    ("property", "Properties", (EventKind.SESSION_PROPERTIES,)),
)
"""Key, label and kinds of the lanes, from top to bottom."""
MAX_MARKS = 150
"""Marks of a picture; more are joined."""
_RESOLUTIONS = (400, 200, 100, 60, 30, 15)
MAX_ROWS = 12
"""Rows of a lane; what would need more shares the last one."""


class Mark(msgspec.Struct, kw_only=True):
    """One event in a lane, or `count` that lie too close to be told apart. Times in microseconds."""

    start: int
    end: int
    kind: str
    name: str
    event_id: str
    row: int = 0
    count: int = 1


class Lane(msgspec.Struct, kw_only=True):
    """The marks of some kinds; `rows` is how many lie below each other."""

    key: str
    label: str
    marks: list[Mark]
    rows: int


class Gap(msgspec.Struct, kw_only=True):
    """Places of one stream that no event filled: `count` from `sequence` on, between two events that did arrive.

    `reason` is "" while they may still come, else why they never will. `after` and `before` are event ids.
    """

    stream_id: str
    sequence: int
    count: int
    start: int
    end: int
    after: str
    before: str
    reason: str = ""


class Timeline(msgspec.Struct, kw_only=True):
    """The lanes of a stretch of a session, from `start` to `end`, and its gaps."""

    start: int
    end: int
    lanes: list[Lane]
    gaps: list[Gap]


class Absence(msgspec.Struct):
    """A place of a stream whose event will never arrive."""

    stream_id: str
    sequence: int
    reason: str


class PropertyHistory(msgspec.Struct, kw_only=True):
    """The values that one session property had: each as JSON with its time and event, in order, repeats left out."""

    name: str
    changes: list[tuple[int, msgspec.Raw, str]]


def timeline(events: Sequence[SessionEvent], gaps: list[Gap], start: int, end: int) -> Timeline:
    """The lanes between two times. Marks that lie too close are one with a count, the wider the more there are."""
    within = [e for e in events if e.timestamp <= end and e.timestamp + e.duration >= start]
    lanes: list[Lane] = []
    for resolution in _RESOLUTIONS:
        nearest = max((end - start) // resolution, 1)
        by_kind = [(key, label, [e for e in within if e.kind in kinds]) for key, label, kinds in LANES]
        lanes = [_lane(key, label, found, nearest) for key, label, found in by_kind if found]
        if sum(len(lane.marks) for lane in lanes) <= MAX_MARKS:
            break
    return Timeline(
        start=start, end=end, lanes=lanes, gaps=[gap for gap in gaps if gap.start <= end and gap.end >= start]
    )


def _lane(key: str, label: str, events: list[SessionEvent], nearest: int) -> Lane:
    marks: list[Mark] = []
    if key in ("view", "action"):
        depths = _depths(events) if key == "action" else {}
        ends: dict[int, int] = {}
        for event in sorted(events, key=lambda e: (e.timestamp, -e.duration, e.event_id)):
            row = depths.get(event.event_id, 0)
            while row < MAX_ROWS - 1 and ends.get(row, -1) > event.timestamp:
                row += 1
            ends[row] = max(ends.get(row, 0), event.timestamp + max(event.duration, nearest))
            marks.append(_mark(event, row))
        return Lane(key=key, label=label, marks=_joined(marks, nearest), rows=max(m.row for m in marks) + 1)
    return Lane(key=key, label=label, marks=_joined([_mark(event, 0) for event in events], nearest), rows=1)


def _mark(event: SessionEvent, row: int) -> Mark:
    return Mark(
        start=event.timestamp,
        end=event.timestamp + event.duration,
        kind=event.kind,
        name=event.name,
        event_id=event.event_id,
        row=row,
    )


def _joined(marks: list[Mark], nearest: int) -> list[Mark]:
    """Marks of one row that nobody could tell apart, as one."""
    kept: list[Mark] = []
    last: dict[int, Mark] = {}
    for mark in marks:
        before = last.get(mark.row)
        if before and mark.start - before.start < nearest and before.end - before.start < nearest * 2:
            before.count += 1
            before.end = max(before.end, mark.end)
        else:
            last[mark.row] = mark
            kept.append(mark)
    return kept


def _depths(events: Iterable[SessionEvent]) -> dict[str, int]:
    """How many known parents each action has. A ring, which only a broken client sends, ends where it closes."""
    parents = {e.action_id: e.parent_action_id for e in events if e.action_id}
    found = {}
    for event in events:
        depth, above, seen = 0, event.parent_action_id, {event.action_id}
        while above and above in parents and above not in seen and depth < MAX_ROWS - 1:
            seen.add(above)
            depth, above = depth + 1, parents[above]
        found[event.event_id] = depth
    return found


def find_gaps(events: Sequence[SessionEvent], absences: Iterable[Absence], *, whole: bool = True) -> list[Gap]:
    """Where numbers of a stream are missing, and which of them are known to have no event.

    The numbers of a `whole` session begin at 0; those of a stretch of one, or of a derived session, anywhere.
    """
    streams: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for event in events:
        if event.sequence is not None:
            insort(streams[event.stream_id], (event.sequence, event.timestamp, event.event_id))
    reasons: dict[tuple[str, int], str] = {(a.stream_id, a.sequence): a.reason for a in absences}
    gaps: list[Gap] = []
    for stream_id, places in streams.items():
        before: tuple[int, int, str] | None = None
        for place in places:
            first = before[0] + 1 if before else 0 if whole else place[0]
            if place[0] > first:
                gaps += _gap_parts(stream_id, first, place[0], before or (-1, place[1], ""), place, reasons)
            before = place
        assert before is not None
        last = before[0] + 1
        top = max((number for name, number in reasons if name == stream_id), default=-1)
        if top >= last and whole:
            gaps += _gap_parts(stream_id, last, top + 1, before, (top + 1, before[1], ""), reasons)
    return sorted(gaps, key=lambda gap: (gap.start, gap.stream_id, gap.sequence))


def _gap_parts(
    stream_id: str,
    first: int,
    beyond: int,
    before: tuple[int, int, str],
    after: tuple[int, int, str],
    reasons: dict[tuple[str, int], str],
) -> list[Gap]:
    """A gap, split where the reason changes. A gap of many thousands is one, as nobody explains each of its places."""
    parts: list[Gap] = []
    known = sorted(number for name, number in reasons if name == stream_id and first <= number < beyond)
    at = first
    start, end = sorted((before[1], after[1]))

    def add(number: int, count: int, reason: str) -> None:
        last = parts[-1] if parts else None
        if last and last.reason == reason and last.sequence + last.count == number:
            last.count += count
        elif count > 0:
            parts.append(
                Gap(
                    stream_id=stream_id,
                    sequence=number,
                    count=count,
                    start=start,
                    end=end,
                    after=before[2],
                    before=after[2],
                    reason=reason,
                )
            )

    for number in known:
        add(at, number - at, "")
        add(number, 1, reasons[stream_id, number])
        at = number + 1
    add(at, beyond - at, "")
    return parts


def property_histories(events: Iterable[SessionEvent]) -> list[PropertyHistory]:
    """The values of each session property, by name."""
    found: dict[str, list[tuple[int, msgspec.Raw, str]]] = defaultdict(list)
    for event in events:
        for name, value in event.reported_session_properties.items():
            changes = found[name]
            if not changes or bytes(changes[-1][1]) != bytes(value):
                changes.append((event.timestamp, value, event.event_id))
    return [PropertyHistory(name=name, changes=found[name]) for name in sorted(found)]
