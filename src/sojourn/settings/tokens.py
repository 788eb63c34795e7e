"""API tokens of programs, of which only the SHA-256 is kept; and the secrets that all servers share."""

import hashlib
import secrets
from contextlib import suppress
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update

from sojourn.rules.limits import MINUTE
from sojourn.settings.checks import check_label
from sojourn.settings.database import Database
from sojourn.settings.errors import ConflictError, NotFoundError, SettingsError, UnavailableError
from sojourn.settings.rows import ApiToken, Role
from sojourn.settings.tables import api_tokens as table
from sojourn.settings.tables import server_secrets

TOKEN_PREFIX: Final = "sjt_"  # noqa: S105 - a prefix, no secret
LAST_USED_STEP: Final = MINUTE
"""How exact `last_used` is: a token in heavy use is written once a minute."""


class Tokens:
    """The part of the settings that is about API tokens."""

    _database: Database

    def tokens(self) -> list[ApiToken]:
        """All tokens by name, the expired ones too."""
        with self._database.reading() as connection:
            return _tokens(connection)

    def add_token(self, name: str, role: Role, *, actor: str, expires: int = 0) -> tuple[ApiToken, str]:
        """Make a token; returns it with the secret, which cannot be read again. `expires` 0 is never."""
        check_label("name", name, 100)
        secret = TOKEN_PREFIX + secrets.token_hex(24)
        with self._database.change(actor) as change:
            if expires and expires <= change.now:
                raise SettingsError("expires", "it must be in the future")
            if any(token.name == name for token in _tokens(change.connection)):
                raise ConflictError("name", f"there is a token {name!r} already")
            token = ApiToken(name=name, role=role, created=change.now, last_used=0, expires=expires)
            change.connection.execute(
                insert(table).values(
                    name=name,
                    secret_hash=_hash(secret),
                    role=role.value,
                    created=change.now,
                    last_used=0,
                    expires=expires,
                )
            )
            change.record("token", name, "add", after={"role": role.value, "expires": expires})
            return token, secret

    def remove_token(self, name: str, *, actor: str) -> None:
        """Make a token useless at once. Raises NotFoundError."""
        with self._database.change(actor) as change:
            if not any(token.name == name for token in _tokens(change.connection)):
                raise NotFoundError("name", f"there is no token {name[:100]!r}")
            change.connection.execute(delete(table).where(table.c.name == name))
            change.record("token", name, "remove")

    def use_token(self, secret: str) -> ApiToken | None:
        """The token of this secret, noted as used now; None where there is none or it has expired."""
        now = self._database.clock()
        hashed = _hash(secret)
        with self._database.reading() as connection:
            row = connection.execute(select(table).where(table.c.secret_hash == hashed)).first()
        if row is None or (row.expires and row.expires <= now):
            return None
        used = row.last_used
        if now - used >= LAST_USED_STEP:
            used = now
            # Knowing when it was used is not worth refusing the one who uses it.
            with suppress(UnavailableError), self._database.writing() as connection:
                connection.execute(update(table).where(table.c.id == row.id).values(last_used=now))
        return ApiToken(name=row.name, role=Role(row.role), created=row.created, last_used=used, expires=row.expires)

    def server_secret(self, name: str) -> bytes:
        """32 random bytes of this name, the same for all servers and after a restart; made when first asked for."""
        with self._database.reading() as connection:
            value = _secret(connection, name)
        if value is not None:
            return value
        # Two servers that ask at once: `change` lets one in after the other, and the second one finds it made.
        with self._database.change("server") as change:
            value = _secret(change.connection, name)
            if value is None:
                value = secrets.token_bytes(32)
                change.connection.execute(insert(server_secrets).values(name=name, value=value))
                change.record("secret", name, "add")
        return value


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def _secret(connection: Connection, name: str) -> bytes | None:
    return connection.execute(select(server_secrets.c.value).where(server_secrets.c.name == name)).scalar()


def _tokens(connection: Connection) -> list[ApiToken]:
    found = [
        ApiToken(name=r.name, role=Role(r.role), created=r.created, last_used=r.last_used, expires=r.expires)
        for r in connection.execute(select(table))
    ]
    return sorted(found, key=lambda token: token.name)
