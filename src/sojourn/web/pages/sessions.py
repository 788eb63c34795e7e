"""The list of sessions: filters as chips, a page at a time."""

from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get

from sojourn.query.sessions import newest_sessions
from sojourn.query.sparks import sparks
from sojourn.settings.errors import SettingsError
from sojourn.web.access import reader
from sojourn.web.errors import ApiError
from sojourn.web.pages import filters
from sojourn.web.pages.ranges import read_range
from sojourn.web.pages.rendering import page_url, redirect, render
from sojourn.web.parameters import read_filters
from sojourn.web.services import Services

_PAGE = 50
_OURS = ("cursor", "range", "columns", "sort", "part", "from", "to", "add", "operator", "value")
"""Parameters of the page that are no filters; `from` and `to` are read with the range."""


@get("/frontends/{frontend:str}/sessions", guards=[reader], sync_to_thread=True, include_in_schema=False)
def sessions_page(request: Request[Any, Any, Any], services: Services, frontend: str) -> Response[Any]:
    """The sessions that match, the latest first. The form adds one filter by coming back with it in the link."""
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
    span = read_range(pairs, scope.now, "all")
    chosen = read_filters([pair for pair in pairs if pair[0] not in _OURS], besides=())
    narrowed = _narrowed(chosen, span.start, span.end)
    page = newest_sessions(scope, narrowed, limit=_PAGE, cursor=given.get("cursor"))
    return render(
        request,
        services,
        "sessions.html",
        frontend=frontend,
        section="sessions",
        page=page,
        sparks=sparks(scope, page.items),
        chips=filters.chips(scope.catalog, pairs),
        fields=filters.fields(scope.catalog),
        field=filters.fields(scope.catalog)[0],
        span=span,
        problem=problem,
        paged=bool(given.get("cursor")),
    )


def _narrowed(chosen: Any, start: int | None, end: int | None) -> Any:
    import msgspec

    return msgspec.structs.replace(chosen, start=start, end=end)


@get("/frontends/{frontend:str}/sessions/filter", guards=[reader], sync_to_thread=True, include_in_schema=False)
def filter_part(request: Request[Any, Any, Any], services: Services, frontend: str) -> Response[Any]:
    """The operators and the kind of value of one field, for the form that adds a filter."""
    field = filters.field_named(services.frontend(frontend).catalog, request.query_params.get("add", "user"))
    return render(request, services, "parts/filter.html", frontend=frontend, field=field)


HANDLERS: list[Any] = [sessions_page, filter_part]
