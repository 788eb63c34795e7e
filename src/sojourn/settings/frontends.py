"""Frontends and their ingest keys."""

import secrets
from typing import Any, Final, TypedDict, Unpack

from sqlalchemy import Connection, Row, insert, select, update

from sojourn.rules.limits import LONGEST_MAX_DURATION, SHORTEST_IDLE_TIMEOUT
from sojourn.rules.sessions import FrontendType, SessionPolicy
from sojourn.settings.checks import check_between, check_frontend_name, is_frontend_name, is_storable
from sojourn.settings.database import Change, Database
from sojourn.settings.durations import show_duration
from sojourn.settings.errors import ConflictError, NotFoundError, SettingsError
from sojourn.settings.rows import Frontend, IngestKey
from sojourn.settings.tables import frontends, ingest_keys

MAX_RETENTION_DAYS: Final = 3_650
MAX_DISCARD_RETENTION_DAYS: Final = 90
DISCARD_RETENTION_DAYS: Final = 7
"""How long a new frontend keeps discarded values aside; 0 keeps none."""
MAX_KEYS: Final = 20
"""Good ingest keys of one frontend."""
KEY_PREFIX: Final = "sjk_"
"""Ingest keys start with it, so that one found in a log or a repository is known for what it is."""


class FrontendChanges(TypedDict, total=False):
    """What `set_frontend` can change. Timeouts in microseconds."""

    type: FrontendType
    idle_timeout: int
    max_duration: int
    hash_identifiers: bool
    mask_ip: bool
    retention_days: int | None
    discard_retention_days: int
    archived: bool


class Frontends:
    """The part of the settings that is about frontends and keys."""

    _database: Database

    def frontends(self, *, archived: bool = False) -> list[Frontend]:
        """All frontends in use by name; the archived ones too where asked for."""
        with self._database.reading() as connection:
            found = [to_frontend(row) for row in connection.execute(select(frontends))]
        return sorted((f for f in found if archived or not f.archived), key=lambda f: f.name)

    def frontend(self, name: str) -> Frontend:
        """One frontend. Raises NotFoundError."""
        with self._database.reading() as connection:
            return find_frontend(connection, name)

    def add_frontend(self, name: str, type: FrontendType, *, actor: str) -> tuple[Frontend, str]:  # noqa: A002
        """Make a frontend with the timeouts of its type; returns it and its first ingest key."""
        check_frontend_name(name)
        policy = SessionPolicy.default(type)
        with self._database.change(actor) as change:
            if change.connection.execute(select(frontends.c.id).where(frontends.c.name == name)).first():
                raise ConflictError("name", f"there is a frontend {name!r} already")
            change.connection.execute(
                insert(frontends).values(
                    name=name,
                    type=type.value,
                    created=change.now,
                    idle_timeout=policy.idle_timeout,
                    max_duration=policy.max_duration,
                    hash_identifiers=False,
                    hash_key=secrets.token_bytes(32),
                    mask_ip=True,
                    retention_days=None,
                    discard_retention_days=DISCARD_RETENTION_DAYS,
                    archived=False,
                )
            )
            frontend = find_frontend(change.connection, name)
            change.record("frontend", name, "add", frontend_id=frontend.id, after=_shown(frontend))
            return frontend, _add_key(change, frontend)

    def set_frontend(self, name: str, *, actor: str, **changes: Unpack[FrontendChanges]) -> Frontend:
        """Change settings of a frontend; what is left out stays."""
        _check(changes)
        with self._database.change(actor) as change:
            old = find_frontend(change.connection, name)
            values = {key: value for key, value in changes.items() if value != _shown(old)[key]}
            if not values:
                return old
            change.connection.execute(update(frontends).where(frontends.c.id == old.id).values(values))
            before = {key: _shown(old)[key] for key in values}
            change.record("frontend", name, "change", frontend_id=old.id, before=before, after=values)
            return find_frontend(change.connection, name)

    def keys(self, name: str, *, revoked: bool = False) -> list[IngestKey]:
        """The good ingest keys of a frontend, oldest first; the revoked ones too where asked for."""
        with self._database.reading() as connection:
            frontend = find_frontend(connection, name)
            rows = connection.execute(
                select(ingest_keys).where(ingest_keys.c.frontend_id == frontend.id).order_by(ingest_keys.c.id)
            )
            return [
                IngestKey(key=row.key, frontend=name, created=row.created, revoked=row.revoked)
                for row in rows
                if revoked or not row.revoked
            ]

    def add_key(self, name: str, *, actor: str) -> str:
        """Make one more ingest key; the others stay good, so that clients can change over one by one."""
        with self._database.change(actor) as change:
            return _add_key(change, find_frontend(change.connection, name))

    def revoke_key(self, name: str, key: str, *, actor: str) -> None:
        """Make an ingest key useless, within 2 s on every server. Revoking it twice is no error."""
        with self._database.change(actor) as change:
            frontend = find_frontend(change.connection, name)
            owned = (ingest_keys.c.frontend_id == frontend.id) & (ingest_keys.c.key == key)
            row = change.connection.execute(select(ingest_keys).where(owned)).first() if is_storable(key) else None
            if row is None:
                raise NotFoundError("key", f"frontend {name!r} has no such ingest key")
            if not row.revoked:
                change.connection.execute(update(ingest_keys).where(owned).values(revoked=change.now))
                change.record("key", key_start(key), "remove", frontend_id=frontend.id)


def find_frontend(connection: Connection, name: str) -> Frontend:
    """The frontend of this name, archived or not. Raises NotFoundError."""
    # What is no name at all may hold characters that the database cannot be asked for.
    found = is_frontend_name(name) and connection.execute(select(frontends).where(frontends.c.name == name)).first()
    if not found:
        raise NotFoundError("frontend", f"there is no frontend {name[:60]!r}")
    return to_frontend(found)


def to_frontend(row: Row[Any]) -> Frontend:
    """A row of the table as it is handed out; the key of the hash stays inside."""
    return Frontend(
        id=row.id,
        name=row.name,
        type=FrontendType(row.type),
        created=row.created,
        policy=SessionPolicy(row.idle_timeout, row.max_duration),
        hash_identifiers=row.hash_identifiers,
        mask_ip=row.mask_ip,
        retention_days=row.retention_days,
        discard_retention_days=row.discard_retention_days,
        archived=row.archived,
    )


def key_start(key: str) -> str:
    """Enough of a key to tell it by, and too little to use it."""
    return key[: len(KEY_PREFIX) + 6] + "…"


def _add_key(change: Change, frontend: Frontend) -> str:
    owned = (ingest_keys.c.frontend_id == frontend.id) & (ingest_keys.c.revoked == 0)
    good = len(change.connection.execute(select(ingest_keys.c.id).where(owned)).all())
    if good >= MAX_KEYS:
        raise SettingsError("key", f"frontend {frontend.name!r} has {good} ingest keys; at most {MAX_KEYS} are allowed")
    key = KEY_PREFIX + secrets.token_hex(16)
    change.connection.execute(
        insert(ingest_keys).values(frontend_id=frontend.id, key=key, created=change.now, revoked=0)
    )
    change.record("key", key_start(key), "add", frontend_id=frontend.id)
    return key


def _shown(frontend: Frontend) -> dict[str, Any]:
    return {
        "type": frontend.type,
        "idle_timeout": frontend.policy.idle_timeout,
        "max_duration": frontend.policy.max_duration,
        "hash_identifiers": frontend.hash_identifiers,
        "mask_ip": frontend.mask_ip,
        "retention_days": frontend.retention_days,
        "discard_retention_days": frontend.discard_retention_days,
        "archived": frontend.archived,
    }


def _check(changes: FrontendChanges) -> None:
    for field in ("idle_timeout", "max_duration"):
        duration = changes.get(field)
        if isinstance(duration, int) and not SHORTEST_IDLE_TIMEOUT <= duration <= LONGEST_MAX_DURATION:
            least, most = show_duration(SHORTEST_IDLE_TIMEOUT), show_duration(LONGEST_MAX_DURATION)
            raise SettingsError(field, f"{show_duration(duration)}; from {least} to {most} are allowed")
    if (days := changes.get("retention_days")) is not None:
        check_between("retention_days", days, 1, MAX_RETENTION_DAYS)
    if (days := changes.get("discard_retention_days")) is not None:
        check_between("discard_retention_days", days, 0, MAX_DISCARD_RETENTION_DAYS)
