"""Frontends, their settings and property definitions as JSON."""

from typing import Any, Literal

import msgspec
from litestar import Request, delete, get, patch, post, put

from sojourn.rules.definitions import Aggregation, PropertyDefinition
from sojourn.rules.names import PropertyKind, split_name
from sojourn.rules.sessions import FrontendType
from sojourn.rules.values import DataType
from sojourn.settings.definitions import DefinitionChanges
from sojourn.settings.documents import DefinitionDocument, DefinitionsFile, to_document
from sojourn.settings.durations import parse_duration
from sojourn.settings.frontends import FrontendChanges
from sojourn.settings.rows import Frontend, HistoryEntry
from sojourn.web.access import actor_of, administrator, editor, reader
from sojourn.web.errors import ApiError
from sojourn.web.services import Services

_FRONTENDS = "/api/v1/frontends"
_FRONTEND = _FRONTENDS + "/{frontend:str}"


class FrontendAnswer(msgspec.Struct, kw_only=True):
    """A frontend and its settings. Durations in microseconds."""

    name: str
    type: str
    created: int
    idle_timeout: int
    max_duration: int
    hash_identifiers: bool
    mask_ip: bool
    retention_days: int | None
    discard_retention_days: int
    archived: bool


class NewFrontend(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a new frontend needs."""

    name: str
    type: Literal["web", "mobile", "desktop", "other"]


class SettingsChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Settings to change; what is left out stays. Durations in microseconds, or text like `30m`."""

    idle_timeout: int | str | msgspec.UnsetType = msgspec.UNSET
    max_duration: int | str | msgspec.UnsetType = msgspec.UNSET
    hash_identifiers: bool | msgspec.UnsetType = msgspec.UNSET
    mask_ip: bool | msgspec.UnsetType = msgspec.UNSET
    retention_days: int | msgspec.UnsetType | None = msgspec.UNSET
    discard_retention_days: int | msgspec.UnsetType = msgspec.UNSET


class PropertyChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Parts of a definition to change; what is left out stays."""

    type: Literal["string", "number", "boolean"] | msgspec.UnsetType = msgspec.UNSET
    case_insensitive: bool | msgspec.UnsetType = msgspec.UNSET
    aggregation: Literal["first", "last"] | msgspec.UnsetType = msgspec.UNSET
    description: str | msgspec.UnsetType = msgspec.UNSET


def frontend_answer(frontend: Frontend) -> FrontendAnswer:
    """A frontend as it goes out."""
    return FrontendAnswer(
        name=frontend.name,
        type=frontend.type.value,
        created=frontend.created,
        idle_timeout=frontend.policy.idle_timeout,
        max_duration=frontend.policy.max_duration,
        hash_identifiers=frontend.hash_identifiers,
        mask_ip=frontend.mask_ip,
        retention_days=frontend.retention_days,
        discard_retention_days=frontend.discard_retention_days,
        archived=frontend.archived,
    )


def property_answer(definition: PropertyDefinition) -> dict[str, Any]:
    """A definition as it goes out: its document with the full name."""
    return {"name": definition.name, **to_document(definition)}


@get(_FRONTENDS, guards=[reader], sync_to_thread=True)
def list_frontends(services: Services) -> dict[str, list[FrontendAnswer]]:
    """All frontends."""
    return {"items": [frontend_answer(frontend) for frontend in services.settings.frontends()]}


@post(_FRONTENDS, guards=[administrator], sync_to_thread=True)
def add_frontend(request: Request[Any, Any, Any], services: Services, data: NewFrontend) -> dict[str, Any]:
    """Add a frontend; the answer holds its ingest key."""
    frontend, key = services.settings.add_frontend(data.name, FrontendType(data.type), actor=actor_of(request).name)
    services.refresh()
    return {"frontend": frontend_answer(frontend), "key": key}


@get(f"{_FRONTEND}/settings", guards=[reader], sync_to_thread=True)
def get_settings(services: Services, frontend: str) -> FrontendAnswer:
    """The settings of a frontend."""
    return frontend_answer(services.settings.frontend(frontend))


@patch(f"{_FRONTEND}/settings", guards=[administrator], sync_to_thread=True)
def change_settings(
    request: Request[Any, Any, Any], services: Services, frontend: str, data: SettingsChange
) -> FrontendAnswer:
    """Change settings of a frontend; SDKs follow new timeouts from their next request on."""
    changes: FrontendChanges = {}
    for name in SettingsChange.__struct_fields__:
        value = getattr(data, name)
        if value is not msgspec.UNSET:
            changes[name] = parse_duration(name, value) if isinstance(value, str) else value  # type: ignore[literal-required]
    changed = services.settings.set_frontend(frontend, actor=actor_of(request).name, **changes)
    services.refresh()
    return frontend_answer(changed)


@get(f"{_FRONTEND}/history", guards=[reader], sync_to_thread=True)
def list_history(services: Services, frontend: str, before: int | None = None) -> dict[str, list[HistoryEntry]]:
    """Who changed what, newest first, 100 at a time; `before` is the id of the last one seen."""
    return {"items": services.settings.history(frontend, before=before)}


@get(f"{_FRONTEND}/properties", guards=[reader], sync_to_thread=True)
def list_properties(services: Services, frontend: str) -> dict[str, Any]:
    """The property definitions of a frontend."""
    return {"items": [property_answer(d) for d in services.settings.definitions(frontend)], "next": None}


@post(f"{_FRONTEND}/properties", guards=[editor], sync_to_thread=True)
def add_property(
    request: Request[Any, Any, Any], services: Services, frontend: str, data: DefinitionDocument
) -> dict[str, Any]:
    """Define a property: kind, field (without prefix), type, and for session properties the aggregation."""
    added = services.settings.add_definition(frontend, data.definition(), actor=actor_of(request).name)
    services.refresh_definitions(frontend)
    return property_answer(added)


@put(f"{_FRONTEND}/properties", guards=[editor], sync_to_thread=True)
def import_properties(
    request: Request[Any, Any, Any],
    services: Services,
    frontend: str,
    data: DefinitionsFile,
    prune: bool = False,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Make the definitions those given, all or nothing; `prune` removes others; `dry_run` only tells."""
    difference = services.settings.import_definitions(
        frontend,
        [document.definition() for document in data.properties],
        actor=actor_of(request).name,
        prune=prune,
        dry_run=dry_run,
    )
    services.refresh_definitions(frontend)
    return {
        "added": [property_answer(d) for d in difference.added],
        "changed": [property_answer(new) for _, new in difference.changed],
        "removed": [property_answer(d) for d in difference.removed],
    }


@get(f"{_FRONTEND}/properties/{{name:str}}", guards=[reader], sync_to_thread=True)
def get_property(services: Services, frontend: str, name: str) -> dict[str, Any]:
    """One definition by its full name."""
    return property_answer(services.settings.definition(frontend, *_split(name)))


@patch(f"{_FRONTEND}/properties/{{name:str}}", guards=[editor], sync_to_thread=True)
def change_property(
    request: Request[Any, Any, Any], services: Services, frontend: str, name: str, data: PropertyChange
) -> dict[str, Any]:
    """Change a definition. A new aggregation changes the answer for old sessions too, as both values are kept."""
    kind, field = _split(name)
    changes: DefinitionChanges = {}
    if data.type is not msgspec.UNSET:
        changes["data_type"] = DataType(data.type)
    if data.aggregation is not msgspec.UNSET:
        changes["aggregation"] = Aggregation(data.aggregation)
    if data.case_insensitive is not msgspec.UNSET:
        changes["case_insensitive"] = data.case_insensitive
    if data.description is not msgspec.UNSET:
        changes["description"] = data.description
    changed = services.settings.change_definition(frontend, kind, field, actor=actor_of(request).name, **changes)
    services.refresh_definitions(frontend)
    return property_answer(changed)


@delete(f"{_FRONTEND}/properties/{{name:str}}", guards=[editor], sync_to_thread=True)
def remove_property(request: Request[Any, Any, Any], services: Services, frontend: str, name: str) -> None:
    """Remove a definition: from now on the property is discarded."""
    services.settings.remove_definition(frontend, *_split(name), actor=actor_of(request).name)
    services.refresh_definitions(frontend)


def _split(name: str) -> tuple[PropertyKind, str]:
    split = split_name(name)
    if split is None:
        raise ApiError(404, "a full property name starts with event_properties. or session_properties.", "name")
    return split
