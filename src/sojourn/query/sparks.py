"""A small picture of each session of a list: how much happened when, and where something failed."""

from collections.abc import Sequence

import msgspec

from sojourn.query.answers import Session
from sojourn.query.scope import Scope

SPARK_BINS = 36


class Spark(msgspec.Struct):
    """How much happened in the parts of a session, and in which of them an error."""

    bins: list[int]
    errors: list[int]


class _Bin(msgspec.Struct):
    source_id: str
    bin: int
    events: int
    errors: int


def sparks(scope: Scope, sessions: Sequence[Session]) -> dict[str, Spark]:
    """A small picture of each session of a page: events and errors in equal parts of its duration."""
    if not sessions:
        return {}
    starts = {s.session_id: (s.start_time, max(s.duration, 1)) for s in sessions}
    ids = list(starts)
    rows = scope.read(
        _Bin,
        """
        SELECT source_id,
            toInt32(least(greatest(intDiv((at - begin) * {bins:Int64}, length), 0), {bins:Int64} - 1)) AS bin,
            uniqExact(event_id) AS events, uniqExactIf(event_id, kind IN ('error', 'crash')) AS errors
        FROM (
            SELECT source_id, event_id, kind,
                client_timestamp + if(abs(clock_offset) > 2000000, clock_offset, 0) AS at,
                transform(source_id, {ids:Array(String)}, {begins:Array(Int64)}, toInt64(0)) AS begin,
                transform(source_id, {ids:Array(String)}, {lengths:Array(Int64)}, toInt64(1)) AS length
            FROM events WHERE frontend = {frontend:String} AND source_id IN {ids:Array(String)}
                AND kind NOT IN ('session_start', 'session_end')
        )
        GROUP BY source_id, bin""",
        ids=ids,
        begins=[starts[name][0] for name in ids],
        lengths=[starts[name][1] for name in ids],
        bins=SPARK_BINS,
    )
    found = {name: Spark([0] * SPARK_BINS, [0] * SPARK_BINS) for name in ids}
    for row in rows:
        found[row.source_id].bins[row.bin] = row.events
        found[row.source_id].errors[row.bin] = row.errors
    return found
