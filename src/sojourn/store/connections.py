"""Connections to the engine: those of the embedded one in this process, or those to each node of a server elsewhere."""

import logging
import queue
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

import clickhouse_connect
import structlog
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError, StreamFailureError
from clickhouse_connect.driver.httpclient import HttpClient
from urllib3.exceptions import HTTPError, ReadTimeoutError

from sojourn.store.address import DATABASE, Address, AddressError
from sojourn.store.analysts import users_config

T = TypeVar("T")
Call = Callable[[Client], T]

_CACHES = {
    "mark_cache_size": 64 << 20,
    "index_mark_cache_size": 16 << 20,
    "primary_index_cache_size": 64 << 20,
    "query_condition_cache_size": 8 << 20,
}
START_SECONDS = 30.0
"""How long a start waits for nodes that do not answer yet."""
_CONNECT_SECONDS = 3
_ANSWER_SECONDS = 120

_SETTINGS = {
    # Whatever the server's profiles say: an insert is answered when it is on the disk, and is made again when it is
    # sent again, as one that failed may have reached a table and not its aggregates.
    "async_insert": 0,
    "materialized_views_ignore_errors": 0,
    "output_format_json_quote_64bit_integers": 0,
}
_SETTINGS_IF_KNOWN = {"insert_deduplicate": "0", "deduplicate_insert": "disable"}
_CLUSTER_SETTINGS = {
    "distributed_foreground_insert": 1,
    # What an IN asks of all shards is asked once, and its answer sent to each.
    "distributed_product_mode": "global",
    # An INSERT … SELECT is put together by the node that was asked: the shards know only their own rows.
    "parallel_distributed_insert_select": 0,
    "optimize_skip_unused_shards": 1,
    "skip_unavailable_shards": 0,
}
_AWAY = {32, 198, 202, 209, 210, 236, 279}
"""Codes by which a node says that it, or another one, cannot be reached now or has too much to do."""
_NOT_TAKING = {159, 160, 164, 194, 241, 242, 243, 252, 497, 516}
"""Codes by which a node refuses an insert for its own state: memory, disk, parts, time, rights."""

# It writes the address of a request that failed, which holds what was asked, and a traceback at every attempt.
logging.getLogger("clickhouse_connect").setLevel(logging.ERROR)
log = structlog.get_logger()


class EngineAwayError(Exception):
    """The engine cannot be reached, or cannot answer now; the same request may succeed later."""


class Node:
    """One ClickHouse that keeps rows of its own: statements here concern those, and no other node's."""

    def __init__(self, name: str, stored: Client, whole: Client, *, remote: bool = False) -> None:
        """`stored` works in the database of the node's rows, `whole` in the one that all questions are put to."""
        self.name = name
        self.remote = remote
        self.stored = stored
        self.whole = whole

    def define(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Run a statement on the node's own tables. Raises EngineAwayError."""
        self._ask(lambda: self.stored.command(sql, parameters=dict(parameters) if parameters else None))

    def name_over_all(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Run a statement on what this node knows of all nodes. Raises EngineAwayError."""
        self._ask(lambda: self.whole.command(sql, parameters=dict(parameters) if parameters else None))

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Sequence[Sequence[Any]]:
        """The rows of a SELECT on the node's own tables. Raises EngineAwayError."""
        bound = dict(parameters) if parameters else None
        return self._ask(lambda: self.stored.query(sql, parameters=bound).result_rows)

    def _ask(self, call: Callable[[], T]) -> T:
        """Call this node, of which no other one can take the place. Raises EngineAwayError."""
        try:
            return call()
        except (DatabaseError, HTTPError) as error:
            if self.remote and _is_away(error, _AWAY):
                raise EngineAwayError(f"the node {self.name} of the store cannot be reached") from error
            raise


class Connections(Protocol):
    """What an engine needs. Calls may come from any thread, and wait for a connection that is free."""

    nodes: Sequence[Node]

    def read(self, call: Call[T]) -> T: ...

    def write(self, call: Call[T]) -> T: ...

    def close(self) -> None: ...


class EmbeddedConnections:
    """One connection that writes, and some that read, to the engine in this process."""

    def __init__(self, url: str, connections: int, memory_bytes: int) -> None:
        # The engine's limits can be given only in a file, and it reads the file only while it opens.
        with tempfile.TemporaryDirectory() as folder:
            config, users = Path(folder, "config.xml"), Path(folder, "users.xml")
            users.write_text(users_config(DATABASE))
            config.write_text(_server_config(memory_bytes, users))
            self._options: dict[str, Any] = {"dsn": url, "chdb_options": {"config-file": str(config)}}
            self._writer = self._connect()
        # The file is gone, and the engine open.
        self._options = {"dsn": url}
        readers = [self._connect() for _ in range(connections)]
        self._all = {self._writer, *readers}
        self._readers: queue.SimpleQueue[Client] = queue.SimpleQueue()
        for client in readers:
            self._readers.put(client)
        self.nodes: Sequence[Node] = [Node("embedded", self._writer, self._writer)]

    def _connect(self) -> Client:
        client = clickhouse_connect.get_client(**self._options)
        client.command(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
        client.database = DATABASE
        client.command(f"USE {DATABASE}")
        return client

    @contextmanager
    def _reader(self) -> Iterator[Client]:
        client = self._readers.get()
        try:
            yield client
        except DatabaseError:
            # What a question had been answered before it failed, the engine would put before the next answer.
            fresh = self._connect()
            self._all = {fresh, *self._all} - {client}
            client.close()
            client = fresh
            raise
        finally:
            self._readers.put(client)

    def read(self, call: Call[T]) -> T:
        """Call with a connection that reads."""
        with self._reader() as client:
            return call(client)

    def write(self, call: Call[T]) -> T:
        """Call with the connection that writes; only one thread at a time may."""
        return call(self._writer)

    def close(self) -> None:
        """Close every connection."""
        for client in self._all:
            client.close()


class RemoteConnections:
    """Connections by HTTP to every node of a server or cluster; any of them answers for all.

    A request that finds its node gone goes to the next one, and where there is one node, to the same once more: it may
    have closed a connection that was idle. So everything that is written must be harmless when written twice.
    """

    def __init__(self, address: Address, connections: int) -> None:
        """Wait for all nodes, at most START_SECONDS. Raises EngineAwayError and AddressError."""
        self._address = address
        self._free = threading.BoundedSemaphore(connections)
        self.nodes: Sequence[Node] = [
            self._open(host, port, time.monotonic() + START_SECONDS) for host, port in address.hosts
        ]
        self._preferred = 0

    def _open(self, host: str, port: int, deadline: float) -> Node:
        name = f"{host}:{port}"
        told = False
        while True:
            try:
                stored = self._connect(host, port, self._address.stored_database)
                whole = self._connect(host, port, self._address.database) if self._address.cluster else stored
            except DatabaseError as error:
                if not _is_away(error, _AWAY):
                    raise AddressError(f"store_url: {name} refuses: {error}") from error
                if time.monotonic() > deadline:
                    raise EngineAwayError(f"store_url: no ClickHouse answers HTTP at {name}") from error
                if not told:
                    log.warning("store_awaited", node=name)
                    told = True
                time.sleep(0.5)
            else:
                return Node(name, stored, whole, remote=True)

    def _connect(self, host: str, port: int, database: str) -> Client:
        address = self._address
        options: dict[str, Any] = {"ca_cert": address.ca_cert} if address.ca_cert else {}
        client = clickhouse_connect.get_client(
            host=host,
            port=port,
            username=address.user,
            password=address.password,
            secure=address.secure,
            # A session of the server's takes one request at a time.
            autogenerate_session_id=False,
            connect_timeout=_CONNECT_SECONDS,
            send_receive_timeout=_ANSWER_SECONDS,
            # The address of a request holds what was asked, which is no business of a log.
            show_clickhouse_errors="scrub",
            settings=_SETTINGS | (_CLUSTER_SETTINGS if address.cluster else {}),
            **options,
        )
        assert isinstance(client, HttpClient)
        client.http_retries = 0
        for name, value in _SETTINGS_IF_KNOWN.items():
            if name in client.server_settings:
                client.set_client_setting(name, value)
        if not client.query("SELECT 1 FROM system.databases WHERE name = {n:String}", {"n": database}).result_rows:
            client.command(f"CREATE DATABASE IF NOT EXISTS {database}")
        client.database = database
        return client

    def read(self, call: Call[T]) -> T:
        """Call with a connection to a node that answers. Raises EngineAwayError."""
        with self._free:
            return self._somewhere(call, _AWAY)

    def write(self, call: Call[T]) -> T:
        """Call with a connection to a node that answers. Raises EngineAwayError, also where it cannot write now."""
        return self._somewhere(call, _AWAY | _NOT_TAKING)

    def _somewhere(self, call: Call[T], away: set[int]) -> T:
        first, count = self._preferred, len(self.nodes)
        failure: Exception | None = None
        for number in range(first, first + max(count, 2)):
            try:
                answer = call(self.nodes[number % count].whole)
            except (DatabaseError, HTTPError) as error:
                if not _is_away(error, away):
                    raise
                failure = error
                if isinstance(error.__cause__, ReadTimeoutError):
                    break
            else:
                self._preferred = number % count
                return answer
        log.warning("store_away", cause=" ".join(str(failure).split())[:400])
        raise EngineAwayError("the store cannot be reached, or cannot answer now") from failure

    def close(self) -> None:
        """Close every connection."""
        for node in self.nodes:
            node.stored.close()
            node.whole.close()


def _is_away(error: Exception, codes: set[int]) -> bool:
    if isinstance(error, HTTPError):
        return True
    if not isinstance(error, DatabaseError):
        return False
    if error.code is None:
        # What never came to a ClickHouse, or no answer of one; the subclasses are mistakes of the caller's.
        return type(error) in (DatabaseError, OperationalError, StreamFailureError)
    return error.code in codes


def _server_config(memory_bytes: int, users: Path) -> str:
    caches = "".join(f"<{name}>{size}</{name}>" for name, size in _CACHES.items())
    return (
        f"<clickhouse>{caches}<max_server_memory_usage>{memory_bytes}</max_server_memory_usage>"
        f"<users_config>{users}</users_config></clickhouse>"
    )
