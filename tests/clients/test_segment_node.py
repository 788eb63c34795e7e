"""The published Segment library for Node, with only host and write key changed."""

import json

from .reading import events_of, named, of_kind, sessions_of


def send(frontend, run_node, *calls):
    said = run_node("segment.js", frontend.server.url, frontend.key, json.dumps(calls))
    assert said == {"errors": []}


def test_calls_become_a_derived_session(frontend, run_node):
    frontend.define("session", "tier")
    frontend.define("event", "total", "number")
    anonymous = {"anonymousId": "visitor-1"}
    known = {**anonymous, "userId": "alice@example.com"}
    send(
        frontend,
        run_node,
        {"type": "page", **anonymous, "name": "Home", "properties": {"url": "https://shop.example/"}},
        {"type": "identify", **known, "traits": {"tier": "gold"}},
        {"type": "track", **known, "event": "Order Completed", "properties": {"total": 42.5, "items": [1, 2]}},
        {"type": "screen", **known, "name": "Thanks"},
    )
    (session,) = sessions_of(frontend, 1)
    assert (session["instance_id"], session["user_identifier"]) == ("visitor-1", "alice@example.com")
    assert session["session_properties"] == {"session_properties.tier": "gold"}
    events = events_of(frontend, session)
    assert {event["name"] for event in of_kind(events, "view")} == {"Home", "Thanks"}
    assert named(events, "Order Completed")["event_properties"] == {"event_properties.total": 42.5}
    reasons = {entry["key"]: entry["reason"] for entry in frontend.get("/discards")["items"]}
    assert reasons == {"event_properties.url": "undefined", "event_properties.items": "invalid_value"}


def test_a_reset_begins_another_instance_and_session(frontend, run_node):
    send(
        frontend,
        run_node,
        {"type": "identify", "anonymousId": "before", "userId": "alice"},
        {"type": "track", "anonymousId": "before", "userId": "alice", "event": "logout"},
        {"type": "track", "anonymousId": "after", "event": "look around"},
    )
    users = {session["instance_id"]: session["user_identifier"] for session in sessions_of(frontend, 2)}
    assert users == {"before": "alice", "after": None}


def test_a_wrong_key_is_told(frontend, run_node):
    said = run_node(
        "segment.js", frontend.server.url, "wrong", json.dumps([{"type": "track", "userId": "u", "event": "x"}])
    )
    assert len(said["errors"]) == 1
    assert frontend.sessions() == []
