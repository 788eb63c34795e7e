"""The messages that every adapter turns its bytes into: a batch of events from one instance. No decisions here."""

from typing import Any

import msgspec


class Sdk(msgspec.Struct, kw_only=True):
    """Which client library sent a batch."""

    name: str = ""
    version: str = ""


class Device(msgspec.Struct, kw_only=True):
    """What an instance runs on; "" is unknown. `type` is `desktop`, `mobile`, `tablet`, `server` or `other`."""

    type: str = ""
    manufacturer: str = ""
    model: str = ""


class Software(msgspec.Struct, kw_only=True):
    """A piece of software with its version, such as the operating system or the browser."""

    name: str = ""
    version: str = ""


class Event(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One event as it is sent. Times in microseconds by the client's clock; "" is none.

    `sequence` counts 0, 1, 2 … within a session and stream; -1 where the client does not number its events.
    `event_id` is a UUID. `session_id` is "" where the client does not manage sessions.
    `attributes` hold the built-in facts of a kind, named as OpenTelemetry names them (`exception.type`,
    `url.full`, …), beside the properties, which the application names.
    """

    event_id: str
    kind: str
    timestamp: int
    stream_id: str = ""
    sequence: int = -1
    session_id: str = ""
    name: str = ""
    duration: int = 0
    user_identifier: str = ""
    retag: bool = False
    previous_session_id: str = ""
    start_reason: str = ""
    end_reason: str = ""
    action_id: str = ""
    parent_action_id: str = ""
    attributes: dict[str, Any] = msgspec.field(default_factory=dict)
    event_properties: dict[str, Any] = msgspec.field(default_factory=dict)
    session_properties: dict[str, Any] = msgspec.field(default_factory=dict)


class Absence(msgspec.Struct, kw_only=True):
    """Events that will never arrive: `count` numbers of a stream from `sequence` on that the SDK had to drop."""

    session_id: str
    stream_id: str
    sequence: int
    count: int = 1
    reason: str = "queue_full"


class Batch(msgspec.Struct, kw_only=True):
    """Events of one instance, sent together. `sent_at` is the client's clock when the request left; 0 is unknown."""

    instance_id: str
    sent_at: int = 0
    sdk: Sdk = msgspec.field(default_factory=Sdk)
    app_version: str = ""
    device: Device = msgspec.field(default_factory=Device)
    os: Software = msgspec.field(default_factory=Software)
    browser: Software = msgspec.field(default_factory=Software)
    data_collection: str = "user_behavior"
    events: list[Event] = msgspec.field(default_factory=list)
    absences: list[Absence] = msgspec.field(default_factory=list)


class Refusal(msgspec.Struct, kw_only=True):
    """One event of a batch that could not be read or was not taken; `index` is its place in `events`."""

    index: int
    reason: str
    message: str
    event_id: str = ""


class Parsed(msgspec.Struct, kw_only=True):
    """What an adapter read: one batch, where each of its events stood in the body, and what could not be read."""

    batch: Batch
    positions: list[int] | range
    refusals: list[Refusal] = msgspec.field(default_factory=list)


class DiscardCount(msgspec.Struct, kw_only=True):
    """How many values of one property key were left out of the batch's events, and why."""

    key: str
    reason: str
    count: int
    message: str = ""


class Policy(msgspec.Struct, kw_only=True):
    """The session timeouts of the frontend, in microseconds, that the SDK has to follow from now on."""

    idle_timeout: int
    max_duration: int


class Receipt(msgspec.Struct, kw_only=True):
    """The answer to a batch: everything accepted is durable. `server_time` in microseconds."""

    accepted: int
    rejected: list[Refusal]
    discards: list[DiscardCount]
    policy: Policy
    server_time: int
