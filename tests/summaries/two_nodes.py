"""One derivation, or two over one store that are told of half the commits each; run as a program of its own.

An embedded engine opens one folder a process and one process a folder, so the nodes are threads of this one.
Prints the sessions that it found, as the API lists them, once they are those that were asked for on the standard input.
With `held`, the first node writes what it made of the first commit only after the other one has derived the last.
"""

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import msgspec

from sojourn.query.answers import Session
from sojourn.query.filters import SessionFilters
from sojourn.query.scope import Scope
from sojourn.query.sessions import newest_sessions
from sojourn.rules.definitions import Catalog
from sojourn.store.engine import Engine, embedded_url
from sojourn.store.rows import EventRow, Rows
from sojourn.store.store import Store
from sojourn.summaries import deriving
from sojourn.summaries.derivation import Derivation
from tests.summaries.histories import POLICY, cut

FRONTEND = "shop"
PATIENCE_SECONDS = 15


def now() -> int:
    return time.time_ns() // 1000


def row(event: dict[str, Any]) -> EventRow:
    return EventRow(
        frontend=FRONTEND,
        source_id=event["session_id"] or "~" + event["instance_id"],
        client_timestamp=event["timestamp"],
        received_at=now(),
        kept=0,
        **{name: value for name, value in event.items() if name not in ("timestamp", "session_id")},
    )


class HeldEngine:
    """The store's engine to a node that is slow to write the sessions which it has derived."""

    def __init__(self, engine: Engine, table: str = "derived_sessions") -> None:
        """It is held before it writes to `table` for the first time."""
        self._engine = engine
        self._table = table
        self.holds, self.go_on = threading.Event(), threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def append(self, table: str, lines: bytes) -> None:
        if table == self._table:
            self.holds.set()
            assert self.go_on.wait(PATIENCE_SECONDS)
        self._engine.append(table, lines)


def main(folder: Path, stretch: int, held: bool, alone: bool) -> None:
    told = json.load(sys.stdin)
    deriving.MAX_EVENTS = stretch
    store = Store(embedded_url(folder))
    slow = HeldEngine(store.engine)
    nodes = [Derivation(engine, lambda: {FRONTEND: POLICY}, now, alone=alone) for engine in (slow, store.engine)]
    if alone:
        nodes.pop()
    if not held:
        slow.go_on.set()
    for node in nodes:
        node.start()
    # Each says so once it has looked for what others left undone; from then on it knows what it is told alone.
    deadline = time.monotonic() + PATIENCE_SECONDS
    while store.engine.query("SELECT uniqExact(run) FROM derivations")[0][0] < len(nodes):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    for number, batch in enumerate(told["batches"]):
        rows = Rows(events=[row(event) for event in batch], absences=[], discards=[])
        store.writer.submit(rows).result()
        nodes[number % len(nodes)].committed([rows])
        if held and number == 0:
            assert slow.holds.wait(PATIENCE_SECONDS)
    found = sessions_when(store, told["wanted"])
    slow.go_on.set()
    for node in nodes:
        node.close()
    at_the_end = sessions_when(store, told["wanted"])
    store.close()
    json.dump({"found": found, "at_the_end": at_the_end}, sys.stdout)


def sessions_when(store: Store, wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All sessions, once they are those that are wanted or patience ends."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    scope = Scope(store.engine, FRONTEND, Catalog(), POLICY, now())
    while True:
        found = cut(json.loads(msgspec.json.encode(all_sessions(scope))), wanted)
        if found == wanted or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def all_sessions(scope: Scope) -> list[Session]:
    found: list[Session] = []
    after = None
    while True:
        page = newest_sessions(scope, SessionFilters(empty=True), limit=500, cursor=after)
        found += page.items
        after = page.next
        if after is None:
            return found


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "held", sys.argv[3] == "alone")
