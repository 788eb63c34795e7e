"""What is left of an erasure: keyed hashes of users and sessions, so that late copies of their events stay out."""

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from sojourn.store.engine import Engine


class _Tombstone(msgspec.Struct):
    frontend: str
    digest: str
    erased_at: int


def put_tombstones(engine: Engine, frontend: str, digests: Iterable[str], erased_at: int) -> None:
    """Remember that these were erased; durable when it returns."""
    rows = [_Tombstone(frontend, digest, erased_at) for digest in digests]
    if rows:
        engine.append("tombstones", msgspec.json.Encoder().encode_lines(rows))


def newest_tombstone(engine: Engine) -> tuple[int, int]:
    """The time of the last erasure, and how many rows there are: other than before when anyone was erased."""
    newest, count = engine.query("SELECT max(erased_at), count() FROM tombstones")[0]
    return int(newest), int(count)


def read_tombstones(engine: Engine) -> dict[str, dict[str, int]]:
    """The time of the last erasure of each digest, by frontend."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for frontend, digest, erased_at in engine.query(
        "SELECT frontend, digest, max(erased_at) FROM tombstones GROUP BY frontend, digest"
    ):
        found[frontend][digest] = erased_at
    return found
