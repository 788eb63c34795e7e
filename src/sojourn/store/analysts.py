"""Connections for analysts' SQL: the engine itself lets them read the three views of analysts and nothing else.

What a statement is may not be decided here: `query/sql.py` lets only a single SELECT come this far.
"""

import queue
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from sojourn.store.address import DATABASE

ANALYST_VIEWS: Final = ("user_events", "user_sessions", "users")
CONNECTIONS: Final = 2
"""How many analysts' queries run at once; beyond that the server says that it is busy."""
MAX_SECONDS: Final = 20
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


class Analyst:
    """One place from which one query at a time is asked."""

    def __init__(
        self, label: str, read: Callable[[Call], bytes], settings: Mapping[str, Any] | None, close: Callable[[], None]
    ) -> None:
        """`settings` go with each query; None where the connection has them for good."""
        self.label = label
        self.close = close
        self._read = read
        self._settings = settings

    def ask(self, sql: str, fmt: str, parameters: Mapping[str, Any] | None = None) -> bytes:
        """The answer in one of the engine's formats. `sql` is one SELECT and names no format. Raises EngineRefusal."""
        bound = dict(parameters) if parameters else None
        settings = dict(self._settings) if self._settings else None
        try:
            return self._read(lambda client: client.raw_query(sql, parameters=bound, settings=settings, fmt=fmt))
        except DatabaseError as error:
            raise EngineRefusal(getattr(error, "name", None) or "", _clean(str(error))) from error


def embedded_analysts(url: str) -> list[Analyst]:
    """Connections of their own to the embedded engine, which gave up all rights but those of an analyst."""
    return [_embedded(clickhouse_connect.get_client(dsn=url), f"analyst {n}") for n in range(CONNECTIONS)]


def _embedded(client: Client, label: str) -> Analyst:
    client.database = DATABASE
    client.command(f"USE {DATABASE}")
    client.command(f"SET ROLE {ROLE}")
    for name, value in {"log_comment": label, **SETTINGS}.items():
        client.set_client_setting(name, value)
    return Analyst(label, lambda call: call(client), None, client.close)


def remote_analysts(read: Callable[[Call], bytes]) -> list[Analyst]:
    """Places at a server elsewhere, where the settings go with each query; whose rights count is the address's user."""
    return [
        Analyst(f"analyst {n}", read, {"log_comment": f"analyst {n}", **SETTINGS}, lambda: None)
        for n in range(CONNECTIONS)
    ]


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
