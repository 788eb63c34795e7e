"""Actions, values, errors and views: what belongs to what, and what happens to it at the end of a session."""

import pytest

from tests.sdk.conftest import HOUR, MINUTE, SECOND


def test_an_action_is_sent_when_it_is_left(agent, sink, clock):
    started = clock.wall()
    action = agent.enter_action("Checkout")
    clock.advance(2 * SECOND)
    assert action.duration == 2 * SECOND
    action.leave_action()
    assert action.duration == 0
    assert agent.flush()
    (sent,) = sink.of_kind("action")
    assert (sent.name, sent.timestamp, sent.duration) == ("Checkout", started, 2 * SECOND)
    assert sent.action_id
    assert sent.parent_action_id == ""


def test_what_happens_in_an_action_points_at_it(agent, sink):
    with agent.enter_action("Checkout") as root:
        root.report_value("amount", 12.5).report_error(ValueError("no stock")).report_event({"name": "paid"})
        with root.enter_action("Pay") as child:
            child.report_error("E42", "card refused")
    assert agent.flush()
    actions = {e.name: e for e in sink.of_kind("action")}
    root_id, child_id = actions["Checkout"].action_id, actions["Pay"].action_id
    assert actions["Pay"].parent_action_id == root_id
    assert [(e.kind, e.parent_action_id) for e in sink.events[1:5]] == [
        ("value", root_id),
        ("error", root_id),
        ("event", root_id),
        ("error", child_id),
    ]
    assert sink.events[1].attributes == {"value": 12.5}
    assert sink.events[2].attributes["exception.message"] == "no stock"
    assert sink.events[4].attributes == {"exception.type": "E42", "exception.message": "card refused"}


def test_leaving_gives_the_parent_and_closes_the_children_first(agent, sink):
    root = agent.enter_action("a")
    child = root.enter_action("b")
    grandchild = child.enter_action("c")
    assert grandchild.leave_action() is child
    child.enter_action("d")
    assert root.leave_action() is None
    assert agent.flush()
    assert [e.name for e in sink.of_kind("action")] == ["c", "d", "b", "a"]


def test_leaving_twice_sends_once(agent, sink):
    action = agent.enter_action("a")
    action.leave_action()
    action.leave_action()
    assert agent.flush()
    assert len(sink.of_kind("action")) == 1


def test_a_cancelled_action_is_not_sent_and_neither_are_its_children(agent, sink):
    action = agent.enter_action("a")
    child = action.enter_action("b")
    child.report_value("kept", 1)
    action.cancel_action()
    child.leave_action()
    assert agent.flush()
    assert sink.of_kind("action") == []
    assert [e.name for e in sink.of_kind("value")] == ["kept"]


def test_nine_levels_below_the_root_and_no_more(agent, sink, caplog):
    action = agent.enter_action("0")
    for level in range(1, 11):
        action = action.enter_action(str(level))
    assert not action.is_open
    action.report_value("lost", 1)
    agent.end_session()
    assert agent.flush()
    assert [e.name for e in sink.of_kind("action")] == [str(level) for level in range(9, -1, -1)]
    assert caplog.messages == ["actions nest at most 9 levels below the root; discarded"]


def test_end_session_closes_open_actions_children_before_parents(agent, sink):
    first = agent.enter_action("first")
    first.enter_action("child").enter_action("grandchild")
    agent.enter_action("second")
    agent.end_session()
    assert agent.flush()
    assert [e.name or e.kind for e in sink.events] == [
        "session_start",
        "second",
        "grandchild",
        "child",
        "first",
        "session_end",
    ]
    assert len({e.session_id for e in sink.events}) == 1
    assert not first.is_open


def test_an_action_whose_session_was_split_goes_to_its_own_session(agent, sink, clock):
    agent.identify_user("ada")
    action = agent.enter_action("long")
    clock.advance(20 * MINUTE)
    agent.send_event("meanwhile")
    agent.identify_user("bob")
    action.leave_action()
    assert agent.flush()
    first, second = (e.session_id for e in sink.of_kind("session_start"))
    (sent,) = sink.of_kind("action")
    assert (sent.session_id, sent.duration, sent.user_identifier) == (first, 20 * MINUTE, "ada")
    assert sink.of_kind("event")[0].session_id == second
    for session in (first, second):
        sequences = sorted(e.sequence for e in sink.events if e.session_id == session)
        assert sequences == list(range(len(sequences)))


def test_leaving_an_action_is_activity_and_starts_no_session(agent, sink, clock):
    action = agent.enter_action("long")
    clock.advance(20 * MINUTE)
    action.leave_action()
    clock.advance(5 * MINUTE)
    agent.send_event("soon after")
    assert agent.flush()
    assert len(sink.of_kind("session_start")) == 1


def test_an_exception_passes_through_and_marks_the_action(agent, sink):
    with pytest.raises(KeyError), agent.enter_action("a"):
        raise KeyError("x")
    assert agent.flush()
    assert sink.of_kind("action")[0].attributes == {"error.type": "KeyError"}


def test_a_view_is_sent_when_the_next_one_starts(agent, sink, clock):
    agent.start_view("list")
    started = clock.wall()
    clock.advance(3 * SECOND)
    agent.start_view("detail")
    clock.advance(SECOND)
    agent.end_session()
    assert agent.flush()
    assert [(e.kind, e.name, e.duration) for e in sink.events] == [
        ("session_start", "", 0),
        ("view", "list", 3 * SECOND),
        ("view", "detail", SECOND),
        ("session_end", "", 0),
    ]
    assert sink.events[1].timestamp == started


def test_a_view_that_is_open_at_a_split_goes_on_in_the_next_session(agent, sink, clock):
    agent.start_view("list")
    clock.advance(2 * SECOND)
    agent.send_event("scrolled")
    clock.advance(HOUR)
    agent.send_event("back again")
    clock.advance(SECOND)
    agent.end_view()
    assert agent.flush()
    first, second = sink.of_kind("view")
    assert (first.name, first.duration, second.name, second.duration) == ("list", 2 * SECOND, "list", SECOND)
    assert [first.session_id, second.session_id] == [e.session_id for e in sink.of_kind("session_start")]
    assert [e.kind for e in sink.events[2:5]] == ["view", "session_end", "session_start"]


def test_ending_a_view_after_the_timeout_starts_no_session(agent, sink, clock):
    agent.start_view("list")
    clock.advance(HOUR)
    agent.end_view()
    assert agent.flush()
    assert [e.kind for e in sink.events] == ["session_start", "view"]
    assert sink.events[1].duration == 0
