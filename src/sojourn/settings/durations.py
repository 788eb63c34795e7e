"""Durations as people write them, `30m` or `1h30m`, to and from microseconds."""

import re
from typing import Final

from sojourn.rules.limits import DAY, HOUR, MINUTE, SECOND
from sojourn.settings.errors import SettingsError

_UNITS: Final = {"d": DAY, "h": HOUR, "m": MINUTE, "s": SECOND, "ms": SECOND // 1000}
_PART: Final = re.compile(r"([0-9]{1,12})(ms|[dhms])")


def parse_duration(field: str, text: str) -> int:
    """`1h30m` -> microseconds. Raises SettingsError, in the name of `field`, for anything else."""
    compact = text.replace(" ", "").lower()
    parts = _PART.findall(compact)
    if not parts or "".join(number + unit for number, unit in parts) != compact:
        raise SettingsError(field, f"{text!r} is not a duration; write it like 90s, 30m, 6h or 1h30m")
    return sum(int(number) * _UNITS[unit] for number, unit in parts)


def show_duration(duration: int) -> str:
    """Microseconds -> `1h30m`; what is below a millisecond is left out."""
    parts = []
    for unit, size in _UNITS.items():
        number, duration = divmod(duration, size)
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"
