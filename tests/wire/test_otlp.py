"""OTLP logs, recorded from the real exporters, become events by the session conventions."""

import json

import pytest
from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse

from sojourn.wire.messages import DiscardCount, Policy, Receipt, Refusal
from sojourn.wire.native import WireError
from sojourn.wire.otlp import read_json_logs, read_protobuf_logs, write_answer, write_failure

from .bodies import RECEIVED_AT, events_of, recorded

(PYTHON,) = recorded("otlp_protobuf")
(NODE,) = recorded("otlp_json")
NOW_NS = 1_795_573_251_896_000_123


def value(sent):
    match sent:
        case bool():
            return {"boolValue": sent}
        case str():
            return {"stringValue": sent}
        case int():
            return {"intValue": str(sent)}
        case float():
            return {"doubleValue": sent}
        case list():
            return {"arrayValue": {"values": [value(item) for item in sent]}}
        case dict():
            return {"kvlistValue": {"values": pairs(sent)}}
    return {}


def pairs(fields):
    return [{"key": key, "value": value(sent)} for key, sent in fields.items()]


def record(name="", attributes=None, **fields):
    return {"timeUnixNano": str(NOW_NS), "eventName": name, "attributes": pairs(attributes or {}), **fields}


def body(*records, resource=None):
    of_resource = {
        "resource": {"attributes": pairs({"service.instance.id": "i-1"} if resource is None else resource)},
        "scopeLogs": [{"scope": {"name": "test"}, "logRecords": list(records)}],
    }
    return json.dumps({"resourceLogs": [of_resource]}).encode()


def as_protobuf(sent):
    return Parse(sent, ExportLogsServiceRequest()).SerializeToString()


@pytest.fixture(params=["json", "protobuf"])
def read(request):
    """Both encodings of one body: what holds for one holds for the other."""

    def of(*records, resource=None):
        sent = body(*records, resource=resource)
        if request.param == "json":
            return read_json_logs(sent, RECEIVED_AT)
        return read_protobuf_logs(as_protobuf(sent), RECEIVED_AT)

    return of


def test_the_python_sdk():
    (parsed,) = PYTHON.read()
    batch = parsed.batch
    assert (batch.instance_id, batch.app_version, batch.os.name) == ("dev-1", "1.2.3", "Linux")
    assert (batch.sdk.name, batch.sdk.version) == ("opentelemetry-python", "1.45.2")
    start, checkout, error, end = batch.events
    assert (start.kind, start.session_id, start.previous_session_id) == ("session_start", "s-1", "s-0")
    assert (checkout.kind, checkout.name, checkout.user_identifier) == ("event", "checkout", "alice")
    assert checkout.event_properties == {"event_properties.total": 42.5, "event_properties.a.b": 1}
    assert (error.kind, error.name) == ("error", "oops")
    assert (end.kind, end.end_reason) == ("session_end", "end_session")
    assert {event.session_properties["session_properties.tier"] for event in batch.events} == {"gold"}


def test_the_node_sdk():
    (parsed,) = NODE.read()
    start, click = parsed.batch.events
    assert (parsed.batch.instance_id, start.kind, start.session_id) == ("i-1", "session_start", "s-9")
    assert (click.name, click.user_identifier, click.timestamp) == ("click", "bob", 1_795_573_251_896_000)
    assert click.event_properties == {
        "event_properties.n": 1,
        "event_properties.f": 1.5,
        "event_properties.deep.x": True,
    }


def test_both_encodings_give_the_same_events():
    sent = body(
        record("click", {"session.id": "s", "n": 5, "f": 0.5, "deep": {"a": [1, "x"]}, "yes": True}),
        record("", {}, body={"stringValue": "hello"}, severityNumber=9),
        record("", {"event.name": "session.end", "session.id": "s"}),
    )
    assert read_json_logs(sent, RECEIVED_AT) == read_protobuf_logs(as_protobuf(sent), RECEIVED_AT)


def test_trace_and_span_ids_are_hexadecimal_in_json():
    traced = record("x", traceId="5b8efff798038103d269b633813fc60c", spanId="eee19b7ec3c1b174")
    (event,) = events_of(read_json_logs(body(traced), RECEIVED_AT))
    assert event.attributes == {"trace_id": "5b8efff798038103d269b633813fc60c", "span_id": "eee19b7ec3c1b174"}


@pytest.mark.parametrize(
    ("sent", "kind", "name"),
    [
        (record("session.start", {"session.id": "s"}), "session_start", ""),
        (record("session.end", {"session.id": "s"}), "session_end", ""),
        (record("user.identify", {"user.id": "alice"}), "identify", ""),
        (record("session.properties", {"session_properties.tier": "gold"}), "session_properties", ""),
        (record("browser.page_view", {"url.full": "https://x/"}), "view", "https://x/"),
        (record("exception", {"exception.type": "KeyError"}), "error", "exception"),
        (record("", {"exception.type": "KeyError"}), "error", "KeyError"),
        (record("", {"exception.type": "KeyError", "exception.escaped": True}), "crash", "KeyError"),
        (record("device.crash", {}), "crash", "device.crash"),
        (record("", {}, severityNumber=17, body={"stringValue": "it broke\nhere"}), "error", "it broke"),
        (record("", {}, severityNumber=9, body={"stringValue": "hello"}), "event", "hello"),
        (record("", {}), "event", "log"),
        (record("", {"event.name": "checkout"}), "event", "checkout"),
    ],
)
def test_kinds(read, sent, kind, name):
    (event,) = events_of(read(sent))
    assert (event.kind, event.name) == (kind, name)


@pytest.mark.parametrize(
    ("sent", "reason"), [("timeout", "timeout"), ("boredom", "end_session"), ("", "end_session"), (7, "end_session")]
)
def test_end_reasons_are_ours(read, sent, reason):
    (event,) = events_of(read(record("session.end", {"session.end_reason": sent})))
    assert event.end_reason == reason


def test_facts_are_kept_and_names_of_people_are_not(read):
    (event,) = events_of(read(record("x", {"url.full": "u", "user.id": 7, "user.email": "a@b", "enduser.id": "z"})))
    assert event.attributes == {"url.full": "u"}
    assert event.user_identifier == "7"


def test_the_body_of_an_event_can_hold_its_attributes(read):
    (event,) = events_of(read(record("x", {}, body=value({"event_properties": {"a": 1}, "b": 2}))))
    assert (event.event_properties, event.attributes) == ({"event_properties.a": 1}, {"b": 2})


def test_no_value_at_all_is_left_to_be_discarded(read):
    (event,) = events_of(read(record("x", {"event_properties.list": [1], "event_properties.none": None})))
    assert event.event_properties == {"event_properties.list": [], "event_properties.none": None}


@pytest.mark.parametrize(
    ("resource", "instance"),
    [
        ({"service.instance.id": "i", "device.id": "d", "app.installation.id": "a"}, "a"),
        ({"service.instance.id": "i", "device.id": "d"}, "d"),
        ({"service.instance.id": "i"}, "i"),
    ],
)
def test_the_instance_is_the_installation_the_device_or_the_service(read, resource, instance):
    (parsed,) = read(record("x"), resource=resource)
    assert parsed.batch.instance_id == instance


def test_without_a_device_each_session_is_one_of_its_own(read):
    records = [record("x", {"session.id": session}) for session in ("s-1", "s-2", "s-1")]
    parsed = read(*records, resource={"service.name": "shop"})
    assert [list(one.positions) for one in parsed] == [[0, 2], [1]]
    assert len({one.batch.instance_id for one in parsed}) == 2


def test_resources_tell_device_and_software(read):
    resource = {
        "device.id": "d",
        "device.manufacturer": "M",
        "device.model.name": "X",
        "os.type": "linux",
        "os.version": "6.1",
        "browser.mobile": False,
        "browser.brands": ["Not?A_Brand 24", "Chromium 119"],
    }
    batch = read(record("x"), resource=resource)[0].batch
    assert (batch.device.type, batch.device.manufacturer, batch.device.model) == ("desktop", "M", "X")
    assert (batch.os.name, batch.os.version) == ("linux", "6.1")
    assert (batch.browser.name, batch.browser.version) == ("Chromium", "119")


def test_a_retry_is_a_copy_and_equal_records_are_two(read):
    first = [event.event_id for event in events_of(read(record("x"), record("x"), record("y")))]
    assert first == [event.event_id for event in events_of(read(record("x"), record("x"), record("y")))]
    assert len(set(first)) == 3


def test_a_record_with_an_id_of_its_own_keeps_its_identity(read):
    uid = {"log.record.uid": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}
    (first,), (second,) = events_of(read(record("x", uid))), events_of(read(record("y", uid)))
    assert first.event_id == second.event_id


def test_a_record_without_a_time_happened_when_it_was_seen_or_came(read):
    seen = record("x", timeUnixNano="0", observedTimeUnixNano=str(NOW_NS))
    never = record("y", timeUnixNano="0")
    assert [event.timestamp for event in events_of(read(seen, never))] == [NOW_NS // 1000, RECEIVED_AT]


@pytest.mark.parametrize(
    "bad",
    [
        5,
        {"timeUnixNano": "soon"},
        {"timeUnixNano": "9" * 40},
        {"attributes": {"a": 1}},
        {"attributes": [{"key": "a", "value": {"intValue": 1.5}}]},
        {"attributes": [{"key": "a", "value": {"doubleValue": "many"}}]},
        {"eventName": 7},
    ],
)
def test_a_bad_record_in_json_costs_no_neighbour(bad):
    (parsed,) = read_json_logs(body(record("a"), bad, record("b")), RECEIVED_AT)
    assert [event.name for event in parsed.batch.events] == ["a", "b"]
    assert list(parsed.positions) == [0, 2]
    assert [(refusal.index, refusal.reason) for refusal in parsed.refusals] == [(1, "invalid")]


@pytest.mark.parametrize(
    "sent", [b"", b"[]", b'{"resourceLogs":5}', body(5), body(resource=None).replace(b"i-1", b'"')]
)
def test_a_json_body_without_a_readable_record_is_refused(sent):
    with pytest.raises(WireError):
        read_json_logs(sent, RECEIVED_AT)


def test_other_bytes_are_no_protobuf():
    with pytest.raises(WireError):
        read_protobuf_logs(b"{}", RECEIVED_AT)


def test_an_empty_export_is_fine():
    assert read_protobuf_logs(b"", RECEIVED_AT) == read_json_logs(b"{}", RECEIVED_AT) == []


def receipt(rejected=(), discards=()):
    return Receipt(
        accepted=1,
        rejected=list(rejected),
        discards=list(discards),
        policy=Policy(idle_timeout=1, max_duration=1),
        server_time=RECEIVED_AT,
    )


def test_full_success_says_nothing():
    assert write_answer([receipt()], protobuf=False) == b"{}"
    assert write_answer([receipt()], protobuf=True) == b""


def test_partial_success_names_what_was_left_out():
    told = [
        receipt([Refusal(index=3, reason="too_old", message="timestamp: older than 30 days")]),
        receipt(discards=[DiscardCount(key="event_properties.x", reason="undefined", count=1, message="x: undefined")]),
    ]
    said = json.loads(write_answer(told, protobuf=False))["partialSuccess"]
    assert said == {"rejectedLogRecords": "1", "errorMessage": "record 3: timestamp: older than 30 days; x: undefined"}
    answer = ExportLogsServiceResponse.FromString(write_answer(told, protobuf=True))
    assert answer.partial_success.rejected_log_records == 1
    assert answer.partial_success.error_message == said["errorMessage"]


def test_a_long_list_is_told_in_short():
    many = receipt([Refusal(index=i, reason="invalid", message="no") for i in range(1000)])
    message = json.loads(write_answer([many], protobuf=False))["partialSuccess"]["errorMessage"]
    assert message.endswith("980 more records")
    assert len(message) < 1000


def test_a_failure_is_a_status():
    from google.rpc.status_pb2 import Status

    status = Status.FromString(write_failure("the body is not valid", protobuf=True))
    assert (status.code, status.message) == (3, "the body is not valid")
    assert json.loads(write_failure("no", protobuf=False)) == {"code": 3, "message": "no"}
