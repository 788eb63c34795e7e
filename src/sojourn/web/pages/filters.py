"""The filters of the session list as a person sees them: chips, and the choice of fields, operators and values."""

from collections.abc import Iterable
from dataclasses import dataclass

from sojourn.query.filters import OPERATORS, OPERATORS_OF
from sojourn.rules.definitions import Catalog
from sojourn.rules.names import PropertyKind
from sojourn.rules.sessions import EndReason, StartReason
from sojourn.rules.values import DataType
from sojourn.settings.durations import parse_duration
from sojourn.web.errors import ApiError
from sojourn.web.pages import formats

_YES_NO = (("true", "yes"), ("false", "no"))
_WORDS = {
    "eq": "is",
    "ne": "is not",
    "lt": "<",
    "le": "≤",
    "gt": ">",
    "ge": "≥",
    "contains": "contains",
    "starts": "starts with",
    "exists": "is set",
}


@dataclass(frozen=True, slots=True)
class Field:
    """Something to filter by. `choices` are pairs of value and label; `complete` says whether values are looked up."""

    name: str
    label: str
    operators: tuple[tuple[str, str], ...] = (("eq", "is"),)
    choices: tuple[tuple[str, str], ...] = ()
    complete: bool = False
    hint: str = ""


def _reasons(kind: type[EndReason] | type[StartReason]) -> tuple[tuple[str, str], ...]:
    return tuple((reason.value, formats.words(reason.value)) for reason in kind)


_FIELDS = (
    Field("user", "User", complete=True),
    Field("device", "Device type", complete=True),
    Field("os", "Operating system", complete=True),
    Field("browser", "Browser", complete=True),
    Field("app_version", "App version", complete=True),
    Field("start_reason", "Start reason", choices=_reasons(StartReason)),
    Field("end_reason", "End reason", choices=_reasons(EndReason)),
    Field("min_duration", "Duration at least", hint="like 90s, 5m or 1h30m"),
    Field("max_duration", "Duration at most", hint="like 90s, 5m or 1h30m"),
    Field("live", "Live", choices=_YES_NO),
    Field("errors", "Has errors", choices=_YES_NO),
    Field("missing", "Missing events", choices=_YES_NO),
    Field("empty", "Empty ones too", choices=_YES_NO[:1]),
    Field("instance", "Instance"),
)


def fields(catalog: Catalog) -> list[Field]:
    """Everything that the sessions of a frontend can be narrowed by."""
    return [*_FIELDS, *(_property_field(d.name, d.data_type) for d in catalog.definitions if _is_session(d.kind))]


def _is_session(kind: PropertyKind) -> bool:
    return kind is PropertyKind.SESSION


def _property_field(name: str, data_type: DataType) -> Field:
    return Field(
        name,
        name.partition(".")[2],
        operators=tuple((operator, _WORDS[operator]) for operator in OPERATORS if operator in OPERATORS_OF[data_type]),
        choices=_YES_NO if data_type is DataType.BOOLEAN else (),
        complete=data_type is not DataType.BOOLEAN,
        hint="a number" if data_type is DataType.NUMBER else "",
    )


def field_named(catalog: Catalog, name: str) -> Field:
    """One field. Raises ApiError 400."""
    for field in fields(catalog):
        if field.name == name:
            return field
    raise ApiError(400, f"{name[:120]}: not something to filter by", "field")


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter in force: what it says, and the parameters without it."""

    label: str
    operator: str
    value: str
    without: tuple[tuple[str, str], ...]


def chips(catalog: Catalog, pairs: Iterable[tuple[str, str]]) -> list[Chip]:
    """The filters of a query string."""
    known = {field.name: field for field in fields(catalog)}
    known["reason"] = known["end_reason"]
    all_pairs = [pair for pair in pairs if pair[0] != "cursor"]
    found = []
    for place, (parameter, value) in enumerate(all_pairs):
        name, _, operator = parameter.partition(":")
        field = known.get(name)
        if field is None:
            continue
        label = dict(field.choices).get(value, value)
        if name in ("min_duration", "max_duration") and value.isdecimal():
            label = formats.duration(int(value))
        word = _WORDS.get(operator or "eq", operator)
        if operator == "exists":
            word, label = ("is not set" if value == "false" else "is set"), ""
        found.append(Chip(field.label, word, label, tuple(all_pairs[:place] + all_pairs[place + 1 :])))
    return found


def added(catalog: Catalog, name: str, operator: str, value: str) -> tuple[str, str]:
    """A filter from the form as a parameter of the list. Raises ApiError and SettingsError."""
    field = field_named(catalog, name)
    if operator not in dict(field.operators):
        operator = field.operators[0][0]
    if name in ("min_duration", "max_duration"):
        value = str(parse_duration(field.label, value))
    if operator == "exists":
        value = value if value == "false" else "true"
    elif not value:
        raise ApiError(400, f"{field.label}: a value is needed", "value")
    return (name if operator == "eq" else f"{name}:{operator}"), value
