"""Property names: prefix, field name and the characters allowed; nothing about values or definitions."""

import re
from enum import StrEnum
from functools import lru_cache
from typing import Final

from sojourn.rules.limits import MAX_PROPERTY_NAME


class PropertyKind(StrEnum):
    """What a property belongs to. The value is the word on the command line and in JSON."""

    EVENT = "event"
    SESSION = "session"

    @property
    def prefix(self) -> str:
        """The part before the field name, its dot included."""
        return f"{self.value}_properties."


_FIELD: Final = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*(?:\.[A-Za-z](?:_?[A-Za-z0-9])*)*")


def full_name(kind: PropertyKind, field: str) -> str:
    """`session`, `cart.total` -> `session_properties.cart.total`."""
    return kind.prefix + field


def split_name(name: str) -> tuple[PropertyKind, str] | None:
    """The kind and the field name of a full name; None when the prefix is neither of the two."""
    for kind in PropertyKind:
        if name.startswith(kind.prefix):
            return kind, name[len(kind.prefix) :]
    return None


def is_valid_name(name: str, kind: PropertyKind) -> bool:
    """Whether `name` is a full property name of this kind (DESIGN: property names). The fast path of `name_problem`."""
    return len(name) <= MAX_PROPERTY_NAME and _is_well_formed(name, kind)


# Applications send the same few names over and over; only short ones are kept, whatever a stranger sends.
@lru_cache(maxsize=4096)
def _is_well_formed(name: str, kind: PropertyKind) -> bool:
    return name.startswith(kind.prefix) and _FIELD.fullmatch(name, len(kind.prefix)) is not None


def name_problem(name: str, kind: PropertyKind) -> str | None:
    """What is wrong with a full property name, as one sentence for the developer; None when nothing is."""
    if is_valid_name(name, kind):
        return None
    if not name.startswith(kind.prefix):
        return f"the name must start with {kind.prefix!r}"
    if len(name) > MAX_PROPERTY_NAME:
        return f"the name has {len(name)} characters, with its prefix; at most {MAX_PROPERTY_NAME} are allowed"
    field = name[len(kind.prefix) :]
    if not field:
        return "the field name is empty"
    if not re.fullmatch(r"[A-Za-z0-9_.]*", field):
        return "only ASCII letters, digits, underscores and dots are allowed"
    if not re.match(r"[A-Za-z]", field) or re.search(r"\.(?![A-Za-z])", field):
        return "each dot must be followed by a letter"
    return "each underscore must be followed by a letter or digit"
