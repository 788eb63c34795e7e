"""The Segment-style `POST /v1/batch`: calls of an analytics library to batches, one for each device. No decisions here.

The libraries manage no sessions, so events come out without a session id and the server derives the boundaries.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from sojourn.wire.derived_ids import derived_id, usable_id
from sojourn.wire.messages import Batch, Device, Event, Parsed, Receipt, Refusal, Sdk, Software
from sojourn.wire.native import WireError
from sojourn.wire.nested import flatten


class _Call(msgspec.Struct, rename="camel"):
    """One call: `track`, `identify`, `page`, `screen`, `alias` or `group`."""

    type: str
    anonymous_id: str | int | None = None
    user_id: str | int | None = None
    group_id: str | int | None = None
    message_id: str = ""
    timestamp: str | int | float | None = None
    original_timestamp: str | int | float | None = None
    event: str | None = None
    name: str | None = None
    properties: dict[str, Any] | None = None
    traits: dict[str, Any] | None = None
    context: dict[str, Any] | None = None


class _Body(msgspec.Struct, rename="camel"):
    batch: list[msgspec.Raw]
    sent_at: str | int | float | None = None


class _CallError(ValueError):
    """A call that cannot be an event."""


MAX_CALLS: Final = 100_000
"""Calls of one batch; the libraries send some hundreds."""

_body = msgspec.json.Decoder(_Body)
_call = msgspec.json.Decoder(_Call)
_KINDS: Final = {
    "track": "event",
    "identify": "identify",
    "alias": "identify",
    "page": "view",
    "screen": "view",
    "group": "event",
}


def read_calls(body: bytes, received_at: int) -> list[Parsed]:
    """A batch for each device. Places count over the whole body; what could not be read is told in the first batch.

    `received_at` (microseconds) stands in for a time that a call does not say. Raises WireError when the body is not
    JSON with a list `batch`, or when not one call in it can be read.
    """
    try:
        envelope = _body.decode(body)
        sent_at = _microseconds(envelope.sent_at) if envelope.sent_at else 0
    except msgspec.ValidationError as error:
        raise WireError(f"the batch is not valid: {error}") from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise WireError(f"the body is not valid JSON: {error}") from error
    except _CallError as error:
        raise WireError(f"sentAt: {error}") from error
    if len(envelope.batch) > MAX_CALLS:
        raise WireError(f"the batch has more than {MAX_CALLS} calls")
    batches: dict[bytes, tuple[Batch, list[int]]] = {}
    refusals: list[Refusal] = []
    for index, raw in enumerate(envelope.batch):
        try:
            call = _call.decode(raw)
            event = _read_event(call, raw, received_at)
            empty = _read_source(call, sent_at)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, _CallError) as error:
            refusals.append(Refusal(index=index, reason="invalid", message=str(error)))
            continue
        # What a batch says of its device can change from call to call.
        batch, positions = batches.setdefault(msgspec.json.encode(empty), (empty, []))
        batch.events.append(event)
        positions.append(index)
    found = [Parsed(batch=batch, positions=positions) for batch, positions in batches.values()]
    if refusals and not found:
        raise WireError(f"no call of the batch can be read; the first: {refusals[0].message}")
    if found:
        found[0].refusals = refusals
    return found


def _read_source(call: _Call, sent_at: int) -> Batch:
    """A batch without events: the device that a call came from."""
    context = call.context or {}
    device, os, library = (_part(context, key) for key in ("device", "os", "library"))
    return Batch(
        instance_id=_instance_of(call, device),
        sent_at=sent_at,
        sdk=Sdk(name=_text(library.get("name")), version=_text(library.get("version"))),
        app_version=_text(_part(context, "app").get("version")),
        device=Device(
            type=_text(device.get("type")),
            manufacturer=_text(device.get("manufacturer")),
            model=_text(device.get("model")),
        ),
        os=Software(name=_text(os.get("name")), version=_text(os.get("version"))),
    )


def _instance_of(call: _Call, device: dict[str, Any]) -> str:
    """The device: the anonymous id, which a reset replaces; else the device's own; else there is only the user."""
    if anonymous := _text(call.anonymous_id):
        return usable_id(anonymous, "segment.anonymousId")
    if own := _text(device.get("id")):
        return usable_id(own, "segment.device")
    if user := _text(call.user_id):
        return derived_id("segment.userId", user)
    raise _CallError("anonymousId or userId is needed")


def _read_event(call: _Call, raw: msgspec.Raw, received_at: int) -> Event:
    kind = _KINDS.get(call.type)
    if kind is None:
        raise _CallError(f"type: one of {', '.join(_KINDS)}, not {call.type[:40]!r}")
    user = _text(call.user_id)
    if kind == "identify" and not user:
        # Traits of somebody who is not known yet: no tag is taken off.
        kind = "session_properties"
    context = call.context or {}
    sent = call.timestamp or call.original_timestamp
    event = Event(
        event_id=derived_id("segment", call.message_id or bytes(raw).decode("utf-8", "replace")),
        kind=kind,
        timestamp=_microseconds(sent) if sent else received_at,
        name=call.event or call.name or ("" if call.type in ("identify", "alias") else call.type),
        user_identifier=user,
    )
    facts = {
        "url.full": _part(context, "page").get("url"),
        "user_agent.original": context.get("userAgent"),
        "group.id": _text(call.group_id),
    }
    event.attributes = {name: value for name, value in facts.items() if isinstance(value, str) and value}
    if call.properties:
        flatten("event_properties.", call.properties, event.event_properties)
    if call.traits:
        flatten("session_properties.", call.traits, event.session_properties)
    return event


def _part(context: dict[str, Any], key: str) -> dict[str, Any]:
    part = context.get(key)
    return part if isinstance(part, dict) else {}


def _text(sent: object) -> str:
    """A string, or a number as one; "" for anything else."""
    if isinstance(sent, int) and not isinstance(sent, bool):
        return str(sent)
    return sent if isinstance(sent, str) else ""


def _microseconds(sent: str | float) -> int:
    """ISO 8601, in UTC where it names no zone, or milliseconds since 1970."""
    try:
        if not isinstance(sent, str):
            if not 0 <= sent < _LAST_MILLISECOND:
                raise ValueError
            return int(sent * 1000)
        moment = datetime.fromisoformat(sent[:64])
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return int((moment - _EPOCH).total_seconds()) * 1_000_000 + moment.microsecond
    except (ValueError, OverflowError):
        raise _CallError(f"a time as ISO 8601, not {str(sent)[:40]!r}") from None


_LAST_MILLISECOND: Final = 253_402_300_800_000
"""The end of the year 9999, where ISO 8601 ends as well."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def write_answer(receipts: Sequence[Receipt]) -> bytes:
    """What the libraries look at (`success`), and for the developer what was not taken and why."""
    return msgspec.json.encode(
        {
            "success": True,
            "accepted": sum(receipt.accepted for receipt in receipts),
            "rejected": [refusal for receipt in receipts for refusal in receipt.rejected],
            "discards": [discard for receipt in receipts for discard in receipt.discards],
        }
    )
