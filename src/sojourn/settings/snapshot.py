"""All that ingest and the queries need of the settings, read in one go and never changed; and who keeps it fresh."""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from sqlalchemy import select

from sojourn.rules.definitions import Catalog, PropertyDefinition
from sojourn.rules.limits import SECOND
from sojourn.rules.sessions import FrontendType, SessionPolicy
from sojourn.settings.database import Database, read_revision
from sojourn.settings.definitions import to_definition
from sojourn.settings.errors import UnavailableError
from sojourn.settings.frontends import to_frontend
from sojourn.settings.merges import resolve_all
from sojourn.settings.tables import frontends, ingest_keys, merges, property_definitions

POLL_INTERVAL: Final = SECOND // 2
"""How often, at most, a cache asks for the revision; a change has to be everywhere within 2 s."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestFrontend:
    """One frontend as its events are treated. `merges` maps identifiers to those that they are shown as."""

    id: int
    name: str
    type: FrontendType
    policy: SessionPolicy
    catalog: Catalog
    hash_identifiers: bool
    hash_key: bytes = field(repr=False)
    mask_ip: bool
    retention_days: int | None
    discard_retention_days: int
    merges: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The settings at one revision: the frontends in use, by name, id and good ingest key."""

    revision: int
    by_name: Mapping[str, IngestFrontend]
    by_id: Mapping[int, IngestFrontend]
    by_key: Mapping[str, IngestFrontend]


class Snapshots:
    """The part of the settings that is read for ingest."""

    _database: Database

    def snapshot(self) -> Snapshot:
        """Everything of now, from one transaction."""
        definitions: dict[int, list[PropertyDefinition]] = defaultdict(list)
        pairs: dict[int, dict[str, str]] = defaultdict(dict)
        with self._database.reading() as connection:
            revision = read_revision(connection)
            frontend_rows = connection.execute(select(frontends).where(frontends.c.archived.is_(False))).all()
            key_rows = connection.execute(select(ingest_keys).where(ingest_keys.c.revoked == 0)).all()
            for row in connection.execute(select(property_definitions)):
                definitions[row.frontend_id].append(to_definition(row))
            for row in connection.execute(select(merges)):
                pairs[row.frontend_id][row.identifier] = row.canonical
        by_id: dict[int, IngestFrontend] = {}
        for row in frontend_rows:
            frontend = to_frontend(row)
            by_id[frontend.id] = IngestFrontend(
                id=frontend.id,
                name=frontend.name,
                type=frontend.type,
                policy=frontend.policy,
                catalog=Catalog(definitions[frontend.id]),
                hash_identifiers=frontend.hash_identifiers,
                hash_key=row.hash_key,
                mask_ip=frontend.mask_ip,
                retention_days=frontend.retention_days,
                discard_retention_days=frontend.discard_retention_days,
                merges=resolve_all(pairs[frontend.id]),
            )
        return Snapshot(
            revision=revision,
            by_name={f.name: f for f in by_id.values()},
            by_id=by_id,
            by_key={row.key: by_id[row.frontend_id] for row in key_rows if row.frontend_id in by_id},
        )


class SnapshotSource(Protocol):
    """What a cache reads from; `Settings` is one."""

    def current_revision(self) -> int: ...

    def snapshot(self) -> Snapshot: ...


def _monotonic() -> int:
    return time.monotonic_ns() // 1000


class Cache:
    """The newest snapshot, for many threads.

    Whoever asks first after the poll interval (microseconds) reads the revision, and the rest only when it has
    changed; the others get the snapshot that is there and never wait. While the database cannot be reached the last
    snapshot stays good: ingest goes on.
    """

    def __init__(
        self,
        source: SnapshotSource,
        *,
        clock: Callable[[], int] = _monotonic,
        poll_interval: int = POLL_INTERVAL,
    ) -> None:
        self._source = source
        self._clock = clock
        self._poll_interval = poll_interval
        self._lock = threading.Lock()
        self._next_poll = 0
        self._snapshot: Snapshot | None = None

    def current(self) -> Snapshot:
        """The snapshot, at most one poll interval old. Raises UnavailableError if there never was one."""
        snapshot = self._snapshot
        if snapshot is not None and self._clock() < self._next_poll:
            return snapshot
        if not self._lock.acquire(blocking=snapshot is None):
            assert snapshot is not None
            return snapshot
        try:
            if self._snapshot is None or self._clock() >= self._next_poll:
                self._poll()
            assert self._snapshot is not None
            return self._snapshot
        finally:
            self._lock.release()

    def refresh(self) -> Snapshot:
        """The snapshot of now, whatever the clock says: for a server that has just made a change itself."""
        with self._lock:
            self._poll()
            assert self._snapshot is not None
            return self._snapshot

    def _poll(self) -> None:
        try:
            if self._snapshot is None or self._source.current_revision() != self._snapshot.revision:
                self._snapshot = self._source.snapshot()
        except UnavailableError:
            if self._snapshot is None:
                raise
            _log.warning("settings unavailable; revision %d stays in use", self._snapshot.revision, exc_info=True)
        self._next_poll = self._clock() + self._poll_interval
