"""Files of rows that were deleted: the engine removes them by itself, and soon, once it is told to."""

import threading
import time
from collections.abc import Sequence

from sojourn.store.engine import Engine

_SOON = {
    "old_parts_lifetime": 0,
    "cleanup_delay_period": 1,
    "cleanup_delay_period_random_add": 0,
    "max_cleanup_delay_period": 2,
    "finished_mutations_to_keep": 0,
}
"""Parts that a merge or a deletion replaced go within two seconds. They are synced before they replace others."""
_POLL_SECONDS = 0.1


def sweep_soon(engine: Engine) -> None:
    """Have every table remove what was deleted within seconds."""
    settings = ", ".join(f"{name} = {value}" for name, value in _SOON.items())
    for node in engine.nodes:
        tables = node.rows(
            "SELECT name FROM system.tables WHERE database = {database:String} AND engine LIKE '%MergeTree%' "
            "AND engine_full NOT LIKE '%max_cleanup_delay_period = 2%'",
            {"database": engine.stored_database},
        )
        for (name,) in tables:
            node.define(f"ALTER TABLE {name} MODIFY SETTING {settings}")
            if engine.embedded:
                # The first sweep of an open table is half a minute away and waits no less for having been told.
                node.define(f"DETACH TABLE {name} SYNC")
                node.define(f"ATTACH TABLE {name}")


def await_sweep(engine: Engine, tables: Sequence[str], seconds: float) -> bool:
    """Wait until the parts that are replaced by now are gone from the disk; whether they are."""
    waiting = threading.Event()
    deadline = time.monotonic() + seconds
    replaced = _replaced(engine, tables)
    while replaced and time.monotonic() < deadline:
        waiting.wait(_POLL_SECONDS)
        replaced &= _replaced(engine, tables)
    return not replaced


def _replaced(engine: Engine, tables: Sequence[str]) -> set[tuple[int, str, str]]:
    return {
        (number, table, part)
        for number, node in enumerate(engine.nodes)
        for table, part in node.rows(
            # Only who asks for `_state` is told of parts that are being removed and still have files.
            "SELECT table, name FROM system.parts WHERE database = {database:String} "
            "AND _state IN ('Outdated', 'Deleting', 'DeleteOnDestroy') AND table IN {tables:Array(String)}",
            {"database": engine.stored_database, "tables": list(tables)},
        )
    }
