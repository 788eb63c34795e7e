"""The gaps of sources that are too long to be read whole: their shares are worked out from the gaps alone."""

from bisect import bisect_right
from typing import Any

import msgspec

from sojourn.rules.boundaries import Gap, Stream, share_gaps
from sojourn.rules.events import Order
from sojourn.store.engine import Engine
from sojourn.summaries.found import absent_places

_SESSIONS = """
    SELECT session_id, first_place, missing_events, absent_events FROM derived_sessions FINAL
    WHERE frontend = {frontend:String} AND void = 0 AND source_id = {source:String} AND session_id IN (
        SELECT session_id FROM session_index
        WHERE frontend = {frontend:String} AND aspect = 'source' AND value = {source:String})
    ORDER BY first_place"""
_GAPS = """
    SELECT stream_id, begin, number, place, is_top FROM (
        SELECT stream_id, sequence AS number, place,
            lagInFrame(sequence, 1, toInt64(-1)) OVER (PARTITION BY stream_id ORDER BY sequence
                ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) + 1 AS begin,
            toBool(leadInFrame(sequence, 1, toInt64(-1)) OVER (PARTITION BY stream_id ORDER BY sequence
                ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING) = -1) AS is_top
        FROM (
            SELECT stream_id, sequence, min((client_timestamp, stream_id, sequence, toString(event_id))) AS place
            FROM events WHERE frontend = {frontend:String} AND source_id = {source:String} AND sequence >= 0
            GROUP BY stream_id, sequence
        )
    )
    WHERE begin < number OR is_top
    ORDER BY stream_id, number"""
_WRITE = """
    INSERT INTO derived_sessions SELECT * REPLACE (
        transform(session_id, {ids:Array(String)}, {missing:Array(Int64)}, missing_events) AS missing_events,
        transform(session_id, {ids:Array(String)}, {absent:Array(UInt64)}, absent_events) AS absent_events)
    FROM derived_sessions FINAL
    WHERE frontend = {frontend:String} AND void = 0 AND session_id IN {ids:Array(String)}"""


class _Session(msgspec.Struct):
    session_id: str
    first_place: Order
    missing_events: int
    absent_events: int


class _Gap(msgspec.Struct):
    stream_id: str
    begin: int
    number: int
    place: Order
    is_top: bool


def count_gaps(engine: Engine, frontend: str, source: str) -> None:
    """Give each session of a source its share of the gaps, by the rule for those that are read whole."""
    bound = {"frontend": frontend, "source": source}
    sessions = _read(engine, _Session, _SESSIONS, bound)
    if not sessions:
        return
    begins = [session.first_place for session in sessions]
    gaps: dict[str, list[Gap]] = {}
    streams: dict[str, Stream] = {}
    for found in _read(engine, _Gap, _GAPS, bound):
        owner = max(bisect_right(begins, found.place) - 1, 0)
        of_stream = gaps.setdefault(found.stream_id, [])
        if found.begin < found.number:
            of_stream.append(Gap(found.begin, found.number, owner))
        if found.is_top:
            streams[found.stream_id] = Stream(of_stream, found.number, owner)
    absent, second = absent_places(engine, frontend, [source]).get(source, (frozenset(), frozenset()))
    missing, absences = share_gaps(len(sessions), streams, absent, second)
    changed = [
        (session.session_id, lost, gone)
        for session, lost, gone in zip(sessions, missing, absences, strict=True)
        if (session.missing_events, session.absent_events) != (lost, gone)
    ]
    if changed:
        ids, of_missing, of_absent = zip(*changed, strict=True)
        engine.command(
            _WRITE, {"frontend": frontend, "ids": list(ids), "missing": list(of_missing), "absent": list(of_absent)}
        )


def _read(engine: Engine, row_type: type[Any], sql: str, bound: dict[str, str]) -> list[Any]:
    return msgspec.json.Decoder(row_type).decode_lines(engine.raw_query(sql, "JSONEachRow", bound))
