"""What every question needs beside its own words: the engine, the frontend's settings and the time that is now."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from sojourn.rules.definitions import Catalog
from sojourn.rules.sessions import SessionPolicy
from sojourn.rules.users import hash_identifier
from sojourn.store.engine import Engine

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Scope:
    """One frontend at one moment. `now` in microseconds.

    `merges` maps identifiers to the one that they are shown as. With a `hash_key` the frontend keeps identifiers only
    as keyed hashes, and a user is found by either.
    """

    engine: Engine
    frontend: str
    catalog: Catalog
    policy: SessionPolicy
    now: int
    merges: Mapping[str, str] = field(default_factory=dict)
    hash_key: bytes | None = None

    def known_as(self, identifier: str) -> str:
        """What a user is shown as who is asked for by an identifier, merged or not."""
        return self.merges.get(identifier, identifier)

    def identifiers_of(self, identifier: str) -> list[str]:
        """Every identifier that events of this user can carry, the one that is shown first."""
        asked = [identifier]
        if self.hash_key is not None:
            asked.append(hash_identifier(identifier, self.hash_key))
        shown = list(dict.fromkeys(self.known_as(one) for one in asked))
        merged = [one for one, canonical in self.merges.items() if canonical in shown]
        return list(dict.fromkeys([*shown, *merged]))

    def read(self, row_type: type[T], sql: str, **parameters: Any) -> list[T]:
        """The rows of a SELECT as structs. `{frontend:String}` is always bound."""
        body = self.engine.raw_query(sql, "JSONEachRow", {"frontend": self.frontend, **parameters})
        return msgspec.json.Decoder(row_type, strict=False).decode_lines(body)
