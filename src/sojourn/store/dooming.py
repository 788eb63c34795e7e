"""What an erasure is to delete: sessions of a user, those too old, or single events. Nothing is deleted here."""

import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from sojourn.store.engine import Engine
from sojourn.store.rows import EventRow

DOOMED_TABLES = ("doomed_sources", "doomed_events")
_STRETCHES = """
    SELECT source_id, session_id, first_place, next_place FROM derived_sessions FINAL
    WHERE frontend = {frontend:String} AND void = 0 AND"""
_BARE = "startsWith(source_id, '~')"
_OF_USER = """(hasAny(user_identifiers, {identifiers:Array(String)})
    OR empty(user_identifiers) AND instance_id IN {own:Array(String)})"""
_LOST = "SELECT source_id FROM doomed_events WHERE erasure = {erasure:String} AND frontend = {frontend:String}"


class _DoomedEvent(msgspec.Struct):
    frontend: str
    source_id: str
    event_id: str
    erasure: str


class _DoomedSource(msgspec.Struct):
    frontend: str
    source_id: str
    whole: int
    erasure: str


class Doomed:
    """The doomed rows of one erasure. The selections are of `(frontend, source_id)`, with `bound` to be bound."""

    sources = "SELECT frontend, source_id FROM doomed_sources WHERE erasure = {erasure:String}"
    """All sources, and derived sessions."""
    whole = f"{sources} AND whole = 1"
    """Those that go with all that they have; of the others some events stay."""
    staying = f"{sources} AND (frontend, source_id) NOT IN ({whole})"
    events = "SELECT frontend, source_id, event_id FROM doomed_events WHERE erasure = {erasure:String}"

    def __init__(self, engine: Engine, erasure: str | None = None) -> None:
        """A new erasure, or one that was begun."""
        self._engine = engine
        self.erasure = f"{time.time_ns() // 1000:016d}-{secrets.token_hex(4)}" if erasure is None else erasure
        self.bound: Mapping[str, str] = {"erasure": self.erasure}

    @classmethod
    def begun_before(cls, engine: Engine, before: int) -> "list[Doomed]":
        """The erasures that were begun before a time in microseconds, and not ended."""
        rows = engine.query(
            "SELECT DISTINCT erasure FROM doomed_sources WHERE erasure < {before:String} ORDER BY erasure",
            {"before": f"{before:016d}"},
        )
        return [cls(engine, erasure) for (erasure,) in rows]

    def user(self, frontend: str, identifiers: Sequence[str], own: Sequence[str]) -> None:
        """Doom every session in which one of the identifiers was ever used, and those without any on `own` instances.

        A session goes whole: what came before a log-in, or after a log-out, belongs to it.
        """
        bound = {**self.bound, "frontend": frontend, "identifiers": list(identifiers), "own": list(own)}
        self._engine.command(
            f"""
            INSERT INTO doomed_sources (frontend, source_id, whole, erasure)
            SELECT DISTINCT frontend, source, 1, {{erasure:String}} FROM (
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
        self._stretches(f"{_STRETCHES} {_BARE} AND {_OF_USER}", bound)
        # What was not derived yet is known by its own identifier.
        self._engine.command(
            f"""
            INSERT INTO doomed_events (frontend, source_id, event_id, erasure)
            SELECT DISTINCT frontend, source_id, event_id, {{erasure:String}} FROM events
            WHERE frontend = {{frontend:String}} AND {_BARE} AND user_identifier IN {{identifiers:Array(String)}}
                AND source_id IN (
                    SELECT session_id FROM session_index WHERE frontend = {{frontend:String}}
                        AND aspect = 'user' AND value IN {{identifiers:Array(String)}})""",
            bound,
        )
        self._sources_of_events(bound)

    def older(self, frontend: str, before: int) -> None:
        """Doom every session that ended before a time, in microseconds. Those of a client's session id go together."""
        bound = {**self.bound, "frontend": frontend, "before": before}
        self._engine.command(
            """
            INSERT INTO doomed_sources (frontend, source_id, whole, erasure)
            SELECT frontend, session_id, 1, {erasure:String} FROM (
                SELECT frontend, session_id, max(last_end) AS last, min(least_offset) AS offset,
                    min(first_event) AS first
                FROM session_states WHERE frontend = {frontend:String} AND NOT startsWith(session_id, '~')
                GROUP BY frontend, session_id
                HAVING first < 9223372036854775807 AND last + if(abs(offset) > 2000000, offset, 0) < {before:Int64})""",
            bound,
        )
        self._stretches(f"{_STRETCHES} {_BARE} AND end_time < {{before:Int64}}", bound)
        self._sources_of_events(bound)

    def late(self, frontend: str, events: Sequence[EventRow], sources: Sequence[str]) -> None:
        """Doom single events, and all that was derived from them and from other `sources`."""
        every = sorted({*sources, *(event.source_id for event in events)})
        self._append(
            "doomed_events",
            [_DoomedEvent(frontend, event.source_id, event.event_id, self.erasure) for event in events],
        )
        self._append("doomed_sources", [_DoomedSource(frontend, source, 0, self.erasure) for source in every])
        bound = {**self.bound, "frontend": frontend, "sources": every}
        self._engine.command(
            """
            INSERT INTO doomed_sources (frontend, source_id, whole, erasure)
            SELECT DISTINCT frontend, session_id, 0, {erasure:String} FROM derived_sessions
            WHERE frontend = {frontend:String} AND source_id IN {sources:Array(String)}""",
            bound,
        )
        self._sources_of_events(bound)

    def forget(self) -> None:
        """The erasure has ended."""
        for table in DOOMED_TABLES:
            self._engine.command(
                f"ALTER TABLE {table} DELETE WHERE erasure = {{erasure:String}} SETTINGS mutations_sync = 2", self.bound
            )

    def _append(self, table: str, rows: Sequence[msgspec.Struct]) -> None:
        if rows:
            self._engine.append(table, msgspec.json.Encoder().encode_lines(rows))

    def _stretches(self, stretches: str, bound: Mapping[str, Any]) -> None:
        """Doom the events of derived sessions, and the sessions."""
        self._engine.command(
            f"""
            INSERT INTO doomed_events (frontend, source_id, event_id, erasure)
            SELECT DISTINCT e.frontend, e.source_id, e.event_id, {{erasure:String}}
            FROM events AS e INNER JOIN ({stretches}) AS s ON e.source_id = s.source_id
            WHERE e.frontend = {{frontend:String}} AND e.source_id IN (SELECT source_id FROM ({stretches}))
                AND (e.client_timestamp, e.stream_id, e.sequence, toString(e.event_id)) >= s.first_place
                AND (e.client_timestamp, e.stream_id, e.sequence, toString(e.event_id)) < s.next_place""",
            bound,
        )
        self._engine.command(
            f"INSERT INTO doomed_sources (frontend, source_id, whole, erasure) "
            f"SELECT {{frontend:String}}, session_id, 0, {{erasure:String}} FROM ({stretches})",
            bound,
        )

    def _sources_of_events(self, bound: Mapping[str, Any]) -> None:
        """Doom the sources that lose events, whole where none stays, and what was derived from whole ones."""
        self._engine.command(
            f"""
            INSERT INTO doomed_sources (frontend, source_id, whole, erasure)
            SELECT frontend, source_id, min(event_id IN (
                    SELECT event_id FROM doomed_events
                    WHERE erasure = {{erasure:String}} AND frontend = {{frontend:String}})), {{erasure:String}}
            FROM events WHERE frontend = {{frontend:String}} AND source_id IN ({_LOST})
            GROUP BY frontend, source_id""",
            bound,
        )
        self._engine.command(
            f"""
            INSERT INTO doomed_sources (frontend, source_id, whole, erasure)
            SELECT DISTINCT frontend, session_id, 1, {{erasure:String}} FROM derived_sessions
            WHERE frontend = {{frontend:String}} AND source_id IN (
                SELECT source_id FROM ({self.whole}) WHERE frontend = {{frontend:String}})""",
            bound,
        )
