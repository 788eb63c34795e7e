"""What the command palette finds: users, a session by its id, pages and frontends."""

from typing import Any

from litestar import Request, Response, get

from sojourn.query.sessions import one_session
from sojourn.query.values import values_of
from sojourn.web.access import reader
from sojourn.web.pages.rendering import SECURITY_HEADERS, page_url
from sojourn.web.services import Services

_PAGES = (
    ("Overview", "overview"),
    ("Sessions", "sessions"),
    ("Live sessions", "sessions?live=true"),
    ("Sessions with errors", "sessions?errors=true"),
    ("Sessions with missing events", "sessions?missing=true"),
    ("Users", "users"),
    ("Live", "live"),
    ("SQL", "sql"),
    ("Get started", "start"),
    ("Event and session properties", "settings/properties"),
    ("Discards", "settings/discards"),
    ("Timeouts of sessions", "settings/sessions"),
    ("Privacy and retention", "settings/privacy"),
    ("Keys", "settings/keys"),
    ("History of changes", "settings/history"),
)


@get("/palette", guards=[reader], sync_to_thread=True, include_in_schema=False)
def frontends_palette(request: Request[Any, Any, Any], services: Services) -> Response[Any]:
    """The frontends that match."""
    return _matches(request, services, None)


@get("/frontends/{frontend:str}/palette", guards=[reader], sync_to_thread=True, include_in_schema=False)
def palette(request: Request[Any, Any, Any], services: Services, frontend: str) -> Response[Any]:
    """The users, sessions, pages and frontends that match."""
    return _matches(request, services, frontend)


def _matches(request: Request[Any, Any, Any], services: Services, frontend: str | None) -> Response[Any]:
    """The matches for `search` as JSON, each with its kind, what it says and its link."""
    search = request.query_params.get("search", "").strip()[:250]
    low = search.casefold()
    found: list[dict[str, str]] = []
    if frontend is not None:
        scope = services.scope(frontend)
        if search:
            if (session := one_session(scope, search)) is not None:
                found.append(
                    _entry("session", session.session_id, page_url(frontend, "session", id=session.session_id))
                )
            found += [
                _entry("user", user.value, page_url(frontend, "user", identifier=user.value))
                for user in values_of(scope, "user", search, limit=8)
            ]
        found += [_entry("page", label, page_url(frontend, page)) for label, page in _PAGES if low in label.casefold()]
    found += [
        _entry("frontend", name, page_url(name, "overview"))
        for name in sorted(services.snapshot.by_name)
        if low in name.casefold() and name != frontend
    ]
    return Response({"items": found[:30]}, headers=SECURITY_HEADERS)


def _entry(kind: str, label: str, link: str) -> dict[str, str]:
    return {"kind": kind, "label": label, "link": link}


HANDLERS: list[Any] = [frontends_palette, palette]
