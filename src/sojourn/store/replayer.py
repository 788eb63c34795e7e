"""When to replay: a thread that sees to it that no value stays discarded which the definitions of now let in."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

import structlog

from sojourn.rules.definitions import Catalog
from sojourn.store.replay import replay, row_is_due
from sojourn.store.rows import Rows
from sojourn.store.store import Store
from sojourn.store.writer import Overloaded

RETRY_SECONDS = 2.0
"""How long a replay that failed waits for the next attempt."""

log = structlog.get_logger()


class Replayer:
    """Replays each frontend at the start, when its definitions change, and when a commit brought what is due.

    The last of these is an event that was admitted by definitions which changed while it was on its way to the disk.
    """

    def __init__(self, store: Store, catalogs: Callable[[], Mapping[str, Catalog]], now: Callable[[], int]) -> None:
        """`catalogs` tells the definitions in force by frontend, and never waits."""
        self._store = store
        self._catalogs = catalogs
        self._now = now
        self._changed = threading.Condition()
        self._closing = False
        self._due: set[str] = set()
        self._replayed: dict[str, Catalog] = {}
        self._working = threading.Lock()
        self._pauses = 0
        store.writer.after_commit.append(self._look)
        self._thread = threading.Thread(target=self._run, name="sojourn-replay", daemon=True)
        self._thread.start()

    def definitions_changed(self) -> None:
        """Replay the frontends whose catalog is another one than that of their last replay."""
        with self._changed:
            self._due |= {name for name, catalog in self._catalogs().items() if not self._is_replayed(name, catalog)}
            self._changed.notify_all()

    def wait(self, frontend: str, seconds: float) -> bool:
        """Wait until a frontend has been replayed by the definitions of now; whether it has."""
        deadline = time.monotonic() + seconds
        with self._changed:
            return self._changed.wait_for(
                lambda: self._closing or self._is_replayed(frontend, self._catalogs().get(frontend, _NONE)),
                deadline - time.monotonic(),
            )

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Write no event again meanwhile: what is read may be about to be erased."""
        self._pauses += 1
        try:
            with self._working:
                yield
        finally:
            self._pauses -= 1

    def close(self) -> None:
        """Stop after the chunk at hand; the next start goes on with it."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()

    def _is_replayed(self, frontend: str, catalog: Catalog) -> bool:
        done = self._replayed.get(frontend)
        return done is catalog or (done is not None and done.definitions == catalog.definitions)

    def _look(self, commits: Iterable[Rows]) -> None:
        """Look for discards that are none any more by the time they are durable."""
        catalogs = self._catalogs()
        due = {
            row.frontend
            for rows in commits
            for row in rows.discards
            if row.frontend in catalogs and not row.settled and row_is_due(catalogs[row.frontend], row)
        }
        if due:
            with self._changed:
                self._due |= due
                self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closing or self._due)
                if self._closing:
                    return
                frontend = self._due.pop()
            try:
                self._replay(frontend)
            except Exception as error:
                if not isinstance(error, Overloaded):
                    log.exception("replay_failed", frontend=frontend)
                with self._changed:
                    self._changed.wait_for(lambda: self._closing, RETRY_SECONDS)
                    self._due.add(frontend)

    def _replay(self, frontend: str) -> None:
        catalog = self._catalogs().get(frontend)
        if catalog is None:
            return
        with self._working:
            changed = replay(self._store.engine, self._store.writer, frontend, catalog, self._now, self._is_stopping)
        if changed:
            log.info("discards_replayed", frontend=frontend, values=changed)
        with self._changed:
            if self._is_stopping():
                self._due.add(frontend)
            else:
                self._replayed[frontend] = catalog
            self._changed.notify_all()

    def _is_stopping(self) -> bool:
        return self._closing or self._pauses > 0


_NONE = Catalog()
