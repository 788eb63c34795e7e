"""Which of the clients' session ids have to be looked at: those whose events break the timeouts, or did once.

A client that manages its sessions keeps the timeouts, so this is asked about every session that an event came for and
has to cost next to nothing: first the states of the sessions are asked how long they are, and only where one is longer
than the idle timeout does the engine look for a gap between its events.
"""

from collections.abc import Sequence

import msgspec

from sojourn.rules.sessions import PolicyHistory
from sojourn.store.engine import Engine


class _Long(msgspec.Struct):
    session_id: str
    first: int
    is_derived: bool


class _Broken(msgspec.Struct):
    source_id: str


def may_be_broken(engine: Engine, frontend: str, session_ids: Sequence[str], history: PolicyHistory) -> list[str]:
    """Those of a client's session ids that a derivation may split or join again; all the others are whole."""
    strictest = history.strictest_since(0)
    body = engine.raw_query(
        """
        SELECT session_id, min(first_event) AS first, toBool(max(derived)) AS is_derived
        FROM session_states WHERE frontend = {frontend:String} AND session_id IN {session_ids:Array(String)}
        GROUP BY session_id
        HAVING is_derived OR max(last_end) - first >= {shortest:Int64}""",
        "JSONEachRow",
        {
            "frontend": frontend,
            "session_ids": list(session_ids),
            "shortest": min(strictest.idle_timeout, strictest.max_duration),
        },
    )
    long = msgspec.json.Decoder(_Long).decode_lines(body)
    found = [one.session_id for one in long if one.is_derived]
    unbroken = [one for one in long if not one.is_derived]
    if unbroken:
        limits = history.strictest_since(min(one.first for one in unbroken))
        found += _with_a_gap(
            engine, frontend, [one.session_id for one in unbroken], limits.idle_timeout, limits.max_duration
        )
    return found


def _with_a_gap(engine: Engine, frontend: str, sources: list[str], idle_timeout: int, max_duration: int) -> list[str]:
    """The sources in which an event comes too late after those before it, or too late after the first one."""
    body = engine.raw_query(
        """
        SELECT DISTINCT source_id FROM (
            SELECT source_id, kind, client_timestamp AS at,
                first_value(client_timestamp) OVER before AS first,
                max(if(kind = 'session_end', 0, client_timestamp + duration)) OVER before AS active_until
            FROM events WHERE frontend = {frontend:String} AND source_id IN {sources:Array(String)}
            WINDOW before AS (PARTITION BY source_id ORDER BY client_timestamp
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
        )
        WHERE first > 0 AND kind != 'session_end'
            AND (at >= greatest(first, active_until) + {idle_timeout:Int64} OR at >= first + {max_duration:Int64})""",
        "JSONEachRow",
        {"frontend": frontend, "sources": sources, "idle_timeout": idle_timeout, "max_duration": max_duration},
    )
    return [row.source_id for row in msgspec.json.Decoder(_Broken).decode_lines(body)]
