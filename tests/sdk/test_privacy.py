"""What each data collection level lets through, and what a change of it does to the session."""

import pytest

from sojourn import DataCollectionLevel, UserPrivacyOptions

OFF = UserPrivacyOptions(DataCollectionLevel.OFF)
PERFORMANCE = UserPrivacyOptions(DataCollectionLevel.PERFORMANCE)
ALL = UserPrivacyOptions(DataCollectionLevel.USER_BEHAVIOR, crash_reporting_opted_in=True)


def report_everything(agent):
    agent.identify_user("ada@example.com")
    agent.send_event({"name": "custom", "event_properties.secret": 1})
    agent.send_session_property_event({"session_properties.secret": 1})
    agent.send_exception_event({"type": "E", "event_properties.secret": 1})
    agent.send_http_request_event({"url": "https://x", "event_properties.secret": 1})
    with agent.enter_action("a") as action:
        action.report_value("v", 1).report_event("custom")
    agent.start_view("v")
    agent.end_view()


def test_performance_has_no_identifiers_no_custom_events_and_no_properties(agent, sink):
    agent.apply_user_privacy_options(PERFORMANCE)
    report_everything(agent)
    assert agent.flush()
    assert [e.kind for e in sink.events] == ["session_start", "error", "http_request", "value", "action", "view"]
    for event in sink.events:
        assert (event.user_identifier, event.event_properties, event.session_properties) == ("", {}, {})
    assert {batch.data_collection for batch in sink.batches} == {"performance"}


def test_performance_has_a_fresh_instance_and_no_link_to_the_session_before(start, sink):
    agent = start()
    report_everything(agent)
    agent.apply_user_privacy_options(PERFORMANCE)
    report_everything(agent)
    assert agent.shutdown()
    again = start()
    again.apply_user_privacy_options(PERFORMANCE)
    report_everything(again)
    assert again.flush()
    by_level = [(batch.data_collection, batch.instance_id) for batch in sink.batches if batch.events]
    instances = [instance for level, instance in by_level if level == "performance"]
    assert len(set(instances)) == 2
    assert not set(instances) & {instance for level, instance in by_level if level == "user_behavior"}
    anonymous = [e for b in sink.batches if b.data_collection == "performance" for e in b.events]
    assert {e.previous_session_id for e in anonymous} == {""}
    assert {e.start_reason for e in anonymous if e.kind == "session_start"} == {"privacy_change", "start_up"}


def test_a_change_ends_the_session_and_the_next_is_not_tagged(agent, sink):
    agent.identify_user("ada")
    open_action = agent.enter_action("open")
    agent.apply_user_privacy_options(UserPrivacyOptions("user_behavior"))
    agent.send_event("next")
    assert agent.flush()
    assert [e.kind for e in sink.events] == [
        "session_start",
        "identify",
        "action",
        "session_end",
        "session_start",
        "event",
    ]
    assert sink.events[3].end_reason == sink.events[4].start_reason == "privacy_change"
    # The level is the same, so the two sessions may be linked.
    assert sink.events[4].previous_session_id == sink.events[3].session_id
    assert sink.events[5].user_identifier == ""
    assert not open_action.is_open


def test_the_same_options_again_change_nothing(agent, sink):
    agent.send_event("first")
    agent.apply_user_privacy_options(agent.user_privacy_options)
    agent.send_event("second")
    assert agent.flush()
    assert [e.kind for e in sink.events] == ["session_start", "event", "event"]


def test_off_lets_nothing_out_but_what_was_agreed_to_before(agent, sink):
    agent.send_event("agreed")
    agent.apply_user_privacy_options(OFF)
    report_everything(agent)
    assert agent.flush()
    assert [e.kind for e in sink.events] == ["session_start", "event", "session_end"]


def test_opt_in_mode_is_off_until_the_user_agrees(start, sink, tmp_path):
    agent = start(opt_in_mode=True)
    report_everything(agent)
    assert agent.flush()
    assert sink.batches == []
    assert not (tmp_path / "state").exists()
    agent.apply_user_privacy_options(ALL)
    agent.send_event("agreed")
    assert agent.flush()
    assert [e.kind for e in sink.events] == ["session_start", "event"]


def test_in_opt_in_mode_what_an_earlier_run_left_behind_waits_too(start, sink):
    sink.stop()
    first = start()
    first.send_event("left behind")
    assert not first.shutdown(1.0)
    sink.start()
    second = start(opt_in_mode=True)
    assert second.flush(0.2)
    assert second.shutdown(0.2)
    assert sink.batches == []
    third = start(opt_in_mode=True)
    third.apply_user_privacy_options(ALL)
    assert sink.wait_for(lambda: len(sink.events) == 3)
    assert [e.name for e in sink.of_kind("event")] == ["left behind"]


def test_crashes_need_a_yes_of_their_own(agent, sink):
    agent.apply_user_privacy_options(UserPrivacyOptions("user_behavior"))
    agent.send_event("e")
    agent.report_crash(ValueError("x"))
    assert agent.flush()
    assert sink.of_kind("crash") == []
    agent.apply_user_privacy_options(ALL)
    agent.send_event("e")
    agent.report_crash(ValueError("x"))
    assert agent.flush()
    assert sink.of_kind("crash")[0].attributes["exception.message"] == "x"
    assert sink.events[-1].end_reason == "crash"


def test_a_level_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="everything"):
        UserPrivacyOptions("everything")
