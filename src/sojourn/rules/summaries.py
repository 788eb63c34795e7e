"""The reference of the one law: session summaries as a pure function of the set of events.

Plain Python, written to be read; the store computes the same with aggregates, and the tests hold one against the other.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sojourn.rules.events import ACTION_KINDS, ERROR_KINDS, Event, EventKind, Order, is_substance, order_of
from sojourn.rules.limits import SKEW_TOLERANCE
from sojourn.rules.sessions import EndReason, SessionPolicy
from sojourn.rules.values import Value, data_type_of


@dataclass(frozen=True, slots=True)
class PropertyValues:
    """The first and the last value that one session property had; the definition says which one is shown."""

    first: Value
    last: Value


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """What one session amounts to. Times in microseconds by the server's clock; "" is none.

    `missing_events` counts the gaps in the sequence numbers of all streams, less those known to be absent because
    the server rejected them or the SDK dropped them (`absent_events`).
    """

    session_id: str
    instance_id: str
    previous_session_id: str
    start_time: int
    end_time: int
    start_reason: str
    end_reason: str
    user_identifier: str
    user_identifiers: tuple[str, ...]
    event_count: int
    action_count: int
    error_count: int
    missing_events: int
    absent_events: int
    empty: bool
    clock_offset: int
    properties: Mapping[str, PropertyValues] = field(default_factory=dict)

    @property
    def duration(self) -> int:
        """From the first event to the end of the last: the idle tail is not in it."""
        return self.end_time - self.start_time


def skew_of(clock_offset: int) -> int:
    """What to add to a client's times: its least measured offset, unless that could be transit delay alone."""
    return clock_offset if abs(clock_offset) > SKEW_TOLERANCE else 0


def ended_by(end_reason: str, end_time: int, policy: SessionPolicy, now: int) -> str:
    """Why the session is over by now, "" while it is live. One without an end event ends by its timeout."""
    if end_reason:
        return end_reason
    return EndReason.TIMEOUT.value if now >= end_time + policy.idle_timeout else ""


Absences = Mapping[str, frozenset[tuple[str, int]]]
"""Places (stream, sequence), by session, that were rejected by the server or dropped by the SDK."""


def summarize(events: Iterable[Event], absences: Absences | None = None) -> list[SessionSummary]:
    """The summaries of all sessions in a set of events, by session id. Copies and order make no difference.

    Every event must have a session id (`boundaries.py` gives one to events that came without).
    """
    sessions: dict[str, list[Event]] = {}
    for event in events:
        sessions.setdefault(event.session_id, []).append(event)
    absences = absences or {}
    return [
        summary_of(session_id, found, absences.get(session_id, frozenset()))
        for session_id, found in sorted(sessions.items())
    ]


def summary_of(
    session_id: str, events: Sequence[Event], absent: frozenset[tuple[str, int]] = frozenset()
) -> SessionSummary:
    """One summary; `events` in any order, with copies.

    Two copies of one event may differ in what ingest kept of them, when a definition changed between them. So
    each first and last is taken over (order of the event, value), and never depends on which copy came last.
    """
    # Each copy of an event measured the clock anew, and the least of all is nearest to the truth.
    offset = min(event.clock_offset for event in events)
    skew = skew_of(offset)
    starts = [(order_of(e), e.previous_session_id, e.start_reason) for e in events if e.kind == EventKind.SESSION_START]
    ends = [(order_of(e), e.end_reason) for e in events if e.kind == EventKind.SESSION_END]
    tags = [(order_of(e), e.user_identifier) for e in events if e.user_identifier]
    values: dict[str, list[tuple[Order, str, Value]]] = {}
    for event in events:
        for name, value in event.session_properties.items():
            values.setdefault(name, []).append((order_of(event), data_type_of(value), value))
    places = {(event.stream_id, event.sequence) for event in events if event.sequence >= 0}
    absent -= places
    tops: dict[str, int] = {}
    for stream_id, sequence in places | absent:
        tops[stream_id] = max(sequence, tops.get(stream_id, -1))
    return SessionSummary(
        session_id=session_id,
        instance_id=max((order_of(event), event.instance_id) for event in events)[1],
        previous_session_id=min(starts)[1] if starts else "",
        start_time=min(event.timestamp for event in events) + skew,
        end_time=max(event.timestamp + event.duration for event in events) + skew,
        start_reason=min(starts)[2] if starts else "",
        end_reason=max(ends)[1] if ends else "",
        user_identifier=max(tags)[1] if tags else "",
        user_identifiers=tuple(sorted({identifier for _, identifier in tags})),
        event_count=_places(events),
        action_count=_places([event for event in events if event.kind in ACTION_KINDS]),
        error_count=_places([event for event in events if event.kind in ERROR_KINDS]),
        missing_events=sum(top + 1 for top in tops.values()) - len(places) - len(absent),
        absent_events=len(absent),
        empty=not any(is_substance(event) for event in events),
        clock_offset=offset,
        properties={name: PropertyValues(min(had)[2], max(had)[2]) for name, had in sorted(values.items())},
    )


def _places(events: Sequence[Event]) -> int:
    """How many events there are, by their place in a stream, or by their id where they have none."""
    return len({(e.stream_id, e.sequence, "" if e.sequence >= 0 else e.event_id) for e in events})
