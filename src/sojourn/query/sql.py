"""Analysts' SQL: one question in their own words, answered as JSON, CSV, JSON lines, Parquet or Arrow."""

import io
import re
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from enum import StrEnum
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from sojourn.query.allowed_sql import AllowedSql, RefusedSqlError
from sojourn.store.analysts import (
    CONNECTIONS,
    MAX_BYTES,
    MAX_MEMORY_BYTES,
    MAX_ROWS,
    MAX_SECONDS,
    Analyst,
    EngineRefusal,
)
from sojourn.store.engine import Engine

MAX_PARAMETERS: Final = 100


class SqlFormat(StrEnum):
    """How an answer is written."""

    JSON = "json"
    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"
    ARROW = "arrow"


class SqlError(Exception):
    """A question that got no answer. `code` is `invalid`, `timeout` or `too_large`; `field` is the part at fault."""

    def __init__(self, code: str, message: str, field: str = "query") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field


class Column(msgspec.Struct):
    """A column of an answer and its type in the engine's words."""

    name: str
    type: str


class SqlAnswer(msgspec.Struct):
    """An answer as it goes out. `truncated` where there are more rows than the MAX_ROWS that are given."""

    body: bytes
    row_count: int
    truncated: bool


class _Table(msgspec.Struct):
    meta: list[Column]
    data: list[list[msgspec.Raw]]


class _JsonAnswer(msgspec.Struct):
    columns: list[Column]
    rows: list[list[msgspec.Raw]]
    row_count: int
    truncated: bool
    elapsed_ms: float


class Asked(msgspec.Struct):
    """A question that is being answered. The answer is an SqlAnswer, or SqlError is raised."""

    answer: Future[SqlAnswer]
    stop: Callable[[], None]
    """Has the engine give it up, as soon as it can; until then its place stays taken."""


class SqlDesk:
    """Where analysts' questions are put to an engine. Every method may be called from any thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._allowed = AllowedSql(engine)
        self._threads = ThreadPoolExecutor(max_workers=CONNECTIONS, thread_name_prefix="sojourn-sql")

    def ask(self, query: str, fmt: SqlFormat, parameters: Mapping[str, Any]) -> Asked | None:
        """Have a question answered on a thread of the desk's own; None while it has CONNECTIONS others to answer."""
        analyst = self._engine.analysts.take()
        if analyst is None:
            return None

        def answer() -> SqlAnswer:
            try:
                return self._answer(analyst, query, fmt, parameters)
            finally:
                self._engine.analysts.give_back(analyst)

        return Asked(self._threads.submit(answer), lambda: self._engine.stop(analyst))

    def close(self) -> None:
        """Take no more questions, and wait for those that are being answered."""
        self._threads.shutdown()

    def _answer(self, analyst: Analyst, query: str, fmt: SqlFormat, parameters: Mapping[str, Any]) -> SqlAnswer:
        _check_parameters(parameters)
        start = time.perf_counter()
        try:
            text = self._allowed.read(analyst, query, parameters)
            if fmt in (SqlFormat.PARQUET, SqlFormat.ARROW):
                return _binary(fmt, _bounded(analyst.ask(text, "Arrow", parameters)))
            table = msgspec.json.decode(_bounded(analyst.ask(text, "JSONCompact", parameters)), type=_Table)
        except RefusedSqlError as error:
            raise SqlError("invalid", str(error)) from error
        except EngineRefusal as error:
            raise _error(error) from error
        rows = table.data[:MAX_ROWS]
        truncated = len(table.data) > MAX_ROWS
        if fmt is SqlFormat.JSON:
            elapsed = round((time.perf_counter() - start) * 1000, 1)
            body = msgspec.json.encode(_JsonAnswer(table.meta, rows, len(rows), truncated, elapsed))
        elif fmt is SqlFormat.CSV:
            body = _csv(table.meta, rows)
        else:
            names = [msgspec.json.encode(column.name) for column in table.meta]
            body = b"".join(
                b"{" + b",".join(name + b":" + bytes(cell) for name, cell in zip(names, row, strict=True)) + b"}\n"
                for row in rows
            )
        return SqlAnswer(body, len(rows), truncated)


def _bounded(body: bytes) -> bytes:
    """The engine counts a value that is in every row once; written out it may be more than its limit."""
    if len(body) > 2 * MAX_BYTES:
        raise _too_large()
    return body


def _too_large() -> SqlError:
    return SqlError("too_large", f"the answer has more than {MAX_BYTES >> 20} MiB; ask for less")


def _check_parameters(parameters: Mapping[str, Any]) -> None:
    if len(parameters) > MAX_PARAMETERS:
        raise SqlError("invalid", f"at most {MAX_PARAMETERS} parameters", "parameters")
    for name, value in parameters.items():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,99}", name):
            raise SqlError("invalid", f"{name[:60]!r} is no name of a parameter", "parameters")
        values = value if isinstance(value, list) else [value]
        if not all(isinstance(one, str | int | float) for one in values):
            raise SqlError("invalid", f"{name}: text, a number, true, false, or a list of these", "parameters")


def _error(refusal: EngineRefusal) -> SqlError:
    match refusal.name:
        case "TIMEOUT_EXCEEDED" | "QUERY_WAS_CANCELLED" | "TOO_SLOW":
            return SqlError("timeout", f"took longer than the {MAX_SECONDS} seconds that a query may run")
        case "MEMORY_LIMIT_EXCEEDED":
            return SqlError("too_large", f"needs more than the {MAX_MEMORY_BYTES // 10**6} MB that a query may use")
        case "TOO_MANY_ROWS_OR_BYTES":
            return _too_large()
        case "ACCESS_DENIED" | "READONLY":
            return SqlError("invalid", "reads or does what is not open to analysts")
        case "UNKNOWN_QUERY_PARAMETER" | "BAD_QUERY_PARAMETER":
            return SqlError("invalid", refusal.message, "parameters")
    return SqlError("invalid", refusal.message or "the engine could not answer")


def _csv(columns: Sequence[Column], rows: Sequence[Sequence[msgspec.Raw]]) -> bytes:
    """CSV by RFC 4180: no value is an empty cell, lists and maps are JSON, and no text is a formula."""
    lines = [",".join(_csv_text(column.name) for column in columns)]
    lines += [",".join(_csv_cell(bytes(cell)) for cell in row) for row in rows]
    return "\r\n".join([*lines, ""]).encode()


def _csv_cell(json: bytes) -> str:
    if json == b"null":
        return ""
    if json[:1] == b'"':
        return _csv_text(msgspec.json.decode(json, type=str))
    text = json.decode()
    return _quoted(text) if json[:1] in b"[{" else text


def _csv_text(text: str) -> str:
    # A spreadsheet takes such a text for a formula, and does what it says.
    return _quoted(f"'{text}" if text[:1] in _FORMULA else text)


_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _binary(fmt: SqlFormat, body: bytes) -> SqlAnswer:
    """Parquet or Arrow of the engine's Arrow, which is not compressed: so what is read here is as large as it is."""
    table = pa.ipc.open_file(pa.BufferReader(body)).read_all()
    truncated = table.num_rows > MAX_ROWS
    table = table.slice(0, MAX_ROWS)
    out = io.BytesIO()
    if fmt is SqlFormat.PARQUET:
        pq.write_table(table, out, compression="zstd")
    else:
        with pa.ipc.new_file(out, table.schema) as writer:
            writer.write_table(table)
    return SqlAnswer(out.getvalue(), table.num_rows, truncated)
