"""Sessions in another order than the latest first: by duration, by errors, by what a person picks."""

from sojourn.query.answers import Page, Session
from sojourn.query.cursors import read_cursor, write_cursor
from sojourn.query.filters import SessionFilters, conditions
from sojourn.query.newest import newest_in_index
from sojourn.query.rows import SessionRow
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
    rows = scope.read(
        SessionRow,
        f"""
        SELECT * FROM session_summaries WHERE frontend = {{frontend:String}} AND session_id IN (
            {newest_in_index(LOOKED_AT)})
        {"".join(f" AND {condition}" for condition in where)}
        ORDER BY {column} {order}, session_id {order} LIMIT {limit + 1:d}""",
        low=f"{max(low, 0):010d}",
        high=f"{high:010d}",
        **bound,
    )
    page = [row.answer(scope.catalog, scope.policy, scope.now) for row in rows[:limit]]
    last = rows[min(limit, len(rows)) - 1] if rows else None
    more = len(rows) > limit and last is not None
    return Page(items=page, next=write_cursor(getattr(last, column), last.session_id) if more and last else None)
