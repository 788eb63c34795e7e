"""The business event of an OpenKit record: its name, its time and its properties."""

from typing import Any, Final

import msgspec

from sojourn.wire.nested import flatten
from sojourn.wire.openkit.fields import FieldError

_ADDED_BY_CLIENT: Final = frozenset(
    {
        "timestamp",
        "event.type",
        "event.name",
        "event.kind",
        "event.provider",
        "app.version",
        "os.name",
        "device.manufacturer",
        "device.model.identifier",
    }
)
"""What every client adds to every payload; the batch has it already, and nobody named it as a property."""
_UNITS: Final = ((10**17, 1000), (10**14, 1))
"""From which number on a timestamp is in nanoseconds or microseconds; below, it is in milliseconds."""


def read_payload(text: str) -> tuple[str, int | None, dict[str, Any]]:
    """Name, time in microseconds (None where there is no usable one) and event properties of a JSON payload.

    Raises FieldError when it is not a JSON object.
    """
    try:
        payload = msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise FieldError(f"pl: {error}") from error
    name = payload.get("event.type") or payload.get("event.name")
    own = {k: v for k, v in payload.items() if k not in _ADDED_BY_CLIENT and not k.startswith("dt.")}
    properties: dict[str, Any] = {}
    flatten("event_properties.", own, properties)
    return name if isinstance(name, str) else "", _time(payload.get("timestamp")), properties


def _time(sent: object) -> int | None:
    if not isinstance(sent, int) or isinstance(sent, bool) or not 0 < sent < 2**63:
        return None
    for least, divisor in _UNITS:
        if sent >= least:
            return sent // divisor
    return sent * 1000
