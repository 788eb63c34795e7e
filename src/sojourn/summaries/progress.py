"""How far each run of a server came, so that what one left undone at its end is found by the next."""

from collections.abc import Iterator

import msgspec

from sojourn.rules.limits import MINUTE
from sojourn.store.engine import Engine
from sojourn.store.store import REPAIR_WINDOW

PAGE = 5_000
"""Sources that are looked at together after a start."""
GONE_AFTER = 5 * MINUTE
"""A run that wrote nothing for so long has ended."""


class _Run(msgspec.Struct):
    run: str
    derived_until: int
    settled: int
    written_at: int


class _Touched(msgspec.Struct):
    frontend: str
    source_id: str
    since: int


def undone_since(engine: Engine) -> int:
    """From when on (received_at, microseconds) sources have to be looked at again; 0 is all of them.

    Further back than any run came by the time that a crash can take from tables which are not synced at each insert.
    """
    runs = _runs(engine)
    if not runs:
        return 0
    open_ = [one.derived_until for one in runs if not one.settled]
    last_event = int(engine.query("SELECT max(received_at) FROM events")[0][0])
    return max(min([*open_, max(one.derived_until for one in runs), last_event]) - REPAIR_WINDOW, 0)


def touched_since(engine: Engine, since: int) -> Iterator[list[tuple[str, str, int]]]:
    """All sources that anything was received for since then, or that a discarded value went back to, in pages.

    Each as frontend, source and the time of its first event.
    """
    selections = (
        "SELECT frontend, source_id, min(client_timestamp) AS since FROM events WHERE received_at >= {since:Int64}",
        "SELECT frontend, source_id, min(received_at) AS since FROM absences WHERE received_at >= {since:Int64}",
        "SELECT frontend, source_id, min(client_timestamp) AS since FROM discards "
        "WHERE settled > 0 AND settled >= {since:Int64}",
    )
    for selection in selections:
        last = _Touched("", "", 0)
        while True:
            body = engine.raw_query(
                f"{selection} AND (frontend, source_id) > ({{frontend:String}}, {{source:String}}) "
                f"GROUP BY frontend, source_id ORDER BY frontend, source_id LIMIT {PAGE:d}",
                "JSONEachRow",
                {"since": since, "frontend": last.frontend, "source": last.source_id},
                {"optimize_aggregation_in_order": 1},
            )
            rows = msgspec.json.Decoder(_Touched).decode_lines(body)
            if rows:
                yield [(row.frontend, row.source_id, row.since) for row in rows]
                last = rows[-1]
            if len(rows) < PAGE:
                break


def write_progress(engine: Engine, run: str, derived_until: int, now: int, *, settled: bool = False) -> None:
    """Keep that a run has derived everything received before a time; `settled` when it ended with nothing undone."""
    row = _Run(run, derived_until, int(settled), now)
    engine.append("derivations", msgspec.json.encode(row))


def settle_others(engine: Engine, run: str, now: int) -> None:
    """Note that what the runs which are no more had left undone has been done by this one."""
    for one in _runs(engine):
        if one.run != run and not one.settled and one.written_at < now - GONE_AFTER:
            write_progress(engine, one.run, one.derived_until, now, settled=True)


def _runs(engine: Engine) -> list[_Run]:
    body = engine.raw_query("SELECT run, derived_until, settled, written_at FROM derivations FINAL", "JSONEachRow")
    return msgspec.json.Decoder(_Run).decode_lines(body)
