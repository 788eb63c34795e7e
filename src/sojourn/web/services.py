"""What the handlers share: settings, store, figures and the clock; made once by the server."""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import structlog

from sojourn.ingest.admission import Terms
from sojourn.query.scope import Scope
from sojourn.query.sql import SqlDesk
from sojourn.rules.definitions import Catalog
from sojourn.rules.erased import Erased
from sojourn.rules.limits import MINUTE, SECOND
from sojourn.rules.sessions import SessionPolicy
from sojourn.settings import Cache, IngestFrontend, Settings, Snapshot
from sojourn.store.analyst_views import AnalystFrontend, AnalystViews
from sojourn.store.erasure import Eraser
from sojourn.store.replayer import Replayer
from sojourn.store.store import Store
from sojourn.store.stragglers import Stragglers
from sojourn.store.tombstones import read_tombstones
from sojourn.summaries.derivation import Derivation
from sojourn.summaries.progress import undone_since
from sojourn.web.completeness import CompletenessFigures
from sojourn.web.errors import ApiError
from sojourn.web.exporting import Exports
from sojourn.web.metrics import Metrics

log = structlog.get_logger()

POLL_SECONDS = 0.5
"""How often another process's change of the settings is looked for."""
ERASURE_MICROSECONDS = 10 * MINUTE
"""How long an erasure may take from its tombstones to its entry in the history."""
VIEWS_SECONDS = 5.0
"""How long an erasure waits until the views of analysts name its user no more."""
REPLAY_SECONDS = 1.0
"""How long the answer to a change of definitions waits for its replay, which then goes on by itself."""


def wall_clock() -> int:
    """Microseconds since 1970, UTC."""
    return time.time_ns() // 1000


@dataclass(frozen=True, slots=True)
class _View:
    """A snapshot and what ingest derives from it, replaced as one."""

    snapshot: Snapshot
    terms: dict[str, Terms]
    erased: Mapping[str, Erased]
    needs_login: bool


@dataclass(slots=True)
class Services:
    """One server's parts. `now` gives microseconds since 1970."""

    settings: Settings
    store: Store
    now: Callable[[], int] = wall_clock
    metrics: Metrics = field(default_factory=Metrics)
    exports: Exports = field(default_factory=Exports)
    _cache: Cache = field(init=False)
    _view: _View = field(init=False, default=None)  # type: ignore[assignment]
    # Of no type: a lock is none to the library that hands this object to the handlers.
    _showing: Any = field(init=False, default_factory=threading.Lock)
    _stragglers: Stragglers = field(init=False)
    # As they were last read; `_unread` where that failed since.
    _tombstones: Mapping[str, Mapping[str, int]] = field(init=False, default_factory=dict)
    _unread: bool = field(init=False, default=False)
    login_secret: bytes = field(init=False)
    replayer: Replayer = field(init=False)
    eraser: Eraser = field(init=False)
    sql: SqlDesk = field(init=False)
    _analyst_views: AnalystViews = field(init=False)
    _derivation: Derivation = field(init=False)
    _closed: threading.Event = field(init=False, default_factory=threading.Event)
    _poller: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self._cache = Cache(self.settings, poll_interval=SECOND // 10)
        self._show(self._cache.refresh)
        self.login_secret = self.settings.server_secret("login")
        self._analyst_views = AnalystViews(self.store.engine, _analyst_frontends(self._view.snapshot))
        self.sql = SqlDesk(self.store.engine)
        self._derivation = Derivation(self.store.engine, self._policies, self.now, alone=self.store.engine.embedded)
        self.store.writer.after_commit.append(self._derivation.committed)
        self._derivation.start()
        self.metrics.registry.register(CompletenessFigures(self.store.engine, self.now))
        self.replayer = Replayer(self.store, self._catalogs, self.now)
        self.replayer.definitions_changed()
        self.eraser = Eraser(
            self.store,
            [self.replayer.paused, self._derivation.paused],
            self._derivation.look_again,
            self._tombstones_changed,
        )
        self._stragglers = Stragglers(
            self.store.engine, lambda: self._view.erased, self._tombstones_changed, self.eraser.erase_late
        )
        self.store.writer.after_commit.append(self._stragglers.committed)
        self.eraser.resume()
        self._stragglers.start(undone_since(self.store.engine))
        # The database of the settings may be elsewhere: only this thread and those of changes ever wait for it.
        self._poller = threading.Thread(target=self._poll, name="sojourn-settings", daemon=True)
        self._poller.start()

    def _poll(self) -> None:
        while not self._closed.wait(POLL_SECONDS):
            self._show(self._cache.current)
            if self._unread:
                with suppress(Exception):
                    self._tombstones_changed()

    def _show(self, read: Callable[[], Snapshot]) -> None:
        first = self._view is None
        with self._showing:
            # One after the other, so that nobody shows what he read before another's change after it.
            snapshot = read()
            if self._view is not None and snapshot is self._view.snapshot:
                return
            # An erasure changes the settings too, by its entry in the history: so every server learns of it.
            before = self._tombstones
            with suppress(Exception):
                # The engine may be away. Ingest, which needs it too, is refused meanwhile; the next poll asks again.
                self._read_tombstones()
            self._view = _view(snapshot, self.settings.has_administrator(), self._tombstones)
            if not first:
                # With the lock held, so that who refreshes, and waits for the views, finds them wanted.
                self._analyst_views.show(_analyst_frontends(snapshot))
                if self._tombstones != before:
                    self._stragglers.expect()
        if not first:
            self._forget_exports()
            self.replayer.definitions_changed()

    def _forget_exports(self) -> None:
        """Remove what a user may be in who has just been erased, here or by another server: its entry says so."""
        since = self.now() - ERASURE_MICROSECONDS
        lately = {name for name, who in self._view.erased.items() if who.newest > since}
        self.exports.forget(lambda export: export.frontend in lately)

    def _tombstones_changed(self) -> None:
        """Show who has been erased. Raises what the engine does where it is away: nobody may think that he knows."""
        with self._showing:
            self._read_tombstones()
            self._view = _view(self._view.snapshot, self._view.needs_login, self._tombstones)
        self._stragglers.expect()

    def _read_tombstones(self) -> None:
        self._unread = True
        try:
            self._tombstones = read_tombstones(self.store.engine)
        except Exception:
            log.warning("tombstones_unknown", exc_info=True)
            raise
        self._unread = False

    def _catalogs(self) -> dict[str, Catalog]:
        return {name: frontend.catalog for name, frontend in self._view.snapshot.by_name.items()}

    def _policies(self) -> dict[str, SessionPolicy]:
        return {name: frontend.policy for name, frontend in self._view.snapshot.by_name.items()}

    def refresh(self) -> None:
        """Show a change that this server has just made."""
        self._show(self._cache.refresh)

    def refresh_definitions(self, frontend: str) -> None:
        """Show a change of definitions, and give the replay of what they let in a moment to end."""
        self.refresh()
        self.replayer.wait(frontend, REPLAY_SECONDS)

    def refresh_views(self) -> None:
        """Show a change, and give the views that name users whom others were merged into a moment to follow."""
        self.refresh()
        self._analyst_views.wait(VIEWS_SECONDS)

    @property
    def snapshot(self) -> Snapshot:
        """The settings in force; never waits."""
        return self._view.snapshot

    @property
    def needs_login(self) -> bool:
        """Whether an administrator account exists, so that reading needs a login."""
        return self._view.needs_login

    def frontend(self, name: str) -> IngestFrontend:
        """A frontend by name. Raises ApiError 404."""
        frontend = self._view.snapshot.by_name.get(name)
        if frontend is None:
            raise ApiError(404, f"there is no frontend {name[:50]!r}", "frontend")
        return frontend

    def frontend_of_key(self, key: str, claimed: str | None) -> Terms:
        """The terms of the frontend that an ingest key belongs to. Raises ApiError 401."""
        if not key:
            raise ApiError(401, "an ingest key is needed: Authorization: Bearer KEY", "key")
        terms = self._view.terms.get(key)
        if terms is None:
            raise ApiError(401, "the ingest key is not known, or was revoked", "key")
        if claimed is not None and claimed != terms.frontend:
            raise ApiError(401, f"the ingest key belongs to another frontend than {claimed[:50]!r}", "frontend")
        return terms

    def scope(self, name: str) -> Scope:
        """What a question about a frontend needs. Raises ApiError 404."""
        frontend = self.frontend(name)
        return Scope(
            self.store.engine,
            frontend.name,
            frontend.catalog,
            frontend.policy,
            self.now(),
            frontend.merges,
            frontend.hash_key if frontend.hash_identifiers else None,
        )

    def close(self) -> None:
        """Make durable what waits, and close everything."""
        self._closed.set()
        self._poller.join()
        self.exports.close()
        self._analyst_views.close()
        self.sql.close()
        self.replayer.close()
        self.store.writer.close()
        self._stragglers.close()
        self._derivation.close()
        self.store.close()
        self.settings.close()


def _analyst_frontends(snapshot: Snapshot) -> list[AnalystFrontend]:
    return [
        AnalystFrontend(frontend.name, frontend.catalog, frontend.policy.idle_timeout, frontend.merges)
        for frontend in snapshot.by_name.values()
    ]


def _view(snapshot: Snapshot, needs_login: bool, tombstones: Mapping[str, Mapping[str, int]]) -> _View:
    erased = {
        name: Erased(frontend.hash_key, tombstones[name])
        for name, frontend in snapshot.by_name.items()
        if name in tombstones
    }
    return _View(
        snapshot,
        {
            key: Terms(
                frontend=frontend.name,
                policy=frontend.policy,
                catalog=frontend.catalog,
                hash_key=frontend.hash_key if frontend.hash_identifiers else None,
                mask_ip=frontend.mask_ip,
                erased=erased.get(frontend.name),
            )
            for key, frontend in snapshot.by_key.items()
        },
        erased,
        needs_login,
    )
