"""Privacy requests: all that is kept of a user, given out or erased. The identifier is in the body, never in a path."""

from typing import Any, Literal

import msgspec
import structlog
from litestar import Request, post
from litestar.response import Stream

from sojourn.query.export import json_export, parquet_export
from sojourn.query.person import own_instances
from sojourn.rules.limits import MAX_USER_IDENTIFIER
from sojourn.store.erasure import ErasedUser, Proof
from sojourn.web.access import actor_of, administrator
from sojourn.web.errors import ApiError
from sojourn.web.services import Services

_PRIVACY = "/api/v1/frontends/{frontend:str}/privacy"

log = structlog.get_logger()


class ExportRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Whose data is wanted, and how."""

    identifier: str
    format: Literal["json", "parquet"] = "json"


class ErasureRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Whose data is to be erased."""

    identifier: str


class Erasure(msgspec.Struct, kw_only=True):
    """What an erasure did. `audit` are the keyed hashes by which the history names the identifiers of the user.

    `proof` is the result of the same query before and after, table by table: rows of the user. `mentions` counts rows
    of others that contain the identifier in some text; they are not touched.
    """

    audit: list[str]
    proof: list[Proof]
    erased_rows: int


@post(f"{_PRIVACY}/export", guards=[administrator], sync_to_thread=True, status_code=200)
def export_user(services: Services, frontend: str, data: ExportRequest) -> Stream:
    """All that is kept of a user: sessions, events and what was left out of them, as JSON or Parquet."""
    scope = services.scope(frontend)
    identifiers = scope.identifiers_of(_checked(data.identifier))
    if data.format == "parquet":
        pieces, media_type = parquet_export(scope, identifiers), "application/vnd.apache.parquet"
    else:
        pieces, media_type = json_export(scope, identifiers), "application/json"
    name = f"user.{data.format}"
    return Stream(pieces, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})


@post(f"{_PRIVACY}/erase", guards=[administrator], sync_to_thread=True, status_code=200)
def erase_user(request: Request[Any, Any, Any], services: Services, frontend: str, data: ErasureRequest) -> Erasure:
    """Erase a user everywhere: every session in which an identifier of the user was ever used, whole."""
    return erase(services, frontend, data.identifier, actor_of(request).name)


def erase(services: Services, frontend: str, identifier: str, actor: str) -> Erasure:
    """Erase a user everywhere, and write to the history who did it: by that all servers forget their exports."""
    scope = services.scope(frontend)
    identifiers = scope.identifiers_of(_checked(identifier))
    user = ErasedUser(
        frontend=frontend,
        identifiers=identifiers,
        own_instances=own_instances(scope, identifiers),
        key=services.frontend(frontend).hash_key,
    )
    proof = services.eraser.erase_user(user, services.now())
    audit = [services.settings.forget_user(frontend, one, actor=actor) for one in identifiers]
    services.refresh_views()
    erased = sum(one.before for one in proof)
    log.info("user_erased", frontend=frontend, audit=audit, rows=erased)
    return Erasure(audit=audit, proof=proof, erased_rows=erased)


def _checked(identifier: str) -> str:
    if not 0 < len(identifier) <= MAX_USER_IDENTIFIER:
        raise ApiError(422, f"identifier: from 1 to {MAX_USER_IDENTIFIER} characters", "identifier")
    return identifier
