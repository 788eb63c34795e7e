"""Reading sessions, users and discards as JSON."""

from typing import Any
from urllib.parse import unquote

from litestar import Request, get

from sojourn.query.answers import DiscardEntry, Page, Session, SessionEvent, User, UserDetail
from sojourn.query.discards import MAX_LINES, discards_page
from sojourn.query.events import MAX_EVENTS_PAGE, events_of_session
from sojourn.query.sessions import MAX_PAGE, newest_sessions, one_session
from sojourn.query.users import one_user, users
from sojourn.web.access import reader
from sojourn.web.errors import ApiError
from sojourn.web.parameters import read_count, read_filters
from sojourn.web.services import Services

_FRONTEND = "/api/v1/frontends/{frontend:str}"


def _limit(request: Request[Any, Any, Any], default: int, most: int) -> int:
    return read_count("limit", request.query_params.get("limit", str(default)), most)


@get(f"{_FRONTEND}/sessions", guards=[reader], sync_to_thread=True)
def list_sessions(request: Request[Any, Any, Any], services: Services, frontend: str) -> Page[Session]:
    """List sessions, the latest start first.

    Filters: user, instance, from, to, reason (or end_reason), start_reason, live, errors, missing, empty, device, os,
    browser, app_version, min_duration, max_duration, and session_properties.NAME[:OPERATOR]. Pages by limit and cursor.
    """
    filters = read_filters(request.query_params.multi_items())
    return newest_sessions(
        services.scope(frontend),
        filters,
        limit=_limit(request, 50, MAX_PAGE),
        cursor=request.query_params.get("cursor"),
    )


@get(f"{_FRONTEND}/sessions/{{session_id:str}}", guards=[reader], sync_to_thread=True)
def get_session(services: Services, frontend: str, session_id: str) -> Session:
    """One session's summary."""
    session = one_session(services.scope(frontend), session_id)
    if session is None:
        raise ApiError(404, f"there is no session {session_id[:100]!r}", "session_id")
    return session


@get(f"{_FRONTEND}/sessions/{{session_id:str}}/events", guards=[reader], sync_to_thread=True)
def list_events(
    request: Request[Any, Any, Any], services: Services, frontend: str, session_id: str
) -> Page[SessionEvent]:
    """The events of one session in their order, each with the session's properties. Pages by limit and cursor."""
    page = events_of_session(
        services.scope(frontend),
        session_id,
        limit=_limit(request, 1_000, MAX_EVENTS_PAGE),
        cursor=request.query_params.get("cursor"),
    )
    if page is None:
        raise ApiError(404, f"there is no session {session_id[:100]!r}", "session_id")
    return page


@get(f"{_FRONTEND}/users", guards=[reader], sync_to_thread=True)
def list_users(request: Request[Any, Any, Any], services: Services, frontend: str) -> Page[User]:
    """List users, the last seen first; `search` narrows to identifiers that contain it."""
    return users(
        services.scope(frontend),
        search=request.query_params.get("search", ""),
        limit=_limit(request, 50, MAX_PAGE),
        cursor=request.query_params.get("cursor"),
    )


@get(f"{_FRONTEND}/users/{{identifier:path}}", guards=[reader], sync_to_thread=True)
def get_user(request: Request[Any, Any, Any], services: Services, frontend: str, identifier: str) -> UserDetail:  # noqa: ARG001
    """One user: instances, and sessions over all of them. The identifier is percent-encoded in the path."""
    wanted = identifier_in_path(request)
    user = one_user(
        services.scope(frontend),
        wanted,
        limit=_limit(request, 50, MAX_PAGE),
        cursor=request.query_params.get("cursor"),
    )
    if user is None:
        raise ApiError(404, f"no event carried the user identifier {wanted[:250]!r}", "identifier")
    return user


def identifier_in_path(request: Request[Any, Any, Any]) -> str:
    """The user identifier at the end of the path, as it was before it was percent-encoded, slashes included."""
    raw = request.scope["raw_path"].decode("ascii").partition("?")[0]
    return unquote(raw.partition("/users/")[2])


@get(f"{_FRONTEND}/discards", guards=[reader], sync_to_thread=True)
def list_discards(request: Request[Any, Any, Any], services: Services, frontend: str) -> Page[DiscardEntry]:
    """The ledger of what was left out of events, by key, reason and SDK version, the most frequent first.

    `key` and `reason` narrow it; `count` is of events. What a later definition let in is in its events instead.
    """
    return discards_page(
        services.scope(frontend),
        key=request.query_params.get("key", ""),
        reason=request.query_params.get("reason", ""),
        limit=_limit(request, MAX_LINES, MAX_LINES),
        cursor=request.query_params.get("cursor"),
    )
