"""How values look on a page: times, durations, numbers and JSON scalars as text. No HTML and no queries here."""

from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from sojourn.rules.limits import DAY, HOUR, MINUTE, SECOND


def zone_named(name: str) -> tzinfo:
    """The time zone of this IANA name; UTC where there is none."""
    if not name or len(name) > 60:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def moment(time: int, zone: tzinfo = UTC) -> datetime:
    """Microseconds since 1970 as a date and time in a zone."""
    return datetime.fromtimestamp(time // SECOND, zone).replace(microsecond=time % SECOND)


def exact(time: int, zone: tzinfo = UTC) -> str:
    """`25 Nov 2026 10:00:03.120 CET`."""
    at = moment(time, zone)
    return f"{at.day} {at:%b %Y %H:%M:%S}.{at.microsecond // 1000:03d} {at:%Z}"


def clock(time: int, zone: tzinfo = UTC) -> str:
    """`10:00:03.120`."""
    at = moment(time, zone)
    return f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}"


def minute(time: int, zone: tzinfo = UTC) -> str:
    """`25 Nov 10:00`."""
    at = moment(time, zone)
    return f"{at.day} {at:%b %H:%M}"


def day(time: int, zone: tzinfo = UTC) -> str:
    """`25 Nov 2026`."""
    at = moment(time, zone)
    return f"{at.day} {at:%b %Y}"


def relative(time: int, now: int, zone: tzinfo = UTC) -> str:
    """`3 min ago`; beyond a day `25 Nov 10:00`, beyond a year `25 Nov 2026`."""
    age = now - time
    if age < SECOND:
        return "just now" if age > -MINUTE else minute(time, zone)
    if age < 45 * SECOND:
        return f"{age // SECOND} s ago"
    if age < HOUR:
        return f"{max(round(age / MINUTE), 1)} min ago"
    if age < DAY:
        return f"{round(age / HOUR)} h ago"
    return minute(time, zone) if age < 300 * DAY else day(time, zone)


def duration(length: int) -> str:
    """`1h 12m`, `3m 05s`, `4.2s`, `120ms`: two figures that matter."""
    if length < SECOND:
        return f"{length // 1000}ms" if length >= 1000 else "0s"
    if length < 10 * SECOND:
        return f"{length / SECOND:.1f}s"
    if length < MINUTE:
        return f"{length // SECOND}s"
    if length < HOUR:
        return f"{length // MINUTE}m {length % MINUTE // SECOND:02d}s"
    if length < DAY:
        return f"{length // HOUR}h {length % HOUR // MINUTE:02d}m"
    return f"{length // DAY}d {length % DAY // HOUR}h"


def number(value: float) -> str:
    """`12,345`; a part of one keeps two digits."""
    return f"{value:,.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else f"{value:,d}"


def share(part: int, whole: int) -> str:
    """`12 %` of the whole."""
    if not whole:
        return "0 %"
    percent = 100 * part / whole
    return f"{percent:.0f} %" if percent >= 10 or percent == 0 else f"{percent:.1f} %"


def scalar(raw: bytes | str | msgspec.Raw) -> Any:
    """A stored JSON scalar as the value that it is."""
    return msgspec.json.decode(raw)


def shown(value: Any) -> str:
    """A property value as text: a string as it is, a boolean in lower case, a number without an idle fraction."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def words(name: str) -> str:
    """A wire name as words: `end_session` -> `end session`."""
    return name.replace("_", " ")


def short(identifier: str) -> str:
    """Enough of an id to tell it by: the end, as time-ordered ids share their beginning."""
    return identifier if len(identifier) <= 13 else f"…{identifier[-10:]}"


def plural(count: int, one: str, many: str = "") -> str:
    """`1 event`, `2 events`."""
    return f"{count:,d} {one if count == 1 else many or one + 's'}"
