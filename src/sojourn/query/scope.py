"""What every question needs beside its own words: the engine, the frontend's settings and the time that is now."""

from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from sojourn.rules.definitions import Catalog
from sojourn.rules.sessions import SessionPolicy
from sojourn.store.engine import Engine

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Scope:
    """One frontend at one moment. `now` in microseconds."""

    engine: Engine
    frontend: str
    catalog: Catalog
    policy: SessionPolicy
    now: int

    def read(self, row_type: type[T], sql: str, **parameters: Any) -> list[T]:
        """The rows of a SELECT as structs. `{frontend:String}` is always bound."""
        body = self.engine.raw_query(sql, "JSONEachRow", {"frontend": self.frontend, **parameters})
        return msgspec.json.Decoder(row_type).decode_lines(body)
