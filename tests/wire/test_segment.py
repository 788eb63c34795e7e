"""Segment-style batches, recorded from published libraries, become events of devices without sessions."""

import json

import pytest

from sojourn.wire.messages import DiscardCount, Policy, Receipt, Refusal
from sojourn.wire.native import WireError
from sojourn.wire.segment import read_calls, write_answer

from .bodies import RECEIVED_AT, events_of, recorded

NODE = next(one for one in recorded("segment") if "node" in one.client)
PYTHON = next(one for one in recorded("segment") if "python" in one.client)
CALL = {
    "type": "track",
    "anonymousId": "a-1",
    "event": "x",
    "messageId": "m-1",
    "timestamp": "2026-11-25T02:20:51.637Z",
}


def read(*calls, **envelope):
    return read_calls(json.dumps({"batch": list(calls), **envelope}).encode(), RECEIVED_AT)


def one(**fields):
    (event,) = events_of(read(CALL | fields))
    return event


def test_the_node_library():
    parsed = NODE.read()
    assert [event.kind for event in sorted(events_of(parsed), key=lambda e: e.timestamp)] != []
    by_name = {event.name or event.kind: event for event in events_of(parsed)}
    assert set(by_name) == {"identify", "Order Completed", "Home", "Cart", "group"}
    order = by_name["Order Completed"]
    assert (order.kind, order.user_identifier, order.session_id) == ("event", "alice@example.com", "")
    assert order.event_properties == {
        "event_properties.total": 42.5,
        "event_properties.items": [],
        "event_properties.coupon": None,
        "event_properties.nested.x": 1,
    }
    assert (by_name["Home"].kind, by_name["Cart"].kind) == ("view", "view")
    assert {one.batch.sdk.version for one in parsed} == {"3.1.0"}
    assert sorted(place for one in parsed for place in one.positions) == list(range(6))


def test_the_python_library():
    parsed = PYTHON.read()
    identify = events_of(parsed)[0]
    assert (identify.kind, identify.user_identifier) == ("identify", "alice@example.com")
    assert identify.session_properties == {"session_properties.tier": "gold"}
    assert parsed[0].batch.instance_id == "anon-9"
    assert parsed[0].batch.sent_at == 1_795_573_238_671_145


def test_context_tells_device_and_software():
    context = {
        "app": {"version": "1.2.3"},
        "device": {"type": "mobile", "manufacturer": "M", "model": "X"},
        "os": {"name": "iOS", "version": 17},
        "library": "not an object",
        "page": {"url": "https://shop.example/cart"},
    }
    (parsed,) = read(CALL | {"context": context})
    batch = parsed.batch
    assert (batch.app_version, batch.device.model, batch.os.name, batch.os.version) == ("1.2.3", "X", "iOS", "17")
    assert batch.events[0].attributes["url.full"] == "https://shop.example/cart"


@pytest.mark.parametrize(
    ("fields", "same"),
    [
        ({"event": "y"}, True),
        ({"anonymousId": "a-2"}, False),
        ({"anonymousId": None, "userId": "u"}, False),
        ({"anonymousId": "{odd id}"}, False),
    ],
)
def test_a_device_is_its_anonymous_id(fields, same):
    parsed = read(CALL, CALL | fields)
    assert (len(parsed) == 1) is same
    assert all(one.batch.instance_id for one in parsed)


def test_a_retry_is_a_copy_by_its_message_id():
    assert one().event_id == one(sentAt="2026-11-25T02:21:51.637Z", event="other").event_id
    assert one().event_id != one(messageId="m-2").event_id


@pytest.mark.parametrize(
    ("sent", "microseconds"),
    [
        ("2026-11-25T02:20:51.637Z", 1_795_573_251_637_000),
        ("2026-11-25T03:20:51.637123+01:00", 1_795_573_251_637_123),
        ("2026-11-25T02:20:51", 1_795_573_251_000_000),
        (1_795_573_251_637, 1_795_573_251_637_000),
        (None, RECEIVED_AT),
    ],
)
def test_times(sent, microseconds):
    assert one(timestamp=sent).timestamp == microseconds


def test_traits_of_nobody_take_no_tag_off():
    event = one(type="identify", traits={"plan": "pro"})
    assert (event.kind, event.session_properties) == ("session_properties", {"session_properties.plan": "pro"})


@pytest.mark.parametrize(
    "bad",
    [
        {"type": "delete"},
        {"anonymousId": None},
        {"anonymousId": {"a": 1}},
        {"timestamp": "yesterday"},
        {"timestamp": 1e300},
        {"properties": [1]},
        {"messageId": 5},
    ],
)
def test_a_bad_call_costs_no_neighbour(bad):
    (parsed,) = read(CALL, CALL | bad, CALL | {"messageId": "m-3"})
    assert list(parsed.positions) == [0, 2]
    assert [(refusal.index, refusal.reason) for refusal in parsed.refusals] == [(1, "invalid")]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"batch":{}}', b'{"batch":[7]}', b'{"batch":[],"sentAt":"x"}'])
def test_a_body_without_a_readable_call_is_refused(body):
    with pytest.raises(WireError):
        read_calls(body, RECEIVED_AT)


def test_the_answer_counts_and_names():
    receipt = Receipt(
        accepted=2,
        rejected=[Refusal(index=1, reason="too_old", message="timestamp: older than 30 days")],
        discards=[DiscardCount(key="event_properties.x", reason="undefined", count=3)],
        policy=Policy(idle_timeout=1, max_duration=1),
        server_time=RECEIVED_AT,
    )
    answer = json.loads(write_answer([receipt, receipt]))
    assert (answer["success"], answer["accepted"]) == (True, 4)
    assert answer["rejected"][0]["reason"] == "too_old"
    assert answer["discards"][0] == {"key": "event_properties.x", "reason": "undefined", "count": 3, "message": ""}
