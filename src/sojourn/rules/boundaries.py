"""Where sessions begin and end when the client did not say so: derived from the set of its events, by the one rule.

The order of arrival, copies and batches make no difference: a late event can join two sessions or split one.
"""

import hashlib
import json
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

from sojourn.rules.events import Event, EventKind, Order, order_of
from sojourn.rules.sessions import EndReason, Policies, SessionLife, StartReason
from sojourn.rules.users import identifier_after

Places = frozenset[tuple[str, int]]
"""Places (stream, sequence) of events."""


@dataclass(frozen=True, slots=True)
class Source:
    """Whose events are looked at together: those of a client's session id or, if that is "", an instance's others."""

    frontend: str
    instance_id: str = ""
    session_id: str = ""


@dataclass(frozen=True, slots=True)
class DerivedSession:
    """One session of a source. "" is none or not known.

    It holds the events from `first_event` on, in their total order, up to the first event of the next one.
    `inherited_identifier` is the tag with which it begins, `carried_identifier` the same where some of its events
    came before any tag of its own, and so have that one.
    `missing_events` and `absent_events` are its share of the gaps in the streams of the source.
    """

    session_id: str
    first_event: Order
    previous_session_id: str
    start_reason: str
    end_reason: str
    inherited_identifier: str
    carried_identifier: str
    missing_events: int
    absent_events: int


@dataclass(frozen=True, slots=True)
class Placement:
    """What the source as a whole says about one event: its session and who used it ("" is nobody known)."""

    session_id: str
    user_identifier: str


@dataclass(frozen=True, slots=True)
class Boundaries:
    """The sessions of a source, first to last, and the place of each of its events."""

    sessions: tuple[DerivedSession, ...]
    placements: Mapping[Order, Placement]


START_AFTER: Final[Mapping[EndReason, StartReason]] = {
    EndReason.TIMEOUT: StartReason.TIMEOUT,
    EndReason.DURATION: StartReason.DURATION,
    EndReason.END_SESSION: StartReason.END_SESSION,
    EndReason.PRIVACY_CHANGE: StartReason.PRIVACY_CHANGE,
    EndReason.CRASH: StartReason.CRASH,
    EndReason.APP_CLOSED: StartReason.START_UP,
}
"""Why the session after one that ended for a reason started."""


def derive(
    source: Source,
    events: Iterable[Event],
    policies: Policies,
    absent: Places = frozenset(),
    begin: DerivedSession | None = None,
    second: Places = frozenset(),
) -> Boundaries:
    """Split the events of one source into sessions; `absent` are the places rejected or dropped.

    `second` are those of them that are a further number of an event that did arrive: neither missing nor absent.

    Silence counts from the latest end (timestamp + duration) of the session's events so far. A `session_end` belongs
    to the session before it, is no activity, and ends it, but for a client's session id: which events belong to that
    is the client's word, and only the timeouts break it. Every other kind of event is activity and nothing else.

    With `begin`, the events are those of a source from the first event of that session on: what comes later changes
    nothing about how a session began, so the answer is the tail of the whole one (gaps in the streams apart).
    """
    parts = _split(source, _each_once(events), policies)
    missing, absences = _shares_of_gaps(parts, absent, second)
    sessions: list[DerivedSession] = []
    placements: dict[Order, Placement] = {}
    tag = ""
    for index, part in enumerate(parts):
        if index == 0 and begin is not None:
            session_id, previous, start_reason = begin.session_id, begin.previous_session_id, begin.start_reason
            tag = begin.inherited_identifier
        elif index == 0:
            session_id = source.session_id or _derived_id(source, part.events[0])
            start = min(_starts(part.events), default=None)
            previous, start_reason = start[1:] if start else ("", "" if source.session_id else StartReason.START_UP)
        else:
            session_id = _derived_id(source, part.events[0])
            ended = _known(sessions[-1].end_reason)
            previous, start_reason = sessions[-1].session_id, START_AFTER[ended]
            tag = identifier_after(ended, tag)
        inherited = tag
        carried, tag = _place(part.events, session_id, tag, placements)
        sessions.append(
            DerivedSession(
                session_id=session_id,
                first_event=order_of(part.events[0]),
                previous_session_id=previous,
                start_reason=str(start_reason),
                end_reason=str(part.end_reason),
                inherited_identifier=inherited,
                carried_identifier=carried,
                missing_events=missing[index],
                absent_events=absences[index],
            )
        )
    return Boundaries(tuple(sessions), placements)


@dataclass(slots=True)
class _Part:
    """The events of one session, in their total order, and why it ended ("" if nothing says that it did)."""

    events: list[Event]
    end_reason: str = ""


def _each_once(events: Iterable[Event]) -> list[Event]:
    """The events in their total order. Where copies differ, the greatest by content stands for all of them."""
    chosen: dict[Order, Event] = {}
    for event in events:
        order = order_of(event)
        other = chosen.get(order)
        if other is None or _content(event) > _content(other):
            chosen[order] = event
    return [chosen[order] for order in sorted(chosen)]


def _content(event: Event) -> tuple[str, int, str, str, str, str]:
    """All of an event that matters here, beside its place in the order."""
    reasons = (event.end_reason, event.previous_session_id, event.start_reason)
    return (event.kind, event.duration, event.user_identifier, *reasons)


def _split(source: Source, events: list[Event], policies: Policies) -> list[_Part]:
    parts: list[_Part] = []
    life = SessionLife(0)
    active_until = 0
    for event in events:
        ends = event.kind == EventKind.SESSION_END
        if not parts:
            due: str | None = ""
        elif ends:
            due = None
        elif parts[-1].end_reason and not source.session_id:
            due = parts[-1].end_reason
        else:
            began = parts[-1].events[0].timestamp
            due = life.split_due(event.timestamp, policies.during(began, event.timestamp))
        if due is None:
            parts[-1].events.append(event)
        else:
            if parts:
                # A session that said why it ended keeps its reason, however long ago that was.
                parts[-1].end_reason = parts[-1].end_reason or due
            parts.append(_Part([event]))
            life = SessionLife(event.timestamp)
            active_until = event.timestamp
        if ends:
            parts[-1].end_reason = event.end_reason or ("" if source.session_id else EndReason.END_SESSION)
        else:
            active_until = max(active_until, event.timestamp + event.duration)
            life.touch(active_until)
    return parts


def _known(end_reason: str) -> EndReason:
    """Why a session ended, as far as the next one is concerned: a reason that we do not know is the application's."""
    try:
        return EndReason(end_reason)
    except ValueError:
        return EndReason.END_SESSION


def _starts(events: list[Event]) -> list[tuple[Order, str, str]]:
    starts = (event for event in events if event.kind == EventKind.SESSION_START)
    return [(order_of(event), event.previous_session_id, event.start_reason) for event in starts]


def _derived_id(source: Source, first: Event) -> str:
    """The id of the session that starts with this event: a UUID (version 8), ordered by that event's time.

    Its first 48 bits are milliseconds, as in version 7; the others are of the SHA-256 of the source and the event.
    """
    whose = ["session", source.session_id] if source.session_id else ["instance", source.instance_id]
    text = json.dumps([source.frontend, *whose, *order_of(first)], separators=(",", ":"))
    digest = int.from_bytes(hashlib.sha256(text.encode("ascii")).digest()[:16], "big")
    milliseconds = min(max(first.timestamp // 1000, 0), 2**48 - 1)
    number = milliseconds << 80 | digest % 2**80
    number = number & ~(0xF << 76) | 8 << 76
    number = number & ~(0x3 << 62) | 2 << 62
    digits = f"{number:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _place(events: list[Event], session_id: str, tag: str, placements: dict[Order, Placement]) -> tuple[str, str]:
    """Place the events of one session that starts with a tag; the tag that was carried over, and the one at its end.

    An untagged event takes away nothing: only `identify` without an identifier removes a tag.
    """
    carries, carried = True, ""
    for event in events:
        identifier = event.user_identifier
        if identifier or event.kind == EventKind.IDENTIFY:
            carries, tag = False, identifier
        elif carries:
            carried = identifier = tag
        placements[order_of(event)] = Placement(session_id, identifier)
    return carried, tag


def _shares_of_gaps(parts: list[_Part], absent: Places, second: Places) -> tuple[list[int], list[int]]:
    present: dict[str, dict[int, int]] = {}
    for index, part in enumerate(parts):
        for event in part.events:
            if event.sequence >= 0:
                present.setdefault(event.stream_id, {}).setdefault(event.sequence, index)
    streams: dict[str, Stream] = {}
    for stream_id, owners in present.items():
        numbers = sorted(owners)
        gaps = [
            Gap(before + 1, number, owners[number])
            for before, number in pairwise([-1, *numbers])
            if number > before + 1
        ]
        streams[stream_id] = Stream(gaps, numbers[-1], owners[numbers[-1]])
    return share_gaps(len(parts), streams, absent, second)


class Gap(NamedTuple):
    """Numbers of a stream of which no event arrived, from `begin` up to `end`, which is not one of them.

    `owner` is the index of the session of the event after them.
    """

    begin: int
    end: int
    owner: int


class Stream(NamedTuple):
    """The gaps of a stream, its highest number and the index of the session that has it."""

    gaps: Sequence[Gap]
    top: int
    top_owner: int


def share_gaps(
    count: int, streams: Mapping[str, Stream], absent: Places, second: Places
) -> tuple[list[int], list[int]]:
    """How many events each of `count` sessions misses, and how many are known to be absent, second numbers left out.

    A gap belongs to the session of the event after it in the stream, which shows that there is one; without such an
    event to that of the last one before it; a stream of which nothing arrived to the last session.
    """
    missing, absences = [0] * count, [0] * count
    gone: dict[str, list[int]] = {}
    for stream_id, sequence in sorted(absent):
        gone.setdefault(stream_id, []).append(sequence)
    if not count:
        return missing, absences
    for stream_id in streams.keys() | gone.keys():
        gaps, top, top_owner = streams.get(stream_id, Stream((), -1, count - 1))
        lost = gone.get(stream_id, [])
        told = [number for number in lost if (stream_id, number) not in second]
        tail = [Gap(top + 1, lost[-1] + 1, top_owner)] if lost and lost[-1] > top else []
        for begin, end, owner in [*gaps, *tail]:
            known = bisect_left(lost, end) - bisect_left(lost, begin)
            absences[owner] += bisect_left(told, end) - bisect_left(told, begin)
            missing[owner] += end - begin - known
    return missing, absences
