"""Values that really occur: what a person may mean who begins to type one."""

import msgspec

from sojourn.query.newest import newest_in_index
from sojourn.query.scope import Scope
from sojourn.rules.definitions import Aggregation
from sojourn.rules.names import PropertyKind
from sojourn.store.rows import value_name

LOOKED_AT = 2_000
"""Newest sessions whose values are offered."""
_COLUMNS = {"device": "device_type", "os": "os_name", "browser": "browser_name", "app_version": "app_version"}


class Found(msgspec.Struct):
    """A value and in how many of the sessions looked at it occurs."""

    value: str
    sessions: int


def values_of(scope: Scope, field: str, text: str, *, limit: int = 12) -> list[Found]:
    """The values of a filter's field that contain `text` in any case, the most frequent first; none for other fields.

    Values of a session property are JSON scalars.
    """
    bound: dict[str, object] = {"text": text}
    if field == "user":
        return scope.read(
            Found,
            "SELECT value, uniqExact(session_id) AS sessions FROM session_index WHERE frontend = {frontend:String} "
            "AND aspect = 'user' AND positionCaseInsensitiveUTF8(value, {text:String}) > 0 "
            "GROUP BY value ORDER BY startsWith(lowerUTF8(value), lowerUTF8({text:String})) DESC, max(last_end) DESC "
            f"LIMIT {limit:d}",
            **bound,
        )
    if field in _COLUMNS:
        value = _COLUMNS[field]
    else:
        definition = scope.catalog.find(field)
        if definition is None or definition.kind is not PropertyKind.SESSION:
            return []
        value = f"{'first' if definition.aggregation is Aggregation.FIRST else 'last'}_values[{{key:String}}]"
        bound["key"] = value_name(definition)
    return scope.read(
        Found,
        f"""
        SELECT {value} AS value, count() AS sessions FROM session_summaries
        WHERE frontend = {{frontend:String}} AND session_id IN (
            {newest_in_index(LOOKED_AT, bounded=False)})
        AND value != '' AND positionCaseInsensitiveUTF8(value, {{text:String}}) > 0
        GROUP BY value ORDER BY sessions DESC, value LIMIT {limit:d}""",
        **bound,
    )
