"""Nested objects as dotted properties, bounded in depth and in the length of a name. No check of names or values."""

from collections.abc import Mapping
from typing import Any, Final

from sojourn.rules.limits import MAX_PROPERTY_NAME

MAX_DEPTH: Final = 8
"""Levels of objects that become dots in a name; what lies deeper is passed on as an empty object."""


def flatten(prefix: str, fields: Mapping[str, Any], into: dict[str, Any], depth: int = 1) -> None:
    """Put each leaf of `fields` into `into` under `prefix` and its path, joined with dots.

    A list, and an object too deep or under a name too long, is put as an empty one: no property value, so that
    ingest discards it with its reason, and nothing unbounded is carried along.
    """
    for key, value in fields.items():
        name = prefix + key
        if isinstance(value, dict):
            if value and depth < MAX_DEPTH and len(name) < MAX_PROPERTY_NAME:
                flatten(f"{name}.", value, into, depth + 1)
            else:
                into[name] = {}
        elif isinstance(value, list):
            into[name] = []
        else:
            into[name] = value
