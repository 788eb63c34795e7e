"""The columns of the session list: which there are, and which the link asks for."""

from dataclasses import dataclass

from sojourn.rules.definitions import Catalog
from sojourn.rules.names import PropertyKind
from sojourn.web.errors import ApiError


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `sort` is the key that it sorts by, "" for none."""

    key: str
    label: str
    sort: str = ""
    is_number: bool = False


_COLUMNS = (
    Column("user", "User"),
    Column("activity", "Activity"),
    Column("duration", "Duration", "duration", True),
    Column("events", "Events", "events", True),
    Column("actions", "Actions", "actions", True),
    Column("errors", "Errors", "errors", True),
    Column("missing", "Missing", "missing", True),
    Column("device", "Device"),
    Column("os", "System"),
    Column("browser", "Browser"),
    Column("version", "Version"),
    Column("start_reason", "Start"),
    Column("end", "End", "end"),
    Column("problems", "Problems"),
    Column("session", "Session"),
    Column("instance", "Instance"),
)
DEFAULT = ("user", "activity", "duration", "events", "actions", "device", "end", "problems")


def all_columns(catalog: Catalog) -> list[Column]:
    """Every column, the session properties last."""
    defined = [d for d in catalog.definitions if d.kind is PropertyKind.SESSION]
    return [*_COLUMNS, *(Column(d.name, d.field, is_number=d.data_type == "number") for d in defined)]


def chosen_columns(catalog: Catalog, wanted: list[str]) -> list[Column]:
    """The columns of a link in their own order; the usual ones where it names none. Raises ApiError 400."""
    known = {column.key: column for column in all_columns(catalog)}
    if not wanted:
        return [known[key] for key in DEFAULT]
    for key in wanted:
        if key not in known:
            raise ApiError(400, f"columns: {key[:120]} is not a column of this list", "columns")
    return [column for key, column in known.items() if key in wanted]
