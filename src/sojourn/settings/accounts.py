"""Accounts of people: names, roles and passwords, of which only the argon2 hash is kept."""

from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import Connection, delete, insert, select, update

from sojourn.settings.checks import check_label, check_text, is_storable
from sojourn.settings.database import Database
from sojourn.settings.errors import ConflictError, NotFoundError, SettingsError
from sojourn.settings.rows import Account, Role
from sojourn.settings.tables import accounts as table

MIN_PASSWORD: Final = 10
MAX_PASSWORD: Final = 1_000
"""Code points of a password."""

_hasher: Final = PasswordHasher()


class Accounts:
    """The part of the settings that is about accounts."""

    _database: Database

    def accounts(self) -> list[Account]:
        """All accounts by name."""
        with self._database.reading() as connection:
            return _accounts(connection)

    def has_administrator(self) -> bool:
        """Whether anybody can administer: until then the server listens on loopback alone and asks for no login."""
        return any(account.role is Role.ADMIN for account in self.accounts())

    def add_account(self, name: str, password: str, role: Role, *, actor: str) -> Account:
        """Make an account."""
        check_label("name", name, 100)
        hashed = _hash(password)
        with self._database.change(actor) as change:
            if any(account.name == name for account in _accounts(change.connection)):
                raise ConflictError("name", f"there is an account {name!r} already")
            change.connection.execute(
                insert(table).values(
                    name=name, password_hash=hashed, role=role.value, created=change.now, changed=change.now
                )
            )
            change.record("account", name, "add", after={"role": role.value})
            return _find(change.connection, name)

    def set_account(self, name: str, *, actor: str, password: str | None = None, role: Role | None = None) -> Account:
        """Set a new password or role, which voids the logins made before. The last administrator stays one."""
        hashed = None if password is None else _hash(password)
        with self._database.change(actor) as change:
            old = _find(change.connection, name)
            new_role = old.role if role is None else role
            if hashed is None and new_role is old.role:
                return old
            if new_role is not Role.ADMIN:
                _check_not_last(change.connection, old)
            values: dict[str, str | int] = {"role": new_role.value, "changed": change.now}
            before, after = {"role": old.role.value}, {"role": new_role.value}
            if hashed is not None:
                values["password_hash"] = hashed
                before["password"], after["password"] = "old", "new"
            change.connection.execute(update(table).where(table.c.name == name).values(values))
            change.record("account", name, "change", before=before, after=after)
            return _find(change.connection, name)

    def remove_account(self, name: str, *, actor: str) -> None:
        """Remove an account. The last administrator cannot go while others have accounts."""
        with self._database.change(actor) as change:
            account = _find(change.connection, name)
            if len(_accounts(change.connection)) > 1:
                _check_not_last(change.connection, account)
            change.connection.execute(delete(table).where(table.c.name == name))
            change.record("account", name, "remove", before={"role": account.role.value})

    def log_in(self, name: str, password: str) -> Account | None:
        """The account of this name and password; None, after the same time, where either is wrong."""
        row = None
        if is_storable(name):
            with self._database.reading() as connection:
                row = connection.execute(select(table).where(table.c.name == name)).first()
        try:
            _hasher.verify(_hash_of_nobody() if row is None else row.password_hash, password.encode(errors="replace"))
        except (VerifyMismatchError, InvalidHashError):
            return None
        if row is None:
            return None
        return Account(name=row.name, role=Role(row.role), created=row.created, changed=row.changed)


@cache
def _hash_of_nobody() -> str:
    # Verified for an unknown name, which must take as long as a known one.
    return _hasher.hash("")


def _hash(password: str) -> str:
    return _hasher.hash(check_text("password", password, MAX_PASSWORD, least=MIN_PASSWORD))


def _accounts(connection: Connection) -> list[Account]:
    rows = connection.execute(select(table))
    found = [Account(name=r.name, role=Role(r.role), created=r.created, changed=r.changed) for r in rows]
    return sorted(found, key=lambda account: account.name)


def _find(connection: Connection, name: str) -> Account:
    for account in _accounts(connection):
        if account.name == name:
            return account
    raise NotFoundError("name", f"there is no account {name[:100]!r}")


def _check_not_last(connection: Connection, account: Account) -> None:
    others = [a for a in _accounts(connection) if a.role is Role.ADMIN and a.name != account.name]
    if account.role is Role.ADMIN and not others:
        raise SettingsError("role", f"{account.name!r} is the last administrator; make another one first")
