"""The one law through the whole server: any order, any copies, any batches give the summary of the Python reference."""

import os
import uuid
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sojourn.rules.summaries import SessionSummary, summarize
from tests.rules.histories import deliveries
from tests.server import Frontend, Server, now

HISTORIES = int(os.environ.get("SOJOURN_HISTORIES", "200"))
"""How many random histories are tried; the nightly target asks for more."""

SESSIONS = ["a", "b"]
FIRST = "session_properties.first"
LAST = "session_properties.last"
KINDS = ["session_start", "session_end", "identify", "session_properties", "event", "action", "error", "crash"]


@dataclass
class Sent:
    """An event as it is sent and as the reference reads it."""

    kind: str
    offset: int
    duration: int
    stream_id: str
    sequence: int
    session_id: str
    user_identifier: str
    retag: bool
    start_reason: str
    end_reason: str
    previous_session_id: str
    session_properties: dict[str, Any]
    event_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    instance_id: str = "instance-1"
    clock_offset: int = 0
    timestamp: int = 0

    def at(self, start: int, session: str) -> "Sent":
        self.timestamp = start + self.offset
        self.session_id = session + self.session_id
        return self

    def message(self) -> dict[str, Any]:
        fields = dict(vars(self))
        del fields["offset"], fields["instance_id"], fields["clock_offset"]
        return fields


EVENT = st.builds(
    Sent,
    kind=st.sampled_from(KINDS),
    offset=st.integers(0, 40),
    duration=st.sampled_from([0, 0, 3, 30]),
    stream_id=st.sampled_from(["x", "y"]),
    sequence=st.integers(-1, 9),
    session_id=st.sampled_from(SESSIONS),
    user_identifier=st.sampled_from(["", "", "ann", "bob", "é\t'\"\\"]),
    retag=st.booleans(),
    start_reason=st.sampled_from(["", "start_up", "timeout"]),
    end_reason=st.sampled_from(["", "timeout", "end_session"]),
    previous_session_id=st.sampled_from(["", "before"]),
    session_properties=st.fixed_dictionaries(
        {}, optional={FIRST: st.sampled_from(["p", "q", ""]), LAST: st.sampled_from([1, 2.5, -3])}
    ),
)
PLACE = st.tuples(st.sampled_from(SESSIONS), st.sampled_from(["x", "z"]), st.integers(0, 12))


def unique_places(events: list[Sent]) -> list[Sent]:
    """A well-behaved client gives each number of a stream once."""
    kept: dict[Any, Sent] = {}
    for event in events:
        place = (event.session_id, event.stream_id, event.sequence) if event.sequence >= 0 else event.event_id
        kept.setdefault(place, event)
    return list(kept.values())


@pytest.fixture(scope="module")
def shop(server: Server) -> Frontend:
    frontend = server.frontend(idle_timeout="1h")
    frontend.define("session", "first", "string", aggregation="first")
    frontend.define("session", "last", "number")
    return frontend


def shown(summary: SessionSummary) -> dict[str, Any]:
    """A reference summary in the words of the API, for a session that is not over by itself yet."""
    values = summary.properties
    properties = {FIRST: values[FIRST].first} if FIRST in values else {}
    if LAST in values:
        properties[LAST] = values[LAST].last
    return {
        "session_id": summary.session_id,
        "instance_id": summary.instance_id,
        "previous_session_id": summary.previous_session_id or None,
        "start_time": summary.start_time,
        "end_time": summary.end_time,
        "duration": summary.duration,
        "live": not summary.end_reason,
        "start_reason": summary.start_reason or None,
        "end_reason": summary.end_reason or None,
        "user_identifier": summary.user_identifier or None,
        "user_identifiers": list(summary.user_identifiers),
        "session_properties": properties,
        "event_count": summary.event_count,
        "action_count": summary.action_count,
        "error_count": summary.error_count,
        "missing_events": summary.missing_events,
        "absent_events": summary.absent_events,
        "empty": summary.empty,
        "clock_offset": summary.clock_offset,
    }


IN_SQL = {
    **dict.fromkeys(("start_time", "end_time"), "toUnixTimestamp64Micro({})"),
    **dict.fromkeys(
        ("session_id", "instance_id", "previous_session_id", "duration", "live", "start_reason", "end_reason"), "{}"
    ),
    **dict.fromkeys(("user_identifier", "user_identifiers", "event_count", "action_count", "error_count"), "{}"),
    **dict.fromkeys(("missing_events", "absent_events", "empty", "clock_offset"), "{}"),
}
"""The columns of `user_sessions` that must say what the API does, and how their values are asked for."""


def check_view(shop: Frontend, expected: list[dict[str, Any]]) -> None:
    """The view that filters and analysts look at says of each session what is read by its id."""
    columns = ", ".join(column.format(name) for name, column in IN_SQL.items())
    question = {
        "query": f"SELECT {columns} FROM user_sessions WHERE frontend = {{frontend:String}} "
        "AND session_id IN {ids:Array(String)} ORDER BY session_id",
        "parameters": {"frontend": shop.name, "ids": [session["session_id"] for session in expected]},
    }
    answer = shop.server.http.post("/api/v1/sql", json=question)
    assert answer.status_code == 200, answer.text
    assert answer.json()["rows"] == [[session[name] for name in IN_SQL] for session in expected]


def holds(
    shop: Frontend, data: st.DataObject, drawn: list[Sent], lost: set[tuple[str, str, int]]
) -> list[dict[str, Any]]:
    """Deliver a history and hold what the API says against the reference, whose sessions are returned."""
    prefix = uuid.uuid4().hex[:16]
    start = now()
    events = [event.at(start, prefix) for event in drawn]
    absences = {
        prefix + session: frozenset((stream, n) for s, stream, n in lost if s == session) for session, _, _ in lost
    }
    batches = data.draw(deliveries(events))
    declared = [
        {"session_id": session, "stream_id": stream, "sequence": n}
        for session, places in absences.items()
        for stream, n in places
    ]
    for number, batch in enumerate(batches):
        receipt = shop.send(*[event.message() for event in batch], sent_at=0, absences=declared if number == 0 else [])
        assert receipt["accepted"] == len(batch), receipt
    expected = [shown(summary) for summary in summarize(events, absences)]
    found = [shop.get(f"/sessions/{summary['session_id']}") for summary in expected]
    assert [{name: session[name] for name in expected[0]} for session in found] == expected
    for session in expected:
        listed = shop.get(f"/sessions/{session['session_id']}/events")["items"]
        assert [e["event_id"] for e in listed] == [
            e.event_id
            for e in sorted(events, key=lambda e: (e.timestamp, e.stream_id, e.sequence, e.event_id))
            if e.session_id == session["session_id"]
        ]
    return expected


@settings(max_examples=HISTORIES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data(), st.lists(EVENT, min_size=1, max_size=12).map(unique_places), st.sets(PLACE, max_size=3))
def test_the_store_says_what_the_reference_says(
    shop: Frontend, data: st.DataObject, drawn: list[Sent], lost: set[tuple[str, str, int]]
) -> None:
    expected = holds(shop, data, drawn, lost)
    # Each question in SQL takes as long as a few histories.
    if data.draw(st.sampled_from([False, False, False, True])):
        check_view(shop, expected)


def test_the_list_pages_through_all_sessions_once(server: Server) -> None:
    frontend = server.frontend()
    hour = 3_600_000_000
    start = now() - 9 * hour
    rows = [(f"s{n:03}", start + n * hour // 17) for n in range(150)]
    for part in (rows[100:], rows[:100]):
        frontend.send(
            *[
                {"event_id": str(uuid.uuid4()), "kind": "event", "timestamp": at, "session_id": session}
                for session, at in part
            ]
        )
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = frontend.get("/sessions", limit=7, **({"cursor": cursor} if cursor else {}))
        seen += [session["session_id"] for session in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [session for session, _ in reversed(rows)]
    window = frontend.get("/sessions", **{"from": start + hour, "to": start + 2 * hour})["items"]
    assert [s["session_id"] for s in window] == [
        session for session, at in reversed(rows) if start + hour <= at < start + 2 * hour
    ]
