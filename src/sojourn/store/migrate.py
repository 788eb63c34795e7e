"""Bring the store's tables to this version: the files of `schema/`, in order, each once, and the views."""

import time
from importlib import resources

from sojourn.store.cluster import check_shape, span
from sojourn.store.engine import Engine, Node


def migrate(engine: Engine) -> list[str]:
    """Apply what is missing on every node and return the names of the files applied.

    Each statement may be run again without harm, so two servers that start together, or one killed in between, are
    fine. On a cluster this is done node by node, as each has rows of its own. Raises ShapeError.
    """
    if engine.cluster:
        check_shape(engine)
    applied: set[str] = set()
    for node in engine.nodes:
        applied.update(_migrate(node))
        for text in _files("views").values():
            for statement in statements(text):
                node.define(statement)
    if engine.cluster:
        span(engine)
    return sorted(applied)


def _migrate(node: Node) -> list[str]:
    node.define(
        "CREATE TABLE IF NOT EXISTS schema_versions (name String, applied_at Int64) "
        "ENGINE = ReplacingMergeTree ORDER BY name"
    )
    done = {row[0] for row in node.rows("SELECT name FROM schema_versions")}
    applied = []
    for name, text in _files("schema").items():
        if name in done:
            continue
        for statement in statements(text):
            node.define(statement)
        node.define(
            "INSERT INTO schema_versions VALUES ({name:String}, {at:Int64})",
            {"name": name, "at": time.time_ns() // 1000},
        )
        applied.append(name)
    return applied


def _files(folder: str) -> dict[str, str]:
    """The texts of the SQL files of a folder by name, in the order of their names."""
    files = (f for f in resources.files("sojourn.store").joinpath(folder).iterdir() if f.name.endswith(".sql"))
    return {file.name: file.read_text() for file in sorted(files, key=lambda f: f.name)}


def statements(text: str) -> list[str]:
    """The statements of a schema file: each ends with a semicolon at the end of a line."""
    lines = (line for line in text.splitlines() if not line.startswith("--"))
    return [part.strip() for part in "\n".join(lines).split(";\n") if part.strip(" \n;")]
