"""The law for derived sessions, through a started server: late, shuffled, twice, and killed in between."""

import itertools
import os
import random
import time
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.rules.histories import deliveries
from tests.server import Frontend, Server, now
from tests.summaries.histories import (
    DURATION_SECONDS,
    IDLE_SECONDS,
    KINDS,
    LONGEST_SECONDS,
    PLACE,
    SECOND,
    Sent,
    cut,
    expected,
    sent_events,
    unique_places,
)

HISTORIES = int(os.environ.get("SOJOURN_HISTORIES", "200")) // 12
"""How many random histories are tried; each is waited for twice, so there are fewer than of those summed up at once."""
PATIENCE_SECONDS = 20
"""How long a test waits on a machine that has other things to do; the promise is 2 s, and a test of its own."""

windows = itertools.count()


def timed_frontend(server: Server) -> Frontend:
    frontend = server.frontend(idle_timeout=f"{IDLE_SECONDS}s", max_duration=f"{DURATION_SECONDS}s")
    frontend.define("session", "first", "string", aggregation="first")
    frontend.define("session", "last", "number")
    return frontend


@pytest.fixture(scope="module")
def shop(server: Server) -> Frontend:
    return timed_frontend(server)


def send(frontend: Frontend, events: Iterable[Sent], absences: dict[str, frozenset[tuple[str, int]]]) -> None:
    """Each instance sends its own events; what was lost is told with all of them."""
    by_instance: dict[str, list[Sent]] = {}
    for event in events:
        by_instance.setdefault(event.instance_id, []).append(event)
    declared = [
        {"session_id": session, "stream_id": stream, "sequence": n}
        for session, places in absences.items()
        for stream, n in sorted(places)
    ]
    for instance, own in by_instance.items():
        receipt = frontend.send(*[event.message() for event in own], instance_id=instance, sent_at=0, absences=declared)
        assert receipt["accepted"] == len(own), receipt


def wait_for(frontend: Frontend, start: int, wanted: list[dict[str, Any]]) -> float:
    """Seconds until the sessions of a history are listed as the reference has them; fails when it does not come so."""
    began = time.monotonic()
    end = start + (LONGEST_SECONDS + 1) * SECOND
    listed = [{name: value for name, value in session.items() if name != "events"} for session in wanted]
    while True:
        found = cut(frontend.sessions(**{"from": start, "to": end}, empty="true", limit=500), wanted)
        took = time.monotonic() - began
        if found == listed or took > PATIENCE_SECONDS:
            assert found == listed
            return took
        time.sleep(0.02)


def check_events(frontend: Frontend, wanted: list[dict[str, Any]]) -> None:
    """Each session has its events and no others, with the user who is known for each."""
    for session in wanted:
        events = frontend.get(f"/sessions/{session['session_id']}/events", limit=5000)["items"]
        assert [[event["event_id"], event["user_identifier"]] for event in events] == session["events"]


@settings(max_examples=HISTORIES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data(), st.lists(sent_events(), min_size=1, max_size=16).map(unique_places), st.sets(PLACE, max_size=3))
def test_sessions_are_those_of_the_reference(
    shop: Frontend, data: st.DataObject, drawn: list[Sent], lost: set[tuple[str, str, int]]
) -> None:
    prefix = uuid.uuid4().hex[:16]
    start = now() // SECOND * SECOND - (2 + next(windows)) * 2 * LONGEST_SECONDS * SECOND
    events = [event.at(start, prefix) for event in drawn]
    named = {event.session_id for event in events}
    absences = {
        prefix + session: frozenset((stream, n) for s, stream, n in lost if s == session)
        for session, _, _ in lost
        if prefix + session in named
    }
    batches = data.draw(deliveries(events))
    half = data.draw(st.integers(0, len(batches)))
    arrived = [event for batch in batches[:half] for event in batch]
    send(shop, arrived, absences)
    if arrived:
        # The absences are told with the first events; of sessions without an event nothing is shown.
        wait_for(shop, start, expected(shop.name, arrived, absences))
    for batch in batches[half:]:
        send(shop, batch, absences)
    wanted = expected(shop.name, events, absences)
    wait_for(shop, start, wanted)
    check_events(shop, wanted)


def drawn_once(seed: int, sources: int, events: int) -> list[Sent]:
    """A larger history, the same every time."""
    chance = random.Random(seed)
    found = []
    for n in range(events):
        managed = chance.random() < 0.5
        found.append(
            Sent(
                kind=chance.choice(KINDS),
                offset=chance.randrange(LONGEST_SECONDS),
                length=chance.choice([0, 0, 5]),
                stream_id="x",
                sequence=n if managed else -1,
                session_id=f"s{chance.randrange(sources)}" if managed else "",
                instance_id=f"i{chance.randrange(sources)}",
                user_identifier=chance.choice(["", "", "ann", "bob"]),
                retag=False,
                start_reason="",
                end_reason="",
                previous_session_id="",
                session_properties={},
            )
        )
    return found


def test_a_kill_before_the_derivation_loses_nothing(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    try:
        shop = timed_frontend(server)
        start = now() // SECOND * SECOND - 3_600 * SECOND
        events = [event.at(start, "k") for event in drawn_once(7, 5, 120)]
        send(shop, events[:60], {})
        server.kill()
        server.start()
        wait_for(shop, start, expected(shop.name, events[:60], {}))
        send(shop, events[40:], {})
        server.stop()
        server.start()
        wanted = expected(shop.name, events, {})
        wait_for(shop, start, wanted)
        check_events(shop, wanted)
    finally:
        server.close()


def test_a_late_event_is_in_its_session_within_two_seconds(server: Server) -> None:
    """On a machine at rest; one attempt of several counts, as tests share theirs."""
    shop = timed_frontend(server)
    taken = []
    for attempt in range(5):
        start = now() // SECOND * SECOND - (attempt + 1) * 600 * SECOND
        events = [event.at(start, uuid.uuid4().hex[:8]) for event in drawn_once(attempt, 5, 60)]
        send(shop, events[1:], {})
        wait_for(shop, start, expected(shop.name, events[1:], {}))
        send(shop, events[:1], {})
        taken.append(wait_for(shop, start, expected(shop.name, events, {})))
        if taken[-1] < 2:
            break
    assert min(taken) < 2, taken
