"""The check that needs no definitions: names, values and number of an event's properties. SDK and server share it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sojourn.rules.limits import MAX_EVENT_PROPERTIES
from sojourn.rules.names import PropertyKind, is_valid_name
from sojourn.rules.values import Value, clean_value


class DiscardReason(StrEnum):
    """Why a property was left out of an event. The values are wire names and never change."""

    UNDEFINED = "undefined"
    INVALID_NAME = "invalid_name"
    TYPE_MISMATCH = "type_mismatch"
    INVALID_VALUE = "invalid_value"
    TOO_MANY = "too_many"


@dataclass(frozen=True, slots=True)
class Discard:
    """One property that was left out, under the key as it was sent."""

    key: str
    reason: DiscardReason
    value: object


def clean_properties(
    kind: PropertyKind, properties: Mapping[str, object], room: int = MAX_EVENT_PROPERTIES
) -> tuple[dict[str, Value], list[Discard]]:
    """Split an event's properties of one kind into the valid ones and the discards.

    `room` is how many the event may still keep: 50, less those that it keeps of the other kind (event properties
    come first). Those with a valid name and value count; the first in key order stay. A key that is no text is an
    invalid name, as every application's mistake ends in a discard and never in an exception.
    """
    kept: dict[str, Value] = {}
    discards: list[Discard] = []
    for key, value in _in_key_order(properties):
        cleaned = clean_value(value)
        if not isinstance(key, str) or not is_valid_name(key, kind):
            discards.append(Discard(str(key), DiscardReason.INVALID_NAME, value))
        elif cleaned is None:
            discards.append(Discard(key, DiscardReason.INVALID_VALUE, value))
        elif len(kept) >= room:
            discards.append(Discard(key, DiscardReason.TOO_MANY, value))
        else:
            kept[str.__str__(key)] = cleaned
    return kept, discards


def _in_key_order(properties: Mapping[str, object]) -> list[tuple[str, object]]:
    try:
        return [(key, properties[key]) for key in sorted(properties)]
    except TypeError:
        return sorted(properties.items(), key=lambda item: str(item[0]))
