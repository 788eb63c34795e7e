"""What analysts can ask about: the columns of their views."""

import re

from sojourn.store.analysts import ANALYST_VIEWS
from sojourn.store.engine import Engine

_WRAPPED = re.compile(r"(?:LowCardinality|Nullable)\(([^()]*(?:\([^()]*\))?[^()]*)\)")
"""How a value is stored, around its type."""


def analyst_columns(engine: Engine) -> dict[str, list[tuple[str, str]]]:
    """The columns of each view with their types, in order."""
    rows = engine.query(
        "SELECT table, name, type FROM system.columns "
        "WHERE database = currentDatabase() AND table IN {views:Array(String)} ORDER BY table, position",
        {"views": list(ANALYST_VIEWS)},
    )
    found: dict[str, list[tuple[str, str]]] = {view: [] for view in ANALYST_VIEWS}
    for table, name, kind in rows:
        found[table].append((name, _WRAPPED.sub(r"\1", _WRAPPED.sub(r"\1", kind))))
    return {view: columns for view, columns in found.items() if columns}
