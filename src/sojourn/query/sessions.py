"""Questions about sessions: the newest that match, one, and its events."""

from typing import TypeVar

import msgspec

from sojourn.query.answers import Page, Session, SessionEvent
from sojourn.query.cursors import read_cursor, write_cursor
from sojourn.query.filters import SessionFilters, conditions
from sojourn.query.rows import EventRow, SessionRow, SessionValues
from sojourn.query.scope import Scope
from sojourn.rules.limits import HOUR

MAX_PAGE = 500
MAX_EVENTS_PAGE = 5_000
_FIRST_WINDOW = 4
_FIRST_FILTERED_WINDOW = 16
"""How many candidates for each row asked for the first look takes; each further look takes four times as many."""
_FIRST_SPAN = 24
"""Hours that are counted at first to find those candidates."""


R = TypeVar("R", bound=SessionValues)


class _Hour(msgspec.Struct):
    hour: int
    sessions: int


class _Stretch(msgspec.Struct):
    """Where the events of a derived session lie: places are those of the total order, and `next_place` is beyond it.

    Those before `tagged_place` have the identifier that the session carries from the one before it.
    """

    source_id: str
    first_place: tuple[int, str, int, str]
    next_place: tuple[int, str, int, str]
    tagged_place: tuple[int, str, int, str]
    carried_identifier: str


def newest_sessions(
    scope: Scope, filters: SessionFilters, *, limit: int = 50, cursor: str | None = None
) -> Page[Session]:
    """The sessions that match, the latest start first. Raises FilterError and BadCursorError."""
    limit = min(limit, MAX_PAGE)
    identifiers = [] if filters.user is None else scope.identifiers_of(filters.user)
    where, bound = conditions(filters, scope.catalog, scope.policy.idle_timeout, scope.now, identifiers)
    if filters.start is not None:
        where.append("start_time >= {start:Int64}")
        bound["start"] = filters.start
    if filters.end is not None:
        where.append("start_time < {end:Int64}")
        bound["end"] = filters.end
    latest = filters.end
    if cursor is not None:
        last_start, last_id = read_cursor(cursor, int, str)
        where.append("(start_time, session_id) < ({last_start:Int64}, {last_id:String})")
        bound |= {"last_start": last_start, "last_id": last_id}
        latest = int(last_start) + 1
    if filters.user is not None:
        rows = _matching(scope, _SESSIONS_OF_USER, where, bound, limit + 1)
    else:
        rows = _scan(scope, filters.start, latest, where, bound, limit + 1)
    page = [row.answer(scope.catalog, scope.policy, scope.now) for row in rows[:limit]]
    more = len(rows) > limit
    return Page(items=page, next=write_cursor(page[-1].start_time, page[-1].session_id) if more else None)


_SESSIONS_OF_USER = """
    SELECT session_id FROM session_index
    WHERE frontend = {frontend:String} AND aspect = 'user' AND value IN {users:Array(String)}"""
_SESSIONS_OF_HOURS = """
    SELECT session_id FROM session_index
    WHERE frontend = {frontend:String} AND aspect = 'hour' AND value BETWEEN {low:String} AND {high:String}"""


def _hour(number: int) -> str:
    """An hour since 1970 as the index names it."""
    return f"{max(number, 0):010d}"


def _matching(
    scope: Scope, candidates: str, where: list[str], bound: dict[str, object], limit: int
) -> list[SessionRow]:
    conditions_sql = "".join(f" AND {condition}" for condition in where)
    return scope.read(
        SessionRow,
        "SELECT * FROM session_summaries WHERE frontend = {frontend:String} "
        f"AND session_id IN ({candidates}){conditions_sql} ORDER BY start_time DESC, session_id DESC LIMIT {limit:d}",
        **bound,
    )


def _scan(
    scope: Scope, earliest: int | None, latest: int | None, where: list[str], bound: dict[str, object], limit: int
) -> list[SessionRow]:
    """Look at the sessions of the last hours first, then at four times as many, until enough match or none are left.

    An hour lists each session that has an event in it, under a time that differs from the summary's start by no more
    than one request's transit; so the sessions that start in a window are all in its hours and the two beside it.
    """
    low = 0 if earliest is None else earliest // HOUR
    high = 2**31 - 2 if latest is None else (latest - 1) // HOUR
    first, last = _end_of_hours(scope, low - 1, high + 1, "ASC"), _end_of_hours(scope, low - 1, high + 1, "DESC")
    found: list[SessionRow] = []
    wanted = limit * (_FIRST_WINDOW if len(where) < 2 else _FIRST_FILTERED_WINDOW)
    top = last
    while first <= top and len(found) < limit:
        bottom = _hour_with(scope, first, top, wanted)
        found += _matching(
            scope,
            _SESSIONS_OF_HOURS,
            [*where, f"start_time >= {bottom * HOUR if bottom > first else low * HOUR:d}"]
            + [f"start_time < {(top + 1) * HOUR:d}"] * (top < last),
            {**bound, "low": _hour(bottom - 1), "high": _hour(top + 1)},
            limit - len(found),
        )
        top = bottom - 1
        wanted *= 4
    return found


def _end_of_hours(scope: Scope, low: int, high: int, order: str) -> int:
    """The first or last hour with an event, of those asked for; none is before all or behind all."""
    rows = scope.read(
        _Hour,
        "SELECT toInt32(value) AS hour, 1 AS sessions FROM session_index WHERE frontend = {frontend:String} "
        f"AND aspect = 'hour' AND value BETWEEN {{low:String}} AND {{high:String}} ORDER BY value {order} LIMIT 1",
        low=_hour(low),
        high=_hour(high),
    )
    return rows[0].hour if rows else (0 if order == "ASC" else -1)


def _hour_with(scope: Scope, first: int, top: int, wanted: int) -> int:
    """The hour down to which, from `top` on, that many sessions have events; `first` where there are fewer."""
    span = _FIRST_SPAN
    while True:
        low = max(first, top - span)
        hours = scope.read(
            _Hour,
            "SELECT toInt32(value) AS hour, count() AS sessions FROM session_index "
            "WHERE frontend = {frontend:String} AND aspect = 'hour' AND value BETWEEN {low:String} AND {high:String} "
            "GROUP BY hour ORDER BY hour DESC",
            low=_hour(low),
            high=_hour(top),
        )
        seen = 0
        for hour in hours:
            seen += hour.sessions
            if seen >= wanted:
                return hour.hour
        if low == first:
            return first
        span *= 8


def one_session(scope: Scope, session_id: str) -> Session | None:
    """The summary of one session; None when there is no event of it."""
    row = _row(scope, SessionRow, session_id)
    return row.answer(scope.catalog, scope.policy, scope.now) if row else None


def _row(scope: Scope, row_type: type[R], session_id: str) -> R | None:
    rows = scope.read(
        row_type,
        f"SELECT {', '.join(row_type.__struct_fields__)} FROM session_summaries "
        "WHERE frontend = {frontend:String} AND session_id = {session_id:String}",
        session_id=session_id,
    )
    return rows[0] if rows else None


_PLACE = "(client_timestamp, stream_id, sequence, toString(event_id))"


def _beside(comparison: str, name: str, place: tuple[int | str, ...]) -> tuple[str, dict[str, int | str]]:
    """A condition on the places of events, with its values: `comparison` with one place of the total order."""
    parts = ("timestamp:Int64", "stream:String", "sequence:Int64", "event:String")
    names = [f"{name}_{part}" for part in parts]
    bound = {bound.partition(":")[0]: value for bound, value in zip(names, place, strict=True)}
    return f" AND {_PLACE} {comparison} ({', '.join(f'{{{bound}}}' for bound in names)})", bound


def _stretch(scope: Scope, session_id: str) -> _Stretch | None:
    """Where the events of a session lie that was derived; None where they are all that have its id."""
    rows = scope.read(
        _Stretch,
        f"SELECT {', '.join(_Stretch.__struct_fields__)} FROM derived_sessions FINAL "
        "WHERE frontend = {frontend:String} AND session_id = {session_id:String} AND void = 0",
        session_id=session_id,
    )
    return rows[0] if rows else None


def events_of_session(
    scope: Scope, session_id: str, *, limit: int = 1_000, cursor: str | None = None
) -> Page[SessionEvent] | None:
    """The events of one session in their total order; None when there is no such session. Raises BadCursorError."""
    session = _row(scope, SessionValues, session_id)
    if session is None:
        return None
    limit = min(limit, MAX_EVENTS_PAGE)
    stretch = _stretch(scope, session_id)
    places: list[tuple[str, str, tuple[int | str, ...]]]
    places = [(">=", "first", stretch.first_place), ("<", "next", stretch.next_place)] if stretch else []
    if cursor is not None:
        places.append((">", "after", read_cursor(cursor, int, str, int, str)))
    where, bound = "", dict[str, int | str]()
    for comparison, name, place in places:
        condition, values = _beside(comparison, name, place)
        where += condition
        bound |= values
    rows = scope.read(
        EventRow,
        f"SELECT {', '.join(EventRow.__struct_fields__)} FROM events FINAL "
        f"WHERE frontend = {{frontend:String}} AND source_id = {{source_id:String}}{where} "
        f"ORDER BY {_PLACE} LIMIT {limit + 1:d}",
        source_id=stretch.source_id if stretch else session_id,
        **bound,
    )
    for row in rows:
        if stretch and (row.client_timestamp, row.stream_id, row.sequence, row.event_id) < stretch.tagged_place:
            row.user_identifier = stretch.carried_identifier
    shown = session.properties(scope.catalog)
    page = [row.answer(session_id, session.skew, shown, scope.catalog) for row in rows[:limit]]
    more = len(rows) > limit
    last = rows[min(limit, len(rows)) - 1] if rows else None
    return Page(
        items=page,
        next=write_cursor(last.client_timestamp, last.stream_id, last.sequence, last.event_id)
        if more and last
        else None,
    )
