"""Filters of the session list: what a person asks for, and the SQL condition on `session_summaries` that it means."""

from collections.abc import Sequence
from typing import Any

import msgspec

from sojourn.rules.definitions import Aggregation, Catalog
from sojourn.rules.names import PropertyKind
from sojourn.rules.values import DataType
from sojourn.store.rows import value_name

OPERATORS = {
    "eq": "=",
    "ne": "!=",
    "lt": "<",
    "le": "<=",
    "gt": ">",
    "ge": ">=",
    "contains": "contains",
    "starts": "starts",
    "exists": "exists",
}
"""The operators of a property filter, as they are written in a URL; `OPERATORS_OF` says which data type takes which."""
OPERATORS_OF = {
    DataType.STRING: {"eq", "ne", "contains", "starts", "exists"},
    DataType.NUMBER: {"eq", "ne", "lt", "le", "gt", "ge", "exists"},
    DataType.BOOLEAN: {"eq", "ne", "exists"},
}
_EXTRACT = {
    DataType.STRING: "JSONExtractString({value})",
    DataType.NUMBER: "JSONExtractFloat({value})",
    DataType.BOOLEAN: "JSONExtractBool({value})",
}
_SQL_TYPE = {DataType.STRING: "String", DataType.NUMBER: "Float64", DataType.BOOLEAN: "Bool"}


class FilterError(ValueError):
    """A filter that cannot be understood; `field` is the parameter at fault."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


class PropertyFilter(msgspec.Struct, frozen=True):
    """One condition on a session property, by full name; `value` as it was typed."""

    name: str
    operator: str
    value: str


class SessionFilters(msgspec.Struct, kw_only=True, frozen=True):
    """What the session list is narrowed to. Times in microseconds; None and empty do not narrow."""

    user: str | None = None
    instance: str | None = None
    start: int | None = None
    end: int | None = None
    end_reason: str | None = None
    start_reason: str | None = None
    live: bool | None = None
    errors: bool | None = None
    missing: bool | None = None
    empty: bool = False
    device: str | None = None
    os: str | None = None
    browser: str | None = None
    app_version: str | None = None
    min_duration: int | None = None
    max_duration: int | None = None
    properties: tuple[PropertyFilter, ...] = ()


def conditions(
    filters: SessionFilters, catalog: Catalog, idle_timeout: int, now: int, identifiers: Sequence[str] = ()
) -> tuple[list[str], dict[str, Any]]:
    """SQL conditions over `session_summaries` with the values to bind. Raises FilterError.

    `identifiers` are those that the filter's user is known by.
    """
    where: list[str] = []
    bound: dict[str, Any] = {}

    def add(condition: str, **values: Any) -> None:
        where.append(condition)
        bound.update(values)

    if not filters.empty:
        add("empty = 0")
    if filters.user is not None:
        add("hasAny(user_identifiers, {users:Array(String)})", users=list(identifiers) or [filters.user])
    for column in ("instance", "start_reason", "device", "os", "browser", "app_version"):
        value = getattr(filters, column)
        if value is not None:
            add(f"{_COLUMNS.get(column, column)} = {{{column}:String}}", **{column: value})
    over = f"(end_reason != '' OR end_time + {idle_timeout:d} <= {now:d})"
    if filters.live is not None:
        add(f"NOT {over}" if filters.live else over)
    if filters.end_reason is not None:
        ended = f"if(end_reason != '', end_reason, if(end_time + {idle_timeout:d} <= {now:d}, 'timeout', ''))"
        add(f"{ended} = {{end_reason:String}}", end_reason=filters.end_reason)
    if filters.errors is not None:
        add("error_count > 0" if filters.errors else "error_count = 0")
    if filters.missing is not None:
        add("missing_events > 0" if filters.missing else "missing_events = 0")
    if filters.min_duration is not None:
        add("duration >= {min_duration:Int64}", min_duration=filters.min_duration)
    if filters.max_duration is not None:
        add("duration <= {max_duration:Int64}", max_duration=filters.max_duration)
    for number, wanted in enumerate(filters.properties):
        condition, values = _property_condition(wanted, catalog, number)
        add(condition, **values)
    return where, bound


_COLUMNS = {"instance": "instance_id", "device": "device_type", "os": "os_name", "browser": "browser_name"}


def _property_condition(wanted: PropertyFilter, catalog: Catalog, number: int) -> tuple[str, dict[str, Any]]:
    definition = catalog.find(wanted.name)
    if definition is None or definition.kind is not PropertyKind.SESSION:
        raise FilterError(wanted.name, "not a defined session property of this frontend")
    if wanted.operator not in OPERATORS_OF[definition.data_type]:
        allowed = ", ".join(sorted(OPERATORS_OF[definition.data_type]))
        raise FilterError(wanted.name, f"a {definition.data_type} property takes {allowed}")
    column = "first_values" if definition.aggregation is Aggregation.FIRST else "last_values"
    key = f"p{number}_name"
    has = f"mapContains({column}, {{{key}:String}})"
    bound: dict[str, Any] = {key: value_name(definition)}
    if wanted.operator == "exists":
        return (has if wanted.value != "false" else f"NOT {has}"), bound
    value = _EXTRACT[definition.data_type].format(value=f"{column}[{{{key}:String}}]")
    parameter = f"{{p{number}_value:{_SQL_TYPE[definition.data_type]}}}"
    bound[f"p{number}_value"] = _typed(wanted, definition.data_type)
    match wanted.operator:
        case "contains":
            return f"{has} AND positionCaseInsensitiveUTF8({value}, {parameter}) > 0", bound
        case "starts":
            return f"{has} AND startsWith({value}, {parameter})", bound
        case operator:
            return f"{has} AND {value} {OPERATORS[operator]} {parameter}", bound


def _typed(wanted: PropertyFilter, data_type: DataType) -> str | float | bool:
    match data_type:
        case DataType.STRING:
            return wanted.value
        case DataType.BOOLEAN:
            if wanted.value not in ("true", "false"):
                raise FilterError(wanted.name, "true or false")
            return wanted.value == "true"
        case DataType.NUMBER:
            try:
                return float(wanted.value)
            except ValueError:
                raise FilterError(wanted.name, f"{wanted.value!r} is not a number") from None
