"""Property values: which Python values are allowed, how long, and whether one fits a data type."""

import math
import re
from enum import StrEnum
from typing import Final

from sojourn.rules.limits import MAX_STRING_VALUE

Value = str | bool | int | float
"""What a property may hold. JSON null, NaN, infinity, arrays and objects are not values."""

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_LARGEST: Final = 2**1024 - 2**971
"""The largest finite double. An integer beyond it would be infinity for every reader."""


class DataType(StrEnum):
    """The data type of a property definition."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"


def clean_text(text: str, limit: int) -> str:
    """A text that every reader can take: cut to `limit` code points, half characters replaced by U+FFFD.

    Half characters are lone surrogates, which no UTF-8 can carry: one of them would cost the whole event.
    """
    if not text.isascii() and _SURROGATE.search(text):
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return str.__str__(text)[:limit]


def clean_value(value: object) -> Value | None:
    """The value to keep, a long string cut to 5,000 code points; None when the value is not allowed at all.

    What is kept is of a plain type: a NumPy float or a marked-up string is a subclass, which JSON encoders refuse.
    """
    match value:
        case str():
            return clean_text(value, MAX_STRING_VALUE)
        case bool():
            return value
        case int():
            plain = int.__int__(value)
            return plain if -_LARGEST <= plain <= _LARGEST else None
        case float():
            return float.__float__(value) if math.isfinite(value) else None
    return None


def data_type_of(value: Value) -> DataType:
    """The data type that a value has. A bool is a boolean and never a number."""
    match value:
        case str():
            return DataType.STRING
        case bool():
            return DataType.BOOLEAN
        case _:
            return DataType.NUMBER
