"""Exports of sessions as files, written on a thread of their own while a page shows how far they are."""

import csv
import secrets
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import structlog

from sojourn.query.answers import Session
from sojourn.query.counting import count_sessions
from sojourn.query.filters import SessionFilters
from sojourn.query.scope import Scope
from sojourn.query.sessions import MAX_PAGE, newest_sessions
from sojourn.rules.limits import MINUTE, SECOND
from sojourn.rules.names import PropertyKind
from sojourn.rules.values import DataType

KEPT = 30 * MINUTE
"""How long a file stays, microseconds."""
MAX_EXPORTS = 20
MAX_RUNNING = 3
_ARROW = {DataType.STRING: pa.string(), DataType.NUMBER: pa.float64(), DataType.BOOLEAN: pa.bool_()}
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")

log = structlog.get_logger()


class BusyError(RuntimeError):
    """As many exports run as the server lets run at once."""


@dataclass
class Export:
    """One file on its way. `state` is `running`, `done` or `failed`."""

    id: str
    frontend: str
    format: str
    started: int
    path: Path
    total: int = 0
    written: int = 0
    state: str = "running"
    cancelled: threading.Event = field(default_factory=threading.Event)


class Exports:
    """The exports of one server; files live in a directory that goes with the process."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="sojourn-exports-")
        self._exports: dict[str, Export] = {}
        self._lock = threading.Lock()

    def begin(self, scope: Scope, filters: SessionFilters, file_format: str) -> Export:
        """Start to write all sessions that match. Raises BusyError."""
        with self._lock:
            running = sum(export.state == "running" for export in self._exports.values())
            if running >= MAX_RUNNING or len(self._exports) >= MAX_EXPORTS:
                raise BusyError
            name = secrets.token_urlsafe(16)
            path = Path(self._directory.name) / f"{name}.{file_format}"
            export = Export(name, scope.frontend, file_format, scope.now, path)
            self._exports[name] = export
        threading.Thread(target=_write, args=(export, scope, filters), name="sojourn-export", daemon=True).start()
        end = threading.Timer(KEPT / SECOND, self.forget, [lambda one: one is export])
        end.daemon = True
        end.start()
        return export

    def find(self, name: str, frontend: str) -> Export | None:
        """An export of a frontend by its id."""
        export = self._exports.get(name)
        return export if export is not None and export.frontend == frontend else None

    def forget(self, concerned: Callable[[Export], bool]) -> None:
        """Stop and remove some: they are over, or hold what is to be erased."""
        with self._lock:
            for export in [one for one in self._exports.values() if concerned(one)]:
                export.cancelled.set()
                export.path.unlink(missing_ok=True)
                del self._exports[export.id]

    def close(self) -> None:
        """Stop what runs and remove all files."""
        self.forget(lambda _: True)
        self._directory.cleanup()


def _write(export: Export, scope: Scope, filters: SessionFilters) -> None:
    try:
        export.total = count_sessions(scope, filters)
        rows = _pages(export, scope, filters)
        schema = session_schema(scope)
        write = write_parquet if export.format == "parquet" else write_csv
        write(export.path, schema, rows)
    except Exception as error:
        log.exception("export_failed", frontend=export.frontend, exc_info=error)
        export.state = "failed"
    else:
        export.state = "failed" if export.cancelled.is_set() else "done"
    if export.cancelled.is_set():
        export.path.unlink(missing_ok=True)


def _pages(export: Export, scope: Scope, filters: SessionFilters) -> Iterator[list[dict[str, Any]]]:
    cursor: str | None = None
    while not export.cancelled.is_set():
        page = newest_sessions(scope, filters, limit=MAX_PAGE, cursor=cursor)
        yield [session_row(session) for session in page.items]
        export.written += len(page.items)
        cursor = page.next
        if cursor is None:
            return


def session_schema(scope: Scope) -> "pa.Schema":
    """The columns of an export with their types; defined session properties come last."""
    text, count, time = pa.string(), pa.int64(), pa.timestamp("us", "UTC")
    fields = [
        ("session_id", text),
        ("instance_id", text),
        ("previous_session_id", text),
        ("user_identifier", text),
        ("start_time", time),
        ("end_time", time),
        ("duration_us", count),
        ("live", pa.bool_()),
        ("start_reason", text),
        ("end_reason", text),
        ("event_count", count),
        ("action_count", count),
        ("error_count", count),
        ("missing_events", count),
        ("device_type", text),
        ("device_manufacturer", text),
        ("device_model", text),
        ("os_name", text),
        ("os_version", text),
        ("browser_name", text),
        ("browser_version", text),
        ("app_version", text),
    ]
    defined = [d for d in scope.catalog.definitions if d.kind is PropertyKind.SESSION]
    return pa.schema([*fields, *((d.name, _ARROW[d.data_type]) for d in defined)])


def session_row(session: Session) -> dict[str, Any]:
    """A session as a row of an export."""
    row: dict[str, Any] = {
        "session_id": session.session_id,
        "instance_id": session.instance_id,
        "previous_session_id": session.previous_session_id,
        "user_identifier": session.user_identifier,
        "start_time": session.start_time,
        "end_time": session.end_time,
        "duration_us": session.duration,
        "live": session.live,
        "start_reason": session.start_reason,
        "end_reason": session.end_reason,
        "event_count": session.event_count,
        "action_count": session.action_count,
        "error_count": session.error_count,
        "missing_events": session.missing_events,
        "device_type": session.device.type,
        "device_manufacturer": session.device.manufacturer,
        "device_model": session.device.model,
        "os_name": session.os.name,
        "os_version": session.os.version,
        "browser_name": session.browser.name,
        "browser_version": session.browser.version,
        "app_version": session.app_version,
    }
    return row | {name: msgspec.json.decode(value) for name, value in session.session_properties.items()}


def write_csv(path: Path, schema: "pa.Schema", pages: Iterable[list[dict[str, Any]]]) -> None:
    """Write rows as CSV. Times are ISO 8601; text that a spreadsheet would run as a formula gets an apostrophe."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(schema.names)
        for page in pages:
            for row in page:
                writer.writerow([_cell(row.get(f.name), f.type) for f in schema])


def _cell(value: Any, kind: "pa.DataType") -> str:
    if value is None:
        return ""
    if pa.types.is_timestamp(kind):
        return str(pa.scalar(value, kind).as_py().isoformat())
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "'" + value if value.startswith(_FORMULA) else value
    return str(value)


def write_parquet(path: Path, schema: "pa.Schema", pages: Iterable[list[dict[str, Any]]]) -> None:
    """Write rows as Parquet, with their types."""
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        waiting: list[dict[str, Any]] = []
        for page in pages:
            waiting += [{f.name: _typed(row.get(f.name), f.type) for f in schema} for row in page]
            if len(waiting) >= 20_000:
                writer.write_table(pa.Table.from_pylist(waiting, schema))
                waiting = []
        writer.write_table(pa.Table.from_pylist(waiting, schema))


def _typed(value: Any, kind: "pa.DataType") -> Any:
    return float(value) if value is not None and pa.types.is_float64(kind) else value
