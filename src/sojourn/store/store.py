"""The store as the server opens it: engine, tables, repair after a crash, writer."""

from collections.abc import Callable
from importlib import resources

import structlog

from sojourn.store.engine import DATABASE, DEFAULT_MEMORY_BYTES, Engine
from sojourn.store.migrate import migrate, statements
from sojourn.store.rows import Rows
from sojourn.store.writer import Writer

REPAIR_WINDOW = 120_000_000
"""Microseconds before the last event that a crash may have cut off between a table and its aggregates.

A killed process loses at most its last commit there; a power cut, since aggregates are not synced one by one, what the
operating system had not yet written: less than a minute.
"""

_REPLAYED = """ OR (frontend, source_id, event_id) IN (
    SELECT frontend, source_id, event_id FROM discards
    WHERE settled > 0 AND settled >= (SELECT max(settled) FROM discards) - {window:Int64})"""
"""Events that were written again when a property of theirs was defined, however long ago they came."""

log = structlog.get_logger()


class Store:
    """Events and their aggregates, ready to be written and read."""

    def __init__(
        self,
        url: str,
        *,
        memory_bytes: int = DEFAULT_MEMORY_BYTES,
        after_commit: Callable[[list[Rows]], None] | None = None,
    ) -> None:
        self.engine = Engine(url, memory_bytes=memory_bytes)
        applied = migrate(self.engine)
        if applied:
            log.info("store_migrated", files=applied)
        for view in sorted(resources.files("sojourn.store").joinpath("views").iterdir(), key=lambda f: f.name):
            for statement in statements(view.read_text()):
                self.engine.command(statement)
        self._repair()
        self.writer = Writer(self.engine, after_commit)

    def _repair(self) -> None:
        """Aggregate the last two minutes of events once more.

        An insert reaches a table before its materialized views, so a process killed in between leaves events that
        no summary knows. Aggregates are idempotent: those that were complete stay as they are.
        """
        for source in ("events", "absences"):
            last = self.engine.query(f"SELECT max(received_at) FROM {source}")[0][0]
            if not last:
                continue
            self.engine.command("DROP TABLE IF EXISTS repair")
            self.engine.command(f"CREATE TABLE repair AS {source} ENGINE = Memory")
            self.engine.command(
                f"INSERT INTO repair SELECT * FROM {source} WHERE received_at >= {{since:Int64}}"
                + (_REPLAYED if source == "events" else ""),
                {"since": last - REPAIR_WINDOW, "window": REPAIR_WINDOW},
            )
            for name, target, select in self.engine.query(
                "SELECT name, extract(create_table_query, 'TO (\\S+)'), as_select FROM system.tables "
                "WHERE database = currentDatabase() AND engine = 'MaterializedView' AND endsWith(name, {of:String})",
                {"of": f"_of_{source}"},
            ):
                columns = self.engine.query(f"SELECT name FROM system.columns WHERE table = '{name}' ORDER BY position")
                names = ", ".join(column for (column,) in columns)
                again = select.replace(f"{DATABASE}.{source}", "repair")
                self.engine.command(f"INSERT INTO {target} ({names}) {again}")
            self.engine.command("DROP TABLE repair")

    def close(self) -> None:
        """Commit what waits and close the engine."""
        self.writer.close()
        self.engine.close()
