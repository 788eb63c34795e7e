"""OpenKit beacons, recorded from the real clients, become the events that the application reported."""

import pytest

from sojourn.wire.messages import Event, Parsed
from sojourn.wire.native import WireError
from sojourn.wire.openkit import read_beacon, read_client_ip

from .bodies import recorded

JS_FIRST, JS_SECOND, JAVA = (one.body for one in recorded("openkit"))
PREFIX = b"vv=3&va=8.297.30300&ap=shop&tt=okjava&vi=7&sn=41&dl=2&tv=1795517449809&tx=1795517450671"


def named(parsed: Parsed, name: str) -> Event:
    return next(event for event in parsed.batch.events if event.name == name)


def of_kind(parsed: Parsed, kind: str) -> list[Event]:
    return [event for event in parsed.batch.events if event.kind == kind]


def one(record: bytes, prefix: bytes = PREFIX) -> Event:
    (event,) = read_beacon(prefix + b"&" + record).batch.events
    return event


def test_the_prefix_tells_device_software_and_session():
    batch = read_beacon(JS_FIRST).batch
    assert (batch.instance_id, batch.app_version, batch.data_collection) == ("openkit:4242", "9.8.7", "user_behavior")
    assert (batch.device.manufacturer, batch.device.model) == ("Söhne & Co", "model-a")
    assert (batch.os.name, batch.os.version) == ("Harness OS", "1.0")
    assert (batch.sdk.name, batch.sdk.version) == ("openkit-js", "4.2.0")
    assert batch.sent_at == 1_795_573_042_799_000
    assert read_client_ip(JS_FIRST) == "203.0.113.7"
    start = of_kind(read_beacon(JS_FIRST), "session_start")[0]
    assert start.attributes["network.carrier.name"] == "Ünï & Co"
    assert start.attributes["user.language"] == "de-AT"


def test_every_record_is_the_event_that_was_reported():
    first, second = read_beacon(JS_FIRST), read_beacon(JS_SECOND)
    assert [event.kind for event in first.batch.events] == [
        *("session_start", "identify", "value", "value", "value", "value", "value", "event"),
        *("http_request", "error", "action", "event"),
    ]
    assert [event.kind for event in second.batch.events] == ["action", "error", "crash", "session_end"]
    assert of_kind(first, "identify")[0].user_identifier == "alice@example.com"
    assert [event.attributes.get("value", "missing") for event in of_kind(first, "value")] == [
        *(3, 1e21, "a+b & c=d %41 ✓😀", "missing", ""),
    ]
    checkout, pay = named(second, "checkout"), named(first, "pay")
    assert (checkout.action_id, checkout.parent_action_id, checkout.duration) == ("1", "", 2_503_000)
    assert named(first, "cart.items").parent_action_id == checkout.action_id
    request = of_kind(first, "http_request")[0]
    assert request.parent_action_id == pay.action_id
    assert (request.name, request.attributes["http.response.status_code"]) == ("api.example.com/v1/pay", 201)
    assert request.attributes["url.full"] == "https://api.example.com/v1/pay?card=visa"
    assert named(first, "PaymentDeclined").attributes == {"error.code": 402}
    assert named(second, "TypeError").attributes["exception.stacktrace"].endswith("\n  at pay")
    assert of_kind(second, "session_end")[0].end_reason == "end_session"


def test_times_are_session_start_plus_offset():
    assert named(read_beacon(JS_SECOND), "SessionError").timestamp == (1_795_573_041_794 + 2505) * 1000


def test_a_business_event_keeps_what_the_application_gave_and_drops_what_the_client_added():
    event = named(read_beacon(JS_FIRST), "com.example.order")
    assert event.timestamp == 1_795_573_041_796_000
    assert event.event_properties == {
        "event_properties.order.id": "o-1",
        "event_properties.amount": 42.5,
        "event_properties.nested.a": [],
    }


def test_beacons_of_one_session_share_it_and_number_each_place_once():
    parsed = [read_beacon(JS_FIRST), read_beacon(JS_SECOND)]
    assert len({event.session_id for one in parsed for event in one.batch.events}) == 1
    taken = [event.sequence for one in parsed for event in one.batch.events if event.sequence >= 0]
    ends = [absence.sequence for one in parsed for absence in one.batch.absences]
    assert sorted(taken + ends) == list(range(18))


def test_a_lost_beacon_leaves_a_gap():
    parsed = read_beacon(JS_FIRST)
    places = {event.sequence for event in parsed.batch.events} | {a.sequence for a in parsed.batch.absences}
    assert set(range(max(places) + 1)) - places == {2}, "the open action's start"


def test_a_retry_is_a_copy():
    assert read_beacon(JS_FIRST) == read_beacon(JS_FIRST)
    ids = [event.event_id for body in (JS_FIRST, JS_SECOND) for event in read_beacon(body).batch.events]
    assert len(set(ids)) == len(ids)


def test_equal_payloads_in_one_beacon_are_two_events():
    payload = b"et=98&pl=%7B%22event.type%22%3A%22x%22%7D"
    events = read_beacon(PREFIX + b"&" + payload + b"&" + payload).batch.events
    assert len({event.event_id for event in events}) == 2


def test_java_values_and_exceptions():
    parsed = read_beacon(JAVA)
    assert parsed.refusals == []
    assert parsed.batch.sdk.version == "3.3.0"
    assert [event.attributes.get("value") for event in of_kind(parsed, "value")] == [
        9007199254740993,
        1e10,
        "NaN",
        None,
    ]
    error = named(parsed, "throwable error")
    assert error.attributes["exception.type"] == "java.lang.IllegalStateException"
    assert error.attributes["exception.message"] == "boom"
    assert (named(parsed, "child").action_id, named(parsed, "child").parent_action_id) == ("2", "1")


def test_a_raw_plus_in_a_dotnet_double_is_no_space():
    assert one(b"et=13&na=x&pa=1&s0=4&t0=1&vl=1E+21").attributes == {"value": 1e21}


@pytest.mark.parametrize("record", [b"et=60&na=&pa=0&s0=5&t0=9", b"et=60&pa=0&s0=5&t0=9"])
def test_a_missing_or_empty_tag_is_a_log_off(record):
    event = one(record)
    assert (event.kind, event.user_identifier) == ("identify", "")


def test_an_event_split_is_linked_to_its_predecessor():
    # The predecessor started at another time and its last beacon may come later.
    first = read_beacon(PREFIX + b"&vs=2&ss=0&et=18&pa=0&s0=1&t0=0").batch.events[0]
    other = PREFIX.replace(b"tv=1795517449809", b"tv=1795517459999")
    second = read_beacon(other + b"&vs=2&ss=1&et=18&pa=0&s0=1&t0=0").batch.events[0]
    assert second.previous_session_id == first.session_id != second.session_id
    assert first.previous_session_id == ""


def test_sessions_without_a_sequence_are_told_apart_by_their_start():
    # openkit-js begins with session 1 in every process.
    again = JS_FIRST.replace(b"tv=1795573041794", b"tv=1795573999999")
    assert read_beacon(again).batch.events[0].session_id != read_beacon(JS_FIRST).batch.events[0].session_id


@pytest.mark.parametrize(
    ("record", "prefix", "retag"),
    [
        (b"et=60&na=a&pa=0&s0=2&t0=1", PREFIX, True),
        (b"et=60&na=a&pa=0&s0=2&t0=4000", PREFIX, False),
        (b"et=60&na=a&pa=0&s0=3&t0=1", PREFIX, False),
        (b"et=60&na=a&pa=0&s0=2&t0=1", PREFIX.replace(b"okjava", b"okjs"), False),
    ],
)
def test_a_tag_right_after_the_start_of_a_splitting_client_is_a_retag(record, prefix, retag):
    assert one(record, prefix).retag is retag


def test_levels_of_data_collection():
    off = read_beacon(PREFIX.replace(b"dl=2", b"dl=0") + b"&et=18&pa=0&s0=1&t0=0").batch
    assert (off.data_collection, off.events[0].sequence) == ("off", -1)
    assert read_beacon(PREFIX.replace(b"dl=2", b"dl=1")).batch.data_collection == "performance"


def test_a_beacon_without_records_is_an_empty_batch():
    assert read_beacon(PREFIX).batch.events == []


def test_a_negative_device_id_makes_an_instance():
    assert read_beacon(PREFIX.replace(b"vi=7", b"vi=-7")).batch.instance_id == "openkit:-7"


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (b"et=77&s0=3", "et: no known type"),
        (b"et=1&na=x&pa=0&s0=3&t0=1", "ca is missing"),
        (b"et=10&na=x&pa=0&t0=1", "s0 is missing"),
        (b"et=10&na=x&pa=0&s0=3&t0=99999999999999999999", "t0: an integer of 64 bits"),
        (b"et=12&na=x&pa=0&s0=3&t0=1&vl=1_0", "vl: an integer"),
        (b"et=13&na=x&pa=0&s0=3&t0=1&vl=many", "vl: a number"),
        (b"et=98&pl=%5B%5D", "pl: "),
        (b"et=98", "pl: "),
    ],
)
def test_a_bad_record_costs_no_neighbour(record, told):
    good = b"&et=10&na=good&pa=0&s0=9&t0=1"
    parsed = read_beacon(PREFIX + good + b"&" + record + good.replace(b"s0=9", b"s0=10"))
    assert [event.name for event in parsed.batch.events] == ["good", "good"]
    assert list(parsed.positions) == [0, 2]
    assert [(refusal.index, refusal.reason) for refusal in parsed.refusals] == [(1, "invalid")]
    assert told in parsed.refusals[0].message


@pytest.mark.parametrize("missing", [b"vi=7", b"sn=41", b"tv=1795517449809"])
def test_a_prefix_that_does_not_tell_the_session_is_refused(missing):
    with pytest.raises(WireError, match=missing[:2].decode()):
        read_beacon(PREFIX.replace(missing, b"zz=1"))
