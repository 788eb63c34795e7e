"""Property values: which Python values are allowed, how long, and whether one fits a data type."""

import math
from enum import StrEnum

from sojourn.rules.limits import MAX_STRING_VALUE

Value = str | bool | int | float
"""What a property may hold. JSON null, NaN, infinity, arrays and objects are not values."""


class DataType(StrEnum):
    """The data type of a property definition."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"


def clean_value(value: object) -> Value | None:
    """The value to keep, a long string cut to 5,000 code points; None when the value is not allowed at all."""
    match value:
        case str():
            return value if len(value) <= MAX_STRING_VALUE else value[:MAX_STRING_VALUE]
        case bool():
            return value
        case int():
            # Beyond what a double can hold, a number would be infinity for every reader.
            return value if -(2**1023) < value < 2**1023 else None
        case float():
            return value if math.isfinite(value) else None
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
