"""Random events of clients that do not manage their sessions, or badly, and what the reference makes of them."""

import itertools
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from sojourn.rules.boundaries import derive
from sojourn.rules.derived import source_of, summarize_derived
from sojourn.rules.events import order_of
from sojourn.rules.sessions import SessionPolicy
from sojourn.rules.summaries import Absences
from tests.rules.histories import deliveries
from tests.server import now
from tests.store.test_law import FIRST, LAST, shown

SECOND = 1_000_000
IDLE_SECONDS, DURATION_SECONDS = 10, 25
POLICY = SessionPolicy(IDLE_SECONDS * SECOND, DURATION_SECONDS * SECOND)
LONGEST_SECONDS = 80
KINDS = ["session_start", "session_end", "identify", "session_properties", "event", "event", "action", "error"]


@dataclass
class Sent:
    """An event as it is sent and as the reference reads it. `offset` and `length` in seconds."""

    kind: str
    offset: int
    length: int
    stream_id: str
    sequence: int
    session_id: str
    instance_id: str
    user_identifier: str
    retag: bool
    start_reason: str
    end_reason: str
    previous_session_id: str
    session_properties: dict[str, Any]
    event_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    clock_offset: int = 0
    timestamp: int = 0
    duration: int = 0

    def at(self, start: int, prefix: str) -> "Sent":
        self.timestamp = start + self.offset * SECOND
        self.duration = self.length * SECOND
        self.session_id = self.session_id and prefix + self.session_id
        self.instance_id = prefix + self.instance_id
        return self

    def message(self) -> dict[str, Any]:
        fields = dict(vars(self))
        for name in ("offset", "length", "instance_id", "clock_offset"):
            del fields[name]
        return fields


def sent_events(numbered: bool = True) -> st.SearchStrategy[Sent]:
    return st.builds(
        Sent,
        kind=st.sampled_from(KINDS),
        offset=st.integers(0, LONGEST_SECONDS),
        length=st.sampled_from([0, 0, 0, 4, 12]),
        stream_id=st.sampled_from(["x", "y"]),
        sequence=st.integers(-1, 9) if numbered else st.just(-1),
        session_id=st.sampled_from(["", "", "a", "b"]),
        instance_id=st.sampled_from(["i", "j"]),
        user_identifier=st.sampled_from(["", "", "ann", "bob"]),
        retag=st.booleans(),
        start_reason=st.sampled_from(["", "start_up"]),
        end_reason=st.sampled_from(["", "timeout", "end_session", "unheard_of"]),
        previous_session_id=st.sampled_from(["", "before"]),
        session_properties=st.fixed_dictionaries(
            {}, optional={FIRST: st.sampled_from(["p", "q", ""]), LAST: st.sampled_from([1, 2.5, -3])}
        ),
    )


PLACE = st.tuples(st.sampled_from("ab"), st.sampled_from(["x", "z"]), st.integers(0, 12))


def unique_places(events: list[Sent]) -> list[Sent]:
    """A client gives each number of a stream once."""
    kept: dict[Any, Sent] = {}
    for event in events:
        source = event.session_id or "~" + event.instance_id
        place = (source, event.stream_id, event.sequence) if event.sequence >= 0 else event.event_id
        kept.setdefault(place, event)
    return list(kept.values())


_windows = itertools.count(2)


@dataclass
class History:
    """Events and how they arrive, in a stretch of time and under names that no other history has."""

    events: list[Sent]
    lost: set[tuple[str, str, int]]
    batches: list[list[Sent]]
    half: int
    """Before which batch something else happens."""
    prefix: str = field(default_factory=lambda: uuid.uuid4().hex[:16])
    start: int = 0

    def __post_init__(self) -> None:
        self.start = now() // SECOND * SECOND - next(_windows) * 2 * LONGEST_SECONDS * SECOND
        for event in self.events:
            event.at(self.start, self.prefix)

    def absences(self) -> dict[str, frozenset[tuple[str, int]]]:
        """What was lost of its sessions. They are told with the first events; of one without any, nothing is shown."""
        named = {event.session_id for event in self.events}
        return {
            self.prefix + session: frozenset((stream, n) for s, stream, n in self.lost if s == session)
            for session, _, _ in self.lost
            if self.prefix + session in named
        }


@st.composite
def histories(draw: st.DrawFn) -> History:
    events = draw(st.lists(sent_events(), min_size=1, max_size=16).map(unique_places))
    lost = draw(st.sets(PLACE, max_size=3))
    batches = draw(deliveries(events))
    return History(events, lost, batches, draw(st.integers(0, len(batches))))


def by_history(sessions: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Sessions by the prefix of their history."""
    found: dict[str, list[dict[str, Any]]] = {}
    for session in sessions:
        found.setdefault(session["instance_id"][:16], []).append(session)
    return found


def expected(frontend: str, events: Iterable[Sent], absences: Absences) -> list[dict[str, Any]]:
    """The sessions of the reference in the words of the API, long after; each with its events and their users."""
    events = list(events)
    placements = {}
    for source in {source_of(frontend, event) for event in events}:
        own = [event for event in events if source_of(frontend, event) == source]
        placements.update(derive(source, own, POLICY).placements)
    found = []
    for summary in summarize_derived(frontend, events, POLICY, absences):
        ended = {"live": False, "end_reason": summary.end_reason or "timeout"}
        members = [
            [event.event_id, placements[order_of(event)].user_identifier or None]
            for event in sorted({e.event_id: e for e in events}.values(), key=order_of)
            if placements[order_of(event)].session_id == summary.session_id
        ]
        found.append(shown(summary) | ended | {"events": members})
    return found


def cut(sessions: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sessions as the API lists them, cut to what the reference knows of them, by session id."""
    names = wanted[0].keys() - {"events"} if wanted else set()
    shown_sessions = [{name: session[name] for name in names} for session in sessions]
    return sorted(shown_sessions, key=lambda session: session["session_id"])
