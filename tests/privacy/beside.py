"""An erasure beside others who are at an awkward place; run in a process of its own.

`waiting`: the events have been committed and not been derived when their user is erased. `held`: another server has
read the events before the erasure, and writes what it made of them once all is deleted. `late`: another server commits
events, as for a replay or of a request, that it took before the erasure. `away`: so it does, and the store does not
answer when it asks who was erased. `killed`: it took them, and was killed thereafter.
`killed-deriving`: it was killed once it had written what it had made of them. `both`: another server erases another
user in the midst of it.
"""

import json
import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from sojourn.rules.erased import Erased
from sojourn.rules.limits import HOUR, MINUTE
from sojourn.rules.sessions import SessionPolicy
from sojourn.store.engine import Engine, embedded_url
from sojourn.store.erasure import ErasedUser, Eraser
from sojourn.store.rows import EventRow, Rows
from sojourn.store.store import Store
from sojourn.store.stragglers import Stragglers
from sojourn.store.tombstones import read_tombstones
from sojourn.store.writer import Writer
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


EVE = [row("watch", 0, "eve"), row("watch", 1, ""), row("tablet", 0, "eve", "eves")]
KEY = b"k" * 32


class Withheld:
    """The engine to a server that is killed before it can write what it has derived, or right after that."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lines: list[tuple[str, bytes]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def append(self, table: str, lines: bytes) -> None:
        if table != "derivations":
            self._lines.append((table, lines))

    def write(self) -> None:
        for table, lines in self._lines:
            self._engine.append(table, lines)


class Elsewhere:
    """What another server over the same store has: a writer, and who looks whether he wrote too late."""

    def __init__(self, engine: Engine, erase: Callable[..., None]) -> None:
        self._engine = HeldEngine(engine, "")
        # An embedded engine is no other process's.
        self._engine.embedded = False
        self._erased: dict[str, Erased] = {}
        self.is_away = False
        self.learned = threading.Event()
        self.stragglers = Stragglers(self._engine, lambda: self._erased, self._learn, erase)  # type: ignore[arg-type]

    def _learn(self) -> None:
        if self.is_away:
            self.is_away = False
            raise OSError("the store is away")
        self._read()
        self.stragglers.expect()
        self.learned.set()

    def _read(self) -> None:
        self._erased = {name: Erased(KEY, times) for name, times in read_tombstones(self._engine).items()}  # type: ignore[arg-type]

    def write(self, rows: Rows, *, is_killed: bool) -> None:
        writer = Writer(self._engine, None if is_killed else self.stragglers.committed)  # type: ignore[arg-type]
        writer.submit(rows).result()
        writer.close()

    def start(self, since: int) -> None:
        self._read()
        self.stragglers.start(since)


class Interrupted:
    """The store, to an eraser that is held before it deletes anything."""

    def __init__(self, store: Store, first: Callable[[], object]) -> None:
        self._first: Callable[[], object] | None = first
        self._store = store
        self.engine = self
        self.writer = store.writer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store.engine, name)

    def command(self, sql: str, parameters: Any = None) -> None:
        if sql.startswith("ALTER") and self._first:
            first, self._first = self._first, None
            first()
        self._store.engine.command(sql, parameters)


def main(folder: Path, case: str) -> None:
    store = Store(embedded_url(folder))
    engine = store.engine
    here = Derivation(engine, lambda: {"shop": POLICY}, now, alone=case == "waiting")
    slow = HeldEngine(engine, "session_index")
    beside = Derivation(slow, lambda: {"shop": POLICY}, now, alone=False)  # type: ignore[arg-type]
    eraser = Eraser(store, [here.paused], here.look_again)
    rows = Rows(events=EVENTS + (EVE if case == "both" else []), absences=[], discards=[])
    store.writer.submit(rows).result()
    here.committed([rows])
    if case == "held":
        here.start()
        beside.committed([rows])
        beside.start()
        assert slow.holds.wait(PATIENCE_SECONDS)
    withheld = Withheld(engine)
    if case == "killed-deriving":
        gone = Derivation(withheld, lambda: {"shop": POLICY}, now, alone=False)  # type: ignore[arg-type]
        gone.committed([rows])
        gone.start()
        gone.close()
    ann = ErasedUser(frontend="shop", identifiers=["ann"], own_instances=["phone", "tablet"], key=KEY)
    eve = ErasedUser(frontend="shop", identifiers=["eve"], own_instances=["watch"], key=KEY)
    proof = []
    if case == "both":
        interrupted = Interrupted(store, lambda: proof.extend(eraser.erase_user(eve, now())))
        there = Derivation(engine, lambda: {"shop": POLICY}, now, alone=False)
        there.committed([rows])
        proof += Eraser(interrupted, [there.paused], there.look_again).erase_user(ann, now())  # type: ignore[arg-type]
        there.start()
        there.close()
    else:
        proof += eraser.erase_user(ann, now())
    elsewhere = Elsewhere(engine, eraser.erase_late)
    elsewhere.is_away = case == "away"
    if case in ("late", "away", "killed"):
        # Read for a replay before the erasure, and taken in before it.
        again = [msgspec.structs.replace(event, kept=1) for event in EVENTS]
        late = [row("phone", 3, "ann"), row("phone", 4, ""), row("desk", 0, "ann", "new"), row("tablet", 1, "", "kept")]
        elsewhere.write(Rows(events=again + late, absences=[], discards=[]), is_killed=case == "killed")
    withheld.write()
    if case.startswith("killed"):
        elsewhere.start(START)
    else:
        elsewhere.stragglers.start(now())
    if case == "away":
        assert elsewhere.learned.wait(PATIENCE_SECONDS)
    elsewhere.stragglers.close()
    if case not in ("held",):
        here.start()
    slow.go_on.set()
    if case == "held":
        beside.close()
    here.close()
    found = {
        "after": sum(line.after for line in proof),
        "events": engine.query("SELECT source_id, user_identifier FROM events FINAL ORDER BY ALL"),
        "sessions": engine.query(
            "SELECT instance_id, user_identifiers, event_count FROM session_summaries ORDER BY ALL"
        ),
        "index": engine.query("SELECT DISTINCT session_id FROM session_index ORDER BY ALL"),
        "named": {
            table: engine.query(f"SELECT count() FROM {table} WHERE position(toString(tuple(*)), 'ann') > 0")[0][0]
            for table in TABLES
        },
        "derived": engine.query("SELECT DISTINCT source_id FROM derived_sessions ORDER BY ALL"),
        "doomed": engine.query("SELECT count() FROM doomed_sources")[0][0],
    }
    store.close()
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
