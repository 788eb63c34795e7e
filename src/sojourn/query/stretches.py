"""Who used a session when: its stretches between log-ins, log-outs and changes of user."""

from collections.abc import Iterable, Iterator

from sojourn.query.answers import Session, SessionEvent, Stretch
from sojourn.query.by_id import session_by_id
from sojourn.query.events import MAX_EVENTS_PAGE, events_of
from sojourn.query.rows import SessionRow
from sojourn.query.scope import Scope
from sojourn.rules.events import EventKind


def stretches(scope: Scope, session_id: str) -> list[Stretch] | None:
    """The users of a session, one after the other; None when there is no such session."""
    row = session_by_id(scope, session_id)
    return None if row is None else stretches_of(row.answer(scope), _events(scope, row))


def stretches_of(session: Session, events: Iterable[SessionEvent]) -> list[Stretch]:
    """The users of a session whose events are given in their order.

    An event without an identifier leaves the user as it is, but for an `identify` without one, which logs out.
    """
    found = [Stretch(identifier=None, start=session.start_time, end=session.end_time)]
    for event in events:
        if (event.user_identifier or event.kind == EventKind.IDENTIFY) and (
            event.user_identifier != found[-1].identifier
        ):
            found[-1].end = event.timestamp
            if found[-1].end == found[-1].start:
                found.pop()
            found.append(Stretch(identifier=event.user_identifier, start=event.timestamp, end=session.end_time))
    return found


def _events(scope: Scope, row: SessionRow) -> Iterator[SessionEvent]:
    cursor: str | None = None
    while True:
        page = events_of(scope, row, limit=MAX_EVENTS_PAGE, cursor=cursor)
        yield from page.items
        cursor = page.next
        if cursor is None:
            return
