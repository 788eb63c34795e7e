"""What lies around a session: the one that followed it, and the places of its streams that will stay empty."""

from collections.abc import Sequence

import msgspec

from sojourn.query.answers import Session
from sojourn.query.scope import Scope
from sojourn.query.timeline import Absence
from sojourn.rules.limits import HOUR


class _Source(msgspec.Struct):
    session_id: str
    source_id: str


def sources_of(scope: Scope, session_ids: Sequence[str]) -> dict[str, str]:
    """What the events of derived sessions lie under; any other session's lie under its own id."""
    rows = scope.read(
        _Source,
        "SELECT session_id, source_id FROM derived_sessions FINAL "
        "WHERE frontend = {frontend:String} AND session_id IN {ids:Array(String)} AND void = 0",
        ids=list(session_ids),
    )
    return {row.session_id: row.source_id for row in rows}


def absences_of(scope: Scope, source_id: str) -> list[Absence]:
    """The places of a source that are known to stay empty, at most 10,000."""
    return scope.read(
        Absence,
        "SELECT stream_id, sequence, any(reason) AS reason FROM absences WHERE frontend = {frontend:String} "
        "AND source_id = {source_id:String} GROUP BY stream_id, sequence ORDER BY stream_id, sequence LIMIT 10000",
        source_id=source_id,
    )


class _Next(msgspec.Struct):
    session_id: str


def next_session(scope: Scope, session: Session) -> str | None:
    """The session that names this one as the one before it: of its user, or else within a day of its end."""
    narrowed = (
        "aspect = 'user' AND value = {user:String}"
        if session.user_identifier
        else "aspect = 'hour' AND value BETWEEN {low:String} AND {high:String}"
    )
    hour = session.end_time // HOUR
    rows = scope.read(
        _Next,
        "SELECT session_id FROM session_summaries WHERE frontend = {frontend:String} AND session_id IN ("
        f"SELECT session_id FROM session_index WHERE frontend = {{frontend:String}} AND {narrowed}) "
        "AND previous_session_id = {session_id:String} ORDER BY start_time, session_id LIMIT 1",
        session_id=session.session_id,
        user=session.user_identifier or "",
        low=f"{hour - 1:010d}",
        high=f"{hour + 25:010d}",
    )
    return rows[0].session_id if rows else None
