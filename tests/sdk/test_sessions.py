"""When sessions start and end, and who is tagged, by what arrives at the server."""

import threading
import uuid

from sojourn.wire.messages import Policy
from tests.sdk.conftest import HOUR, MINUTE, SECOND
from tests.sdk.sink import Sink


def kinds(sink: Sink) -> list[str]:
    return [event.kind for event in sink.events]


def test_the_first_event_starts_a_session(agent, sink):
    agent.send_event("opened")
    assert agent.flush()
    start, event = sink.events
    assert (start.kind, start.start_reason, start.previous_session_id, start.sequence) == (
        "session_start",
        "start_up",
        "",
        0,
    )
    assert (event.kind, event.name, event.sequence) == ("event", "opened", 1)
    assert event.session_id == start.session_id
    assert event.stream_id == start.stream_id


def test_ids_are_uuids_of_version_7_in_the_order_of_time(agent, sink, clock):
    for number in range(20_000):
        if number % 5000 == 0:
            clock.advance(700)
            agent.end_session()
        agent.send_event("e")
    assert agent.flush(10)
    ids = [e.event_id for e in sink.events]
    assert len(set(ids)) == len(ids)
    assert ids == sorted(ids)
    sessions = {e.session_id for e in sink.events}
    for found in (*ids[::100], *sessions):
        parsed = uuid.UUID(found)
        assert (parsed.version, parsed.variant, str(parsed)) == (7, uuid.RFC_4122, found)
    assert abs(int(ids[-1][:13].replace("-", ""), 16) - clock.wall() // 1000) <= 1


def test_nothing_is_sent_before_the_first_event(agent, sink):
    assert agent.flush()
    assert sink.batches == []


def test_identifying_before_the_first_event_tags_the_session_that_starts(agent, sink):
    agent.identify_user("ada")
    agent.send_event("opened")
    assert agent.flush()
    assert [(e.kind, e.user_identifier, e.retag) for e in sink.events] == [
        ("session_start", "", False),
        ("identify", "ada", False),
        ("event", "ada", False),
    ]


def test_a_timeout_splits_and_tags_again(agent, sink, clock):
    agent.identify_user("ada")
    clock.advance(3 * SECOND)
    agent.send_event("first")
    last = clock.wall()
    clock.advance(10 * MINUTE)
    agent.send_event("second")
    assert agent.flush()
    end, start, retag, event = sink.events[3:]
    assert (end.kind, end.end_reason, end.timestamp) == ("session_end", "timeout", last)
    assert (start.kind, start.start_reason, start.previous_session_id) == ("session_start", "timeout", end.session_id)
    assert (retag.kind, retag.retag, retag.user_identifier) == ("identify", True, "ada")
    assert (event.name, event.user_identifier) == ("second", "ada")
    assert [start.sequence, retag.sequence, event.sequence] == [0, 1, 2]
    assert start.session_id == retag.session_id == event.session_id != end.session_id
    assert start.timestamp == retag.timestamp == event.timestamp == clock.wall()


def test_one_microsecond_before_the_timeout_it_is_the_same_session(agent, sink, clock):
    agent.send_event("first")
    clock.advance(10 * MINUTE - 1)
    agent.send_event("second")
    assert agent.flush()
    assert kinds(sink) == ["session_start", "event", "event"]


def test_the_maximum_duration_splits_and_tags_again(agent, sink, clock):
    agent.identify_user("ada")
    for _ in range(72):
        clock.advance(5 * MINUTE)
        agent.send_event("tick")
    assert agent.flush()
    (end,) = sink.of_kind("session_end")
    assert end.end_reason == "duration"
    assert end.timestamp == clock.wall() - 5 * MINUTE
    assert [e.start_reason for e in sink.of_kind("session_start")] == ["start_up", "duration"]
    assert [e.retag for e in sink.of_kind("identify")] == [False, True]


def test_an_idle_application_starts_no_session(agent, sink, clock):
    agent.send_event("only")
    clock.advance(100 * HOUR)
    assert agent.flush()
    assert kinds(sink) == ["session_start", "event"]


def test_end_session_ends_now_and_tags_nothing(agent, sink, clock):
    agent.identify_user("ada")
    clock.advance(SECOND)
    agent.end_session()
    ended = clock.wall()
    clock.advance(SECOND)
    agent.send_event("next")
    assert agent.flush()
    end, start, event = sink.events[2:]
    assert (end.end_reason, end.timestamp) == ("end_session", ended)
    assert (start.start_reason, start.previous_session_id) == ("end_session", end.session_id)
    assert event.user_identifier == ""


def test_end_session_without_a_session_does_nothing(agent, sink):
    agent.end_session()
    agent.end_session()
    assert agent.flush()
    assert sink.batches == []


def test_end_session_after_the_timeout_has_passed(agent, sink, clock):
    agent.identify_user("ada")
    last = clock.wall()
    clock.advance(HOUR)
    agent.end_session()
    agent.send_event("next")
    assert agent.flush()
    end, start, event = sink.events[2:]
    assert (end.end_reason, end.timestamp) == ("timeout", last)
    assert start.start_reason == "end_session"
    assert event.user_identifier == ""


def test_none_and_the_empty_text_remove_the_tag(agent, sink, clock):
    for nothing in (None, ""):
        agent.identify_user("ada")
        agent.identify_user(nothing)
        agent.send_event("untagged")
        clock.advance(HOUR)
    agent.send_event("after the split")
    assert agent.flush()
    assert {e.user_identifier for e in sink.of_kind("event")} == {""}
    assert not any(e.retag for e in sink.of_kind("identify"))


def test_a_restart_does_not_tag_again(start, sink):
    first = start()
    first.identify_user("ada")
    assert first.shutdown()
    second = start()
    second.send_event("next")
    assert second.flush()
    assert [(e.kind, e.user_identifier) for e in sink.events] == [
        ("session_start", ""),
        ("identify", "ada"),
        ("session_end", "ada"),
        ("session_start", ""),
        ("event", ""),
    ]
    assert sink.events[2].end_reason == "app_closed"
    assert sink.events[3].start_reason == "start_up"
    assert sink.batches[0].instance_id == sink.batches[-1].instance_id
    assert sink.events[0].stream_id != sink.events[-1].stream_id


def test_session_properties_are_not_carried_over(agent, sink, clock):
    agent.send_session_property_event({"session_properties.tier": "gold"})
    clock.advance(HOUR)
    agent.send_event("next")
    assert agent.flush()
    assert [e.session_properties for e in sink.events if e.session_properties] == [{"session_properties.tier": "gold"}]
    assert kinds(sink)[-2:] == ["session_start", "event"]


def test_the_server_sets_the_timeouts_of_the_session_that_runs(agent, sink, clock):
    sink.policy = Policy(idle_timeout=5 * SECOND, max_duration=HOUR)
    agent.send_event("first")
    assert agent.flush()
    clock.advance(5 * SECOND)
    agent.send_event("second")
    assert agent.flush()
    assert [e.end_reason for e in sink.of_kind("session_end")] == ["timeout"]


def test_a_clock_set_back_changes_neither_session_nor_order(agent, sink, clock):
    agent.send_event("first")
    clock.set_wall(-2 * HOUR)
    clock.advance(SECOND)
    agent.send_event("second")
    assert agent.flush()
    assert kinds(sink) == ["session_start", "event", "event"]
    first, second = sink.of_kind("event")
    assert second.timestamp - first.timestamp == SECOND
    # The batch was stamped by the same clock as its events, so the server can tell the skew.
    assert sink.batches[-1].sent_at == second.timestamp


def test_a_clock_set_forward_ends_no_session_and_the_next_one_uses_it(agent, sink, clock):
    agent.send_event("first")
    clock.set_wall(7 * HOUR)
    agent.send_event("second")
    agent.end_session()
    agent.send_event("third")
    assert agent.flush()
    first, second, third = sink.of_kind("event")
    assert first.session_id == second.session_id
    assert second.timestamp - first.timestamp == 0
    assert third.timestamp == clock.wall()


def test_a_suspended_machine_counts_as_idle(agent, sink, clock):
    agent.send_event("evening")
    clock.advance(9 * HOUR)  # boot time goes on while the lid is closed
    agent.send_event("morning")
    assert agent.flush()
    assert [e.end_reason for e in sink.of_kind("session_end")] == ["timeout"]


def test_two_threads_at_the_moment_of_a_split_make_one_session(agent, sink, clock):
    agent.identify_user("ada")
    for _ in range(20):
        clock.advance(11 * MINUTE)
        ready = threading.Barrier(4)

        def report(ready: threading.Barrier = ready) -> None:
            ready.wait()
            agent.send_event("at once")

        threads = [threading.Thread(target=report) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert agent.flush()
    sessions = {e.session_id for e in sink.events}
    assert len(sink.of_kind("session_start")) == len(sessions) == 21
    assert {e.user_identifier for e in sink.of_kind("event")} == {"ada"}
    for session in sessions:
        sequences = [e.sequence for e in sink.events if e.session_id == session]
        assert sequences == list(range(len(sequences)))
