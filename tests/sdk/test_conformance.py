"""The conformance vectors, through the SDK's own surface: what leaves the process is what the rules say."""

import pytest

from sojourn import EventData
from sojourn.rules.sessions import SessionPolicy
from tests.rules.vectors import REFUSED, table


@table("names")
def test_names(agent, sink, caplog, case):
    name = case["name"]
    if case["kind"] == "event":
        agent.send_event({"name": "e", "event_properties": {name: 1}})
        agent.send_event(EventData("again", event_properties={name: 1}))
    else:
        agent.send_session_property_event({"session_properties": {name: 1, "session_properties.always": 1}})
    assert agent.flush()
    kept = [{**e.event_properties, **e.session_properties} for e in sink.events[1:]]
    assert all((name in found) is case["valid"] for found in kept)
    if says := case.get("says"):
        assert says in caplog.text


@table("values")
def test_values(agent, sink, case):
    name = "event_properties.v"
    agent.send_event(EventData("plain", event_properties={name: 1}))
    agent.send_event(EventData("e", event_properties={name: case["value"]}))
    assert agent.flush()
    sent = sink.of_kind("event")[1].event_properties
    if case.get("refused"):
        assert sent == {}
    else:
        assert sent == {name: pytest.approx(case["kept"]) if isinstance(case["kept"], float) else case["kept"]}
        assert isinstance(sent[name], bool) is isinstance(case["kept"], bool)


@table("properties")
def test_properties(agent, sink, case):
    if case["session_properties"]:
        agent.send_session_property_event({"session_properties": case["session_properties"]})
    agent.send_event(EventData("e", event_properties=case["event_properties"]))
    assert agent.flush()
    assert sink.of_kind("event")[0].event_properties == case["kept_event_properties"]
    for event in sink.of_kind("session_properties"):
        # The SDK sends the two kinds in events of their own, so neither takes room from the other.
        assert set(case["kept_session_properties"]) <= set(event.session_properties)


@table("users", "clean")
def test_identifiers(agent, sink, case):
    agent.identify_user("before")
    agent.identify_user(case["identifier"])
    agent.send_event("e")
    assert agent.flush()
    expected = "before" if case["cleaned"] is REFUSED else case["cleaned"]
    assert sink.of_kind("event")[0].user_identifier == expected


@table("sessions")
def test_sessions(agent, sink, clock, case):
    agent.channel.policy = SessionPolicy(case["idle_timeout"], case["max_duration"])
    sink.policy.idle_timeout, sink.policy.max_duration = case["idle_timeout"], case["max_duration"]
    now = case["start"]
    agent.send_event("start")
    expected = []
    for step in case["steps"]:
        if step["at"] < now:
            # A steady clock never goes back; the machine's clock may, and the session does not notice.
            clock.set_wall(step["at"] - now)
        else:
            clock.advance(step["at"] - now)
        now = step["at"]
        agent.send_event("step")
        if step["split"]:
            expected.append(step["split"])
    assert agent.flush()
    assert [e.end_reason for e in sink.of_kind("session_end")] == expected
