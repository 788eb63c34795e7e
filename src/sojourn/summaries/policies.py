"""The timeouts of each frontend over the time, kept in the store: every node judges a session by the same ones."""

import msgspec

from sojourn.rules.sessions import PolicyHistory, SessionPolicy
from sojourn.store.engine import Engine


class _Entry(msgspec.Struct):
    frontend: str
    since: int
    idle_timeout: int
    max_duration: int


def policy_history(engine: Engine, frontend: str, current: SessionPolicy, now: int) -> PolicyHistory:
    """The history of a frontend's timeouts, to which those in force `now` are added if they are new."""
    body = engine.raw_query(
        "SELECT frontend, since, idle_timeout, max_duration FROM session_policies FINAL "
        "WHERE frontend = {frontend:String} ORDER BY since",
        "JSONEachRow",
        {"frontend": frontend},
    )
    known = msgspec.json.Decoder(_Entry).decode_lines(body)
    entries = [(entry.since, SessionPolicy(entry.idle_timeout, entry.max_duration)) for entry in known]
    if not entries or entries[-1][1] != current:
        entries.append((now, current))
        entry = _Entry(frontend, now, current.idle_timeout, current.max_duration)
        engine.append("session_policies", msgspec.json.encode(entry))
    return PolicyHistory(tuple(entries))
