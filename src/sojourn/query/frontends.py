"""Which frontends are alive: a few figures of each, for the list of all."""

import msgspec

from sojourn.rules.limits import DAY, HOUR
from sojourn.store.engine import Engine


class FrontendFigures(msgspec.Struct):
    """What one frontend saw in the last 24 hours. `last_event` in microseconds."""

    frontend: str
    sessions: int
    users: int
    last_event: int


def frontend_figures(engine: Engine, now: int) -> dict[str, FrontendFigures]:
    """The figures of every frontend that sent something in the last 24 hours, by name."""
    # What was cut into sessions is listed beside them, and so is a session that became a part of others.
    body = engine.raw_query(
        """
        SELECT frontend,
            uniqExactIf(session_id, aspect = 'hour' AND NOT startsWith(session_id, '~')
                AND (frontend, session_id) NOT IN (
                    SELECT frontend, session_id FROM (
                        SELECT frontend, session_id FROM session_states WHERE derived = 1
                        UNION ALL SELECT frontend, session_id FROM derived_sessions WHERE void = 1)
                    WHERE (frontend, session_id) NOT IN (
                        SELECT frontend, session_id FROM derived_sessions FINAL WHERE void = 0))) AS sessions,
            uniqExactIf(value, aspect = 'user') AS users, max(last_end) AS last_event
        FROM session_index
        WHERE (aspect = 'hour' AND value >= {hour:String}) OR (aspect = 'user' AND last_end >= {since:Int64})
        GROUP BY frontend""",
        "JSONEachRow",
        {"hour": f"{now // HOUR - 24:010d}", "since": now - DAY},
    )
    return {row.frontend: row for row in msgspec.json.Decoder(FrontendFigures).decode_lines(body)}
