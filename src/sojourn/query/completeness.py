"""Which frontends miss events: how many sessions of the last day have gaps in the numbers of their events."""

import msgspec

from sojourn.rules.limits import DAY, HOUR
from sojourn.store.engine import Engine


class Completeness(msgspec.Struct):
    """Sessions of one frontend with an event in the last 24 hours, and those of them that miss events."""

    frontend: str
    sessions: int
    incomplete: int


def completeness(engine: Engine, now: int) -> list[Completeness]:
    """The figures of every frontend that sent something in the last 24 hours before `now` (microseconds)."""
    body = engine.raw_query(
        """
        SELECT frontend, count() AS sessions, countIf(missing_events > 0) AS incomplete
        FROM session_summaries WHERE (frontend, session_id) IN (
            SELECT frontend, session_id FROM session_index WHERE aspect = 'hour' AND value >= {hour:String})
        GROUP BY frontend ORDER BY frontend""",
        "JSONEachRow",
        {"hour": f"{(now - DAY) // HOUR:010d}"},
    )
    return msgspec.json.Decoder(Completeness).decode_lines(body)
