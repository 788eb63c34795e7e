"""Errors as pages: what went wrong in words, with the status of the JSON error; a login where one is needed."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.response import Redirect

from sojourn.web.errors import EXCEPTION_HANDLERS
from sojourn.web.pages.rendering import is_partial, render

_json_of: Callable[[Request[Any, Any, Any], Exception], Response[Any]] = EXCEPTION_HANDLERS[HTTPException]
_TITLES = {
    400: "This link cannot be understood",
    401: "Log in to go on",
    403: "This is not allowed",
    404: "There is nothing here",
    405: "This address takes no such request",
    409: "This exists already",
    422: "This cannot be done as asked",
    429: "Too many attempts",
    500: "The server failed to answer",
    503: "The server is overloaded",
}


def _as_page(handler: Callable[[Request[Any, Any, Any], Any], Response[Any]]) -> Callable[..., Response[Any]]:
    def answer(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        told = handler(request, error)
        status, message = told.status_code or 500, told.content["error"]["message"]
        return failure_page(request, status, message, dict(told.headers))

    return answer


def failure_page(
    request: Request[Any, Any, Any], status: int, message: str, headers: dict[str, str] | None = None
) -> Response[Any]:
    """An error in the shape of a page, or of a part of one."""
    services = request.app.state.services
    if status == 401 and not is_partial(request):
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return Redirect(f"/login?next={quote(here, safe='')}", status_code=303)
    return render(
        request,
        services,
        "parts/failure.html" if is_partial(request) else "failure.html",
        status=status,
        headers=headers,
        frontend=_frontend_in(request),
        section="",
        title=_TITLES.get(status, "Something went wrong"),
        message=message,
        code=status,
    )


def _frontend_in(request: Request[Any, Any, Any]) -> str | None:
    # Who may not read learns no names of frontends either; the switcher is shown to those with an actor alone.
    name = request.path_params.get("frontend")
    return name if isinstance(name, str) and request.scope["state"].get("actor") is not None else None


PAGE_EXCEPTION_HANDLERS: dict[int | type[Exception], Any] = {
    kind: _as_page(handler) for kind, handler in EXCEPTION_HANDLERS.items()
}


def missing_page(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """An address that is none of ours: as a page where it was opened in a window, else in the JSON shape."""
    programs = request.url.path.startswith(("/api", "/v1", "/mbeacon"))
    if programs or "text/html" not in request.headers.get("accept", ""):
        return _json_of(request, error)
    return failure_page(request, 404, "The address does not belong to a page of this server.")
