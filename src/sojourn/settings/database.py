"""The database under the settings: opening it, its schema, its transactions. Not what is in the tables."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, insert, inspect, select, text, update
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from sojourn.settings import tables
from sojourn.settings.checks import check_text
from sojourn.settings.errors import SettingsError, UnavailableError
from sojourn.settings.migrations import HEAD

BUSY_TIMEOUT: Final = 10_000
"""Milliseconds that a SQLite writer waits for another process."""
_POOL: Final = {"pool_size": 5, "max_overflow": 40, "pool_timeout": 10}
"""Connections that stay, those of a rush (one for each thread of a server), seconds to wait for one."""
_MIGRATION_LOCK: Final = 0x50_4A_4F_55
"""The PostgreSQL advisory lock that servers starting at once take before they look at the schema."""


class Change:
    """One transaction that changes settings: its connection, and the history that it writes.

    A change that records nothing is rolled back: nothing was different.
    """

    def __init__(self, connection: Connection, actor: str, now: int) -> None:
        self.connection = connection
        self.actor = actor
        self.now = now
        self.recorded = 0

    def record(
        self,
        subject: str,
        name: str,
        action: str,
        *,
        frontend_id: int | None = None,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """Write one line of history."""
        self.recorded += 1
        self.connection.execute(
            insert(tables.history).values(
                time=self.now,
                actor=self.actor,
                frontend_id=frontend_id,
                subject=subject,
                name=name,
                action=action,
                before=before,
                after=after,
            )
        )


class Database:
    """An open settings database with the schema of this version. Safe for use by many threads."""

    def __init__(self, url: str, clock: Callable[[], int]) -> None:
        self.clock = clock
        self._engine = _open(url)
        self._is_sqlite = self._engine.dialect.name == "sqlite"
        reading = {} if self._is_sqlite else {"isolation_level": "REPEATABLE READ"}
        self._readers = self._engine.execution_options(**reading)
        self._writers = self._engine.execution_options(writes=True)
        try:
            self._migrate()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction whose reads all see the same state."""
        with _translated(), self._readers.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction for what is no change of settings: it leaves the revision alone and writes no history."""
        with _translated(), self._writers.begin() as connection:
            yield connection

    @contextmanager
    def change(self, actor: str) -> Iterator[Change]:
        """A transaction that changes settings; changes wait for each other, so that what one checks stays true."""
        check_text("actor", actor, 250, least=1)
        with _translated(), self._writers.connect() as connection, connection.begin() as transaction:
            connection.execute(update(tables.revision).values(number=tables.revision.c.number + 1))
            change = Change(connection, actor, self.clock())
            yield change
            if not change.recorded:
                transaction.rollback()

    def overwrite_deleted(self) -> None:
        """Leave no copy of deleted rows in SQLite's log; readers that still need it delay this to a later call."""
        if self._is_sqlite:
            with _translated(), self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def _migrate(self) -> None:
        with self.reading() as connection:
            if _version(connection) == HEAD:
                return
        with self.writing() as connection:
            if not self._is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
            _upgrade(connection)


def _open(url: str) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise SettingsError("settings_url", "not a database URL, such as sqlite:///path or postgresql://…") from error
    backend = parsed.get_backend_name()
    if backend in ("postgresql", "postgres"):
        return _open_postgresql(parsed)
    if backend == "sqlite" and parsed.database and parsed.database != ":memory:":
        return _open_sqlite(parsed, Path(parsed.database))
    raise SettingsError("settings_url", f"{backend!r} is not supported; use sqlite:///path or postgresql://…")


def _open_postgresql(url: URL) -> Engine:
    try:
        return create_engine(url.set(drivername="postgresql+psycopg"), pool_pre_ping=True, **_POOL)
    except ModuleNotFoundError as error:
        raise UnavailableError("PostgreSQL needs a driver: pip install 'sojourn[postgresql]'") from error


def _open_sqlite(url: URL, path: Path) -> Engine:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Made here and not by SQLite, so that the file, which holds password hashes, is private from the start.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise UnavailableError(f"{path}: {error.strerror}") from error
    engine = create_engine(url.set(drivername="sqlite+pysqlite"), **_POOL)

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: object) -> None:
        # The driver would begin transactions on its own, and only for some statements; `begin` below does it instead.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT}")
        _keep_a_log(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A writer that begins as a reader cannot wait for another writer: SQLite fails it at once.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _keep_a_log(connection: sqlite3.Connection) -> None:
    """Readers beside a writer, by SQLite's log; the first one to ask changes the file.

    Others who open it at that moment are refused at once: for this change SQLite does not heed the timeout.
    """
    until = time.monotonic() + BUSY_TIMEOUT / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(connection: Connection) -> None:
    # Alembic takes longer to import than all the rest of a start; only a schema that is behind needs it.
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, HEAD)
    except CommandError as error:
        raise UnavailableError(
            f"the settings have schema {_version(connection)!r}, which this version of Sojourn does not know"
        ) from error


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except PoolTimeoutError as error:
        raise UnavailableError("the settings are asked for by too many at once") from error
    except DBAPIError as error:
        # Its subclasses but for the first are mistakes of ours; the bare class is a file that is no database.
        if isinstance(error, OperationalError) or type(error) is DatabaseError or error.connection_invalidated:
            raise UnavailableError(f"the settings cannot be reached: {error.orig}") from error
        raise


def read_revision(connection: Connection) -> int:
    """The number that every change raises."""
    number: int = connection.execute(select(tables.revision.c.number)).scalar_one()
    return number
