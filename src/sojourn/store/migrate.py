"""Bring the store's tables to this version: the files of `schema/`, in order, each once."""

import time
from importlib import resources

from sojourn.store.engine import Engine


def migrate(engine: Engine) -> list[str]:
    """Apply what is missing and return the names of the files applied.

    Each statement may be run again without harm, so two nodes that start together, or one killed in between, are fine.
    """
    engine.command(
        "CREATE TABLE IF NOT EXISTS schema_versions (name String, applied_at Int64) "
        "ENGINE = ReplacingMergeTree ORDER BY name"
    )
    done = {row[0] for row in engine.query("SELECT name FROM schema_versions")}
    files = sorted(
        (f for f in resources.files("sojourn.store").joinpath("schema").iterdir() if f.name.endswith(".sql")),
        key=lambda f: f.name,
    )
    applied = []
    for file in files:
        if file.name in done:
            continue
        for statement in statements(file.read_text()):
            engine.command(statement)
        engine.command(
            "INSERT INTO schema_versions VALUES ({name:String}, {at:Int64})",
            {"name": file.name, "at": time.time_ns() // 1000},
        )
        applied.append(file.name)
    return applied


def statements(text: str) -> list[str]:
    """The statements of a schema file: each ends with a semicolon at the end of a line."""
    lines = (line for line in text.splitlines() if not line.startswith("--"))
    return [part.strip() for part in "\n".join(lines).split(";\n") if part.strip(" \n;")]
