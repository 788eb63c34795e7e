"""The store as the server opens it: engine, tables, repair after a crash, writer."""

import structlog

from sojourn.store.engine import DEFAULT_MEMORY_BYTES, Engine
from sojourn.store.migrate import migrate
from sojourn.store.repair import REPAIR_WINDOW, repair
from sojourn.store.sweeping import sweep_soon
from sojourn.store.writer import Writer

__all__ = ["REPAIR_WINDOW", "Store"]

log = structlog.get_logger()


class Store:
    """Events and their aggregates, ready to be written and read."""

    def __init__(self, url: str, *, memory_bytes: int = DEFAULT_MEMORY_BYTES) -> None:
        self.engine = Engine(url, memory_bytes=memory_bytes)
        applied = migrate(self.engine)
        if applied:
            log.info("store_migrated", files=applied)
        sweep_soon(self.engine)
        repair(self.engine)
        self.writer = Writer(self.engine)

    def close(self) -> None:
        """Commit what waits and close the engine."""
        self.writer.close()
        self.engine.close()
