"""The list of users, and one user with devices, calendar and sessions."""

from typing import Any

from litestar import Request, Response, get

from sojourn.query.filters import SessionFilters
from sojourn.query.sessions import newest_sessions
from sojourn.query.sparks import sparks
from sojourn.query.users import one_user, users
from sojourn.rules.limits import DAY
from sojourn.web.access import reader
from sojourn.web.errors import ApiError
from sojourn.web.pages.calendars import calendar, device_lanes
from sojourn.web.pages.rendering import is_partial, render, zone_of
from sojourn.web.services import Services

_PAGE = 50
_PICTURE = 300
"""Newest sessions of a user that the picture of lanes and the calendar show."""


@get("/frontends/{frontend:str}/users", guards=[reader], sync_to_thread=True, include_in_schema=False)
def users_page(request: Request[Any, Any, Any], services: Services, frontend: str) -> Response[Any]:
    """The users whose identifier contains what was typed, the last seen first."""
    search = request.query_params.get("search", "").strip()[:250]
    page = users(
        services.scope(frontend), search=search, limit=_PAGE, cursor=request.query_params.get("cursor") or None
    )
    partial = is_partial(request) and request.headers.get("hx-target", "").endswith("users-found")
    return render(
        request,
        services,
        "parts/users.html" if partial else "users.html",
        frontend=frontend,
        section="users",
        page=page,
        search=search,
        paged="cursor" in request.query_params,
    )


@get("/frontends/{frontend:str}/user", guards=[reader], sync_to_thread=True, include_in_schema=False)
def user_page(request: Request[Any, Any, Any], services: Services, frontend: str) -> Response[Any]:
    """One user by the parameter `identifier`, over all devices."""
    scope = services.scope(frontend)
    identifier = request.query_params.get("identifier", "")
    cursor = request.query_params.get("cursor") or None
    user = one_user(scope, identifier, limit=_PAGE, cursor=cursor)
    if user is None:
        raise ApiError(404, f"no event of {frontend} carried the user identifier {identifier[:250]!r}", "identifier")
    drawn = newest_sessions(scope, SessionFilters(user=identifier, empty=True), limit=_PICTURE).items
    zone = zone_of(request)
    return render(
        request,
        services,
        "user.html",
        frontend=frontend,
        section="users",
        user=user,
        sparks=sparks(scope, user.sessions.items),
        properties=_properties_now(drawn),
        lanes=device_lanes(user.instances, drawn, zone),
        calendar=calendar(drawn, scope.now, zone),
        days_active=len({(s.start_time + _shift(s.start_time, zone)) // DAY for s in drawn}),
        drawn=len(drawn),
        paged=cursor is not None,
    )


def _shift(time: int, zone: Any) -> int:
    from sojourn.web.pages.formats import moment

    offset = moment(time, zone).utcoffset()
    return round(offset.total_seconds() * 1_000_000) if offset else 0


def _properties_now(sessions: list[Any]) -> list[tuple[str, Any, Any]]:
    """The newest value of each session property, with the session that had it."""
    found: dict[str, tuple[Any, Any]] = {}
    for session in sessions:
        for name, value in session.session_properties.items():
            found.setdefault(name, (value, session))
    return [(name, *found[name]) for name in sorted(found)]


HANDLERS: list[Any] = [users_page, user_page]
