"""Two user identifiers that are one person: pairs made by hand, resolved when read, undone by forgetting the pair."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from sojourn.rules.limits import MAX_USER_IDENTIFIER
from sojourn.settings.checks import check_text
from sojourn.settings.database import Database
from sojourn.settings.errors import ConflictError, NotFoundError, SettingsError
from sojourn.settings.frontends import find_frontend
from sojourn.settings.rows import Merge
from sojourn.settings.tables import merges as table

MAX_MERGES: Final = 10_000
"""Merged identifiers of one frontend: each query carries them."""


class Merges:
    """The part of the settings that is about merged user identifiers."""

    _database: Database

    def merges(self, name: str) -> list[Merge]:
        """The pairs as they were made, oldest first."""
        with self._database.reading() as connection:
            frontend = find_frontend(connection, name)
            rows = connection.execute(select(table).where(table.c.frontend_id == frontend.id).order_by(table.c.id))
            return [
                Merge(identifier=r.identifier, canonical=r.canonical, created=r.created, actor=r.actor) for r in rows
            ]

    def merge(self, name: str, identifier: str, canonical: str, *, actor: str) -> None:
        """From now on show `identifier`, and all that was merged into it, as the person `canonical`."""
        check_text("identifier", identifier, MAX_USER_IDENTIFIER, least=1)
        check_text("canonical", canonical, MAX_USER_IDENTIFIER, least=1)
        with self._database.change(actor) as change:
            frontend = find_frontend(change.connection, name)
            pairs = _pairs(change.connection, frontend.id)
            if identifier in pairs:
                raise ConflictError("identifier", f"{identifier!r} is merged into {pairs[identifier]!r} already")
            if resolve(pairs, canonical) == identifier:
                raise ConflictError("canonical", f"{canonical!r} and {identifier!r} are one person already")
            if len(pairs) >= MAX_MERGES:
                raise SettingsError("identifier", f"at most {MAX_MERGES} merged identifiers are allowed")
            change.connection.execute(
                insert(table).values(
                    frontend_id=frontend.id,
                    identifier=identifier,
                    canonical=canonical,
                    created=change.now,
                    actor=actor,
                )
            )
            change.record("merge", identifier, "add", frontend_id=frontend.id, after={"canonical": canonical})

    def undo_merge(self, name: str, identifier: str, *, actor: str) -> None:
        """Show `identifier` as itself again; what was merged into it stays merged into it."""
        with self._database.change(actor) as change:
            frontend = find_frontend(change.connection, name)
            canonical = _pairs(change.connection, frontend.id).get(identifier)
            if canonical is None:
                raise NotFoundError("identifier", f"{identifier[:250]!r} is not merged into another")
            change.connection.execute(
                delete(table).where((table.c.frontend_id == frontend.id) & (table.c.identifier == identifier))
            )
            change.record("merge", identifier, "remove", frontend_id=frontend.id, before={"canonical": canonical})


def resolve(pairs: Mapping[str, str], identifier: str) -> str:
    """The identifier at the end of the chain of pairs. `merge` lets no ring in."""
    while (following := pairs.get(identifier)) is not None:
        identifier = following
    return identifier


def resolve_all(pairs: Mapping[str, str]) -> dict[str, str]:
    """Each merged identifier with the one that it is shown as."""
    return {identifier: resolve(pairs, identifier) for identifier in pairs}


def _pairs(connection: Connection, frontend_id: int) -> dict[str, str]:
    rows = connection.execute(select(table.c.identifier, table.c.canonical).where(table.c.frontend_id == frontend_id))
    return {row.identifier: row.canonical for row in rows}
