"""How many sessions match, for those who are about to read them all."""

import msgspec

from sojourn.query.filters import SessionFilters, conditions
from sojourn.query.scope import Scope
from sojourn.rules.limits import HOUR


class _Count(msgspec.Struct):
    sessions: int


def count_sessions(scope: Scope, filters: SessionFilters) -> int:
    """The sessions that match, counted. It reads each session of the range. Raises FilterError."""
    where, bound = conditions(filters, scope.catalog, scope.policy.idle_timeout, scope.now)
    low, high = 0, 2**31
    if filters.start is not None:
        where.append("start_time >= {start:Int64}")
        bound["start"], low = filters.start, max(filters.start // HOUR - 1, 0)
    if filters.end is not None:
        where.append("start_time < {end:Int64}")
        bound["end"], high = filters.end, filters.end // HOUR + 1
    rows = scope.read(
        _Count,
        "SELECT count() AS sessions FROM session_summaries WHERE frontend = {frontend:String} AND session_id IN ("
        "SELECT session_id FROM session_index WHERE frontend = {frontend:String} AND aspect = 'hour' "
        "AND value BETWEEN {low:String} AND {high:String})" + "".join(f" AND {condition}" for condition in where),
        low=f"{low:010d}",
        high=f"{high:010d}",
        **bound,
    )
    return rows[0].sessions
