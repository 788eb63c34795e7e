"""Erasing a person from the settings: merges, saved views and the history about them, down to the bytes of the file."""

import hashlib
import hmac
import re
from typing import Final
from urllib.parse import unquote_plus

from sqlalchemy import ColumnElement, delete, select

from sojourn.rules.limits import MAX_USER_IDENTIFIER
from sojourn.settings.checks import check_text
from sojourn.settings.database import Change, Database
from sojourn.settings.frontends import find_frontend
from sojourn.settings.tables import frontends, history, merges, saved_views

_PERSONAL_SUBJECTS: Final = ("merge", "view")
"""The subjects whose lines in the history can name a user."""


class Erasure:
    """The part of the settings that forgets a user."""

    _database: Database

    def forget_user(self, name: str, identifier: str, *, actor: str) -> str:
        """Erase a user identifier of a frontend and write an audit entry, which names it by a keyed hash alone.

        Returns that hash. In SQLite the bytes are overwritten; PostgreSQL leaves that to its next vacuum.
        """
        check_text("identifier", identifier, MAX_USER_IDENTIFIER, least=1)
        with self._database.change(actor) as change:
            frontend = find_frontend(change.connection, name)
            key = change.connection.execute(
                select(frontends.c.hash_key).where(frontends.c.id == frontend.id)
            ).scalar_one()
            digest = hmac.new(key, identifier.encode(), hashlib.sha256).hexdigest()
            _forget(change, frontend.id, identifier)
            change.record("user", f"hmac-sha256:{digest}", "remove", frontend_id=frontend.id)
        self._database.overwrite_deleted()
        return digest


def _forget(change: Change, frontend_id: int, identifier: str) -> None:
    run = change.connection.execute
    pair = (merges.c.identifier == identifier) | (merges.c.canonical == identifier)
    run(delete(merges).where((merges.c.frontend_id == frontend_id) & pair))
    # Words of their own: to forget "ann" must not take away the view "annual report".
    before, after = ("(?<!\\w)" if identifier[0].isalnum() else ""), ("(?!\\w)" if identifier[-1].isalnum() else "")
    named = re.compile(before + re.escape(identifier) + after)
    views = run(select(saved_views).where(saved_views.c.frontend_id == frontend_id)).all()
    for view in views:
        if named.search(view.name) or named.search(unquote_plus(view.query)):
            run(delete(saved_views).where(saved_views.c.id == view.id))
    personal: ColumnElement[bool] = history.c.subject.in_(_PERSONAL_SUBJECTS)
    lines = run(select(history).where((history.c.frontend_id == frontend_id) & personal)).all()
    for line in lines:
        texts = [line.name, *(line.before or {}).values(), *(line.after or {}).values()]
        if any(named.search(unquote_plus(text)) or named.search(text) for text in texts):
            run(delete(history).where(history.c.id == line.id))
