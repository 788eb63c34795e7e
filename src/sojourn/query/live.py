"""The newest events of a frontend, for those who begin to watch; and whether anything has arrived yet."""

import msgspec

from sojourn.query.scope import Scope
from sojourn.rules.limits import HOUR


class RecentEvent(msgspec.Struct):
    """One event that has just been received. Times in microseconds."""

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


def recent_events(scope: Scope, *, kinds: list[str], text: str, limit: int = 50) -> list[RecentEvent]:
    """The last events of the last two hours, from its 50 newest sources, the newest first."""
    return scope.read(
        RecentEvent,
        f"""
        SELECT event_id, kind, name, client_timestamp + if(abs(clock_offset) > 2000000, clock_offset, 0) AS timestamp,
            source_id AS session_id, instance_id, user_identifier, duration, event_properties, session_properties
        FROM events FINAL WHERE frontend = {{frontend:String}} AND source_id IN (
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


class _Any(msgspec.Struct):
    found: int


def has_events(scope: Scope) -> bool:
    """Whether an event of the frontend has ever arrived."""
    rows = scope.read(
        _Any, "SELECT 1 AS found FROM session_index WHERE frontend = {frontend:String} AND aspect = 'hour' LIMIT 1"
    )
    return bool(rows)
