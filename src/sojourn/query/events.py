"""The events of one session, in their total order."""

from sojourn.query.answers import Page, SessionEvent
from sojourn.query.by_id import session_by_id
from sojourn.query.cursors import read_cursor, write_cursor
from sojourn.query.rows import EventRow, SessionRow
from sojourn.query.scope import Scope
from sojourn.rules.summaries import skew_of

MAX_EVENTS_PAGE = 5_000

_PLACE = "(client_timestamp, stream_id, sequence, toString(event_id))"


def _beside(comparison: str, name: str, place: tuple[int | str, ...]) -> tuple[str, dict[str, int | str]]:
    """A condition on the places of events, with its values: `comparison` with one place of the total order."""
    parts = ("timestamp:Int64", "stream:String", "sequence:Int64", "event:String")
    names = [f"{name}_{part}" for part in parts]
    bound = {bound.partition(":")[0]: value for bound, value in zip(names, place, strict=True)}
    return f" AND {_PLACE} {comparison} ({', '.join(f'{{{bound}}}' for bound in names)})", bound


def events_of_session(
    scope: Scope, session_id: str, *, limit: int = 1_000, cursor: str | None = None
) -> Page[SessionEvent] | None:
    """The events of one session in their total order; None when there is no such session. Raises BadCursorError."""
    session = session_by_id(scope, session_id)
    return events_of(scope, session, limit=limit, cursor=cursor) if session else None


def events_of(
    scope: Scope, session: SessionRow, *, limit: int = 1_000, cursor: str | None = None
) -> Page[SessionEvent]:
    """The events of a session that has been read. Raises BadCursorError."""
    limit = min(limit, MAX_EVENTS_PAGE)
    stretch = session.stretch
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
        source_id=session.source,
        **bound,
    )
    for row in rows:
        if stretch and (row.client_timestamp, row.stream_id, row.sequence, row.event_id) < stretch.tagged_place:
            row.user_identifier = stretch.carried_identifier
    shown, skew = session.properties(scope.catalog), skew_of(session.clock_offset)
    page = [row.answer(session.session_id, skew, shown, scope.catalog) for row in rows[:limit]]
    more = len(rows) > limit
    last = rows[min(limit, len(rows)) - 1] if rows else None
    return Page(
        items=page,
        next=write_cursor(last.client_timestamp, last.stream_id, last.sequence, last.event_id)
        if more and last
        else None,
    )
