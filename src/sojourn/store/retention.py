"""Retention: sessions, and lines of the ledger, that are older than the settings of their frontend say, are erased."""

from collections.abc import Iterable

import msgspec
import structlog

from sojourn.rules.limits import DAY, HOUR
from sojourn.store.engine import Engine
from sojourn.store.erasure import Eraser

MAX_LEDGER_BYTES = 256 << 20
"""Bytes of discarded values that are kept for one frontend; of more, the oldest go."""
LINE_BYTES = 200
"""What a line of the ledger counts beside its value."""

log = structlog.get_logger()


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """How long the data of one frontend is kept. `retention_days` None keeps sessions for ever."""

    frontend: str
    retention_days: int | None
    discard_retention_days: int


def retain(
    engine: Engine, eraser: Eraser, retentions: Iterable[Retention], now: int, ledger_bytes: int = MAX_LEDGER_BYTES
) -> None:
    """Erase what is too old at `now` (microseconds), and the oldest lines of a ledger that is too large."""
    for retention in retentions:
        if retention.retention_days is not None:
            _erase_sessions(engine, eraser, retention.frontend, now - retention.retention_days * DAY)
        oldest = now - retention.discard_retention_days * DAY
        fits = _fits_since(engine, retention.frontend, ledger_bytes)
        _erase_discards(engine, retention.frontend, max(oldest, fits))


def _erase_sessions(engine: Engine, eraser: Eraser, frontend: str, before: int) -> None:
    first = engine.query(
        "SELECT min(value) FROM session_index WHERE frontend = {frontend:String} AND aspect = 'hour'",
        {"frontend": frontend},
    )[0][0]
    if first and int(first) * HOUR < before:
        erased = {proof.table: proof.before for proof in eraser.erase_older(frontend, before) if proof.before}
        if erased:
            log.info("retention", frontend=frontend, rows=erased)


def _fits_since(engine: Engine, frontend: str, most: int) -> int:
    """The time of the newest line that is too much, 0 where none is."""
    rows = engine.query(
        f"""
        SELECT max(received_at) FROM (
            SELECT received_at, sum(length(value) + {LINE_BYTES:d}) OVER (ORDER BY received_at DESC) AS bytes
            FROM discards WHERE frontend = {{frontend:String}}
        ) WHERE bytes > {{most:UInt64}}""",
        {"frontend": frontend, "most": most},
    )
    return int(rows[0][0]) + 1 if rows and rows[0][0] else 0


def _erase_discards(engine: Engine, frontend: str, before: int) -> None:
    bound = {"frontend": frontend}
    condition = f"frontend = {{frontend:String}} AND received_at < {before:d}"
    if engine.query(f"SELECT count() FROM discards WHERE {condition}", bound)[0][0]:
        engine.command(f"ALTER TABLE discards DELETE WHERE {condition} SETTINGS mutations_sync = 2", bound)
        log.info("discards_retention", frontend=frontend, before=before)
