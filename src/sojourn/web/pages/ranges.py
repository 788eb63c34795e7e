"""The time range of a page: a word like `24h` in the link, or exact times."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from sojourn.rules.limits import DAY, HOUR
from sojourn.web.errors import ApiError
from sojourn.web.parameters import Pairs, read_time

RANGES = {"1h": HOUR, "24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY, "90d": 90 * DAY}
LABELS = {"1h": "1 hour", "24h": "24 hours", "7d": "7 days", "30d": "30 days", "90d": "90 days", "all": "All time"}


@dataclass(frozen=True, slots=True)
class Range:
    """From `start` up to `end`, microseconds; None is open. `name` is the word, "" for exact times."""

    name: str
    start: int | None
    end: int | None

    @property
    def label(self) -> str:
        """What the picker shows."""
        return LABELS.get(self.name, "From … to …")


def read_range(pairs: Pairs, now: int, default: str, zone: tzinfo = UTC) -> Range:
    """The range that a link asks for; exact times win over a word, and are the viewer's where they name no zone."""
    given = dict(pairs)
    start = _time("from", given["from"], zone) if given.get("from") else None
    end = _time("to", given["to"], zone) if given.get("to") else None
    if start is not None or end is not None:
        if start is not None and end is not None and start >= end:
            raise ApiError(400, "from: must be before to", "from")
        return Range("", start, end)
    name = given.get("range") or default
    if name not in LABELS:
        raise ApiError(400, f"range: one of {', '.join(LABELS)}", "range")
    return Range(name, now - RANGES[name] if name in RANGES else None, None)


def _time(name: str, text: str, zone: tzinfo) -> int:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return read_time(name, text)
    return round((time if time.tzinfo else time.replace(tzinfo=zone)).timestamp() * 1_000_000)
