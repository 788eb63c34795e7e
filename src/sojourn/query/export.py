"""Everything that is kept of one user, record by record, for the person who asks for it."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from sojourn.query.answers import Session
from sojourn.query.person import Person
from sojourn.query.rows import SessionRow, raw_values
from sojourn.query.scope import Scope
from sojourn.query.sessions import MAX_PAGE
from sojourn.store.rows import EventRow

CHUNK = 5_000
"""Events and lines of the ledger that are read at a time."""
Record = tuple[str, str, int, Session | dict[str, Any]]
"""What it is (`session`, `event` or `discard`), its session, its time in microseconds, and all that is kept of it."""

_SCHEMA = pa.schema([("record", pa.string()), ("session_id", pa.string()), ("time", pa.int64()), ("data", pa.string())])
_encode = msgspec.json.Encoder().encode


class _Discard(msgspec.Struct):
    key: str
    reason: str
    source_id: str
    event_id: str
    client_timestamp: int
    received_at: int
    sdk_name: str
    sdk_version: str
    value: str


def records(scope: Scope, identifiers: list[str]) -> Iterator[Record]:
    """The sessions of a user, the newest first, each followed by its events and by what was left out of them."""
    person = Person(scope, identifiers)
    for row in person.all_sessions(MAX_PAGE):
        yield "session", row.session_id, row.start_time, person.answer(row)
        yield from _of_session(scope, row)


def json_export(scope: Scope, identifiers: list[str]) -> Iterator[bytes]:
    """The records as one JSON object, in pieces."""
    yield _encode({"frontend": scope.frontend, "exported_at": scope.now, "identifiers": identifiers})[:-1]
    yield b',"records":['
    comma = b""
    for record, session_id, time, data in records(scope, identifiers):
        yield comma + _encode({"record": record, "session_id": session_id, "time": time, "data": data})
        comma = b",\n"
    yield b"]}"


def parquet_export(scope: Scope, identifiers: list[str]) -> Iterator[bytes]:
    """The records as one Parquet file, in pieces; the column `data` holds JSON."""
    piece = _Pieces()
    with pq.ParquetWriter(piece, _SCHEMA, compression="zstd") as writer:
        rows: list[tuple[str, str, int, str]] = []
        for record, session_id, time, data in records(scope, identifiers):
            rows.append((record, session_id, time, _encode(data).decode()))
            if len(rows) == CHUNK:
                writer.write_table(_table(rows))
                rows = []
                yield piece.take()
        writer.write_table(_table(rows))
    yield piece.take()


class _Pieces(BytesIO):
    """A file that is written on and given away piece by piece."""

    def __init__(self) -> None:
        super().__init__()
        self._given = 0

    def tell(self) -> int:
        return self._given + super().tell()

    def take(self) -> bytes:
        """What was written since the last time."""
        piece = self.getvalue()
        self._given += len(piece)
        self.seek(0)
        self.truncate()
        return piece

    def close(self) -> None:
        """Stay readable: the last piece is taken after the writer has closed its file."""


def _table(rows: list[tuple[str, str, int, str]]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(_SCHEMA)
    return pa.table([pa.array(column, field.type) for column, field in zip(columns, _SCHEMA, strict=True)], _SCHEMA)


def _of_session(scope: Scope, session: SessionRow) -> Iterator[Record]:
    place = "(client_timestamp, stream_id, sequence, toString(event_id))"
    within, bound = "", dict[str, Any](source=session.source)
    if (stretch := session.stretch) is not None:
        within = f"AND {place} >= {_place('first', stretch.first_place, bound)}"
        within += f" AND {place} < {_place('next', stretch.next_place, bound)}"
    after = ""
    while True:
        rows = scope.read(
            EventRow,
            f"SELECT * FROM events FINAL WHERE frontend = {{frontend:String}} AND source_id = {{source:String}} "
            f"{within} {after} ORDER BY {place} LIMIT {CHUNK:d}",
            **bound,
        )
        for row in rows:
            yield "event", session.session_id, row.client_timestamp, _event(row)
        yield from _discards(scope, session.session_id, bound["source"], [row.event_id for row in rows])
        if len(rows) < CHUNK:
            return
        last = rows[-1]
        after = f"AND {place} > " + _place(
            "after", (last.client_timestamp, last.stream_id, last.sequence, last.event_id), bound
        )


def _place(name: str, place: tuple[int, str, int, str], bound: dict[str, Any]) -> str:
    parts = ("Int64", "String", "Int64", "String")
    names = [f"{name}_{number}" for number in range(len(parts))]
    bound.update(zip(names, place, strict=True))
    return "(" + ", ".join(f"{{{part}:{kind}}}" for part, kind in zip(names, parts, strict=True)) + ")"


def _event(row: EventRow) -> dict[str, Any]:
    kept = msgspec.structs.asdict(row)
    for values in ("attributes", "event_properties", "session_properties"):
        kept[values] = raw_values(kept[values])
    kept["context"] = msgspec.Raw((row.context or "{}").encode())
    del kept["frontend"], kept["kept"]
    return kept


def _discards(scope: Scope, session_id: str, source_id: str, event_ids: list[str]) -> Iterator[Record]:
    if not event_ids:
        return
    rows = scope.read(
        _Discard,
        f"SELECT {', '.join(_Discard.__struct_fields__)} FROM discards FINAL WHERE frontend = {{frontend:String}} "
        "AND settled = 0 AND source_id = {source:String} AND event_id IN {events:Array(UUID)} ORDER BY key, event_id",
        source=source_id,
        events=event_ids,
    )
    for row in rows:
        kept = msgspec.structs.asdict(row)
        kept["value"] = msgspec.Raw(row.value.encode()) if row.value else None
        yield "discard", session_id, row.client_timestamp, kept
