"""One adapter for each SDK: set-up with its defaults and its real background sender, one event, one identify."""

import logging
import os
from collections.abc import Callable
from typing import Any

PROPERTIES: dict[str, Any] = {
    "product": "Espresso machine",
    "category": "kitchen",
    "currency": "EUR",
    "coupon": "SPRING-2026",
    "price": 149.99,
    "discount": 12.5,
    "quantity": 2,
    "position": 17,
    "gift": False,
    "returning": True,
}
"""Ten properties: four texts, four numbers, two booleans."""


class Sdk:
    """How one SDK is called. `event` is the call that is timed; `identify` and `other` where it has them.

    `close` is the last call that the SDK's documentation asks for at the end of a program.
    """

    def __init__(
        self,
        event: Callable[[], Any],
        identify: Callable[[], Any] | None = None,
        other: Callable[[], Any] | None = None,
        flush: Callable[[], Any] = lambda: None,
        close: Callable[[], Any] | None = None,
    ) -> None:
        self.event = event
        self.identify = identify
        self.other = other
        self.flush = flush
        self.close = close or flush


def sojourn(port: int) -> Sdk:
    import sojourn as sdk
    from sojourn import EventData

    agent = sdk.start(f"http://127.0.0.1:{port}", "shop", "key", state_dir=os.environ["BENCH_STATE"])
    properties = {f"event_properties.{key}": value for key, value in PROPERTIES.items()}

    def event() -> None:
        sdk.send_event(EventData("checkout", event_properties=properties))

    return Sdk(event, lambda: sdk.identify_user("user@example.com"), flush=lambda: agent.flush(30), close=lambda: None)


def posthog(port: int) -> Sdk:
    from posthog import Posthog

    client = Posthog("phc_key", host=f"http://127.0.0.1:{port}")
    return Sdk(
        lambda: client.capture("checkout", distinct_id="user@example.com", properties=PROPERTIES),
        lambda: client.set(distinct_id="user@example.com", properties={"tier": "gold"}),
        flush=client.flush,
        close=client.shutdown,
    )


def sentry(port: int) -> Sdk:
    import sentry_sdk

    sentry_sdk.init(dsn=f"http://key@127.0.0.1:{port}/1")

    def event() -> None:
        sentry_sdk.capture_message("checkout", extras=PROPERTIES)

    return Sdk(
        event,
        lambda: sentry_sdk.set_user({"id": "user@example.com"}),
        lambda: sentry_sdk.add_breadcrumb(category="shop", message="checkout", data=PROPERTIES),
        flush=lambda: sentry_sdk.flush(30),
    )


def snowplow(port: int) -> Sdk:
    from snowplow_tracker import AsyncEmitter, SelfDescribing, SelfDescribingJson, Subject, Tracker

    logging.getLogger("snowplow_tracker").setLevel(logging.CRITICAL)
    emitter = AsyncEmitter("127.0.0.1", protocol="http", port=port)
    tracker = Tracker(namespace="bench", emitters=emitter, subject=Subject().set_user_id("user@example.com"))
    schema = "iglu:com.example/checkout/jsonschema/1-0-0"

    def event() -> None:
        tracker.track(SelfDescribing(SelfDescribingJson(schema, PROPERTIES)))

    return Sdk(event, flush=tracker.flush)


def opentelemetry(port: int) -> Sdk:
    import time

    from opentelemetry._logs import LogRecord
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

    provider = LoggerProvider()
    exporter = OTLPLogExporter(endpoint=f"http://127.0.0.1:{port}/v1/logs")
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    logger = provider.get_logger("bench")

    def event() -> None:
        logger.emit(LogRecord(timestamp=time.time_ns(), event_name="checkout", attributes=PROPERTIES))

    return Sdk(event, flush=provider.force_flush, close=provider.shutdown)


PEERS: dict[str, Callable[[int], Sdk]] = {
    "sojourn": sojourn,
    "posthog": posthog,
    "sentry": sentry,
    "snowplow": snowplow,
    "opentelemetry": opentelemetry,
}
