"""Privacy requests from a user's page: the export as a file, the erasure with its proof."""

from typing import Any

from litestar import Request, Response, post
from litestar.response import Stream

from sojourn.query.export import json_export, parquet_export
from sojourn.web.access import actor_of, administrator
from sojourn.web.api.privacy import erase
from sojourn.web.errors import ApiError
from sojourn.web.pages.home import Form, text_of
from sojourn.web.pages.rendering import render
from sojourn.web.services import Services

_USER = "/frontends/{frontend:str}/user"


@post(f"{_USER}/export", guards=[administrator], sync_to_thread=True, status_code=200, include_in_schema=False)
def export_user(services: Services, frontend: str, data: Form) -> Stream:
    """All that is kept of a user, as a file."""
    scope = services.scope(frontend)
    identifiers = scope.identifiers_of(text_of(data, "identifier"))
    if text_of(data, "format", "json") == "parquet":
        pieces, media_type, ending = parquet_export(scope, identifiers), "application/vnd.apache.parquet", "parquet"
    else:
        pieces, media_type, ending = json_export(scope, identifiers), "application/json", "json"
    headers = {
        "Content-Disposition": f'attachment; filename="user.{ending}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Stream(pieces, media_type=media_type, headers=headers)


@post(f"{_USER}/erase", guards=[administrator], sync_to_thread=True, status_code=200, include_in_schema=False)
def erase_user(request: Request[Any, Any, Any], services: Services, frontend: str, data: Form) -> Response[Any]:
    """Erase a user whose identifier was typed once more, and show the proof."""
    identifier = text_of(data, "identifier")
    if text_of(data, "confirmation").strip() != identifier.strip():
        raise ApiError(422, "what was typed is not the identifier of the user; nothing was erased", "confirmation")
    erased = erase(services, frontend, identifier, actor_of(request).name)
    return render(request, services, "erased.html", frontend=frontend, section="users", erased=erased)


HANDLERS: list[Any] = [export_user, erase_user]
