"""Reading what was changed: the history and the revision."""

from typing import Final

from sqlalchemy import select

from sojourn.settings.checks import check_between
from sojourn.settings.database import Database, read_revision
from sojourn.settings.frontends import find_frontend
from sojourn.settings.rows import HistoryEntry
from sojourn.settings.tables import frontends, history

MAX_HISTORY_PAGE: Final = 1_000


class Changes:
    """The part of the settings that tells what was changed."""

    _database: Database

    def current_revision(self) -> int:
        """A number that is higher after every change, whoever made it. Cheap: ask as often as you like."""
        with self._database.reading() as connection:
            return read_revision(connection)

    def history(
        self, name: str | None = None, *, subject: str | None = None, limit: int = 100, before: int | None = None
    ) -> list[HistoryEntry]:
        """The last changes, newest first: of one frontend, or of all and of accounts and tokens.

        `before` is the id of the last entry of the page before; `limit` at most 1,000.
        """
        check_between("limit", limit, 1, MAX_HISTORY_PAGE)
        query = (
            select(history, frontends.c.name.label("frontend"))
            .outerjoin(frontends, frontends.c.id == history.c.frontend_id)
            .order_by(history.c.id.desc())
            .limit(limit)
        )
        if subject is not None:
            query = query.where(history.c.subject == subject)
        if before is not None:
            query = query.where(history.c.id < before)
        with self._database.reading() as connection:
            if name is not None:
                query = query.where(history.c.frontend_id == find_frontend(connection, name).id)
            return [
                HistoryEntry(
                    id=row.id,
                    time=row.time,
                    actor=row.actor,
                    frontend=row.frontend or "",
                    subject=row.subject,
                    name=row.name,
                    action=row.action,
                    before=row.before,
                    after=row.after,
                )
                for row in connection.execute(query)
            ]
