"""The engine: ClickHouse, embedded in this process, a server elsewhere, or a cluster, through one client library."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from clickhouse_connect.driver.client import Client

from sojourn.store.address import DATABASE, read_address
from sojourn.store.analysts import Analyst, Analysts, embedded_analysts, remote_analysts
from sojourn.store.connections import Connections, EmbeddedConnections, EngineAwayError, Node, RemoteConnections

__all__ = ["DATABASE", "DEFAULT_MEMORY_BYTES", "Engine", "EngineAwayError", "Node", "embedded_url"]

DEFAULT_MEMORY_BYTES = 1_100_000_000
"""What the embedded engine may use; a query that needs more fails alone."""
EMBEDDED_READERS = 4
REMOTE_READERS = 7
"""With the one that writes, as many as the client library keeps open to a host."""

Row = Sequence[Any]


class Engine:
    """A pool of connections to one ClickHouse. Every method may be called from any thread and waits for the answer.

    On a cluster each node keeps its rows in a database of its own, where the tables, their materialized views and the
    views of one session are; the database that questions and inserts go to spans them all (store/cluster.py). There,
    and on a server elsewhere, every method raises EngineAwayError while it cannot be reached.
    """

    def __init__(self, url: str, *, connections: int | None = None, memory_bytes: int = DEFAULT_MEMORY_BYTES) -> None:
        """Open `chdb:///absolute/path` (embedded), or what `read_address` reads. Raises AddressError."""
        self.embedded = url.startswith("chdb:")
        self.cluster: str | None = None
        self.database = self.stored_database = DATABASE
        self._connections: Connections
        if self.embedded:
            self._connections = EmbeddedConnections(url, connections or EMBEDDED_READERS, memory_bytes)
            self.analysts = Analysts(embedded_analysts(url))
        else:
            address = read_address(url)
            self.cluster, self.database = address.cluster, address.database
            self.stored_database = address.stored_database
            self._connections = RemoteConnections(address, connections or REMOTE_READERS)
            self.analysts = Analysts(remote_analysts(self._connections.read))

    @property
    def nodes(self) -> Sequence[Node]:
        """Every ClickHouse that keeps rows of this store."""
        return self._connections.nodes

    def insert(self, table: str, lines: bytes) -> None:
        """Insert newline-separated JSON rows; returns when they are on the disk. Absent fields take their defaults."""

        def call(client: Client) -> None:
            client.raw_insert(table, insert_block=lines, fmt="JSONEachRow")

        self._connections.write(call)

    def append(self, table: str, lines: bytes) -> None:
        """Insert like `insert`, but beside the writer and not in its way: for rows that follow from others."""

        def call(client: Client) -> None:
            client.raw_insert(table, insert_block=lines, fmt="JSONEachRow")

        self._connections.read(call)

    def command(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Run a statement that answers no rows; on a cluster, one about tables on every node.

        One that changes what tables hold or are (ALTER, DELETE, …) goes to the rows of each node, so that what it
        asks of other tables is asked of the same node: what belongs to a source of events is on one node.
        """
        bound = dict(parameters) if parameters else None
        verb = sql.split(None, 1)[0].upper()
        if self.cluster and verb in _OF_ROWS:
            for node in self.nodes:
                node.define(sql, bound)
        elif self.cluster and verb in _OF_NAMES:
            for node in self.nodes:
                node.name_over_all(sql, bound)
        else:
            self._connections.write(lambda client: client.command(sql, parameters=bound))

    def query(
        self, sql: str, parameters: Mapping[str, Any] | None = None, settings: Mapping[str, Any] | None = None
    ) -> list[Row]:
        """The rows of a SELECT. Parameters are bound by the engine: `{name:Type}` in the text."""

        def call(client: Client) -> list[Row]:
            result = client.query(
                sql,
                parameters=dict(parameters) if parameters else None,
                settings=dict(settings) if settings else None,
            )
            return list(result.result_rows)

        return self._connections.read(call)

    def raw_query(
        self,
        sql: str,
        fmt: str,
        parameters: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> bytes:
        """The answer of a SELECT in one of the engine's formats, such as JSONEachRow or Parquet."""

        def call(client: Client) -> bytes:
            return client.raw_query(
                sql,
                parameters=dict(parameters) if parameters else None,
                settings=dict(settings) if settings else None,
                fmt=fmt,
            )

        return self._connections.read(call)

    def stop(self, analyst: Analyst) -> None:
        """Tell the engine to give up what an analyst's connection runs, as soon as it can."""
        sql = "KILL QUERY WHERE Settings['log_comment'] = {label:String} ASYNC"
        self._connections.read(lambda client: client.command(sql, parameters={"label": analyst.label}))

    def close(self) -> None:
        """Close every connection."""
        self.analysts.close()
        self._connections.close()


_OF_ROWS = {"ALTER", "DELETE", "OPTIMIZE", "TRUNCATE", "UPDATE"}
_OF_NAMES = {"CREATE", "DROP", "EXCHANGE", "RENAME"}


def embedded_url(directory: Path) -> str:
    """The URL of the embedded engine with its files in a directory, which is made if need be."""
    directory.mkdir(parents=True, exist_ok=True)
    return f"chdb://{directory.resolve()}"
