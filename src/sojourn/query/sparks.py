"""A small picture of each session of a list: how much happened when, and where something failed."""

from collections.abc import Sequence

import msgspec

from sojourn.query.answers import Session
from sojourn.query.neighbours import sources_of
from sojourn.query.scope import Scope

SPARK_BINS = 36


class Spark(msgspec.Struct):
    """How much happened in the parts of a session, and in which of them an error."""

    bins: list[int]
    errors: list[int]


class _Bin(msgspec.Struct):
    session_id: str
    bin: int
    events: int
    errors: int


def sparks(scope: Scope, sessions: Sequence[Session]) -> dict[str, Spark]:
    """A small picture of each session of a page: events and errors in equal parts of its duration."""
    if not sessions:
        return {}
    ids = [session.session_id for session in sessions]
    sources = sources_of(scope, ids)
    rows = scope.read(
        _Bin,
        """
        SELECT session_id, toInt32(least(intDiv((at - begin) * {bins:Int64}, length), {bins:Int64} - 1)) AS bin,
            uniqExact(event_id) AS events, uniqExactIf(event_id, kind IN ('error', 'crash')) AS errors
        FROM (
            SELECT source_id, event_id, kind,
                client_timestamp + if(abs(clock_offset) > 2000000, clock_offset, 0) AS at
            FROM events WHERE frontend = {frontend:String} AND source_id IN {sources:Array(String)}
                AND kind NOT IN ('session_start', 'session_end')
        ) AS event INNER JOIN (
            SELECT shown.1 AS session_id, shown.2 AS source_id, shown.3 AS begin, greatest(shown.4, 1) AS length
            FROM (SELECT arrayJoin(arrayZip({ids:Array(String)}, {sources:Array(String)}, {begins:Array(Int64)},
                {lengths:Array(Int64)})) AS shown)
        ) AS session USING (source_id)
        WHERE at >= begin AND at <= begin + length
        GROUP BY session_id, bin""",
        ids=ids,
        sources=[sources.get(name, name) for name in ids],
        begins=[session.start_time for session in sessions],
        lengths=[session.duration for session in sessions],
        bins=SPARK_BINS,
    )
    found = {name: Spark([0] * SPARK_BINS, [0] * SPARK_BINS) for name in ids}
    for row in rows:
        found[row.session_id].bins[row.bin] = row.events
        found[row.session_id].errors[row.bin] = row.errors
    return found
