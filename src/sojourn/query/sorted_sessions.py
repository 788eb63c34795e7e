"""Sessions in another order than the latest first: by duration, by errors, by what a person picks."""

import msgspec

from sojourn.query.answers import Page, Session
from sojourn.query.by_id import sessions_by_id
from sojourn.query.cursors import read_cursor, write_cursor
from sojourn.query.filters import SessionFilters, conditions
from sojourn.query.newest import newest_in_index
from sojourn.query.scope import Scope
from sojourn.rules.limits import HOUR

LOOKED_AT = 5_000
"""Newest sessions of the range that are sorted: each has to be read."""
SORTS = {
    "start": "start_time",
    "end": "end_time",
    "duration": "duration",
    "events": "event_count",
    "actions": "action_count",
    "errors": "error_count",
    "missing": "missing_events",
}
"""What sessions can be sorted by, and its column."""


class _Found(msgspec.Struct):
    session_id: str
    key: int


def sorted_sessions(
    scope: Scope,
    filters: SessionFilters,
    sort: str,
    *,
    descending: bool = True,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[Session]:
    """The newest sessions that match, in the order of a key of SORTS. Raises FilterError and BadCursorError."""
    column = SORTS[sort]
    where, bound = conditions(filters, scope.catalog, scope.policy.idle_timeout, scope.now)
    low, high = 0, 2**31
    if filters.start is not None:
        where.append("start_time >= {start:Int64}")
        bound["start"] = filters.start
        low = filters.start // HOUR - 1
    if filters.end is not None:
        where.append("start_time < {end:Int64}")
        bound["end"] = filters.end
        high = filters.end // HOUR + 1
    if cursor is not None:
        key, session_id = read_cursor(cursor, int, str)
        comparison = "<" if descending else ">"
        where.append(f"({column}, session_id) {comparison} ({{last_key:Int64}}, {{last_id:String}})")
        bound |= {"last_key": key, "last_id": session_id}
    order = "DESC" if descending else "ASC"
    found = scope.read(
        _Found,
        f"""
        SELECT session_id, toInt64({column}) AS key FROM session_summaries
        WHERE frontend = {{frontend:String}} AND session_id IN (
            {newest_in_index(LOOKED_AT)})
        {"".join(f" AND {condition}" for condition in where)}
        ORDER BY {column} {order}, session_id {order} LIMIT {limit + 1:d}""",
        low=f"{max(low, 0):010d}",
        high=f"{high:010d}",
        **bound,
    )
    last = found[limit - 1] if len(found) > limit else None
    rows = sessions_by_id(scope, [one.session_id for one in found[:limit]])
    return Page(
        items=[row.answer(scope) for row in rows], next=write_cursor(last.key, last.session_id) if last else None
    )
