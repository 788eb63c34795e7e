"""The engine: ClickHouse, embedded in this process or a server elsewhere, through one client library."""

import queue
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import clickhouse_connect
from clickhouse_connect.driver.client import Client

DATABASE = "sojourn"
DEFAULT_MEMORY_BYTES = 1_100_000_000
"""What the embedded engine may use; a query that needs more fails alone."""

_CACHES = {
    "mark_cache_size": 64 << 20,
    "index_mark_cache_size": 16 << 20,
    "primary_index_cache_size": 64 << 20,
    "query_condition_cache_size": 8 << 20,
}
Row = Sequence[Any]


class Engine:
    """A pool of connections to one ClickHouse. Every method may be called from any thread and waits for the answer."""

    def __init__(self, url: str, *, connections: int = 4, memory_bytes: int = DEFAULT_MEMORY_BYTES) -> None:
        """Open `chdb:///absolute/path` (embedded), or `clickhouse://user:password@host:8123/database`."""
        self._options: dict[str, Any] = {"dsn": url}
        self.embedded = url.startswith("chdb:")
        if self.embedded:
            # The engine's limits can be given only in a file, and it reads the file only while it opens.
            with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
                file.write(_server_config(memory_bytes))
                file.flush()
                self._options["chdb_options"] = {"config-file": file.name}
                self._writer = self._connect()
                readers = [self._connect() for _ in range(connections)]
        else:
            self._options["dsn"] = url.replace("clickhouse://", "http://", 1)
            self._options["autogenerate_session_id"] = False
            self._writer = self._connect()
            readers = [self._connect() for _ in range(connections)]
        self._all = [self._writer, *readers]
        self._readers: queue.SimpleQueue[Client] = queue.SimpleQueue()
        for client in readers:
            self._readers.put(client)

    def _connect(self) -> Client:
        client = clickhouse_connect.get_client(**self._options)
        client.command(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
        client.database = DATABASE
        if self.embedded:
            client.command(f"USE {DATABASE}")
        return client

    @contextmanager
    def _reader(self) -> Iterator[Client]:
        client = self._readers.get()
        try:
            yield client
        finally:
            self._readers.put(client)

    def insert(self, table: str, lines: bytes) -> None:
        """Insert newline-separated JSON rows; returns when they are on the disk. Absent fields take their defaults."""
        self._writer.raw_insert(table, insert_block=lines, fmt="JSONEachRow")

    def command(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Run a statement that answers no rows."""
        self._writer.command(sql, parameters=dict(parameters) if parameters else None)

    def query(
        self, sql: str, parameters: Mapping[str, Any] | None = None, settings: Mapping[str, Any] | None = None
    ) -> list[Row]:
        """The rows of a SELECT. Parameters are bound by the engine: `{name:Type}` in the text."""
        with self._reader() as client:
            result = client.query(
                sql,
                parameters=dict(parameters) if parameters else None,
                settings=dict(settings) if settings else None,
            )
            return list(result.result_rows)

    def raw_query(
        self,
        sql: str,
        fmt: str,
        parameters: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> bytes:
        """The answer of a SELECT in one of the engine's formats, such as JSONEachRow or Parquet."""
        with self._reader() as client:
            return client.raw_query(
                sql,
                parameters=dict(parameters) if parameters else None,
                settings=dict(settings) if settings else None,
                fmt=fmt,
            )

    def close(self) -> None:
        """Close every connection."""
        for client in self._all:
            client.close()


def embedded_url(directory: Path) -> str:
    """The URL of the embedded engine with its files in a directory, which is made if need be."""
    directory.mkdir(parents=True, exist_ok=True)
    return f"chdb://{directory.resolve()}"


def _server_config(memory_bytes: int) -> str:
    caches = "".join(f"<{name}>{size}</{name}>" for name, size in _CACHES.items())
    return f"<clickhouse>{caches}<max_server_memory_usage>{memory_bytes}</max_server_memory_usage></clickhouse>"
