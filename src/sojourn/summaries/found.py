"""What the store holds of sources, as it is read for a derivation: sizes, sessions derived before, events, absences."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from sojourn.rules.boundaries import DerivedSession, Places
from sojourn.rules.events import Order
from sojourn.store.engine import Engine

T = TypeVar("T")

ANY_TIME = -1
"""Before every event."""


class FoundEvent(msgspec.Struct, kw_only=True):
    """One event as the rules read it. Values of properties stay JSON, and stand under name and type."""

    source_id: str
    event_id: str
    kind: str
    timestamp: int
    duration: int
    stream_id: str
    sequence: int
    instance_id: str
    user_identifier: str
    retag: bool
    previous_session_id: str
    start_reason: str
    end_reason: str
    clock_offset: int
    session_properties: dict[str, str]
    context: str
    session_id: str = ""


class Size(msgspec.Struct):
    """How much there is of a source: a number that grows with its set of events, and whether they are numbered.

    `derived` says of a client's session id that its sessions are derived ones by now.
    """

    source_id: str
    events: int
    numbered: bool
    derived: bool


class _StoredSession(msgspec.Struct):
    source_id: str
    session_id: str
    previous_session_id: str
    start_reason: str
    first_place: Order
    inherited_identifier: str

    def session(self) -> DerivedSession:
        """As far as how it began goes, which is all that is needed of it."""
        return DerivedSession(
            session_id=self.session_id,
            first_event=self.first_place,
            previous_session_id=self.previous_session_id,
            start_reason=self.start_reason,
            end_reason="",
            inherited_identifier=self.inherited_identifier,
            carried_identifier="",
            missing_events=0,
            absent_events=0,
        )


class _Version(msgspec.Struct):
    source_id: str
    version: int


class _Absence(msgspec.Struct):
    source_id: str
    stream_id: str
    sequence: int
    second: bool


def sizes(engine: Engine, frontend: str, sources: Sequence[str]) -> dict[str, Size]:
    """The sizes of those sources that have any event or absence."""
    rows = _read(
        engine,
        Size,
        """
        SELECT session_id AS source_id, toInt64(sum(present + absent)) AS events,
            toBool(max(top) >= 0) AS numbered, toBool(max(mark)) AS derived
        FROM (
            SELECT session_id, groupBitmapMerge(places) AS present, groupBitmapMerge(absent_places) AS absent,
                max(top_sequence) AS top, max(derived) AS mark
            FROM session_states WHERE frontend = {frontend:String} AND session_id IN {sources:Array(String)}
            GROUP BY session_id, stream_id
        )
        GROUP BY session_id""",
        frontend=frontend,
        sources=list(sources),
    )
    return {row.source_id: row for row in rows}


def derived_before(engine: Engine, frontend: str, since: Mapping[str, int]) -> dict[str, list[DerivedSession]]:
    """The sessions of each source that were derived before, first to last.

    From the last one on that began before the time `since` (microseconds by the client's clock).
    """
    rows = _read(
        engine,
        _StoredSession,
        """
        SELECT source_id, session_id, previous_session_id, start_reason, first_place, inherited_identifier
        FROM derived_sessions FINAL
        WHERE frontend = {frontend:String} AND void = 0 AND session_id IN (
            SELECT session_id FROM session_index
            WHERE frontend = {frontend:String} AND aspect = 'source' AND value IN {sources:Array(String)})
        QUALIFY first_place >= max(if(
            first_place.1 < transform(source_id, {sources:Array(String)}, {since:Array(Int64)}, toInt64(-1)),
            first_place, (toInt64(-1), '', toInt64(-1), ''))) OVER (PARTITION BY source_id)
        ORDER BY first_place""",
        frontend=frontend,
        sources=list(since),
        since=list(since.values()),
    )
    found: dict[str, list[DerivedSession]] = {}
    for row in rows:
        found.setdefault(row.source_id, []).append(row.session())
    return found


def versions(engine: Engine, frontend: str, sources: Sequence[str]) -> dict[str, set[int]]:
    """The versions that the sessions of each source have: one, where a single node wrote last and knew of all."""
    rows = _read(
        engine,
        _Version,
        """
        SELECT DISTINCT source_id, version FROM derived_sessions FINAL
        WHERE frontend = {frontend:String} AND void = 0 AND session_id IN (
            SELECT session_id FROM session_index
            WHERE frontend = {frontend:String} AND aspect = 'source' AND value IN {sources:Array(String)})""",
        frontend=frontend,
        sources=list(sources),
    )
    found: dict[str, set[int]] = {}
    for row in rows:
        found.setdefault(row.source_id, set()).add(row.version)
    return found


def events_since(engine: Engine, frontend: str, since: Mapping[str, int], limit: int) -> dict[str, list[FoundEvent]]:
    """The events of each source from its time `since` on, at most so many of each, the first in the total order.

    Of copies, the fullest stands for the event, as it does after a merge.
    """
    rows = _read(
        engine,
        FoundEvent,
        f"""
        SELECT * FROM (
            SELECT source_id, toString(event_id) AS event_id, kind, client_timestamp AS timestamp, duration, stream_id,
                sequence, instance_id, user_identifier, toBool(retag) AS retag, previous_session_id, start_reason,
                end_reason, clock_offset, context,
                mapApply((k, v) -> (
                    concat(k, multiIf(startsWith(v, '"'), ':string', v IN ('true', 'false'), ':boolean', ':number')),
                    v), session_properties) AS session_properties
            FROM events
            WHERE frontend = {{frontend:String}} AND source_id IN {{sources:Array(String)}} AND client_timestamp >=
                transform(source_id, {{sources:Array(String)}}, {{since:Array(Int64)}}, toInt64({ANY_TIME}))
            ORDER BY source_id, client_timestamp, stream_id, sequence, toString(event_id), precedence DESC
            LIMIT 1 BY source_id, client_timestamp, stream_id, sequence, event_id
        )
        LIMIT {limit:d} BY source_id""",
        frontend=frontend,
        sources=list(since),
        since=list(since.values()),
    )
    found: dict[str, list[FoundEvent]] = {}
    for row in rows:
        found.setdefault(row.source_id, []).append(row)
    return found


def absent_places(engine: Engine, frontend: str, sources: Sequence[str]) -> dict[str, tuple[Places, Places]]:
    """The places of each source whose event will never arrive; and which of them are second numbers of others."""
    rows = _read(
        engine,
        _Absence,
        "SELECT source_id, stream_id, sequence, toBool(max(reason = 'dropped_second_number')) AS second FROM absences "
        "WHERE frontend = {frontend:String} AND source_id IN {sources:Array(String)} "
        "GROUP BY source_id, stream_id, sequence",
        frontend=frontend,
        sources=list(sources),
    )
    found: dict[str, list[_Absence]] = {}
    for row in rows:
        found.setdefault(row.source_id, []).append(row)
    return {
        source: (
            frozenset((one.stream_id, one.sequence) for one in absences),
            frozenset((one.stream_id, one.sequence) for one in absences if one.second),
        )
        for source, absences in found.items()
    }


def _read(engine: Engine, row_type: type[T], sql: str, **parameters: Any) -> list[T]:
    return msgspec.json.Decoder(row_type).decode_lines(engine.raw_query(sql, "JSONEachRow", parameters))
