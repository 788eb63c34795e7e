"""The shape of an event's properties: names and data types, which stand once in a file; a line has only values."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final, NamedTuple

import msgspec

from sojourn.rules.names import PropertyKind
from sojourn.rules.values import DataType, data_type_of
from sojourn.sdk.checks import PropertyCheck


class Shape(NamedTuple):
    """The names of an event's properties, in their order, and the first letters of the data types of their values.

    All names are valid, as only what was checked is written.
    """

    names: tuple[str, ...]
    types: str


NOTHING: Final = Shape((), "")

KnownShape = tuple[int, int, Callable[[Mapping[str, Any]], tuple[Any, ...]], type[msgspec.Struct]]
"""A shape that a segment defines: its number, how many names it has, what takes their values out of a dict (a KeyError
where it has other names), and what `msgspec.convert` holds the values against (a ValidationError for other types; but a
Decimal passes for a number)."""
NO_SHAPE: Final[KnownShape] = (0, -1, tuple, msgspec.Struct)

_TYPES: Final = {DataType.STRING[0]: str, DataType.NUMBER[0]: int | float, DataType.BOOLEAN[0]: bool}
_BEYOND_DOUBLE: Final = 309
"""Digits that an integer beyond the largest double has at least."""
_LONG_INTEGER: Final = re.compile(rb"[0-9]{%d}" % _BEYOND_DOUBLE)
_decode_any = msgspec.json.Decoder(list[Any]).decode
_in_order = msgspec.structs.astuple


def shape_of(properties: Mapping[str, Any]) -> Shape:
    """The shape of properties that have been checked."""
    if not properties:
        return NOTHING
    return Shape(tuple(properties), "".join([data_type_of(value)[0] for value in properties.values()]))


def known_shape(number: int, shape: Shape) -> KnownShape:
    """What a segment keeps of a shape, once it defines it as this number."""
    return number, len(shape.names), _values_of(shape.names), _values(shape.types)


def properties_of(shape: Shape, values: msgspec.Raw, check: PropertyCheck) -> dict[str, Any]:
    """The valid ones of plain properties whose values were written as JSON; the others are told.

    Raises DecodeError or ValueError where a power failure damaged them.
    """
    if len(values) < _BEYOND_DOUBLE or not _LONG_INTEGER.search(values):
        try:
            return dict(zip(shape.names, _in_order(_decoder(shape.types)(values)), strict=True))
        except msgspec.ValidationError:
            pass
    read = zip(shape.types, _decode_any(values), strict=True)
    return check.clean(PropertyKind.EVENT, dict(zip(shape.names, [_as_it_was(*found) for found in read], strict=True)))


def _as_it_was(letter: str, value: Any) -> Any:
    """The value that JSON made another one of."""
    if value is None:
        return _NOT_FINITE
    if isinstance(value, str) and _TYPES[letter] is not str:
        return _Decimal(value)
    return value


class _NotFinite(float):
    def __repr__(self) -> str:
        return "NaN or infinity"


_NOT_FINITE: Final = _NotFinite("nan")


class _Decimal:
    """What JSON writes as a text, although it stood where a number was expected."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"Decimal({self.text!r})"


def _values_of(names: tuple[str, ...]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda properties: tuple([properties[name] for name in names])


@lru_cache(maxsize=512)
def _values(types: str) -> type[msgspec.Struct]:
    """An array of values of these types."""
    fields = [(f"value{place}", _TYPES[letter]) for place, letter in enumerate(types)]
    return msgspec.defstruct("Values", fields, array_like=True, forbid_unknown_fields=True, gc=False)


@lru_cache(maxsize=512)
def _decoder(types: str) -> Callable[[msgspec.Raw], msgspec.Struct]:
    return msgspec.json.Decoder(_values(types)).decode
