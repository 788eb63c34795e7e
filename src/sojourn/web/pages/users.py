"""The list of users, and one user with devices, calendar and sessions; merging two identifiers that are one person."""

from typing import Any

import msgspec
from litestar import Request, Response, get, post

from sojourn.query.answers import Page, Session
from sojourn.query.cursors import write_cursor
from sojourn.query.sparks import sparks
from sojourn.query.users import one_user, users
from sojourn.settings.errors import SettingsError
from sojourn.web.access import actor_of, editor, reader
from sojourn.web.errors import ApiError
from sojourn.web.pages.calendars import calendar, device_lanes
from sojourn.web.pages.columns import DEFAULT, chosen_columns
from sojourn.web.pages.home import Form, text_of
from sojourn.web.pages.rendering import is_partial, page_url, redirect, render, zone_of
from sojourn.web.services import Services

_PAGE = 50
_PICTURE = 300
"""Newest sessions of a user that the lanes of devices and the calendar show."""
_COLUMNS = [key for key in DEFAULT if key != "user"]
_USER = "/frontends/{frontend:str}/user"


@get("/frontends/{frontend:str}/users", guards=[reader], sync_to_thread=True, include_in_schema=False)
def users_page(request: Request[Any, Any, Any], services: Services, frontend: str) -> Response[Any]:
    """The users whose identifier contains what was typed, the last seen first."""
    search = request.query_params.get("search", "").strip()[:250]
    page = users(
        services.scope(frontend), search=search, limit=_PAGE, cursor=request.query_params.get("cursor") or None
    )
    return render(
        request,
        services,
        "parts/users.html" if is_partial(request) else "users.html",
        frontend=frontend,
        section="users",
        page=page,
        search=search,
        paged="cursor" in request.query_params,
    )


@get(_USER, guards=[reader], sync_to_thread=True, include_in_schema=False)
def user_page(request: Request[Any, Any, Any], services: Services, frontend: str) -> Response[Any]:
    """One user by the parameter `identifier`, over all devices; `ask` opens a question before something is done."""
    return _page(request, services, frontend, request.query_params.get("identifier", ""))


def _page(
    request: Request[Any, Any, Any], services: Services, frontend: str, identifier: str, error: str = ""
) -> Response[Any]:
    scope = services.scope(frontend)
    cursor = request.query_params.get("cursor") or None
    user = one_user(scope, identifier, limit=_PICTURE, cursor=cursor)
    if user is None:
        raise ApiError(404, f"no event of {frontend} carried the user identifier {identifier[:250]!r}", "identifier")
    drawn = user.sessions.items
    page = _first(user.sessions)
    zone = zone_of(request)
    return render(
        request,
        services,
        "user.html",
        status=422 if error else 200,
        frontend=frontend,
        section="users",
        user=user,
        page=page,
        sparks=sparks(scope, page.items),
        columns=chosen_columns(scope.catalog, _COLUMNS),
        lanes=device_lanes(user.instances, drawn, zone),
        calendar=calendar(drawn, scope.now, zone),
        more=user.sessions.next is not None,
        drawn=len(drawn),
        paged=cursor is not None,
        ask=request.query_params.get("ask", ""),
        merged=[pair for pair in services.settings.merges(frontend) if pair.identifier in user.identifiers],
        error=error,
    )


def _first(sessions: Page[Session]) -> Page[Session]:
    """The part of the sessions of the picture that the table shows."""
    items = sessions.items[:_PAGE]
    if len(items) == len(sessions.items):
        return sessions
    return msgspec.structs.replace(sessions, items=items, next=write_cursor(items[-1].start_time, items[-1].session_id))


@post(f"{_USER}/merge", guards=[editor], sync_to_thread=True, include_in_schema=False)
def merge_user(request: Request[Any, Any, Any], services: Services, frontend: str, data: Form) -> Response[Any]:
    """From now on show another identifier as this user."""
    canonical, other = text_of(data, "identifier"), text_of(data, "other").strip()
    try:
        services.settings.merge(frontend, other, canonical, actor=actor_of(request).name)
    except SettingsError as error:
        return _page(request, services, frontend, canonical, error.message)
    services.refresh()
    return redirect(page_url(frontend, "user", identifier=canonical))


@post(f"{_USER}/unmerge", guards=[editor], sync_to_thread=True, include_in_schema=False)
def unmerge_user(request: Request[Any, Any, Any], services: Services, frontend: str, data: Form) -> Response[Any]:
    """Show an identifier as itself again."""
    canonical, other = text_of(data, "identifier"), text_of(data, "other")
    services.settings.undo_merge(frontend, other, actor=actor_of(request).name)
    services.refresh()
    return redirect(page_url(frontend, "user", identifier=canonical))


HANDLERS: list[Any] = [users_page, user_page, merge_user, unmerge_user]
