"""The OpenTelemetry SDKs for Python (protobuf) and JavaScript (JSON), with only endpoint and header changed."""

import json
import logging
import time

import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource

from .reading import events_of, named, of_kind, sessions_of

SESSION = {"session.id": "otel-session-1"}


@pytest.fixture(params=[Compression.NoCompression, Compression.Gzip], ids=["plain", "gzip"])
def provider(frontend, request):
    exporter = OTLPLogExporter(
        endpoint=f"{frontend.server.url}/v1/logs",
        headers={"x-sojourn-key": frontend.key},
        compression=request.param,
    )
    resource = {"service.name": "shop", "service.version": "1.2.3", "device.id": "device-py", "os.name": "Linux"}
    provider = LoggerProvider(resource=Resource(resource))
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    yield provider
    provider.shutdown()


def test_the_python_sdk(frontend, provider):
    frontend.define("session", "tier")
    frontend.define("event", "total", "number")
    logger, now = provider.get_logger("shop"), time.time_ns()

    def emit(name, after_ms, **fields):
        attributes = {**SESSION, **fields.pop("attributes", {})}
        logger.emit(LogRecord(timestamp=now + after_ms * 1_000_000, event_name=name, attributes=attributes, **fields))

    emit("session.start", 0, attributes={"session.previous_id": "otel-session-0"})
    emit("user.identify", 1, attributes={"user.id": "alice@example.com", "session_properties.tier": "gold"})
    emit("checkout", 2, attributes={"user.id": "alice@example.com", "event_properties": {"total": 42.5, "no": "x"}})
    emit("payment failed", 3, severity_number=SeverityNumber.ERROR, attributes={"exception.type": "Declined"})
    emit("session.end", 4)
    provider.force_flush()

    (session,) = sessions_of(frontend, 1)
    assert session["session_id"] == "otel-session-1"
    assert session["previous_session_id"] == "otel-session-0"
    assert (session["instance_id"], session["app_version"]) == ("device-py", "1.2.3")
    assert (session["user_identifier"], session["end_reason"]) == ("alice@example.com", "end_session")
    assert session["session_properties"] == {"session_properties.tier": "gold"}
    assert (session["event_count"], session["error_count"]) == (5, 1)
    events = events_of(frontend, session)
    assert named(events, "checkout")["event_properties"] == {"event_properties.total": 42.5}
    assert named(events, "payment failed")["attributes"]["exception.type"] == "Declined"
    assert [entry["key"] for entry in frontend.get("/discards")["items"]] == ["event_properties.no"]


def test_an_export_that_is_sent_again_counts_once(frontend, provider):
    logger, now = provider.get_logger("shop"), time.time_ns()
    for _ in range(2):
        logger.emit(LogRecord(timestamp=now, observed_timestamp=now, event_name="click", attributes=SESSION))
        provider.force_flush()
    (session,) = sessions_of(frontend, 1)
    assert session["event_count"] == 1


def test_the_exporter_logs_a_partial_success_without_failing(frontend, provider, caplog):
    logger, day = provider.get_logger("shop"), 86_400 * 10**9
    with caplog.at_level(logging.ERROR):
        logger.emit(LogRecord(timestamp=time.time_ns() - 40 * day, event_name="old", attributes=SESSION))
        logger.emit(LogRecord(timestamp=time.time_ns(), event_name="new", attributes=SESSION))
        assert provider.force_flush()
    (session,) = sessions_of(frontend, 1)
    assert [event["name"] for event in events_of(frontend, session)] == ["new"]
    assert not [record for record in caplog.records if "Failed to export" in record.message]


def test_the_javascript_sdk_with_json(frontend, run_node):
    records = [
        {"eventName": "session.start", "attributes": SESSION},
        {"eventName": "click", "attributes": {**SESSION, "user.id": "bob", "event_properties": {"button": "buy"}}},
        {"eventName": "click", "attributes": {**SESSION, "user.id": "bob", "event_properties": {"button": "buy"}}},
        {"eventName": "session.end", "attributes": {**SESSION, "session.end_reason": "timeout"}},
    ]
    frontend.define("event", "button")
    said = run_node("otel_logs.js", f"{frontend.server.url}/v1/logs", frontend.key, json.dumps(records))
    assert said == {"results": [0]}
    (session,) = sessions_of(frontend, 1)
    assert (session["instance_id"], session["user_identifier"], session["end_reason"]) == (
        "device-js",
        "bob",
        "timeout",
    )
    clicks = of_kind(events_of(frontend, session), "event")
    assert [event["event_properties"] for event in clicks] == [{"event_properties.button": "buy"}] * 2
