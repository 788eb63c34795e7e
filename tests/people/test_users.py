"""Users over devices, merges, anonymous sessions and changes of user inside a session, through a started server."""

from typing import Any
from urllib.parse import quote

import pytest

from sojourn.query.by_id import MAX_IDS
from sojourn.rules.limits import DAY, SECOND
from tests.server import Frontend, event, now


def user(frontend: Frontend, identifier: str, **params: Any) -> dict[str, Any]:
    found: dict[str, Any] = frontend.get(f"/users/{quote(identifier, safe='')}", **params)
    return found


def test_one_user_has_all_instances_days_and_newest_properties(frontend: Frontend) -> None:
    frontend.define("session", "tier")
    frontend.define("session", "cart", "number", aggregation="first")
    start = now() - 3 * DAY
    frontend.send(
        event(session="s1", timestamp=start, user_identifier="ann", session_properties={"session_properties.cart": 1}),
        event(session="s1", timestamp=start + 1, session_properties={"session_properties.tier": "old"}),
        instance_id="phone",
        device={"type": "mobile", "model": "P1"},
    )
    frontend.send(
        event(session="s2", user_identifier="ann", session_properties={"session_properties.tier": "gold"}),
        instance_id="laptop",
        device={"type": "desktop"},
        browser={"name": "Firefox", "version": "140"},
    )
    found = user(frontend, "ann")
    assert (found["session_count"], found["instance_count"], found["days_active"]) == (2, 2, 2)
    assert found["properties"] == {"session_properties.tier": "gold", "session_properties.cart": 1}
    assert [(i["instance_id"], i["device"]["type"]) for i in found["instances"]] == [
        ("laptop", "desktop"),
        ("phone", "mobile"),
    ]
    assert found["instances"][0]["browser"] == {"name": "Firefox", "version": "140"}
    assert [s["session_id"] for s in found["sessions"]["items"]] == ["s2", "s1"]
    second = user(frontend, "ann", limit=1, cursor=user(frontend, "ann", limit=1)["sessions"]["next"])
    assert [s["session_id"] for s in second["sessions"]["items"]] == ["s1"]
    assert found["first_seen"] < found["last_seen"]


def test_anonymous_sessions_are_shown_with_the_only_user_of_an_instance(frontend: Frontend) -> None:
    frontend.send(event(session="before"), instance_id="phone")
    frontend.send(event(session="tagged", user_identifier="ann"), instance_id="phone")
    frontend.send(event(session="elsewhere"), instance_id="nobody")
    found = user(frontend, "ann")
    assert {s["session_id"]: s["anonymous"] for s in found["sessions"]["items"]} == {"before": True, "tagged": False}
    assert (found["session_count"], found["anonymous_session_count"]) == (1, 1)
    assert frontend.get("/sessions/before")["user_identifier"] is None

    frontend.send(event(session="guest", user_identifier="bob"), instance_id="phone")
    assert [s["session_id"] for s in user(frontend, "ann")["sessions"]["items"]] == ["tagged"]
    assert user(frontend, "ann")["anonymous_session_count"] == 0


def test_two_identifiers_are_shown_as_one_user_until_it_is_undone(frontend: Frontend) -> None:
    odd = "ann/work?é#1"
    frontend.send(event(session="s1", user_identifier="ann"), instance_id="phone")
    frontend.send(event(session="s2", user_identifier=odd), instance_id="laptop")
    frontend.send(event(session="s3", user_identifier="bob"), instance_id="other")
    http = frontend.server.http
    assert http.post(f"{frontend.path}/merges", json={"identifier": odd, "canonical": "ann"}).is_success
    assert [(m["identifier"], m["canonical"]) for m in frontend.get("/merges")["items"]] == [(odd, "ann")]

    listed = {u["identifier"]: u for u in frontend.get("/users")["items"]}
    assert sorted(listed) == ["ann", "bob"]
    assert (listed["ann"]["session_count"], listed["ann"]["instance_count"]) == (2, 2)
    assert [u["identifier"] for u in frontend.get("/users", search="WORK")["items"]] == ["ann"]
    for asked in ("ann", odd):
        found = user(frontend, asked)
        assert (found["identifier"], sorted(found["identifiers"])) == ("ann", ["ann", odd])
        assert {s["session_id"] for s in found["sessions"]["items"]} == {"s1", "s2"}
        assert {s["session_id"] for s in frontend.sessions(user=asked)} == {"s1", "s2"}
    # No event was changed.
    assert frontend.get("/sessions/s2")["user_identifier"] == odd

    assert http.delete(f"{frontend.path}/merges/{quote(odd, safe='')}").is_success
    assert {u["identifier"] for u in frontend.get("/users")["items"]} == {"ann", "bob", odd}
    assert [s["session_id"] for s in user(frontend, "ann")["sessions"]["items"]] == ["s1"]
    assert frontend.get("/merges")["items"] == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"identifier": "a", "canonical": "a"}, 409),
        ({"identifier": "", "canonical": "a"}, 422),
        ({"identifier": "x" * 251, "canonical": "a"}, 422),
        ({"identifier": "a"}, 400),
    ],
)
def test_a_merge_that_makes_no_sense_is_refused(frontend: Frontend, body: dict[str, str], status: int) -> None:
    assert frontend.server.http.post(f"{frontend.path}/merges", json=body).status_code == status


def test_log_in_log_out_and_change_of_user_inside_a_session(frontend: Frontend) -> None:
    start = now()
    steps = [("event", ""), ("identify", "ann"), ("event", "ann"), ("event", ""), ("identify", ""), ("event", "")]
    steps += [("identify", "bob"), ("event", "ann")]
    frontend.send(
        *[
            event(kind, sequence=n, timestamp=start + n * SECOND, user_identifier=identifier)
            for n, (kind, identifier) in enumerate(steps)
        ]
    )
    found = frontend.get("/sessions/session-1/identifiers")["items"]
    assert [(s["identifier"], (s["from"] - start) // SECOND, (s["to"] - start) // SECOND) for s in found] == [
        (None, 0, 1),
        ("ann", 1, 4),
        (None, 4, 6),
        ("bob", 6, 7),
        ("ann", 7, 7),
    ]
    assert frontend.get("/sessions/session-1")["user_identifiers"] == ["ann", "bob"]
    assert frontend.server.http.get(f"{frontend.path}/sessions/none/identifiers").status_code == 404


def test_derived_sessions_of_an_instance_belong_to_its_user(frontend: Frontend) -> None:
    frontend.change(idle_timeout="1m")
    start = now() - 3600 * SECOND
    frontend.send(event(session="", timestamp=start), instance_id="bare", sent_at=0)
    frontend.send(event("identify", session="", timestamp=start + 600 * SECOND, user_identifier="ann"),
        instance_id="bare", sent_at=0)  # fmt: skip

    def sessions() -> list[bool]:
        answer = frontend.server.http.get(f"{frontend.path}/users/ann")
        return [s["anonymous"] for s in answer.json()["sessions"]["items"]] if answer.is_success else []

    frontend.server.until(lambda: sessions() == [False, True])


def test_a_user_of_very_many_sessions_is_summed_up_as_exactly_as_one_of_few(frontend: Frontend) -> None:
    """Beyond the sessions that are read whole for a page, the engine makes the sums: all sessions still count."""
    frontend.define("session", "tier")
    frontend.define("session", "origin", aggregation="first")
    start = now() - 20 * DAY
    sessions = MAX_IDS + 3
    sent = [
        event(
            session=f"s{number:04d}",
            timestamp=start + number * 20 * 60 * SECOND,
            user_identifier="crowd",
            session_properties={"session_properties.tier": f"t{number}", "session_properties.origin": f"o{number}"},
        )
        for number in range(sessions)
    ]
    frontend.send(*sent[::2], instance_id="even", device={"type": "mobile"})
    frontend.send(*sent[1::2], instance_id="odd", device={"type": "desktop"})
    frontend.send(event(session="anonymous", timestamp=start - SECOND), instance_id="odd")
    found = user(frontend, "crowd", limit=500)
    assert (found["session_count"], found["anonymous_session_count"], found["instance_count"]) == (sessions, 1, 2)
    days = {e["timestamp"] // DAY for e in sent} | {(start - SECOND) // DAY}
    assert found["days_active"] == len(days)
    last = sessions - 1
    assert found["properties"] == {"session_properties.tier": f"t{last}", "session_properties.origin": f"o{last}"}
    assert {(i["instance_id"], i["device"]["type"], i["session_count"]) for i in found["instances"]} == {
        ("even", "mobile", (sessions + 1) // 2),
        ("odd", "desktop", sessions // 2 + 1),
    }
    listed = found["sessions"]["items"]
    while found["sessions"]["next"]:
        found = user(frontend, "crowd", limit=500, cursor=found["sessions"]["next"])
        listed += found["sessions"]["items"]
    assert [s["session_id"] for s in listed] == [e["session_id"] for e in reversed(sent)] + ["anonymous"]
    assert [s["anonymous"] for s in listed] == [False] * sessions + [True]
    tagged = frontend.sessions(user="crowd", limit=500)
    assert [s["session_id"] for s in tagged] == [e["session_id"] for e in reversed(sent)][:500]
