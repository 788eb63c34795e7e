"""Saved views: page states that somebody gave a name."""

from typing import Final

from sqlalchemy import Connection, delete, insert, select

from sojourn.settings.checks import check_label, check_text
from sojourn.settings.database import Database
from sojourn.settings.errors import NotFoundError, SettingsError
from sojourn.settings.frontends import find_frontend
from sojourn.settings.rows import SavedView
from sojourn.settings.tables import saved_views as table

MAX_VIEWS: Final = 200
"""Saved views of one frontend."""
MAX_QUERY: Final = 4_000
"""Characters of a view's query string."""


class Views:
    """The part of the settings that is about saved views."""

    _database: Database

    def views(self, name: str) -> list[SavedView]:
        """The saved views of a frontend by name."""
        with self._database.reading() as connection:
            return _views(connection, find_frontend(connection, name).id)

    def save_view(self, name: str, view: str, query: str, *, actor: str) -> SavedView:
        """Save a query string under a name; the one that had the name goes."""
        check_label("name", view, 100)
        check_text("query", query, MAX_QUERY)
        with self._database.change(actor) as change:
            frontend = find_frontend(change.connection, name)
            there = {v.name: v for v in _views(change.connection, frontend.id)}
            old = there.get(view)
            if old is not None and old.query == query:
                return old
            if old is None and len(there) >= MAX_VIEWS:
                raise SettingsError("name", f"at most {MAX_VIEWS} saved views are allowed")
            change.connection.execute(
                delete(table).where((table.c.frontend_id == frontend.id) & (table.c.name == view))
            )
            saved = SavedView(name=view, query=query, created=change.now, actor=actor)
            change.connection.execute(
                insert(table).values(frontend_id=frontend.id, name=view, query=query, created=change.now, actor=actor)
            )
            change.record(
                "view",
                view,
                "change" if old else "add",
                frontend_id=frontend.id,
                before={"query": old.query} if old else None,
                after={"query": query},
            )
            return saved

    def remove_view(self, name: str, view: str, *, actor: str) -> None:
        """Remove a saved view. Raises NotFoundError."""
        with self._database.change(actor) as change:
            frontend = find_frontend(change.connection, name)
            old = next((v for v in _views(change.connection, frontend.id) if v.name == view), None)
            if old is None:
                raise NotFoundError("name", f"there is no saved view {view[:100]!r}")
            change.connection.execute(
                delete(table).where((table.c.frontend_id == frontend.id) & (table.c.name == view))
            )
            change.record("view", view, "remove", frontend_id=frontend.id, before={"query": old.query})


def _views(connection: Connection, frontend_id: int) -> list[SavedView]:
    rows = connection.execute(select(table).where(table.c.frontend_id == frontend_id))
    found = [SavedView(name=r.name, query=r.query, created=r.created, actor=r.actor) for r in rows]
    return sorted(found, key=lambda view: view.name)
