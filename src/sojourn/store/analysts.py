"""Connections for analysts' SQL: the engine itself lets them read the three views of analysts and nothing else.

What a statement is may not be decided here: `query/sql.py` lets only a single SELECT come this far.
"""

import os
import queue
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Final

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from sojourn.store.address import DATABASE

ANALYST_VIEWS: Final = ("user_events", "user_sessions", "users")
CONNECTIONS: Final = 2
"""How many analysts' queries run at once; beyond that the server says that it is busy."""
MAX_SECONDS: Final = int(os.environ.get("SOJOURN_SQL_SECONDS", "20"))
"""How long one query may run."""
MAX_ROWS: Final = 100_000
"""Rows of an answer; the engine gives one more, so that a longer one can be told from a whole one."""
MAX_BYTES: Final = 64 << 20
"""Bytes of an answer as the engine counts them."""
MAX_MEMORY_BYTES: Final = 400_000_000
"""Memory of one query."""

ROLE: Final = "analyst"
SETTINGS: Final[Mapping[str, int | str]] = {
    "max_execution_time": MAX_SECONDS,
    "timeout_overflow_mode": "throw",
    "max_memory_usage": MAX_MEMORY_BYTES,
    "max_threads": 2,
    # A block is not interrupted: smaller ones overrun the time less.
    "max_block_size": 8192,
    "limit": MAX_ROWS + 1,
    "max_result_bytes": MAX_BYTES,
    "result_overflow_mode": "throw",
    "max_temporary_data_on_disk_size_for_query": 1 << 30,
    "max_subquery_depth": 30,
    "allow_ddl": 0,
    "allow_introspection_functions": 0,
    # An event's session is looked up only where a column of it is asked for; events stream past the sessions.
    "correlated_subqueries_default_join_kind": "left",
    "join_use_nulls": 0,
    "output_format_arrow_compression_method": "none",
    "output_format_json_validate_utf8": 1,
    "output_format_json_quote_64bit_integers": 0,
    "output_format_json_quote_denormals": 0,
    "readonly": 1,
}
"""In force for every query and out of a query's reach, as `readonly` is the last."""


class EngineRefusal(Exception):  # noqa: N818 - what an analyst wrote is at fault
    """The engine refused a query, or gave it up. `name` is its word for why, such as TIMEOUT_EXCEEDED."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name
        self.message = message


Call = Callable[[Client], bytes]


class Analyst(ABC):
    """One place from which one query at a time is asked."""

    def __init__(self, number: int) -> None:
        self.label = f"analyst {number}"
        """What the engine knows the place's queries by."""
        self._settings = {"log_comment": self.label, **SETTINGS}

    def ask(self, sql: str, fmt: str, parameters: Mapping[str, Any] | None = None) -> bytes:
        """The answer in one of the engine's formats. `sql` is one SELECT and names no format. Raises EngineRefusal."""
        try:
            return self._ask(sql, fmt, dict(parameters) if parameters else None)
        except DatabaseError as error:
            raise EngineRefusal(getattr(error, "name", None) or "", _clean(str(error))) from error

    @abstractmethod
    def _ask(self, sql: str, fmt: str, parameters: dict[str, Any] | None) -> bytes: ...

    @abstractmethod
    def close(self) -> None:
        """Close what is open."""


class _EmbeddedAnalyst(Analyst):
    """A connection of its own to the embedded engine, which gave up all rights but those of an analyst."""

    def __init__(self, number: int, url: str) -> None:
        super().__init__(number)
        self._url = url
        self._client = self._connect()

    def _connect(self) -> Client:
        client = clickhouse_connect.get_client(dsn=self._url)
        client.database = DATABASE
        client.command(f"USE {DATABASE}")
        client.command(f"SET ROLE {ROLE}")
        for name, value in self._settings.items():
            client.set_client_setting(name, value)
        return client

    def _ask(self, sql: str, fmt: str, parameters: dict[str, Any] | None) -> bytes:
        try:
            return self._client.raw_query(sql, parameters=parameters, fmt=fmt)
        except DatabaseError:
            # What a query had been answered before it failed, the engine would put before the next answer.
            fresh = self._connect()
            self._client.close()
            self._client = fresh
            raise

    def close(self) -> None:
        self._client.close()


class _RemoteAnalyst(Analyst):
    """A place at a server elsewhere: the settings go with each query, and whose rights count is the address's user."""

    def __init__(self, number: int, read: Callable[[Call], bytes]) -> None:
        super().__init__(number)
        self._read = read

    def _ask(self, sql: str, fmt: str, parameters: dict[str, Any] | None) -> bytes:
        return self._read(
            lambda client: client.raw_query(sql, parameters=parameters, settings=dict(self._settings), fmt=fmt)
        )

    def close(self) -> None: ...


def embedded_analysts(url: str) -> list[Analyst]:
    """Those of the embedded engine, which must be open."""
    return [_EmbeddedAnalyst(number, url) for number in range(CONNECTIONS)]


def remote_analysts(read: Callable[[Call], bytes]) -> list[Analyst]:
    """Those of a server elsewhere, which `read` reaches."""
    return [_RemoteAnalyst(number, read) for number in range(CONNECTIONS)]


class Analysts:
    """The connections that are free."""

    def __init__(self, analysts: list[Analyst]) -> None:
        self._all = analysts
        self._free: queue.SimpleQueue[Analyst] = queue.SimpleQueue()
        for analyst in analysts:
            self._free.put(analyst)

    def take(self) -> Analyst | None:
        """A connection that nobody uses, to be given back; None while all are in use."""
        try:
            return self._free.get_nowait()
        except queue.Empty:
            return None

    def give_back(self, analyst: Analyst) -> None:
        """Let others use a connection again."""
        self._free.put(analyst)

    def close(self) -> None:
        """Close every connection."""
        for analyst in self._all:
            analyst.close()


def users_config(database: str) -> str:
    """The embedded engine's users: one, whose rights are those of two roles, of which an analyst has one only."""
    grants = "".join(f"<query>GRANT SELECT ON {database}.{view}</query>" for view in ANALYST_VIEWS)
    return f"""<clickhouse>
<profiles><default/></profiles>
<quotas><default/></quotas>
<roles>
<server><grants><query>GRANT ALL ON *.*</query></grants></server>
<{ROLE}><grants>{grants}</grants></{ROLE}>
</roles>
<users><default>
<password/><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>
<grants><query>GRANT server</query><query>GRANT {ROLE}</query></grants>
</default></users>
</clickhouse>"""


_NOISE = re.compile(
    r"(?:Code: \d+\. )?DB::Exception: |Code: \d+\. |\s*\(version [^)]*\)|\s*\([A-Z][A-Z0-9_]+\)\.?\s*$|"
    r":? (?:In scope|While executing|while executing|While processing) .*|\s*Stack trace:.*",
    re.S,
)
_PATH = re.compile(r"(?<![\w`'])/(?:[\w.+-]+/)+[\w.+-]*")


def _clean(message: str) -> str:
    """The engine's words without its codes, version and paths, in one line of at most 400 characters."""
    previous = None
    while message != previous:
        previous, message = message, _NOISE.sub("", message)
    message = " ".join(_PATH.sub("…", message).split()).rstrip(" .:")
    return message if len(message) <= 400 else message[:400] + "…"
