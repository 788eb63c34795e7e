"""Settings, Event and session properties: what is defined, and the form that adds, changes or removes a definition."""

from typing import Any

from litestar import Request, Response, get, post

from sojourn.query.discards import discards
from sojourn.rules.definitions import Aggregation, Catalog, DefinitionError, PropertyDefinition
from sojourn.rules.limits import MAX_DEFINITIONS, MAX_PROPERTY_NAME
from sojourn.rules.names import PropertyKind, full_name, name_problem, split_name
from sojourn.rules.values import DataType
from sojourn.settings.errors import SettingsError
from sojourn.web.access import actor_of, editor, reader
from sojourn.web.errors import ApiError
from sojourn.web.pages.home import Form, text_of
from sojourn.web.pages.rendering import page_url, redirect, render
from sojourn.web.services import Services

_PATH = "/frontends/{frontend:str}/settings"
_PAGE = "settings/properties"


class Draft:
    """A definition as it stands in the form, whatever is wrong with it."""

    def __init__(
        self, kind: str, field: str, data_type: str, aggregation: str, description: str, any_case: bool
    ) -> None:
        self.kind = PropertyKind(kind) if kind in list(PropertyKind) else PropertyKind.EVENT
        self.field = field
        self.data_type = data_type if data_type in list(DataType) else "string"
        self.aggregation = aggregation if aggregation in list(Aggregation) else "last"
        self.description = description
        self.case_insensitive = any_case

    @property
    def name(self) -> str:
        """The full name that it would get."""
        return full_name(self.kind, self.field)

    def definition(self) -> PropertyDefinition:
        """What the form says, unchecked."""
        return PropertyDefinition(
            self.kind,
            self.field,
            DataType(self.data_type),
            self.case_insensitive,
            Aggregation(self.aggregation),
            self.description,
        )

    def problem(self, catalog: Catalog) -> str | None:
        """Why the rules would refuse to add it, in one sentence; None where they would not."""
        if found := name_problem(self.name, self.kind):
            return found[0].upper() + found[1:] + "."
        try:
            Catalog([*catalog.definitions, self.definition()])
        except DefinitionError as error:
            return f"{error}."
        return None


def _draft(values: Any, kind: str) -> Draft:
    return Draft(
        kind,
        text_of(values, "field").strip(),
        text_of(values, "type", "string"),
        text_of(values, "aggregation", "last"),
        text_of(values, "description").strip(),
        text_of(values, "case_insensitive") in ("on", "true"),
    )


def _page(
    request: Request[Any, Any, Any],
    services: Services,
    frontend: str,
    *,
    draft: Draft | None = None,
    error: str | None = None,
    editing: PropertyDefinition | None = None,
    removing: PropertyDefinition | None = None,
) -> Response[Any]:
    catalog = services.frontend(frontend).catalog
    undefined = [line for line in discards(services.scope(frontend)) if line.reason == "undefined"]
    return render(
        request,
        services,
        "settings/properties.html",
        status=422 if error else 200,
        frontend=frontend,
        section="settings",
        tab="properties",
        kinds=list(PropertyKind),
        definitions={kind: [d for d in catalog.definitions if d.kind is kind] for kind in PropertyKind},
        count=len(catalog.definitions),
        most=MAX_DEFINITIONS,
        room=MAX_PROPERTY_NAME,
        undefined=len({line.key for line in undefined}),
        draft=draft,
        check=draft.problem(catalog) if draft and draft.field and not editing else None,
        error=error,
        editing=editing,
        removing=removing,
        done=request.query_params.get("done", ""),
    )


@get(_PATH, guards=[reader], sync_to_thread=False, include_in_schema=False)
def settings_page(services: Services, frontend: str) -> Response[Any]:
    """The settings begin with the properties."""
    return redirect(page_url(services.frontend(frontend).name, _PAGE))


@get(f"{_PATH}/properties", guards=[reader], sync_to_thread=True, include_in_schema=False)
def properties_page(request: Request[Any, Any, Any], services: Services, frontend: str) -> Response[Any]:
    """The definitions; `add=event` or `add=session` opens the form, `edit` and `remove` name a property."""
    given = request.query_params
    if given.get("edit"):
        old = _find(services, frontend, given["edit"])
        return _page(request, services, frontend, draft=_draft_of(old), editing=old)
    if given.get("remove"):
        return _page(request, services, frontend, removing=_find(services, frontend, given["remove"]))
    draft = _draft(dict(given), given["add"]) if given.get("add") in list(PropertyKind) else None
    return _page(request, services, frontend, draft=draft)


@get(f"{_PATH}/properties/check", guards=[reader], sync_to_thread=False, include_in_schema=False)
def check_part(request: Request[Any, Any, Any], services: Services, frontend: str) -> Response[Any]:
    """What the rules say of a field name while it is typed."""
    draft = _draft(dict(request.query_params), request.query_params.get("kind", "event"))
    catalog = services.frontend(frontend).catalog
    return render(
        request,
        services,
        "parts/name_check.html",
        frontend=frontend,
        draft=draft,
        check=draft.problem(catalog) if draft.field else None,
        room=MAX_PROPERTY_NAME,
    )


@post(f"{_PATH}/properties", guards=[editor], sync_to_thread=True, include_in_schema=False)
def add_definition(request: Request[Any, Any, Any], services: Services, frontend: str, data: Form) -> Response[Any]:
    """Add what the form says; the form comes back with the reason where it is refused."""
    draft = _draft(data, text_of(data, "kind"))
    try:
        services.settings.add_definition(frontend, draft.definition(), actor=actor_of(request).name)
    except (SettingsError, DefinitionError) as error:
        message = error.message if isinstance(error, SettingsError) else str(error)
        return _page(request, services, frontend, draft=draft, error=message)
    services.refresh()
    return redirect(page_url(frontend, _PAGE, done=draft.name))


@post(f"{_PATH}/properties/change", guards=[editor], sync_to_thread=True, include_in_schema=False)
def change_definition(request: Request[Any, Any, Any], services: Services, frontend: str, data: Form) -> Response[Any]:
    """Change a definition; kind and field name stay, as another name is another property."""
    old = _find(services, frontend, text_of(data, "name"))
    draft = _draft({**data, "field": old.field}, old.kind.value)
    changes: Any = {
        "data_type": DataType(draft.data_type),
        "case_insensitive": draft.case_insensitive,
        "description": draft.description,
    }
    if old.kind is PropertyKind.SESSION:
        changes["aggregation"] = Aggregation(draft.aggregation)
    try:
        services.settings.change_definition(frontend, old.kind, old.field, actor=actor_of(request).name, **changes)
    except (SettingsError, DefinitionError) as error:
        message = error.message if isinstance(error, SettingsError) else str(error)
        return _page(request, services, frontend, draft=draft, error=message, editing=old)
    services.refresh()
    return redirect(page_url(frontend, _PAGE, done=old.name))


@post(f"{_PATH}/properties/remove", guards=[editor], sync_to_thread=True, include_in_schema=False)
def remove_definition(request: Request[Any, Any, Any], services: Services, frontend: str, data: Form) -> Response[Any]:
    """Remove a definition."""
    old = _find(services, frontend, text_of(data, "name"))
    services.settings.remove_definition(frontend, old.kind, old.field, actor=actor_of(request).name)
    services.refresh()
    return redirect(page_url(frontend, _PAGE))


def _find(services: Services, frontend: str, name: str) -> PropertyDefinition:
    split = split_name(name)
    if split is None:
        raise ApiError(404, f"{name[:120]} is not defined", "name")
    return services.settings.definition(frontend, *split)


def _draft_of(old: PropertyDefinition) -> Draft:
    return Draft(
        old.kind.value, old.field, old.data_type.value, old.aggregation.value, old.description, old.case_insensitive
    )


HANDLERS: list[Any] = [
    settings_page,
    properties_page,
    check_part,
    add_definition,
    change_definition,
    remove_definition,
]
