"""Exports of the session list: begin one, watch it, take the file."""

from typing import Any
from urllib.parse import parse_qsl

from litestar import Request, Response, get, post
from litestar.response import File

from sojourn.web.access import reader
from sojourn.web.errors import ApiError
from sojourn.web.exporting import BusyError, Export
from sojourn.web.pages.home import Form, text_of
from sojourn.web.pages.rendering import is_partial, page_url, redirect, render, zone_of
from sojourn.web.pages.sessions import wanted_sessions
from sojourn.web.services import Services

_MEDIA_TYPES = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}


@post("/frontends/{frontend:str}/exports", guards=[reader], sync_to_thread=True, include_in_schema=False)
def begin_export(request: Request[Any, Any, Any], services: Services, frontend: str, data: Form) -> Response[Any]:
    """Begin to write the sessions of a list, whose state is in the form, to a file."""
    file_format = text_of(data, "format", "csv")
    if file_format not in _MEDIA_TYPES:
        raise ApiError(400, "format: csv or parquet", "format")
    scope = services.scope(frontend)
    query = text_of(data, "query")
    chosen, _ = wanted_sessions(scope, parse_qsl(query), zone_of(request))
    try:
        export = services.exports.begin(scope, chosen, file_format)
    except BusyError:
        raise ApiError(503, "too many exports run; wait until one is ready") from None
    return redirect(page_url(frontend, "export", id=export.id))


@get("/frontends/{frontend:str}/export", guards=[reader], sync_to_thread=True, include_in_schema=False)
def export_page(request: Request[Any, Any, Any], services: Services, frontend: str) -> Response[Any]:
    """How far an export is, and the file once it is ready."""
    export = _find(request, services, frontend)
    template = "parts/export.html" if is_partial(request) else "export.html"
    return render(request, services, template, frontend=frontend, section="sessions", export=export)


@get("/frontends/{frontend:str}/export/file", guards=[reader], sync_to_thread=True, include_in_schema=False)
def export_file(request: Request[Any, Any, Any], services: Services, frontend: str) -> File:
    """The file."""
    export = _find(request, services, frontend)
    if export.state != "done":
        raise ApiError(409, "the export is not ready yet")
    return File(
        export.path,
        filename=f"{frontend}-sessions.{export.format}",
        media_type=_MEDIA_TYPES[export.format],
        content_disposition_type="attachment",
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
    )


def _find(request: Request[Any, Any, Any], services: Services, frontend: str) -> Export:
    export = services.exports.find(request.query_params.get("id", ""), services.frontend(frontend).name)
    if export is None:
        raise ApiError(404, "there is no such export; files are kept for 30 minutes", "id")
    return export


HANDLERS: list[Any] = [begin_export, export_page, export_file]
