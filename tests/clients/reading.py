"""What the tests read back of a frontend through the JSON API."""

import time
from typing import Any

from tests.server import Frontend


def sessions_of(frontend: Frontend, count: int, events: int = 0, **params: Any) -> list[dict[str, Any]]:
    """The sessions in the order of their start, waited for until there are `count` of them, with so many events."""
    deadline = time.monotonic() + 10
    while True:
        found = sorted(frontend.sessions(**params), key=lambda session: session["start_time"])
        complete = len(found) == count and sum(session["event_count"] for session in found) >= events
        if complete or time.monotonic() > deadline:
            assert complete, found
            return found
        time.sleep(0.05)


def events_of(frontend: Frontend, session: dict[str, Any]) -> list[dict[str, Any]]:
    """The events of a session in their order."""
    items: list[dict[str, Any]] = frontend.get(f"/sessions/{session['session_id']}/events")["items"]
    return items


def named(events: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """The one event of this name."""
    (found,) = [event for event in events if event["name"] == name]
    return found


def of_kind(events: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """The events of one kind."""
    return [event for event in events if event["kind"] == kind]
