"""What may be handed over, what arrives of it, and what the developer is told. Nothing raises."""

import logging
import os
import random
import threading
from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from types import MappingProxyType
from uuid import UUID

import pytest

import sojourn
from sojourn import EventData, ExceptionEventData, HttpRequestEventData, SessionPropertyEventData
from sojourn.sdk import api
from sojourn.wire.messages import DiscardCount, Refusal
from tests.sdk.conftest import SECOND


@pytest.mark.parametrize(
    "data",
    [
        EventData("checkout", event_properties={"event_properties.a": 1}),
        EventData("checkout").add_event_property("event_properties.a", 1),
        {"name": "checkout", "event_properties": {"event_properties.a": 1}},
        {"name": "checkout", "event_properties.a": 1},
    ],
)
def test_an_event_in_each_form(agent, sink, data):
    agent.send_event(data)
    assert agent.flush()
    assert [(e.name, e.event_properties) for e in sink.of_kind("event")] == [("checkout", {"event_properties.a": 1})]


@pytest.mark.parametrize(
    "data",
    [
        SessionPropertyEventData(session_properties={"session_properties.tier": "gold"}),
        SessionPropertyEventData().add_session_property("session_properties.tier", "gold"),
        {"session_properties": {"session_properties.tier": "gold"}},
        {"session_properties.tier": "gold"},
    ],
)
def test_session_properties_in_each_form(agent, sink, data):
    agent.send_session_property_event(data)
    assert agent.flush()
    assert [e.session_properties for e in sink.of_kind("session_properties")] == [{"session_properties.tier": "gold"}]


@pytest.mark.parametrize("duration", [2 * SECOND, timedelta(seconds=2)])
def test_a_duration_counts_back_from_now(agent, sink, clock, duration):
    agent.send_event("first")
    clock.advance(5 * SECOND)
    agent.send_event(EventData("import", duration=duration))
    assert agent.flush()
    sent = sink.of_kind("event")[1]
    assert (sent.duration, sent.timestamp) == (2 * SECOND, clock.wall() - 2 * SECOND)


def test_an_exception_in_each_form(agent, sink):
    try:
        raise ValueError("no stock")
    except ValueError as error:
        agent.send_exception_event(error)
        agent.send_exception_event(ExceptionEventData(error, event_properties={"event_properties.a": 1}))
    agent.send_exception_event({"type": "E42", "message": "refused", "stacktrace": "line 1"})
    assert agent.flush()
    first, second, third = sink.of_kind("error")
    assert first.name == "ValueError"
    assert first.attributes["exception.message"] == "no stock"
    assert "test_an_exception_in_each_form" in first.attributes["exception.stacktrace"]
    assert second.event_properties == {"event_properties.a": 1}
    assert third.attributes == {
        "exception.type": "E42",
        "exception.message": "refused",
        "exception.stacktrace": "line 1",
    }


def test_an_http_request(agent, sink):
    agent.send_http_request_event(
        HttpRequestEventData("https://api.example/x?q=1", "post", status_code=201, duration=1500, response_size=12)
    )
    agent.send_http_request_event({"url": "https://api.example/y", "error": "timeout"})
    assert agent.flush()
    first, second = sink.of_kind("http_request")
    assert (first.name, first.duration) == ("POST https://api.example/x", 1500)
    assert first.attributes == {
        "http.request.method": "POST",
        "url.full": "https://api.example/x?q=1",
        "http.response.status_code": 201,
        "http.response.body.size": 12,
    }
    assert second.attributes["error.type"] == "timeout"


def test_bad_properties_are_told_once_by_name_and_cost_no_neighbour(agent, sink, caplog):
    for _ in range(3):
        agent.send_session_property_event({"session_properties.a__b": 1, "session_properties.good": 2})
        agent.send_event({"name": "e", "event_properties.n": float("nan"), "event_properties.good": 1, "stray": 1})
    assert agent.flush()
    assert {tuple(e.event_properties) for e in sink.of_kind("event")} == {("event_properties.good",)}
    assert {tuple(e.session_properties) for e in sink.of_kind("session_properties")} == {("session_properties.good",)}
    assert caplog.messages == [
        "session_properties.a__b: each underscore must be followed by a letter or digit; discarded",
        "event_properties.n: a value is a str, bool, int or finite float, not nan; discarded",
        "stray: the name must start with 'event_properties.'; discarded",
    ]


def test_values_that_only_show_when_encoded(agent, sink):
    good = {"event_properties.a": 1, "event_properties.b": "x"}
    agent.send_event(EventData("known names", event_properties=good))
    agent.send_event(EventData("a", event_properties=good | {"event_properties.a": float("inf")}))
    agent.send_event(EventData("b", event_properties=good | {"event_properties.b": "é" * 5001}))
    agent.send_event(EventData("c", event_properties=good | {"event_properties.b": "lone \ud800"}))
    agent.send_event(EventData("d", event_properties=good | {"event_properties.a": 2**80}))
    agent.send_event(EventData("n\udfff" + "x" * 300))
    assert agent.flush()
    _, a, b, c, d, e = sink.of_kind("event")
    assert a.event_properties == {"event_properties.b": "x"}
    assert b.event_properties["event_properties.b"] == "é" * 5000
    assert c.event_properties["event_properties.b"] == "lone \ufffd"
    assert d.event_properties["event_properties.a"] == 2**80
    assert e.name == "n\ufffd" + "x" * 248


class Color(Enum):
    RED = "red"
    ONE = 1


class Size(StrEnum):
    LARGE = "large"


class Level(IntEnum):
    HIGH = 3


class Marked(str):
    def __str__(self) -> str:
        return "not this"


class Weight(float):
    pass


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (datetime(2026, 1, 2), None),
        (date(2026, 1, 2), None),
        (timedelta(seconds=1), None),
        (UUID(int=1), None),
        (Decimal("1.5"), None),
        (b"bytes", None),
        (Color.RED, None),
        (Color.ONE, None),
        (None, None),
        ([1], None),
        ({"a": 1}, None),
        (float("nan"), None),
        (float("-inf"), None),
        (10**400, None),
        (Size.LARGE, "large"),
        (Level.HIGH, 3),
        ("1.5", "1.5"),
        (Marked("text"), "text"),
        (Weight(1.5), 1.5),
        (2**80, float(2**80)),
        (True, True),
        ("null", "null"),
        ('":null,"', '":null,"'),
        ("9" * 400, "9" * 400),
        ("\0", "\0"),
        ("x" * 5001, "x" * 5000),
    ],
)
@pytest.mark.parametrize("known", [1, 0.5, "text", True])
def test_each_type_of_value_under_a_known_name(agent, sink, caplog, value, kept, known):
    """What the encoder would take is still what the rules say, once for the call and once for the line."""
    agent.send_event(EventData("known", event_properties={"event_properties.a": known, "event_properties.b": 2}))
    assert agent.flush()
    for _ in range(2):
        agent.send_event(EventData("e", event_properties={"event_properties.a": value, "event_properties.b": 2}))
    assert agent.flush()
    expected = {"event_properties.b": 2} | ({} if kept is None else {"event_properties.a": kept})
    for event in sink.of_kind("event")[1:]:
        assert event.event_properties == expected
        assert {key: type(found) for key, found in event.event_properties.items()} == {
            key: type(wanted) for key, wanted in expected.items()
        } or value == 2**80
    assert len(caplog.messages) == (1 if kept is None else 0)
    assert all(m.startswith("event_properties.a: a value is a str, bool, int or") for m in caplog.messages)


@pytest.mark.parametrize("key", ["event_properties.a__b", "event_properties." + "x" * 90, "stray", "", 7, None, ("a",)])
def test_a_bad_name_in_the_short_way_is_told_once_and_costs_no_neighbour(agent, sink, caplog, key):
    for _ in range(2):
        agent.send_event(EventData("e", event_properties={key: 1, "event_properties.good": 2}))
    assert agent.flush()
    assert [e.event_properties for e in sink.of_kind("event")] == [{"event_properties.good": 2}] * 2
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith(f"{key}: ")


class Name(Enum):
    GOOD = "event_properties.good"


@pytest.mark.parametrize("properties", [{Name.GOOD: 1}, {Name.GOOD: 1, "event_properties.good": 2}])
def test_a_name_that_the_encoder_would_make_a_text_of_is_none(agent, sink, caplog, properties):
    agent.send_event(EventData("known", event_properties={"event_properties.good": 0}))
    for _ in range(2):
        agent.send_event(EventData("e", event_properties=properties))
    assert agent.flush()
    expected = {key: value for key, value in properties.items() if key is not Name.GOOD}
    assert [e.event_properties for e in sink.of_kind("event")[1:]] == [expected] * 2
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("Name.GOOD: ")


@pytest.mark.parametrize("text", ["", "x" * 60])
def test_of_too_many_properties_the_first_in_key_order_are_kept(agent, sink, caplog, text):
    properties = {f"event_properties.p{number:02}": text for number in reversed(range(60))}
    agent.send_event(EventData("e", event_properties=properties))
    assert agent.flush()
    (event,) = sink.of_kind("event")
    assert list(event.event_properties) == [f"event_properties.p{number:02}" for number in range(50)]
    assert len(caplog.messages) == 10


NAMES = [f"event_properties.n{number}" for number in range(6)]


@pytest.mark.parametrize("seed", range(3))
def test_events_of_one_name_may_have_any_properties_in_any_order(agent, sink, seed):
    """The names of properties stand once in a file, as a shape: each value comes back under its own."""
    chance = random.Random(seed)
    sent = []
    for number in range(3_000):
        names = chance.sample(NAMES, chance.randint(0, len(NAMES)))
        properties = {name: chance.choice([number, f"t{number}", number / 7, number % 2 == 0]) for name in names}
        name = chance.choice(["a", "b", f"c{number}"])
        sent.append((name, properties))
        agent.send_event(EventData(name, event_properties=properties))
    assert agent.flush(20)
    assert [(e.name, e.event_properties) for e in sink.of_kind("event")] == sent


def test_a_dict_that_makes_up_its_values_gets_none_by_being_sent(agent, sink):
    agent.send_event(EventData("e", event_properties={NAMES[0]: 1, NAMES[1]: 2}))
    made_up = defaultdict(int, {NAMES[0]: 1, NAMES[2]: 2})
    agent.send_event(EventData("e", event_properties=made_up))
    assert agent.flush()
    assert made_up == {NAMES[0]: 1, NAMES[2]: 2}
    assert sink.of_kind("event")[1].event_properties == made_up


def test_the_null_text_is_a_value(agent, sink):
    agent.send_event({"name": "e", "event_properties.a": "null"})
    assert agent.flush()
    assert sink.of_kind("event")[0].event_properties == {"event_properties.a": "null"}


@pytest.mark.parametrize("bad", [None, 7, [], object(), {"name": "x", "duration": -1}, {"name": "x", "duration": "1"}])
def test_nonsense_is_told_and_never_raised(agent, sink, caplog, bad):
    agent.send_event(bad)
    agent.send_event("good")
    assert agent.flush()
    assert [e.name for e in sink.of_kind("event")] == ["good"]
    assert len(caplog.messages) == 1
    assert caplog.messages[0].endswith("the call is ignored")


@pytest.mark.parametrize(
    "call",
    [
        lambda agent: agent.identify_user(7),
        lambda agent: agent.send_session_property_event(7),
        lambda agent: agent.send_exception_event(7),
        lambda agent: agent.send_http_request_event(7),
        lambda agent: agent.add_event_modifier(7),
        lambda agent: agent.apply_user_privacy_options(7),
    ],
)
def test_nonsense_anywhere_is_told_and_never_raised(agent, caplog, call):
    call(agent)
    assert len(caplog.messages) == 1


def test_modifiers_change_and_drop(agent, sink):
    def redact(event):
        event["event_properties"].pop("event_properties.secret", None)
        return event | {"name": event["name"].upper()}

    agent.add_event_modifier(redact)
    agent.add_event_modifier(lambda event: None if event["name"] == "DROP" else event)
    agent.send_event({"name": "keep", "event_properties.secret": 1, "event_properties.open": 2})
    agent.send_event("drop")
    agent.send_exception_event(ValueError("x"))
    agent.remove_event_modifier(redact)
    agent.send_event("as it is")
    assert agent.flush()
    assert [(e.name, e.event_properties) for e in sink.events[1:]] == [
        ("KEEP", {"event_properties.open": 2}),
        ("VALUEERROR", {}),
        ("as it is", {}),
    ]
    assert [e.sequence for e in sink.events] == [0, 1, 2, 3]


def test_a_modifier_that_raises_lets_nothing_out(agent, sink, caplog):
    def broken(event):
        raise RuntimeError("oops")

    agent.add_event_modifier(broken)
    agent.send_event("secret")
    agent.send_event("secret")
    assert agent.flush()
    assert sink.events == []
    assert len(caplog.messages) == 1
    assert "broken" in caplog.messages[0]


def test_a_modifier_that_adds_is_checked_too(agent, sink, caplog):
    agent.add_event_modifier(lambda event: event | {"event_properties": {"event_properties.bad_": 1}})
    agent.send_event("e")
    assert agent.flush()
    assert sink.of_kind("event")[0].event_properties == {}
    assert "event_properties.bad_" in caplog.text


def test_agents_of_other_instances_share_the_modifiers(agent, sink):
    visitor = agent.for_instance("visitor-1")
    agent.add_event_modifier(lambda event: event | {"name": "hidden"})
    visitor.send_event("secret")
    assert agent.flush()
    assert [e.name for e in sink.of_kind("event")] == ["hidden"]


def test_a_modifier_may_report_an_event_of_its_own(agent, sink):
    def echo(event):
        if event["name"] == "first":
            agent.send_event("echo")
        return event

    agent.add_event_modifier(echo)
    agent.send_event("first")
    assert agent.flush()
    assert [e.name for e in sink.of_kind("event")] == ["echo", "first"]


def test_what_the_server_discards_is_told_once(agent, sink, caplog):
    sink.discards = [
        DiscardCount(
            key="event_properties.color",
            reason="undefined",
            count=2,
            message="event_properties.color: not defined; discarded",
        ),
    ]
    sink.rejected = [Refusal(index=0, reason="too_old", message="31 days old")]
    for _ in range(3):
        agent.send_event("e")
        assert agent.flush()
    assert caplog.messages == [
        "event_properties.color: not defined; discarded by the server",
        "an event was rejected by the server (too_old): 31 days old",
    ]


def test_debug_prints_each_event_that_leaves(start, capsys):
    agent = start(debug=True)
    agent.send_event({"name": "checkout", "event_properties.a": 1})
    assert agent.flush()
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" {")[0].strip() for line in lines] == [
        "sojourn sent session_start",
        "sojourn sent event checkout",
    ]
    assert '"event_properties.a":1' in lines[1]


def test_a_log_handler_that_raises_is_not_our_crash(agent, sink):
    class Broken(logging.Handler):
        def emit(self, record):
            raise RuntimeError("full disk")

    handler = Broken()
    logging.getLogger("sojourn").addHandler(handler)
    try:
        agent.send_event({"name": "e", "bad": 1})
    finally:
        logging.getLogger("sojourn").removeHandler(handler)
    assert agent.flush()
    assert len(sink.of_kind("event")) == 1


def test_an_error_inside_is_told_once_and_never_raised(agent, caplog, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("a defect")

    monkeypatch.setattr(agent._recorder, "record", broken)
    for _ in range(2):
        agent.send_event("e")
        agent.send_exception_event(ValueError())
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
    assert "a defect" in caplog.text


def test_the_module_level_functions_use_the_agent_of_the_last_start(start, sink):
    agent = start()
    assert sojourn.current_agent() is agent
    sojourn.identify_user("ada")
    sojourn.send_event("e")
    sojourn.send_session_property_event({"session_properties.a": 1})
    sojourn.send_exception_event(ValueError())
    sojourn.send_http_request_event({"url": "https://x"})
    sojourn.start_view("v")
    sojourn.end_view()
    with sojourn.enter_action("a"):
        pass
    sojourn.end_session()
    assert sojourn.shutdown()
    assert [e.kind for e in sink.events] == [
        "session_start",
        "identify",
        "event",
        "session_properties",
        "error",
        "http_request",
        "view",
        "action",
        "session_end",
    ]


def test_calls_after_the_shutdown_do_nothing(agent, sink):
    agent.send_event("before")
    assert agent.shutdown()
    agent.send_event("after")
    agent.identify_user("ada")
    with agent.enter_action("a") as action:
        action.report_value("v", 1)
    agent.end_session()
    assert agent.shutdown()
    assert [e.kind for e in sink.events] == ["session_start", "event", "session_end"]


def test_before_any_start_nothing_happens_and_it_is_told_once(monkeypatch, caplog, tmp_path):
    monkeypatch.setenv("SOJOURN_STATE_DIR", str(tmp_path))
    monkeypatch.setattr(api, "_default", None)
    monkeypatch.setattr(api, "_unstarted", None)
    for _ in range(2):
        sojourn.identify_user("ada")
        sojourn.send_event("e")
        with sojourn.enter_action("a"):
            pass
        sojourn.end_session()
    assert sojourn.current_agent() is None
    assert caplog.messages == ["sojourn.start() was not called; nothing is reported"]
    assert list(tmp_path.iterdir()) == []


def test_a_log_handler_that_reports_and_a_full_disk_do_not_wait_for_each_other(start, sink, monkeypatch):
    """The queue has something to say while another thread reports from inside the same log handler."""
    inside, go_on = threading.Event(), threading.Event()

    class Reporting(logging.Handler):
        def emit(self, record):
            if record.name == "app":
                inside.set()
                go_on.wait(5)
                agent.send_event("from the handler")

    def full(*_):
        raise OSError(28, "No space left on device")

    agent = start()
    monkeypatch.setattr(os, "posix_fallocate", full)
    handler = Reporting()
    logging.getLogger().addHandler(handler)
    try:
        logging_thread = threading.Thread(target=logging.getLogger("app").error, args=("x",))
        logging_thread.start()
        inside.wait(5)
        reporting = threading.Thread(target=agent.send_event, args=("meanwhile",))
        reporting.start()
        reporting.join(5)
        assert not reporting.is_alive()
        go_on.set()
        logging_thread.join(5)
        assert not logging_thread.is_alive()
        assert agent.flush()
    finally:
        go_on.set()
        logging.getLogger().removeHandler(handler)
    assert {e.name for e in sink.of_kind("event")} == {"from the handler", "meanwhile"}


def test_every_public_name_is_there():
    assert sorted(name for name in sojourn.__all__ if getattr(sojourn, name) is not None) == sorted(sojourn.__all__)
    with pytest.raises(AttributeError):
        _ = sojourn.no_such_name


def test_any_mapping_will_do_and_none_is_changed(agent, sink):
    own = {"event_properties.a": 1}
    data = EventData("e", event_properties=own).add_event_property("event_properties.b", 2)
    agent.send_event(data)
    agent.send_event(EventData("e", event_properties=MappingProxyType(own)))
    agent.send_event(EventData("e", event_properties=MappingProxyType(own)))
    assert agent.flush()
    assert own == {"event_properties.a": 1}
    assert [len(e.event_properties) for e in sink.of_kind("event")] == [2, 1, 1]


def test_what_a_modifier_adds_that_cannot_be_sent_is_left_out(agent, sink):
    agent.add_event_modifier(lambda event: event | {"attributes": {"good": 1, "bad": object(), "nan": float("nan")}})
    agent.send_event("e")
    assert agent.flush()
    assert sink.of_kind("event")[0].attributes == {"good": 1}
