"""Sessions that were derived from events which another server erased meanwhile: they are taken back.

An erasure holds up the derivation of its own server only. It deletes events first and then what was made of them: who
finds as many events after he has written as before he read wrote before that deletion, which takes it along.
"""

from collections.abc import Sequence

from sojourn.store.engine import Engine


def count_events(engine: Engine, frontend: str, sources: Sequence[str]) -> dict[str, int]:
    """How many events each source has, each copy counted once; none for those without any."""
    rows = engine.query(
        "SELECT source_id, uniqExact(event_id) FROM events "
        "WHERE frontend = {frontend:String} AND source_id IN {sources:Array(String)} GROUP BY source_id",
        {"frontend": frontend, "sources": list(sources)},
    )
    return {source: int(count) for source, count in rows}


def take_back(engine: Engine, frontend: str, sources: Sequence[str], gone: Sequence[str]) -> None:
    """Delete all that was derived of some sources, and the marks of those that are `gone` whole; from every node."""
    bound = {"frontend": frontend, "sources": list(sources), "gone": list(gone)}
    rows = engine.query(
        "SELECT DISTINCT session_id FROM derived_sessions "
        "WHERE frontend = {frontend:String} AND source_id IN {sources:Array(String)}",
        bound,
    )
    bound["sessions"] = [session_id for (session_id,) in rows]
    for table, condition in (
        ("session_index", "session_id IN {sessions:Array(String)}"),
        ("derived_sessions", "source_id IN {sources:Array(String)}"),
        ("session_states", "session_id IN {gone:Array(String)}"),
    ):
        engine.command(
            f"ALTER TABLE {table} DELETE WHERE frontend = {{frontend:String}} AND {condition} "
            "SETTINGS mutations_sync = 2",
            bound,
        )
