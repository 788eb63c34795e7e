"""The list of sessions: filters as chips, columns and order by choice, a page at a time; saved views."""

from datetime import tzinfo
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec
from litestar import Request, Response, get, post

from sojourn.query.answers import Page, Session
from sojourn.query.filters import SessionFilters
from sojourn.query.scope import Scope
from sojourn.query.sessions import newest_sessions
from sojourn.query.sorted_sessions import LOOKED_AT, SORTS, sorted_sessions
from sojourn.query.sparks import sparks
from sojourn.query.values import values_of
from sojourn.rules.names import PropertyKind
from sojourn.settings.errors import SettingsError
from sojourn.web.access import actor_of, editor, reader
from sojourn.web.errors import ApiError
from sojourn.web.pages import filters, formats
from sojourn.web.pages.columns import all_columns, chosen_columns
from sojourn.web.pages.home import Form, text_of
from sojourn.web.pages.ranges import Range, read_range
from sojourn.web.pages.rendering import page_url, redirect, render, zone_of
from sojourn.web.parameters import Pairs, read_filters
from sojourn.web.services import Services

_PAGE = 50
_SESSIONS = "/frontends/{frontend:str}/sessions"
_OURS = frozenset({"cursor", "range", "columns", "sort", "from", "to", "add", "operator", "value", "format", "view"})
"""Parameters of the page that are no filters; `from` and `to` are read with the range."""


def wanted_sessions(scope: Scope, pairs: Pairs, zone: tzinfo) -> tuple[SessionFilters, Range]:
    """The filters of a link, its time range included. Raises ApiError and FilterError."""
    pairs = list(pairs)
    span = read_range(pairs, scope.now, "all", zone)
    chosen = read_filters([pair for pair in pairs if pair[0] not in _OURS], besides=())
    start = span.start
    if start is None and chosen.live:
        # A live session began within the longest one, so that the older ones need not be looked at.
        start = scope.now - scope.policy.max_duration - scope.policy.idle_timeout
    return msgspec.structs.replace(chosen, start=start, end=span.end), span


def _listed(scope: Scope, chosen: SessionFilters, sort: str, cursor: str | None) -> Page[Session]:
    key, descending = sort.lstrip("-"), sort.startswith("-")
    if key not in SORTS:
        raise ApiError(400, f"sort: one of {', '.join(SORTS)}, with - before it for the greatest first", "sort")
    if sort == "-start":
        return newest_sessions(scope, chosen, limit=_PAGE, cursor=cursor)
    return sorted_sessions(scope, chosen, key, descending=descending, limit=_PAGE, cursor=cursor)


@get(_SESSIONS, guards=[reader], sync_to_thread=True, include_in_schema=False)
def sessions_page(request: Request[Any, Any, Any], services: Services, frontend: str) -> Response[Any]:
    """The sessions that match. The form adds one filter by coming back with it in the link."""
    scope = services.scope(frontend)
    pairs = list(request.query_params.multi_items())
    given = dict(pairs)
    problem = ""
    if given.get("add"):
        kept = [pair for pair in pairs if pair[0] not in ("add", "operator", "value", "cursor")]
        try:
            wanted = filters.added(
                scope.catalog, given["add"], given.get("operator", ""), given.get("value", "").strip()
            )
        except (ApiError, SettingsError) as error:
            problem = error.message
        else:
            pairs = [pair for pair in kept if pair[0] != wanted[0] or "." in wanted[0]] + [wanted]
            return redirect(page_url(frontend, "sessions") + "?" + urlencode(pairs))
    chosen, span = wanted_sessions(scope, pairs, zone_of(request))
    sort = given.get("sort") or "-start"
    page = _listed(scope, chosen, sort, given.get("cursor") or None)
    fields = filters.fields(scope.catalog)
    return render(
        request,
        services,
        "sessions.html",
        frontend=frontend,
        section="sessions",
        page=page,
        sparks=sparks(scope, page.items),
        chips=filters.chips(scope.catalog, pairs),
        fields=fields,
        field=next((field for field in fields if field.name == given.get("add")), fields[0]),
        span=span,
        problem=problem,
        paged=bool(given.get("cursor")),
        sort=sort,
        columns=chosen_columns(scope.catalog, request.query_params.getall("columns", [])),
        all_columns=all_columns(scope.catalog),
        looked_at=LOOKED_AT,
        views=services.settings.views(frontend),
        state=urlencode([pair for pair in pairs if pair[0] not in ("cursor", "add", "operator", "value")]),
    )


@get(f"{_SESSIONS}/filter", guards=[reader], sync_to_thread=False, include_in_schema=False)
def filter_part(request: Request[Any, Any, Any], services: Services, frontend: str) -> Response[Any]:
    """The operators and the kind of value of one field, for the form that adds a filter."""
    field = filters.field_named(services.frontend(frontend).catalog, request.query_params.get("add", "user"))
    return render(request, services, "parts/filter.html", frontend=frontend, field=field)


@get("/frontends/{frontend:str}/completion", guards=[reader], sync_to_thread=True, include_in_schema=False)
def completion_part(request: Request[Any, Any, Any], services: Services, frontend: str) -> Response[Any]:
    """The real values of a field that contain what was typed, as options."""
    scope = services.scope(frontend)
    given = request.query_params
    name = given.get("field") or given.get("add") or "user"
    typed = given.get("value") or given.get("other") or ""
    found = values_of(scope, name, typed.strip()[:250])
    definition = scope.catalog.find(name)
    if definition is not None and definition.kind is PropertyKind.SESSION:
        found = [msgspec.structs.replace(one, value=formats.shown(formats.scalar(one.value))) for one in found]
    return render(request, services, "parts/completion.html", frontend=frontend, found=found)


@post("/frontends/{frontend:str}/views", guards=[editor], sync_to_thread=True, include_in_schema=False)
def save_view(request: Request[Any, Any, Any], services: Services, frontend: str, data: Form) -> Response[Any]:
    """Give the state of the list a name, and go back to it."""
    query = urlencode(parse_qsl(text_of(data, "query")[:4_000]))
    services.settings.save_view(frontend, text_of(data, "name").strip(), query, actor=actor_of(request).name)
    return redirect(page_url(frontend, "sessions") + (f"?{query}" if query else ""))


@post("/frontends/{frontend:str}/views/remove", guards=[editor], sync_to_thread=True, include_in_schema=False)
def remove_view(request: Request[Any, Any, Any], services: Services, frontend: str, data: Form) -> Response[Any]:
    """Forget a saved view."""
    services.settings.remove_view(frontend, text_of(data, "name"), actor=actor_of(request).name)
    return redirect(page_url(frontend, "sessions"))


HANDLERS: list[Any] = [sessions_page, filter_part, completion_part, save_view, remove_view]
