"""Exports of the session list: begin one, watch it, take the file."""

import os
from collections.abc import Iterator
from typing import Any, BinaryIO
from urllib.parse import parse_qsl

from litestar import Request, Response, get, post
from litestar.response import Stream

from sojourn.web.access import reader
from sojourn.web.errors import ApiError
from sojourn.web.exporting import BusyError, Export
from sojourn.web.pages.home import Form, text_of
from sojourn.web.pages.rendering import is_partial, page_url, redirect, render, zone_of
from sojourn.web.pages.sessions import wanted_sessions
from sojourn.web.services import Services

_MEDIA_TYPES = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}
_CHUNK_BYTES = 1 << 18


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
def export_file(request: Request[Any, Any, Any], services: Services, frontend: str) -> Stream:
    """The file."""
    export = _find(request, services, frontend)
    if export.state != "done":
        raise ApiError(409, "the export is not ready yet")
    try:
        # Opened before anything is answered: an erasure may remove it at any moment.
        file = export.path.open("rb")
    except FileNotFoundError:
        raise _gone() from None
    return Stream(
        _chunks(file),
        media_type=_MEDIA_TYPES[export.format],
        headers={
            "Content-Length": str(os.fstat(file.fileno()).st_size),
            "Content-Disposition": f'attachment; filename="{export.frontend}-sessions.{export.format}"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk


def _find(request: Request[Any, Any, Any], services: Services, frontend: str) -> Export:
    export = services.exports.find(request.query_params.get("id", ""), services.frontend(frontend).name)
    if export is None:
        raise _gone()
    return export


def _gone() -> ApiError:
    return ApiError(404, "there is no such export; files are kept for 30 minutes", "id")


HANDLERS: list[Any] = [begin_export, export_page, export_file]
