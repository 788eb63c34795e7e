"""An erasure beside derivations that are at an awkward place; run in a process of its own.

`waiting`: the events have been committed and not been derived when their user is erased. `held`: another server has
read the events before the erasure, and writes what it made of them once all is deleted.
"""

import json
import sys
import time
import uuid
from pathlib import Path

from sojourn.rules.limits import HOUR, MINUTE
from sojourn.rules.sessions import SessionPolicy
from sojourn.store.engine import embedded_url
from sojourn.store.erasure import ErasedUser, Eraser
from sojourn.store.rows import EventRow, Rows
from sojourn.store.store import Store
from sojourn.summaries.derivation import Derivation
from tests.summaries.two_nodes import PATIENCE_SECONDS, HeldEngine

POLICY = SessionPolicy(10 * MINUTE, 6 * HOUR)
TABLES = ("events", "session_states", "session_index", "derived_sessions")


def now() -> int:
    return time.time_ns() // 1000


START = now() - 5 * HOUR


def row(instance: str, minutes: int, user: str, source: str = "") -> EventRow:
    return EventRow(
        frontend="shop",
        source_id=source or "~" + instance,
        stream_id="",
        sequence=-1,
        event_id=str(uuid.uuid4()),
        kind="event",
        client_timestamp=START + minutes * MINUTE,
        received_at=now(),
        instance_id=instance,
        user_identifier=user,
    )


EVENTS = [
    # Hers, and what followed in the same visit without a name; before and after, on the same device, another's.
    row("kiosk", 0, "bob"), row("kiosk", 30, "ann"), row("kiosk", 31, ""), row("kiosk", 60, "bob"),
    row("phone", 0, "ann"), row("phone", 1, ""),
    row("tablet", 0, "ann", "kept"), row("tablet", 40, "", "kept"),
    row("laptop", 0, "bob"), row("laptop", 1, ""),
]  # fmt: skip


def main(folder: Path, case: str) -> None:
    store = Store(embedded_url(folder))
    engine = store.engine
    here = Derivation(engine, lambda: {"shop": POLICY}, now, alone=case == "waiting")
    slow = HeldEngine(engine, "session_index")
    beside = Derivation(slow, lambda: {"shop": POLICY}, now, alone=False)  # type: ignore[arg-type]
    eraser = Eraser(store, [here.paused], here.look_again)
    rows = Rows(events=EVENTS, absences=[], discards=[])
    store.writer.submit(rows).result()
    here.committed([rows])
    if case == "held":
        here.start()
        beside.committed([rows])
        beside.start()
        assert slow.holds.wait(PATIENCE_SECONDS)
    user = ErasedUser(frontend="shop", identifiers=["ann"], own_instances=["phone", "tablet"], key=b"k" * 32)
    proof = eraser.erase_user(user, now())
    if case == "waiting":
        here.start()
    slow.go_on.set()
    if case == "held":
        beside.close()
    here.close()
    found = {
        "after": sum(line.after for line in proof),
        "events": engine.query("SELECT source_id, user_identifier FROM events ORDER BY ALL"),
        "sessions": engine.query(
            "SELECT instance_id, user_identifiers, event_count FROM session_summaries ORDER BY ALL"
        ),
        "index": engine.query("SELECT DISTINCT session_id FROM session_index ORDER BY ALL"),
        "named": {
            table: engine.query(f"SELECT count() FROM {table} WHERE position(toString(tuple(*)), 'ann') > 0")[0][0]
            for table in TABLES
        },
        "derived": engine.query("SELECT DISTINCT source_id FROM derived_sessions ORDER BY ALL"),
    }
    store.close()
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
