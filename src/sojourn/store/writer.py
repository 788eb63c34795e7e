"""Group commit: one thread, one insert for all requests that wait, and an answer to each once it is on the disk."""

import threading
from collections.abc import Callable
from concurrent.futures import Future

import structlog

from sojourn.store.engine import Engine, EngineAwayError
from sojourn.store.rows import Rows, json_lines

MAX_COMMIT_ROWS = 20_000
"""Rows of one commit; more wait for the next."""
MAX_WAITING_ROWS = 200_000
"""Rows that may wait for a commit; a request beyond that is told to come back."""

GATHER_SECONDS = 0.02
"""How long a commit waits for as many requests as the last one had."""

log = structlog.get_logger()


class Overloaded(Exception):  # noqa: N818 - a state of the server, not an error of anyone
    """Too many rows wait for the disk, or it cannot be reached; the client should try again later."""


class Writer:
    """Commits rows in the order in which they were submitted. Thread-safe."""

    def __init__(self, engine: Engine, after_commit: Callable[[list[Rows]], None] | None = None) -> None:
        """`after_commit` is told, on the writer's thread, what has just become durable; more may be added to it."""
        self._engine = engine
        self.after_commit = [after_commit] if after_commit is not None else []
        self._waiting: list[tuple[Rows, Future[None]]] = []
        self._waiting_rows = 0
        self._changed = threading.Condition()
        self._closing = False
        self._together = 1
        self._thread = threading.Thread(target=self._run, name="sojourn-writer", daemon=True)
        self._thread.start()

    def submit(self, rows: Rows) -> "Future[None]":
        """Queue rows; the future is done when they are durable, or holds the engine's error. Raises Overloaded."""
        future: Future[None] = Future()
        with self._changed:
            if self._waiting_rows > MAX_WAITING_ROWS or self._closing:
                raise Overloaded
            self._waiting.append((rows, future))
            self._waiting_rows += len(rows)
            self._changed.notify()
        return future

    @property
    def waiting_rows(self) -> int:
        """Rows submitted and not yet durable."""
        return self._waiting_rows

    def close(self) -> None:
        """Commit what waits, then stop."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while group := self._take():
            try:
                self._commit([rows for rows, _ in group])
            except EngineAwayError as error:
                # Nothing is kept for later here, where a kill would take it: whoever sent it does.
                log.warning("commit_refused", requests=len(group))
                for _, future in group:
                    future.set_exception(Overloaded(str(error)))
            except Exception as error:
                log.exception("commit_failed", requests=len(group))
                self._settle_alone(group, error)
            else:
                for _, future in group:
                    future.set_result(None)

    def _take(self) -> list[tuple[Rows, "Future[None]"]]:
        with self._changed:
            while not self._waiting and not self._closing:
                self._changed.wait()
            # Those who were just answered are about to send again: a commit for all of them costs little more than
            # one for the first. A lone sender never waits.
            self._changed.wait_for(lambda: self._closing or len(self._waiting) >= self._together, GATHER_SECONDS)
            count = rows = 0
            while count < len(self._waiting) and rows < MAX_COMMIT_ROWS:
                rows += len(self._waiting[count][0])
                count += 1
            self._together = max(1, min(count, self._together * 2))
            group = self._waiting[:count]
            del self._waiting[:count]
            self._waiting_rows -= rows
            return group

    def _commit(self, group: list[Rows]) -> None:
        # Events come last: what is acknowledged must have its discards and absences beside it.
        joined = Rows.joined(group)
        if joined.discards:
            self._engine.insert("discards", json_lines(joined.discards))
        if joined.absences:
            self._engine.insert("absences", json_lines(joined.absences))
        if joined.events:
            self._engine.insert("events", json_lines(joined.events))
        for told in self.after_commit:
            try:
                told(group)
            except Exception:
                # The rows are durable: whoever listens may fail, the commit has not.
                log.exception("listener_failed")

    def _settle_alone(self, group: list[tuple[Rows, "Future[None]"]], error: Exception) -> None:
        """After a failed group commit, give each request its own: a row the engine refuses costs no neighbour.

        Rows of the failed insert that did reach a table are copies now, which count once.
        """
        if len(group) == 1:
            group[0][1].set_exception(error)
            return
        for rows, future in group:
            try:
                self._commit([rows])
            except Exception as alone:
                future.set_exception(alone)
            else:
                future.set_result(None)
