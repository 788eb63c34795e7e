"""Replay: after definitions changed, events and ledger become what they would be had the definitions been there before.

A discarded value that fits now goes into its event: the same row once more, fuller, which replaces the old one and
whose copy counts once in every summary. So it makes no difference how often it is done, or where it is cut off.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from sojourn.rules.definitions import Catalog, PropertyDefinition
from sojourn.rules.names import PropertyKind, split_name
from sojourn.rules.properties import DiscardReason
from sojourn.rules.values import Value, data_type_of
from sojourn.store.engine import Engine
from sojourn.store.rows import DiscardRow, EventRow, Rows
from sojourn.store.writer import Writer

CHUNK_EVENTS = 2_000
"""Events that are read, completed and written again at a time."""

_REPLAYABLE = (DiscardReason.UNDEFINED.value, DiscardReason.TYPE_MISMATCH.value)
_DATA_TYPE = "multiIf(startsWith(value, '\"'), 'string', value IN ('true', 'false'), 'boolean', 'number')"
_OPEN = (
    "FROM discards FINAL WHERE frontend = {frontend:String} AND reason IN ('undefined', 'type_mismatch') "
    "AND settled = 0 AND value != ''"
)

_decode = msgspec.json.Decoder().decode


class _Group(msgspec.Struct, frozen=True):
    """Lines of the ledger that fare alike."""

    key: str
    reason: str
    data_type: str


class _Place(msgspec.Struct):
    source_id: str
    event_id: str


def is_due(catalog: Catalog, key: str, reason: str, data_type: str) -> bool:
    """Whether a value that was discarded for a reason would fare otherwise by these definitions."""
    return reason in _REPLAYABLE and _reason_now(catalog, key, data_type) != reason


def row_is_due(catalog: Catalog, row: DiscardRow) -> bool:
    """`is_due` for a line of the ledger that kept its value."""
    return bool(row.value) and is_due(catalog, row.key, row.reason, data_type_of(_decode(row.value)).value)


def replay(
    engine: Engine,
    writer: Writer,
    frontend: str,
    catalog: Catalog,
    now: Callable[[], int],
    stopping: Callable[[], bool] = lambda: False,
) -> int:
    """Bring the ledger of a frontend in line with its definitions; returns how many lines of it changed.

    Raises Overloaded, and leaves the rest for another call, where too many rows wait for the disk.
    """
    groups = _read(
        engine, _Group, f"SELECT key, reason, {_DATA_TYPE} AS data_type {_OPEN} GROUP BY ALL", frontend=frontend
    )
    due = [group for group in groups if is_due(catalog, group.key, group.reason, group.data_type)]
    # Two spellings of one property compete for its place in an event.
    names = {_name(catalog, group.key) for group in due}
    keys = sorted({group.key for group in groups if _name(catalog, group.key) in names})
    changed = 0
    after = ("", "00000000-0000-0000-0000-000000000000")
    while due and not stopping():
        places = _places(engine, frontend, due, after)
        if not places:
            break
        after = (places[-1].source_id, places[-1].event_id)
        changed += _replay_chunk(engine, writer, frontend, catalog, keys, places, now)
    return changed


def readmit(event: EventRow, ledger: Iterable[DiscardRow], catalog: Catalog) -> tuple[EventRow, list[DiscardRow]]:
    """An event with what these definitions admit of its discarded values, and the lines of the ledger that change.

    A line whose value is in the event is settled; one that has another reason now is settled and written anew.
    """
    lines = list(ledger)
    stored = {**event.event_properties, **event.session_properties}
    sent = {row.key: row.value for row in lines}
    still_mismatched: set[str] = set()
    for name, text in stored.items():
        definition = catalog.find(name)
        if definition is None:
            continue
        exact = sent.get(name)
        if _came_as_a_line(event, name, text, lines, catalog):
            # The line stands for it.
            continue
        if exact is None:
            sent[name] = text
        elif _fits(text, definition) and not _fits(exact, definition):
            # It came under another spelling, of which the ledger has nothing left.
            sent[name] = text
            still_mismatched.add(name)
    values: dict[str, Value] = {key: _decode(sent[key]) for key in sorted(sent)}
    _, discards = catalog.admit(values)
    reasons = {discard.key: discard.reason for discard in discards}
    admitted = {_name(catalog, key): sent[key] for key in values if key not in reasons}
    reasons |= dict.fromkeys(still_mismatched, DiscardReason.TYPE_MISMATCH)
    changes = []
    for row in lines:
        reason = reasons.get(row.key)
        if reason is None or reason != row.reason:
            changes.append(msgspec.structs.replace(row, value="", settled=1))
        if reason is not None and reason != row.reason:
            changes.append(msgspec.structs.replace(row, reason=reason.value))
    # A value of the old type gives way to one that fits, and could come back with its type.
    displaced = [name for name, text in admitted.items() if name in stored and stored[name] != text]
    changes += [
        DiscardRow(
            frontend=event.frontend,
            key=name,
            reason=DiscardReason.TYPE_MISMATCH.value,
            source_id=event.source_id,
            event_id=event.event_id,
            client_timestamp=event.client_timestamp,
            received_at=event.received_at,
            value=stored[name],
        )
        for name in displaced
    ]
    properties = {**stored, **admitted}
    return (
        msgspec.structs.replace(
            event,
            event_properties=_of_kind(properties, PropertyKind.EVENT),
            session_properties=_of_kind(properties, PropertyKind.SESSION),
            kept=max(len(properties), event.kept + bool(displaced)),
        ),
        changes,
    )


def _came_as_a_line(event: EventRow, name: str, text: str, lines: Iterable[DiscardRow], catalog: Catalog) -> bool:
    """Whether the value that an event has under a name is that of a line with another spelling.

    So it is where a copy of the event was admitted by definitions that let the spelling in, after the line was written.
    Where the name itself has no line it may have come with the same value: then the line was written with the event.
    """
    has_exact = any(row.key == name for row in lines)
    return any(
        row.key != name
        and row.value == text
        and _name(catalog, row.key) == name
        and (has_exact or row.received_at < event.received_at)
        for row in lines
    )


def _fits(text: str, definition: PropertyDefinition) -> bool:
    return data_type_of(_decode(text)) is definition.data_type


def _replay_chunk(
    engine: Engine,
    writer: Writer,
    frontend: str,
    catalog: Catalog,
    keys: list[str],
    places: list[_Place],
    now: Callable[[], int],
) -> int:
    bound = {
        "frontend": frontend,
        "sources": sorted({place.source_id for place in places}),
        "events": sorted({place.event_id for place in places}),
    }
    here = "source_id IN {sources:Array(String)} AND event_id IN {events:Array(UUID)}"
    ledger: dict[tuple[str, str], list[DiscardRow]] = {}
    rows = _read(
        engine, DiscardRow, f"SELECT * {_OPEN} AND key IN {{keys:Array(String)}} AND {here}", **bound, keys=keys
    )
    for row in rows:
        ledger.setdefault((row.source_id, row.event_id), []).append(row)
    events = _read(
        engine, EventRow, f"SELECT * FROM events FINAL WHERE frontend = {{frontend:String}} AND {here}", **bound
    )
    fuller: list[EventRow] = []
    settled: list[DiscardRow] = []
    for event in events:
        if lines := ledger.get((event.source_id, event.event_id)):
            # An event that has the value already is written again too: its summary may have been cut off.
            completed, changes = readmit(event, lines, catalog)
            fuller.append(completed)
            settled += changes
    if fuller:
        # The ledger forgets a value only once its event has it. One whose event is not there yet stays in it.
        writer.submit(Rows(events=fuller, absences=[], discards=[])).result()
        at = now()
        for row in settled:
            row.settled = at if row.settled else 0
        writer.submit(Rows(events=[], absences=[], discards=settled)).result()
    return sum(row.settled > 0 for row in settled)


def _places(engine: Engine, frontend: str, due: list[_Group], after: tuple[str, str]) -> list[_Place]:
    return _read(
        engine,
        _Place,
        f"SELECT DISTINCT source_id, event_id {_OPEN} AND key IN {{keys:Array(String)}} "
        f"AND (key, reason, {_DATA_TYPE}) IN arrayZip({{keys:Array(String)}}, {{reasons:Array(String)}}, "
        "{types:Array(String)}) AND (source_id, event_id) > ({source:String}, {event:UUID}) "
        f"ORDER BY source_id, event_id LIMIT {CHUNK_EVENTS:d}",
        frontend=frontend,
        keys=[group.key for group in due],
        reasons=[group.reason for group in due],
        types=[group.data_type for group in due],
        source=after[0],
        event=after[1],
    )


def _reason_now(catalog: Catalog, key: str, data_type: str) -> str | None:
    definition = catalog.find(key)
    if definition is None:
        return DiscardReason.UNDEFINED.value
    return None if definition.data_type.value == data_type else DiscardReason.TYPE_MISMATCH.value


def _name(catalog: Catalog, key: str) -> str:
    """The name that a key is stored under, which is the key itself where it is not defined."""
    definition = catalog.find(key)
    return key if definition is None else definition.name


def _of_kind(properties: Mapping[str, str], kind: PropertyKind) -> dict[str, str]:
    return {name: text for name, text in properties.items() if (split := split_name(name)) and split[0] is kind}


def _read(engine: Engine, row_type: type[Any], sql: str, **bound: Any) -> list[Any]:
    return msgspec.json.Decoder(row_type, strict=False).decode_lines(engine.raw_query(sql, "JSONEachRow", bound))
