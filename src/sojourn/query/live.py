"""The newest events of a frontend, for those who begin to watch; and whether anything has arrived yet."""

import msgspec

from sojourn.query.scope import Scope
from sojourn.rules.limits import HOUR


class RecentEvent(msgspec.Struct):
    """One event that has just been received. Times in microseconds; values are JSON texts."""

    event_id: str
    kind: str
    name: str
    timestamp: int
    session_id: str
    instance_id: str
    user_identifier: str
    duration: int
    event_properties: dict[str, str]
    session_properties: dict[str, str]
    received_at: int


_COLUMNS = """event_id, kind, name, source_id AS session_id, instance_id, user_identifier, duration, received_at,
    client_timestamp + if(abs(clock_offset) > 2000000, clock_offset, 0) AS timestamp, event_properties,
    session_properties"""


def recent_events(scope: Scope, *, kinds: list[str], text: str, limit: int = 50) -> list[RecentEvent]:
    """The last events of the last two hours, from its 50 newest sources, the newest first."""
    return scope.read(
        RecentEvent,
        f"""
        SELECT {_COLUMNS} FROM events FINAL WHERE frontend = {{frontend:String}} AND source_id IN (
            SELECT session_id FROM session_index WHERE frontend = {{frontend:String}} AND aspect = 'hour'
            AND value >= {{low:String}} GROUP BY session_id ORDER BY max(last_end) DESC LIMIT 50)
        AND (empty({{kinds:Array(String)}}) OR has({{kinds:Array(String)}}, kind))
        AND ({{text:String}} = '' OR arrayExists(said -> positionCaseInsensitiveUTF8(said, {{text:String}}) > 0,
            [name, user_identifier, source_id, instance_id]))
        ORDER BY timestamp DESC, stream_id DESC, sequence DESC LIMIT {limit:d}""",
        low=f"{scope.now // HOUR - 2:010d}",
        kinds=kinds,
        text=text,
    )


def events_received(scope: Scope, *, since: int, limit: int) -> list[RecentEvent]:
    """What was received since a time, the newest first; a copy of an event may be among them."""
    return scope.read(
        RecentEvent,
        f"""
        SELECT {_COLUMNS} FROM events WHERE frontend = {{frontend:String}} AND received_at >= {{since:Int64}}
        ORDER BY received_at DESC, stream_id DESC, sequence DESC LIMIT {limit:d}""",
        since=since,
    )


def count_received(scope: Scope, *, after: int) -> int:
    """How many events were received after a time, copies among them."""
    rows = scope.read(
        _Found,
        "SELECT count() AS found FROM events WHERE frontend = {frontend:String} AND received_at > {after:Int64}",
        after=after,
    )
    return rows[0].found


class _Found(msgspec.Struct):
    found: int


def has_events(scope: Scope) -> bool:
    """Whether an event of the frontend has ever arrived."""
    rows = scope.read(
        _Found, "SELECT 1 AS found FROM session_index WHERE frontend = {frontend:String} AND aspect = 'hour' LIMIT 1"
    )
    return bool(rows)
