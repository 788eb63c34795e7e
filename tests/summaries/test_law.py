"""The law for derived sessions, through a started server: late, shuffled, twice, and killed in between."""

import os
import random
import time
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.rules.histories import assert_all_hold
from tests.server import Frontend, Server, now
from tests.summaries.histories import (
    DURATION_SECONDS,
    IDLE_SECONDS,
    KINDS,
    LONGEST_SECONDS,
    SECOND,
    History,
    Sent,
    by_history,
    cut,
    expected,
    histories,
)

HISTORIES = int(os.environ.get("SOJOURN_HISTORIES", "200"))
"""How many random histories each test tries; the nightly target asks for more."""
AT_ONCE = 250
"""Histories that are sent, and waited for, together."""
SENDERS = 12
PATIENCE_SECONDS = 20
"""How long a test waits on a machine that has other things to do; the promise is 2 s, and a test of its own."""


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


def all_sessions(frontend: Frontend, start: int, end: int) -> list[dict[str, Any]]:
    """The sessions that began in a stretch of time, those of re-tags alone too."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = frontend.get("/sessions", **{"from": start, "to": end}, empty="true", limit=500, **cursor)
        found += page["items"]
        if page["next"] is None:
            return found
        cursor = {"cursor": page["next"]}


def listed(wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sessions of the reference as they are listed, without their events."""
    return [{name: value for name, value in session.items() if name != "events"} for session in wanted]


def wait_for(frontend: Frontend, start: int, wanted: list[dict[str, Any]]) -> float:
    """Seconds until the sessions of a history are listed as the reference has them; fails when it does not come so."""
    began = time.monotonic()
    end = start + (LONGEST_SECONDS + 1) * SECOND
    while True:
        found = cut(all_sessions(frontend, start, end), wanted)
        took = time.monotonic() - began
        if found == listed(wanted) or took > PATIENCE_SECONDS:
            assert found == listed(wanted)
            return took
        time.sleep(0.02)


def wait_for_all(frontend: Frontend, together: list[History], wanted: dict[str, list[dict[str, Any]]]) -> list[str]:
    """What is wrong with each history, once they are listed as the reference has them or patience ends."""
    began = time.monotonic()
    start = min(history.start for history in together)
    end = max(history.start for history in together) + (LONGEST_SECONDS + 1) * SECOND
    while True:
        found = by_history(all_sessions(frontend, start, end))
        problems = []
        for history in together:
            right = wanted[history.prefix]
            shown = cut(found.get(history.prefix, []), right)
            problems.append("" if shown == listed(right) else f"found {shown}\nand not {listed(right)}")
        if not any(problems) or time.monotonic() - began > PATIENCE_SECONDS:
            return problems
        time.sleep(0.05)


def problem_of_events(frontend: Frontend, wanted: list[dict[str, Any]]) -> str:
    """Each session has its events and no others, with the user who is known for each."""
    for session in wanted:
        events = frontend.get(f"/sessions/{session['session_id']}/events", limit=5000)["items"]
        found = [[event["event_id"], event["user_identifier"]] for event in events]
        if found != session["events"]:
            return f"{session['session_id']}: found {found}\nand not {session['events']}"
    return ""


def problems(
    frontend: Frontend, together: list[History], *, meanwhile: Callable[[], object] | None = None
) -> list[str]:
    """Play histories beside each other. In the middle of all of them they are checked, or something else happens."""

    def send_part(history: History, first: int, last: int) -> None:
        for batch in history.batches[first:last]:
            # Each sender says what was lost, as one that is told nothing has no receipt.
            send(frontend, batch, history.absences())

    with ThreadPoolExecutor(SENDERS) as senders:
        list(senders.map(lambda history: send_part(history, 0, history.half), together))
        if meanwhile is not None:
            meanwhile()
            broken = [""] * len(together)
        else:
            arrived = {
                history.prefix: [event for batch in history.batches[: history.half] for event in batch]
                for history in together
            }
            so_far = {
                history.prefix: expected(frontend.name, arrived[history.prefix], history.absences())
                if arrived[history.prefix]
                else []
                for history in together
            }
            broken = wait_for_all(frontend, together, so_far)
        list(senders.map(lambda history: send_part(history, history.half, len(history.batches)), together))
        if meanwhile is not None:
            meanwhile()
        wanted = {history.prefix: expected(frontend.name, history.events, history.absences()) for history in together}
        healed = wait_for_all(frontend, together, wanted)
        events = senders.map(lambda history: problem_of_events(frontend, wanted[history.prefix]), together)
        return [first or second or third for first, second, third in zip(broken, healed, events, strict=True)]


def test_sessions_are_those_of_the_reference(shop: Frontend) -> None:
    assert_all_hold(histories(), HISTORIES, AT_ONCE, lambda together: problems(shop, together))


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

    def kill() -> None:
        server.kill()
        server.start()

    try:
        shop = timed_frontend(server)
        assert_all_hold(histories(), HISTORIES, AT_ONCE, lambda together: problems(shop, together, meanwhile=kill))
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
