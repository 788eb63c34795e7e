"""Who is one person: merged user identifiers, and the stretches of a session that each identifier had."""

from typing import Any
from urllib.parse import unquote

import msgspec
from litestar import Request, delete, get, post

from sojourn.query.answers import Stretch
from sojourn.query.stretches import stretches
from sojourn.settings.rows import Merge
from sojourn.web.access import actor_of, editor, reader
from sojourn.web.errors import ApiError
from sojourn.web.services import Services

_FRONTEND = "/api/v1/frontends/{frontend:str}"


class NewMerge(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """From now on `identifier` is shown as the user `canonical`."""

    identifier: str
    canonical: str


@get(f"{_FRONTEND}/merges", guards=[reader], sync_to_thread=True)
def list_merges(services: Services, frontend: str) -> dict[str, list[Merge]]:
    """The merged user identifiers of a frontend, oldest first."""
    return {"items": services.settings.merges(frontend)}


@post(f"{_FRONTEND}/merges", guards=[editor], sync_to_thread=True)
def add_merge(request: Request[Any, Any, Any], services: Services, frontend: str, data: NewMerge) -> NewMerge:
    """Show two user identifiers as one user. No event is changed, and it can be undone."""
    services.settings.merge(frontend, data.identifier, data.canonical, actor=actor_of(request).name)
    services.refresh()
    return data


@delete(f"{_FRONTEND}/merges/{{identifier:path}}", guards=[editor], sync_to_thread=True)
def undo_merge(request: Request[Any, Any, Any], services: Services, frontend: str, identifier: str) -> None:  # noqa: ARG001
    """Show a merged user identifier as itself again. It is percent-encoded in the path."""
    raw = request.scope["raw_path"].decode("ascii").partition("?")[0]
    services.settings.undo_merge(frontend, unquote(raw.partition("/merges/")[2]), actor=actor_of(request).name)
    services.refresh()


@get(f"{_FRONTEND}/sessions/{{session_id:str}}/identifiers", guards=[reader], sync_to_thread=True)
def list_stretches(services: Services, frontend: str, session_id: str) -> dict[str, list[Stretch]]:
    """Who used a session when: each user identifier, null for nobody, with its stretch."""
    found = stretches(services.scope(frontend), session_id)
    if found is None:
        raise ApiError(404, f"there is no session {session_id[:100]!r}", "session_id")
    return {"items": found}
