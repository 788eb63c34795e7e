"""One shape for every error: {"error": {"code", "message", "field"?}}; and which exception becomes which status."""

from collections.abc import Callable
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from sojourn.query.cursors import BadCursorError
from sojourn.query.filters import FilterError
from sojourn.rules.definitions import DefinitionError
from sojourn.settings.errors import ConflictError, NotFoundError, SettingsError, UnavailableError
from sojourn.store.engine import EngineAwayError
from sojourn.store.writer import Overloaded
from sojourn.wire.native import WireError

log = structlog.get_logger()

CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    411: "length_required",
    413: "too_large",
    415: "unsupported_encoding",
    422: "invalid",
    429: "too_many_requests",
    500: "internal",
    503: "overloaded",
}
"""The `code` of an error by its status."""


class ApiError(Exception):
    """An answer that is an error. `field` names the part of the request at fault."""

    def __init__(self, status: int, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.field = field


def error_response(status: int, message: str, field: str | None = None) -> Response[Any]:
    """An error in the one shape."""
    error = {"code": CODES.get(status, "error"), "message": message}
    if field is not None:
        error["field"] = field
    headers = {"Retry-After": "2"} if status in (429, 503) else {}
    return Response({"error": error}, status_code=status, headers=headers, media_type="application/json")


def _api_error(_: Request[Any, Any, Any], error: ApiError) -> Response[Any]:
    return error_response(error.status, error.message, error.field)


def _field_error(_: Request[Any, Any, Any], error: FilterError | DefinitionError) -> Response[Any]:
    return error_response(422, str(error), error.field)


def _settings_error(_: Request[Any, Any, Any], error: SettingsError) -> Response[Any]:
    status = 404 if isinstance(error, NotFoundError) else 409 if isinstance(error, ConflictError) else 422
    return error_response(status, str(error), error.field)


def _unavailable(_: Request[Any, Any, Any], error: UnavailableError) -> Response[Any]:
    return error_response(503, f"the database of the settings cannot be used now: {error}")


def _wire_error(_: Request[Any, Any, Any], error: WireError) -> Response[Any]:
    return error_response(400, str(error))


def _cursor_error(_: Request[Any, Any, Any], error: BadCursorError) -> Response[Any]:
    return error_response(400, str(error), "cursor")


def _overloaded(_: Request[Any, Any, Any], error: Overloaded | EngineAwayError) -> Response[Any]:
    text = str(error) or "more events wait for the disk than the server may hold"
    return error_response(503, f"{text}; send it again later")


def _http_error(_: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    detail = error.detail or CODES.get(error.status_code, "error")
    if isinstance(error, ValidationException) and isinstance(error.extra, list) and error.extra:
        first: Any = error.extra[0]
        return error_response(400, str(first.get("message", detail)), str(first.get("key", "")) or None)
    return error_response(error.status_code, detail)


def _unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    log.exception("request_failed", path=request.url.path, exc_info=error)
    return error_response(500, "the server failed to answer; its log says why")


def _readable(handler: Callable[[Request[Any, Any, Any], Any], Response[Any]]) -> Callable[..., Response[Any]]:
    """Let a page of another origin read why its events were refused, or it would take that for a dead network.

    It can read no other error, as those tell what a server on loopback holds.
    """

    def handle(request: Request[Any, Any, Any], error: Any) -> Response[Any]:
        response = handler(request, error)
        if request.url.path.startswith(("/v1/", "/mbeacon")):
            response.headers["Access-Control-Allow-Origin"] = "*"
            response.headers["Access-Control-Expose-Headers"] = "Retry-After"
        return response

    return handle


_HANDLERS: dict[int | type[Exception], Any] = {
    ApiError: _api_error,
    FilterError: _field_error,
    DefinitionError: _field_error,
    SettingsError: _settings_error,
    UnavailableError: _unavailable,
    WireError: _wire_error,
    BadCursorError: _cursor_error,
    Overloaded: _overloaded,
    EngineAwayError: _overloaded,
    HTTPException: _http_error,
    Exception: _unexpected,
}

EXCEPTION_HANDLERS: dict[int | type[Exception], Any] = {kind: _readable(handle) for kind, handle in _HANDLERS.items()}
"""Which exception becomes which answer."""
