"""Log records to events, by the conventions for sessions, users, exceptions and resources."""

from collections import Counter
from typing import Any, Final

import msgspec

from sojourn.rules.limits import MAX_EVENT_PROPERTIES
from sojourn.rules.sessions import EndReason
from sojourn.wire.derived_ids import content_id, derived_id, usable_id
from sojourn.wire.messages import Batch, Device, Event, Parsed, Refusal, Sdk, Software
from sojourn.wire.native import WireError
from sojourn.wire.nested import flatten
from sojourn.wire.otlp.json import read_json
from sojourn.wire.otlp.protobuf import read_protobuf
from sojourn.wire.otlp.records import Group, Record

_KINDS: Final = {
    "session.start": "session_start",
    "session.end": "session_end",
    "session.properties": "session_properties",
    "user.identify": "identify",
    "identify": "identify",
    "exception": "error",
    "device.crash": "crash",
    "browser.page_view": "view",
    "page_view": "view",
    "app.screen.view": "view",
}
_INSTANCE_KEYS: Final = ("app.installation.id", "device.id", "service.instance.id")
_VIEW_KEYS: Final = ("app.screen.name", "browser.page.title", "url.full")
_USER_KEYS: Final = ("user.id", "enduser.id")
_ERROR_SEVERITY: Final = 17
"""SEVERITY_NUMBER_ERROR: the first number of an error."""
_END_REASONS: Final = frozenset(reason.value for reason in EndReason)
_PREFIXES: Final = ("event_properties", "session_properties")

_encode = msgspec.json.Encoder().encode
_encode_sorted = msgspec.json.Encoder(order="deterministic").encode


def read_protobuf_logs(body: bytes, received_at: int) -> list[Parsed]:
    """A batch for each resource and instance in a protobuf body; places count over the whole body.

    `received_at` (microseconds) stands in for a time that a record does not say. Raises WireError for a bad body.
    """
    return _read_groups(read_protobuf(body), [], received_at)


def read_json_logs(body: bytes, received_at: int) -> list[Parsed]:
    """The same for a JSON body. What could not be read is told in the first batch; WireError when that is all."""
    return _read_groups(*read_json(body), received_at)


def _read_groups(groups: list[Group], refusals: list[Refusal], received_at: int) -> list[Parsed]:
    found: list[Parsed] = []
    copies: Counter[str] = Counter()
    for group in groups:
        found.extend(_read_group(group, received_at, copies))
    if refusals and not found:
        raise WireError(f"no log record can be read; the first: {refusals[0].message}")
    if found:
        found[0].refusals = refusals
    return found


def _read_group(group: Group, received_at: int, copies: Counter[str]) -> list[Parsed]:
    resource_id = content_id(_encode_sorted(group.resource))
    shared_event, shared_session = _properties(group.resource)
    if len(shared_event) + len(shared_session) > MAX_EVENT_PROPERTIES:
        raise WireError(f"a resource has more than {MAX_EVENT_PROPERTIES} properties for each of its records")
    # Where no installation or device is named, each session is one of its own, as in a browser nothing says which
    # sessions share a device; without a session, the resource is all there is.
    instance, instance_key = _named_instance(group.resource), ("otlp.instance", resource_id)
    batches: dict[str, tuple[Batch, list[int]]] = {}
    for record, position in zip(group.records, group.positions, strict=True):
        attributes = record.attributes
        if isinstance(record.body, dict):
            attributes = record.body | attributes
        event = _read_event(record, attributes, received_at)
        event.event_id = _event_id(record, resource_id.encode(), copies)
        if shared_event:
            event.event_properties = shared_event | event.event_properties
        if shared_session:
            event.session_properties = shared_session | event.session_properties
        instance_id = _named_instance(attributes) or instance or derived_id(*instance_key, event.session_id)
        if instance_id not in batches:
            batches[instance_id] = (_read_resource(group.resource, instance_id), [])
        batch, positions = batches[instance_id]
        batch.events.append(event)
        positions.append(position)
    return [Parsed(batch=batch, positions=positions) for batch, positions in batches.values()]


def _named_instance(attributes: dict[str, Any]) -> str:
    """The installation, device or service instance that attributes name; "" where they name none."""
    for key in _INSTANCE_KEYS:
        if key in attributes and (sent := _text(attributes[key])):
            return usable_id(sent, f"otlp.{key}")
    return ""


def _event_id(record: Record, resource_id: bytes, copies: Counter[str]) -> str:
    """A function of the content, so that a retry is a copy.

    Equal records of one request are told apart by their count, as a clock of milliseconds gives two clicks one time.
    """
    if uid := _text(record.attributes.get("log.record.uid")):
        return derived_id("otlp.uid", uid)
    event_id = content_id(_encode(record), resource_id)
    copies[event_id] += 1
    return event_id if copies[event_id] == 1 else derived_id(event_id, str(copies[event_id]))


def _read_event(record: Record, attributes: dict[str, Any], received_at: int) -> Event:
    name = record.event_name or _text(attributes.get("event.name"))
    event = Event(
        event_id="",
        kind=_kind_of(record, name, attributes),
        timestamp=record.time // 1000 if record.time > 0 else received_at,
        session_id=usable_id(_text(attributes.get("session.id")), "otlp.session"),
        user_identifier=next((text for key in _USER_KEYS if (text := _text(attributes.get(key)))), ""),
    )
    match event.kind:
        case "session_start":
            event.previous_session_id = usable_id(_text(attributes.get("session.previous_id")), "otlp.session")
        case "session_end":
            reason = _text(attributes.get("session.end_reason"))
            event.end_reason = reason if reason in _END_REASONS else EndReason.END_SESSION.value
        case "identify" | "session_properties":
            pass
        case "view":
            event.name = next((text for key in _VIEW_KEYS if (text := _text(attributes.get(key)))), name)
        case _:
            event.name = name or _text(attributes.get("exception.type")) or _first_line(record.body) or "log"
    event.event_properties, event.session_properties = _properties(attributes)
    event.attributes = {
        key: value
        for key, value in attributes.items()
        if isinstance(value, str | int | float) and not key.startswith(_NO_FACTS) and key not in _TOLD_ELSEWHERE
    }
    if record.trace_id:
        event.attributes |= {"trace_id": record.trace_id, "span_id": record.span_id}
    if isinstance(record.body, str) and record.body != event.name:
        event.attributes["log.body"] = record.body
    return event


_TOLD_ELSEWHERE: Final = frozenset({"session.id", "session.previous_id", "event.name", *_INSTANCE_KEYS})
_NO_FACTS: Final = (*_PREFIXES, "user.", "enduser.")
"""Names, mail addresses and the like would go around the hashing of identifiers."""


def _kind_of(record: Record, name: str, attributes: dict[str, Any]) -> str:
    if kind := _KINDS.get(name):
        return kind
    if "exception.type" in attributes or "exception.message" in attributes:
        return "crash" if attributes.get("exception.escaped") is True else "error"
    return "error" if record.severity >= _ERROR_SEVERITY else "event"


def _properties(attributes: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Event and session properties: attributes under a prefix, with dotted names or with nested values."""
    of_event: dict[str, Any] = {}
    of_session: dict[str, Any] = {}
    for key, value in attributes.items():
        if key.startswith(_PREFIXES):
            into = of_event if key.startswith("event") else of_session
            prefix, dot, _ = key.partition(".")
            if prefix not in _PREFIXES or not (dot or isinstance(value, dict)):
                continue
            if isinstance(value, dict | list):
                flatten("", {key: value}, into)
            else:
                into[key] = value
    return of_event, of_session


def _read_resource(resource: dict[str, Any], instance_id: str) -> Batch:
    text = {key: _text(value) for key, value in resource.items()}
    language = text.get("telemetry.sdk.language", "")
    mobile = resource.get("browser.mobile")
    return Batch(
        instance_id=instance_id,
        sdk=Sdk(
            name=f"opentelemetry-{language}" if language else "opentelemetry",
            version=text.get("telemetry.sdk.version", ""),
        ),
        app_version=text.get("service.version", ""),
        device=Device(
            type="" if mobile is None else "mobile" if mobile is True else "desktop",
            manufacturer=text.get("device.manufacturer", ""),
            model=text.get("device.model.name") or text.get("device.model.identifier", ""),
        ),
        os=Software(
            name=text.get("os.name") or text.get("os.type") or text.get("browser.platform", ""),
            version=text.get("os.version", ""),
        ),
        browser=_read_browser(resource.get("browser.brands")),
    )


def _read_browser(brands: object) -> Software:
    """`["Not?A_Brand 24", "Chromium 119"]` -> Chromium, 119: the first brand that is not there to confuse."""
    for brand in brands if isinstance(brands, list) else ():
        name, _, version = _text(brand).rpartition(" ")
        if name and "not" not in name.lower():
            return Software(name=name, version=version)
    return Software()


def _text(sent: object) -> str:
    """A string, or a whole number as one; "" for anything else."""
    if isinstance(sent, int) and not isinstance(sent, bool):
        return str(sent)
    return sent if isinstance(sent, str) else ""


def _first_line(body: object) -> str:
    return body.strip().partition("\n")[0] if isinstance(body, str) else ""
