"""Questions about sessions: the newest that match, and one."""

import msgspec

from sojourn.query.answers import Page, Session
from sojourn.query.by_id import MAX_IDS, session_by_id, sessions_by_id
from sojourn.query.cursors import read_session_place, write_cursor
from sojourn.query.filters import SessionFilters, conditions
from sojourn.query.newest import newest_in_index
from sojourn.query.rows import SessionRow
from sojourn.query.scope import Scope
from sojourn.rules.limits import HOUR

MAX_PAGE = 500
_FIRST_WINDOW = 4
_FIRST_FILTERED_WINDOW = 16
"""How many candidates for each row asked for the first look takes; each further look takes four times as many."""


class _Found(msgspec.Struct):
    """A session that matches, before it is read whole."""

    session_id: str
    start_time: int


class _Hours(msgspec.Struct):
    """Rows of the index, and the earliest hour that they are of."""

    first: int
    rows: int


def newest_sessions(
    scope: Scope, filters: SessionFilters, *, limit: int = 50, cursor: str | None = None
) -> Page[Session]:
    """The sessions that match, the latest start first. Raises FilterError and BadCursorError."""
    limit = min(limit, MAX_PAGE)
    after = read_session_place(cursor)
    if filters.user is not None:
        rows, more = _of_user(scope, filters, after, limit)
    else:
        found = _scan(scope, filters, after, limit + 1)
        rows, more = sessions_by_id(scope, [one.session_id for one in found[:limit]]), len(found) > limit
    page = [row.answer(scope) for row in rows]
    return Page(items=page, next=write_cursor(page[-1].start_time, page[-1].session_id) if more and page else None)


def one_session(scope: Scope, session_id: str) -> Session | None:
    """The summary of one session; None when there is no event of it."""
    row = session_by_id(scope, session_id)
    return row.answer(scope) if row else None


def _of_user(
    scope: Scope, filters: SessionFilters, after: tuple[int, str] | None, limit: int
) -> tuple[list[SessionRow], bool]:
    """The sessions in which a user was tagged, and whether more of them follow.

    A user of a few sessions is soon read whole; where more is asked, or there are more, the engine looks first.
    """
    assert filters.user is not None
    users = scope.identifiers_of(filters.user)
    others = msgspec.structs.replace(filters, user=None, start=None, end=None, empty=False)
    listed = scope.read(_Listed, f"SELECT DISTINCT session_id {_SESSIONS_OF_USER} LIMIT {MAX_IDS + 1:d}", users=users)
    if others != SessionFilters() or len(listed) > MAX_IDS:
        where, bound = _conditions(scope, filters, after)
        found = _matching(scope, f"SELECT session_id {_SESSIONS_OF_USER}", where, bound, limit + 1)
        return sessions_by_id(scope, [one.session_id for one in found[:limit]]), len(found) > limit
    low = 0 if filters.start is None else filters.start
    high = 2**63 if filters.end is None else filters.end
    rows = [
        row
        for row in sessions_by_id(scope, [one.session_id for one in listed])
        if low <= row.start_time < high
        and (filters.empty or not row.empty)
        and not set(users).isdisjoint(row.user_identifiers)
        and (after is None or (row.start_time, row.session_id) < after)
    ]
    rows.sort(key=lambda row: (row.start_time, row.session_id), reverse=True)
    return rows[:limit], len(rows) > limit


class _Listed(msgspec.Struct):
    session_id: str


def _conditions(
    scope: Scope, filters: SessionFilters, after: tuple[int, str] | None
) -> tuple[list[str], dict[str, object]]:
    """What a session has to be, behind the last one of the page before."""
    identifiers = [] if filters.user is None else scope.identifiers_of(filters.user)
    where, bound = conditions(filters, scope.catalog, scope.policy.idle_timeout, scope.now, identifiers)
    if filters.start is not None:
        where.append("start_time >= {start:Int64}")
        bound["start"] = filters.start
    if filters.end is not None:
        where.append("start_time < {end:Int64}")
        bound["end"] = filters.end
    if after is not None:
        where.append("(start_time, session_id) < ({last_start:Int64}, {last_id:String})")
        bound |= {"last_start": after[0], "last_id": after[1]}
    return where, bound


_SESSIONS_OF_USER = """
    FROM session_index WHERE frontend = {frontend:String} AND aspect = 'user' AND value IN {users:Array(String)}"""
_SESSIONS_OF_HOURS = """
    SELECT session_id FROM session_index
    WHERE frontend = {frontend:String} AND aspect = 'hour' AND value BETWEEN {low:String} AND {high:String}"""


def _hour(number: int) -> str:
    """An hour since 1970 as the index names it."""
    return f"{max(number, 0):010d}"


def _matching(scope: Scope, candidates: str, where: list[str], bound: dict[str, object], limit: int) -> list[_Found]:
    conditions_sql = "".join(f" AND {condition}" for condition in where)
    return scope.read(
        _Found,
        "SELECT session_id, start_time FROM session_summaries WHERE frontend = {frontend:String} "
        f"AND session_id IN ({candidates}){conditions_sql} ORDER BY start_time DESC, session_id DESC LIMIT {limit:d}",
        **bound,
    )


def _scan(scope: Scope, filters: SessionFilters, after: tuple[int, str] | None, limit: int) -> list[_Found]:
    """Look at the sessions of the last hours first, then at four times as many, until enough match or none are left.

    An hour lists each session that has an event in it, under a time that differs from the summary's start by no more
    than one request's transit; so the sessions that start in a window are all in its hours and the two beside it.
    """
    where, bound = _conditions(scope, filters, after)
    latest = filters.end if after is None else after[0] + 1
    low = 0 if filters.start is None else filters.start // HOUR
    top = last = 2**31 - 2 if latest is None else (latest - 1) // HOUR + 1
    found: list[_Found] = []
    wanted = limit * (_FIRST_WINDOW if len(where) < 2 else _FIRST_FILTERED_WINDOW)
    while len(found) < limit:
        listed = _latest_hours(scope, low - 1, top, wanted)
        bottom = listed.first if listed.rows == wanted else low
        found += _matching(
            scope,
            _SESSIONS_OF_HOURS,
            [*where, f"start_time >= {bottom * HOUR:d}"] + [f"start_time < {(top + 1) * HOUR:d}"] * (top < last),
            {**bound, "low": _hour(bottom - 1), "high": _hour(top + 1)},
            limit - len(found),
        )
        if listed.rows < wanted:
            break
        top = bottom - 1
        wanted *= 4
    return found


def _latest_hours(scope: Scope, low: int, high: int, count: int) -> _Hours:
    """The hours in which the latest so many sessions of a range are listed."""
    return scope.read(
        _Hours,
        f"SELECT min(toInt32(value)) AS first, count() AS rows FROM ({newest_in_index(count, column='value')})",
        low=_hour(low),
        high=_hour(high),
    )[0]
