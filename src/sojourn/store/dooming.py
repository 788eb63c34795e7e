"""What is to be deleted: the sessions of a user, or those that ended too long ago. Nothing is deleted here."""

from collections.abc import Mapping, Sequence

from sojourn.store.engine import Engine

_STRETCHES = """
    SELECT source_id, session_id, first_place, next_place FROM derived_sessions FINAL
    WHERE frontend = {frontend:String} AND void = 0 AND"""
_BARE = "startsWith(source_id, '~')"
_OF_USER = """(hasAny(user_identifiers, {identifiers:Array(String)})
    OR empty(user_identifiers) AND instance_id IN {own:Array(String)})"""


def doom_user(engine: Engine, frontend: str, identifiers: Sequence[str], own: Sequence[str]) -> None:
    """Doom every session in which one of the identifiers was ever used, and those without any on `own` instances.

    A session goes whole: what came before a log-in, or after a log-out, belongs to it.
    """
    bound = {"frontend": frontend, "identifiers": list(identifiers), "own": list(own)}
    engine.command(
        f"""
        INSERT INTO doomed_sources SELECT DISTINCT frontend, source, 1 FROM (
            SELECT frontend, session_id AS source FROM session_index
            WHERE frontend = {{frontend:String}} AND aspect = 'user' AND value IN {{identifiers:Array(String)}}
            UNION ALL
            SELECT frontend, session_id AS source FROM session_summaries
            WHERE frontend = {{frontend:String}} AND empty(user_identifiers) AND session_id IN (
                SELECT session_id FROM session_index
                WHERE frontend = {{frontend:String}} AND aspect = 'instance' AND value IN {{own:Array(String)}})
            UNION ALL
            SELECT frontend, source_id AS source FROM derived_sessions FINAL
            WHERE frontend = {{frontend:String}} AND void = 0 AND {_OF_USER}
        ) WHERE NOT startsWith(source, '~')""",
        bound,
    )
    _doom_stretches(engine, f"{_STRETCHES} {_BARE} AND {_OF_USER}", bound)
    # What was not derived yet is known by its own identifier.
    engine.command(
        f"""
        INSERT INTO doomed_events SELECT DISTINCT frontend, source_id, event_id FROM events
        WHERE frontend = {{frontend:String}} AND {_BARE} AND user_identifier IN {{identifiers:Array(String)}}
            AND source_id IN (
                SELECT session_id FROM session_index
                WHERE frontend = {{frontend:String}} AND aspect = 'user' AND value IN {{identifiers:Array(String)}})""",
        bound,
    )
    _doom_sources_of_events(engine, bound)


def doom_older(engine: Engine, frontend: str, before: int) -> None:
    """Doom every session that ended before a time, in microseconds. Those of a client's session id go together."""
    bound = {"frontend": frontend, "before": before}
    engine.command(
        """
        INSERT INTO doomed_sources SELECT frontend, session_id, 1 FROM (
            SELECT frontend, session_id, max(last_end) AS last, min(least_offset) AS offset,
                min(first_event) AS first
            FROM session_states WHERE frontend = {frontend:String} AND NOT startsWith(session_id, '~')
            GROUP BY frontend, session_id
            HAVING first < 9223372036854775807 AND last + if(abs(offset) > 2000000, offset, 0) < {before:Int64})""",
        bound,
    )
    _doom_stretches(engine, f"{_STRETCHES} {_BARE} AND end_time < {{before:Int64}}", bound)
    _doom_sources_of_events(engine, bound)


def _doom_stretches(engine: Engine, stretches: str, bound: Mapping[str, object]) -> None:
    """Doom the events of derived sessions, and the sessions."""
    engine.command(
        f"""
        INSERT INTO doomed_events SELECT DISTINCT e.frontend, e.source_id, e.event_id
        FROM events AS e INNER JOIN ({stretches}) AS s ON e.source_id = s.source_id
        WHERE e.frontend = {{frontend:String}} AND e.source_id IN (SELECT source_id FROM ({stretches}))
            AND (e.client_timestamp, e.stream_id, e.sequence, toString(e.event_id)) >= s.first_place
            AND (e.client_timestamp, e.stream_id, e.sequence, toString(e.event_id)) < s.next_place""",
        bound,
    )
    engine.command(f"INSERT INTO doomed_sources SELECT {{frontend:String}}, session_id, 0 FROM ({stretches})", bound)


def _doom_sources_of_events(engine: Engine, bound: Mapping[str, object]) -> None:
    """Doom the sources that lose events, whole where none stays, and the sessions that were derived from whole ones."""
    engine.command(
        """
        INSERT INTO doomed_sources SELECT frontend, source_id, min(event_id IN (
                SELECT event_id FROM doomed_events WHERE frontend = {frontend:String}))
        FROM events WHERE frontend = {frontend:String}
            AND source_id IN (SELECT source_id FROM doomed_events WHERE frontend = {frontend:String})
        GROUP BY frontend, source_id""",
        bound,
    )
    engine.command(
        """
        INSERT INTO doomed_sources SELECT DISTINCT frontend, session_id, 1 FROM derived_sessions
        WHERE frontend = {frontend:String} AND source_id IN (
            SELECT source_id FROM doomed_sources WHERE frontend = {frontend:String} AND whole = 1)""",
        bound,
    )
