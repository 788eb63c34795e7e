"""Query parameters of the JSON API and the pages: read strictly, so that a misspelt filter is told and not ignored."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from sojourn.query.filters import OPERATORS, PropertyFilter, SessionFilters
from sojourn.rules.limits import MAX_USER_IDENTIFIER
from sojourn.web.errors import ApiError

Pairs = Iterable[tuple[str, str]]
MAX_PROPERTY_FILTERS = 10


def read_time(name: str, text: str) -> int:
    """Microseconds since 1970, or ISO 8601 (UTC where it names no zone)."""
    if text.isdecimal() and len(text) < 18:
        return int(text)
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ApiError(400, f"{name}: microseconds since 1970, or ISO 8601 like 2026-11-25T10:00:00Z", name) from None
    return round((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1_000_000)


def read_flag(name: str, text: str) -> bool:
    """`true` or `false`."""
    if text not in ("true", "false"):
        raise ApiError(400, f"{name}: true or false", name)
    return text == "true"


def read_count(name: str, text: str, most: int) -> int:
    """A number from 1 to `most`."""
    if not text.isdecimal() or len(text) > 9 or not 1 <= int(text) <= most:
        raise ApiError(400, f"{name}: a number from 1 to {most}", name)
    return int(text)


def _read_amount(name: str, text: str) -> int:
    if not text.isdecimal() or len(text) > 17:
        raise ApiError(400, f"{name}: microseconds", name)
    return int(text)


def _read_text(name: str, text: str) -> str:
    if len(text) > MAX_USER_IDENTIFIER:
        raise ApiError(400, f"{name}: at most {MAX_USER_IDENTIFIER} characters", name)
    return text


_READERS: dict[str, tuple[str, Callable[[str, str], Any]]] = {
    "user": ("user", _read_text),
    "instance": ("instance", _read_text),
    "from": ("start", read_time),
    "to": ("end", read_time),
    "start_reason": ("start_reason", _read_text),
    "end_reason": ("end_reason", _read_text),
    "reason": ("end_reason", _read_text),
    "live": ("live", read_flag),
    "errors": ("errors", read_flag),
    "missing": ("missing", read_flag),
    "empty": ("empty", read_flag),
    "device": ("device", _read_text),
    "os": ("os", _read_text),
    "browser": ("browser", _read_text),
    "app_version": ("app_version", _read_text),
    "min_duration": ("min_duration", _read_amount),
    "max_duration": ("max_duration", _read_amount),
}


def read_filters(pairs: Pairs, besides: Iterable[str] = ("limit", "cursor")) -> SessionFilters:
    """The filters in a query string; `besides` are parameters that mean something else.

    A property filter is `session_properties.NAME=VALUE` or `session_properties.NAME:OPERATOR=VALUE`.
    """
    values: dict[str, Any] = {}
    properties: list[PropertyFilter] = []
    for name, text in pairs:
        if name in besides:
            continue
        if name.startswith("session_properties."):
            full_name, _, operator = name.partition(":")
            operator = operator or "eq"
            if operator not in OPERATORS:
                raise ApiError(400, f"{full_name}: the operators are {', '.join(OPERATORS)}", full_name[:120])
            properties.append(PropertyFilter(full_name, operator, text))
        elif name in _READERS:
            field, read = _READERS[name]
            values[field] = read(name, text)
        else:
            known = ", ".join([*_READERS, *besides, "session_properties.…"])
            raise ApiError(400, f"{name[:50]}: not a parameter of this list; it takes {known}", name[:50])
    if len(properties) > MAX_PROPERTY_FILTERS:
        raise ApiError(400, f"at most {MAX_PROPERTY_FILTERS} property filters", "session_properties")
    return SessionFilters(**values, properties=tuple(properties))
