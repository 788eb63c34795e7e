"""The key-value pairs of a beacon and the numbers in them; what the keys mean is the readers' business."""

import math
import re
from urllib.parse import unquote

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")


class FieldError(ValueError):
    """A field that is missing or cannot be what it should be. The message names it."""


Fields = dict[str, str]
"""Decoded pairs of one record. A key that was sent without a value has ""; one that was not sent is missing."""


def read_fields(pairs: str) -> Fields:
    """Percent-decoded pairs, the last of a repeated key. A plus sign stands for itself, as no client encodes forms."""
    fields: Fields = {}
    for pair in pairs.split("&"):
        key, _, value = pair.partition("=")
        fields[key] = unquote(value) if "%" in value else value
    return fields


def integer(fields: Fields, key: str, default: int | None = None) -> int:
    """A 64-bit integer. Raises FieldError when it is none, or missing without a default."""
    text = fields.get(key)
    if text is None:
        if default is None:
            raise FieldError(f"{key} is missing")
        return default
    if not _INTEGER.fullmatch(text) or not -(2**63) <= (number := int(text)) < 2**63:
        raise FieldError(f"{key}: an integer of 64 bits, not {text[:40]!r}")
    return number


def milliseconds(fields: Fields, key: str, default: int | None = None) -> int:
    """A number of milliseconds, as microseconds."""
    return integer(fields, key, default) * 1000


def double(fields: Fields, key: str) -> float | int | str:
    """A number as JavaScript, Java and .NET write it; NaN and the infinities, which are no values here, as text."""
    text = fields.get(key, "")
    if _INTEGER.fullmatch(text):
        return integer(fields, key)
    try:
        number = float(text if len(text) <= 400 and "_" not in text else "?")
    except ValueError:
        raise FieldError(f"{key}: a number, not {text[:40]!r}") from None
    if not math.isfinite(number):
        return text
    return number
