"""The derivation at work: what is committed is looked at soon after, on a thread of its own.

Nothing depends on what this process remembers. What it keeps is only where to look next, and it finds that again in the
store after a start (progress.py).
"""

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import structlog

from sojourn.rules.limits import MINUTE, SECOND
from sojourn.rules.sessions import SessionPolicy
from sojourn.store.engine import Engine
from sojourn.store.rows import Rows
from sojourn.summaries.broken import may_be_broken
from sojourn.summaries.deriving import INSTANCE_MARK, Touched, derive_again
from sojourn.summaries.found import ANY_TIME
from sojourn.summaries.policies import policy_history
from sojourn.summaries.progress import settle_others, touched_since, undone_since, write_progress

GATHER_SECONDS = 0.25
"""How long sources are gathered before they are looked at together, at least."""
REST = 4
"""How many times as long as the last round took: the derivation leaves four fifths of a core to the others."""
LONGEST_GATHER_SECONDS = 0.8
"""What was committed is derived within 2 s, so that nobody waits longer than this for a round to begin."""
RETRY_SECONDS = 1.0
PROGRESS_INTERVAL = 10 * SECOND
PROGRESS_IDLE_INTERVAL = MINUTE
PROGRESS_SLACK = MINUTE
"""What was received longer ago than this has been committed, or never will be."""
MAX_CHECKED = 2_000
"""Session ids that are asked about at once."""
CLOSE_SECONDS = 5.0
CATCH_UP_SECONDS = 5.0
"""How long an erasure waits for the sessions of events that have just come."""

log = structlog.get_logger()


class Derivation:
    """Derives the sessions of the sources that events come for. Thread-safe."""

    def __init__(
        self,
        engine: Engine,
        policies: Callable[[], Mapping[str, SessionPolicy]],
        now: Callable[[], int],
        *,
        alone: bool,
    ) -> None:
        """`policies` gives the timeouts in force by frontend; `now` microseconds since 1970.

        `alone`, no other process derives over the same store, as none can where the engine is embedded.
        """
        self._engine = engine
        self._policies = policies
        self._now = now
        self._alone = alone
        self._run_id = str(uuid.uuid4())
        self._touched: dict[tuple[str, str], int] = {}
        self._changed = threading.Condition()
        self._closing = False
        self._undone_since = undone_since(engine)
        self._undone: Iterator[list[tuple[str, str, int]]] | None = touched_since(engine, self._undone_since)
        self._written_at = 0
        self._working = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="sojourn-derivation", daemon=True)

    def start(self) -> None:
        """Begin, with what earlier runs left undone."""
        self._thread.start()

    def committed(self, group: list[Rows]) -> None:
        """Take note of what has just become durable; called on the writer's thread, and quick."""
        touched: dict[tuple[str, str], int] = {}
        for rows in group:
            for event in rows.events:
                key = (event.frontend, event.source_id)
                time = touched.get(key)
                if time is None or event.client_timestamp < time:
                    touched[key] = event.client_timestamp
            for absence in rows.absences:
                touched.setdefault((absence.frontend, absence.source_id), absence.received_at)
        self._touch(touched)

    def look_again(self, frontend: str, sources: Sequence[str]) -> None:
        """Derive sources anew, of which events were erased."""
        self._touch({(frontend, source): ANY_TIME for source in sources})

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Derive what is waiting, so that whose sessions they are is known, and write none meanwhile."""
        with self._working:
            self._catch_up()
            yield

    def close(self) -> None:
        """Derive what is waiting, for some seconds at most, and stop. The rest is found again at the next start."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _touch(self, touched: Mapping[tuple[str, str], int]) -> None:
        if not touched:
            return
        with self._changed:
            for key, time in touched.items():
                self._touched[key] = min(time, self._touched.get(key, time))
            self._changed.notify()

    def _run(self) -> None:
        gather = GATHER_SECONDS
        closes_at = 0
        while True:
            self._wait(gather)
            began = self._now()
            if self._closing:
                closes_at = closes_at or began + int(CLOSE_SECONDS * SECOND)
                if began >= closes_at or not (self._touched or self._undone):
                    break
            try:
                with self._working:
                    self._round()
                took = (self._now() - began) / SECOND
                gather = min(max(GATHER_SECONDS, took * REST), LONGEST_GATHER_SECONDS)
            except Exception:
                # The engine may be out of memory, or away: what was touched stays so.
                log.exception("derivation_failed")
                gather = RETRY_SECONDS
        if not self._touched and self._undone is None:
            self._write_progress(self._now(), settled=True)

    def _wait(self, gather: float) -> None:
        with self._changed:
            if self._undone is None:
                self._changed.wait_for(lambda: self._closing or self._touched, PROGRESS_INTERVAL / SECOND)
            self._changed.wait_for(lambda: self._closing, gather)

    def _catch_up(self) -> None:
        until = self._now() + int(CATCH_UP_SECONDS * SECOND)
        try:
            while (self._touched or self._undone is not None) and self._now() < until:
                self._round()
        except Exception:
            log.exception("derivation_failed")

    def _round(self) -> None:
        began = self._now()
        if self._undone is not None:
            try:
                page = next(self._undone, None)
            except Exception:
                # It ends with its first error; what it had left is not done for that.
                self._undone = touched_since(self._engine, self._undone_since)
                raise
            if page is None:
                self._undone = None
                settle_others(self._engine, self._run_id, began)
            else:
                self._touch({(frontend, source): time for frontend, source, time in page})
        with self._changed:
            touched, self._touched = self._touched, {}
        try:
            self._derive(touched)
        except BaseException:
            self._touch(touched)
            raise
        interval = PROGRESS_INTERVAL if touched else PROGRESS_IDLE_INTERVAL
        if self._undone is None and not self._touched and began - self._written_at >= interval:
            self._write_progress(began)

    def _derive(self, touched: Mapping[tuple[str, str], int]) -> None:
        by_frontend: dict[str, dict[str, int]] = {}
        for (frontend, source), time in touched.items():
            by_frontend.setdefault(frontend, {})[source] = time
        policies = self._policies()
        for frontend, sources in by_frontend.items():
            policy = policies.get(frontend)
            if policy is not None:
                left = self._derive_frontend(frontend, sources, policy)
                self._touch({(frontend, source): time for source, time in left.items()})

    def _derive_frontend(self, frontend: str, sources: Touched, policy: SessionPolicy) -> dict[str, int]:
        history = policy_history(self._engine, frontend, policy, self._now())
        to_derive = {source: time for source, time in sources.items() if source.startswith(INSTANCE_MARK)}
        clients = [source for source in sources if not source.startswith(INSTANCE_MARK)]
        for first in range(0, len(clients), MAX_CHECKED):
            for source in may_be_broken(self._engine, frontend, clients[first : first + MAX_CHECKED], history):
                to_derive[source] = sources[source]
        if not to_derive:
            return {}
        return derive_again(self._engine, frontend, to_derive, history, alone=self._alone)

    def _write_progress(self, until: int, *, settled: bool = False) -> None:
        write_progress(self._engine, self._run_id, until - PROGRESS_SLACK, self._now(), settled=settled)
        self._written_at = until
