"""Derived sessions as people meet them: in lists, on the page of a user, among figures, and when timeouts change."""

import time
from collections.abc import Callable
from typing import Any

from tests.server import Frontend, event, now

MINUTE = 60_000_000
PATIENCE_SECONDS = 20


def until(read: Callable[[], Any], wanted: Any) -> Any:
    """What is read, once it is what is wanted; fails when it does not come to that."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (found := read()) != wanted and time.monotonic() < deadline:
        time.sleep(0.02)
    assert found == wanted
    return found


def bare(at: int, **fields: Any) -> dict[str, Any]:
    """An event of a client that manages no sessions."""
    return event(session="", stream="", timestamp=at, **fields)


def sizes(frontend: Frontend, **params: Any) -> list[tuple[str | None, int]]:
    """User and number of events of each session, the latest first."""
    return [(session["user_identifier"], session["event_count"]) for session in frontend.sessions(**params)]


def test_a_user_is_carried_over_a_timeout_and_found_by_it(frontend: Frontend) -> None:
    start = now() - 600 * MINUTE
    frontend.send(bare(start, user_identifier="ann", kind="identify"), bare(start + MINUTE), bare(start + 40 * MINUTE))
    until(lambda: sizes(frontend), [("ann", 1), ("ann", 2)])
    later, first = frontend.sessions()
    assert (later["start_reason"], later["previous_session_id"]) == ("timeout", first["session_id"])
    assert (first["start_reason"], first["end_reason"], first["live"]) == ("start_up", "timeout", False)
    (own,) = frontend.get(f"/sessions/{later['session_id']}/events")["items"]
    assert (own["user_identifier"], own["session_id"]) == ("ann", later["session_id"])
    user = frontend.get("/users/ann")
    assert [session["session_id"] for session in user["sessions"]["items"]] == [
        session["session_id"] for session in (later, first)
    ]
    assert [(one["identifier"], one["session_count"]) for one in frontend.get("/users")["items"]] == [("ann", 2)]
    assert sizes(frontend, user="ann") == [("ann", 1), ("ann", 2)]


def test_late_events_join_two_sessions_and_take_the_carried_user_away(frontend: Frontend) -> None:
    start = now() - 600 * MINUTE
    frontend.send(bare(start, user_identifier="ann", kind="identify"), bare(start + 40 * MINUTE))
    until(lambda: sizes(frontend), [("ann", 1), ("ann", 1)])
    away = frontend.sessions()[0]["session_id"]
    frontend.send(bare(start + MINUTE, kind="identify"), bare(start + 20 * MINUTE))
    until(lambda: sizes(frontend), [("ann", 4)])
    answer = frontend.server.http.get(f"{frontend.path}/sessions/{away}")
    assert answer.status_code == 404
    (session,) = frontend.sessions()
    events = frontend.get(f"/sessions/{session['session_id']}/events")["items"]
    assert [one["user_identifier"] for one in events] == ["ann", None, None, None]


def test_the_events_of_a_derived_session_come_in_pages(frontend: Frontend) -> None:
    start = now() - 600 * MINUTE
    sent = [bare(start + n * MINUTE) for n in (0, 1, 2, 50, 51, 52, 53)]
    frontend.send(*sent)
    until(lambda: sizes(frontend), [(None, 4), (None, 3)])
    for session, wanted in zip(frontend.sessions(), (sent[3:], sent[:3]), strict=True):
        seen: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = frontend.get(f"/sessions/{session['session_id']}/events", limit=2, **cursor)
            seen += [one["event_id"] for one in page["items"]]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
        assert seen == [one["event_id"] for one in wanted]


def test_a_session_id_that_outlives_the_timeouts_is_split_and_whole_again(frontend: Frontend) -> None:
    start = now() - 600 * MINUTE

    def numbered(sequence: int, minutes: int) -> dict[str, Any]:
        return event(session="kept", sequence=sequence, timestamp=start + minutes * MINUTE)

    frontend.send(numbered(0, 0), numbered(2, 45))
    until(lambda: [s["missing_events"] for s in frontend.sessions()], [1, 0])
    later, first = frontend.sessions()
    assert (first["session_id"], later["previous_session_id"]) == ("kept", "kept")
    frontend.send(numbered(1, 20))
    until(lambda: sizes(frontend), [(None, 3)])
    (whole,) = frontend.sessions()
    assert (whole["session_id"], whole["missing_events"]) == ("kept", 0)
    assert len(frontend.get("/sessions/kept/events")["items"]) == 3


def test_stricter_timeouts_split_no_session_that_began_before(frontend: Frontend) -> None:
    begun = now() - 40 * MINUTE
    frontend.send(event(session="managed", timestamp=begun), bare(begun), bare(begun + 20 * MINUTE))
    until(lambda: sizes(frontend, live="true"), [(None, 2)])
    frontend.change(idle_timeout="10m")
    soon = now() + MINUTE
    frontend.send(event(session="managed", timestamp=begun + 20 * MINUTE))
    frontend.send(bare(soon), bare(soon + 15 * MINUTE), instance_id="after")
    # Those of the new instance are derived after the change, and in no later round than the managed session.
    until(lambda: sizes(frontend, instance="after"), [(None, 1), (None, 1)])
    assert sizes(frontend, instance="instance-1") == [(None, 2), (None, 2)]


def test_sessions_with_gaps_are_a_figure_by_frontend(frontend: Frontend) -> None:
    name = f'sojourn_sessions_missing_events{{frontend="{frontend.name}"}}'

    def figure() -> list[str]:
        text = frontend.server.http.get("/metrics").text
        return [line.removeprefix(name).strip() for line in text.splitlines() if line.startswith(name)]

    frontend.send(
        event(session="whole", sequence=0), event(session="gap", sequence=1), event(session="gap", sequence=3)
    )
    until(figure, ["1.0"])
    assert [session["session_id"] for session in frontend.sessions(missing="true")] == ["gap"]


def test_a_source_of_many_events_has_its_gaps_counted_too(frontend: Frontend) -> None:
    """More than are looked at together: two sessions by the longest duration, each with its share of the gaps."""
    count, each, seconds = 60_000, 5_000, 600
    start = now() - 600 * MINUTE
    for first in range(0, count, each):
        frontend.send(
            *(
                event(session="", stream="s", sequence=n, timestamp=start + n * seconds * MINUTE // count)
                for n in range(first, first + each)
                if n % 1_000 not in (7, 8)
            ),
            absences=[{"instance_id": "i", "session_id": "", "stream_id": "s", "sequence": first + 7}],
            sent_at=0,
        )
    # Two of each thousand are lost, of which the client knows one in each batch of 5,000.
    shown = [(1, 24_000 - 48, 48 - 4, 4), (2, 36_000 - 72, 72 - 8, 8)]

    def found() -> list[tuple[int, int, int, int]]:
        return [
            (number, one["event_count"], one["missing_events"], one["absent_events"])
            for number, one in enumerate(frontend.sessions(), 1)
        ]

    until(found, shown)
    frontend.send(event(session="", stream="s", sequence=8, timestamp=start + MINUTE), sent_at=0)
    until(found, [shown[0], (2, 36_000 - 71, 71 - 8, 8)])
