"""Repair after a crash: aggregates that a killed process, or a power cut, left behind the events that they are of."""

import re
from collections.abc import Mapping
from typing import Any

from sojourn.store.engine import Engine, Node

REPAIR_WINDOW = 120_000_000
"""Microseconds before the last event that a crash may have cut off between a table and its aggregates.

A killed process loses at most its last commit there; a power cut, since aggregates are not synced one by one, what the
operating system had not yet written: less than a minute.
"""

_NEWEST = "SELECT * FROM {source} WHERE received_at >= (SELECT max(received_at) FROM {source}) - {window}"
_REPLAYED = """ OR (frontend, source_id, event_id) IN (
    SELECT frontend, source_id, event_id FROM discards
    WHERE settled > 0 AND settled >= (SELECT max(settled) FROM discards) - {window})"""
"""Events that were written again when a property of theirs was defined, however long ago they came."""


def repair(engine: Engine) -> None:
    """Aggregate the last two minutes of events once more, on each node its own.

    An insert reaches a table before its materialized views, so a process killed in between leaves events that
    no summary knows. Aggregates are idempotent: those that were complete stay as they are.
    """
    for node in engine.nodes:
        for source in ("events", "absences"):
            newest = _NEWEST + (_REPLAYED if source == "events" else "")
            aggregate(node, engine.stored_database, source, newest.format(source=source, window=REPAIR_WINDOW))


def aggregate(node: Node, database: str, source: str, rows: str, bound: Mapping[str, Any] | None = None) -> None:
    """Aggregate rows of `events` or `absences`, given as a SELECT over this node, once more."""
    views = node.rows(
        "SELECT name, extract(create_table_query, 'TO (\\S+)'), as_select FROM system.tables "
        "WHERE database = {database:String} AND engine = 'MaterializedView' AND endsWith(name, {of:String})",
        {"database": database, "of": f"_of_{source}"},
    )
    for name, target, select in views:
        columns = node.rows(
            "SELECT name FROM system.columns WHERE database = {database:String} AND table = {name:String} "
            "ORDER BY position",
            {"database": database, "name": name},
        )
        again = re.sub(rf"\b{database}\.{source}\b", lambda _: f"({rows})", select)
        node.define(f"INSERT INTO {target} ({', '.join(column for (column,) in columns)}) {again}", bound)
