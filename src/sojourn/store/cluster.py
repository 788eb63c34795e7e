"""A cluster of ClickHouse servers as one store: what belongs to a source of events is on one shard, and stays there.

Each node has a database with its own rows: the tables, their materialized views, and the views of one session, which
are exact there since no session is on two shards. A second database, in which questions are asked, has a Distributed
table of the same name over each of them. No statement needs Keeper: the server talks to every node itself.
"""

from sojourn.store.engine import Engine, Node

_PLACES = ("source_id", "session_id")
"""The column by which a row's shard is chosen, the first that a table has; else the first of its order."""
_OWN = ("schema_versions", "cluster_shape")
"""Tables that each node has for itself."""


class ShapeError(Exception):
    """The cluster is not the one that the address says, or that the store was made on."""


def check_shape(engine: Engine) -> None:
    """Check that the address names every node, and that the shards are those of before. Raises ShapeError.

    Rows do not move when a shard is added; a session that is still alive would then be on two.
    """
    seen: set[tuple[int, int]] = set()
    members: set[tuple[int, int, str]] = set()
    for node in engine.nodes:
        rows = node.rows(
            "SELECT shard_num, replica_num, concat(host_name, ':', toString(port)), is_local, shard_weight "
            "FROM system.clusters WHERE cluster = {name:String}",
            {"name": engine.cluster},
        )
        if not rows:
            raise ShapeError(f"store_url: {node.name} has no cluster {engine.cluster!r} in its remote_servers")
        here = {(row[0], row[1], row[2]) for row in rows}
        if members and here != members:
            raise ShapeError(f"store_url: {node.name} knows another {engine.cluster!r} than the nodes before")
        members = here
        own = [(row[0], row[1]) for row in rows if row[3]]
        if not own:
            raise ShapeError(f"store_url: {node.name} does not find itself in the cluster {engine.cluster!r}")
        seen.update(own)
        weights = sorted({(row[0], row[4]) for row in rows})
        _keep_shape(node, f"shard {own[0][0]} of {weights}")
    missing = sorted(place for shard, replica, place in members if (shard, replica) not in seen)
    if missing:
        raise ShapeError(f"store_url: must name every node of {engine.cluster!r}; missing: {', '.join(missing)}")


def _keep_shape(node: Node, shape: str) -> None:
    node.define("CREATE TABLE IF NOT EXISTS cluster_shape (shape String) ENGINE = MergeTree ORDER BY shape")
    before = {row[0] for row in node.rows("SELECT shape FROM cluster_shape")}
    if not before:
        node.define("INSERT INTO cluster_shape VALUES ({shape:String})", {"shape": shape})
    elif before != {shape}:
        raise ShapeError(
            f"store_url: {node.name} was {min(before)} (shard, weight) when the store was made and is {shape} now; "
            "a store does not move rows between shards: see docs/growing.md"
        )


def span(engine: Engine) -> None:
    """Have a table over all shards for each table and view of the nodes, with the columns that it has now."""
    for node in engine.nodes:
        spanned = {row[0]: (row[2], row[3]) for row in node.rows(_TABLES, {"database": engine.database})}
        for name, kind, _, columns, order in node.rows(_TABLES, {"database": engine.stored_database}):
            if name in _OWN:
                continue
            place = _place([column.split(" ", 1)[0] for column in columns], order, is_view=kind == "View")
            key = f", sipHash64({place})" if place else ""
            wanted = f"Distributed('{engine.cluster}', '{engine.stored_database}', '{name}'{key})"
            if spanned.get(name) != (wanted, columns):
                table = f"{engine.stored_database}.{name}"
                node.name_over_all(f"CREATE OR REPLACE TABLE {name} AS {table} ENGINE = {wanted}")


def define_of_sessions(engine: Engine, statement: str) -> None:
    """Make or replace a view whose every row comes from one session, where the rows of that session are.

    A view that puts sessions together belongs over all nodes: `Engine.command`.
    """
    for node in engine.nodes:
        node.define(statement)
    if engine.cluster:
        span(engine)


def _place(columns: list[str], order: str, *, is_view: bool) -> str | None:
    """The column by whose hash a row finds its shard. Nothing is written to a view, which may rename what it shows."""
    if is_view:
        return "source_id" if "source_id" in columns else None
    return next((name for name in _PLACES if name in columns), order.split(",")[0].strip())


_TABLES = """
    SELECT name, engine, engine_full, columns, sorting_key
    FROM system.tables INNER JOIN (
        SELECT table AS described, arrayMap(column -> column.2, arraySort(groupArray(
            (position, concat(name, ' ', type, ' ', default_expression))))) AS columns
        FROM system.columns WHERE database = {database:String} GROUP BY table
    ) AS columns_of ON described = name
    WHERE database = {database:String} AND engine != 'MaterializedView' ORDER BY name"""
