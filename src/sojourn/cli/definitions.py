"""Property definitions as the commands see them: in the settings here, or on a server through its API."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

from sojourn.cli.opening import Place, actor, opened
from sojourn.cli.remote import Api, Unreachable
from sojourn.rules.definitions import Aggregation, PropertyDefinition
from sojourn.rules.names import PropertyKind, full_name
from sojourn.rules.values import DataType
from sojourn.settings.documents import DefinitionDocument, to_document

if TYPE_CHECKING:
    from sojourn.settings import Settings


T = TypeVar("T")


class Definitions(Protocol):
    """The definitions of one frontend."""

    def all(self) -> list[PropertyDefinition]: ...

    def add(self, definition: PropertyDefinition) -> None: ...

    def change(self, kind: PropertyKind, field: str, changes: dict[str, Any]) -> PropertyDefinition: ...

    def remove(self, kind: PropertyKind, field: str) -> None: ...

    def replace(self, definitions: Sequence[PropertyDefinition], *, prune: bool) -> None: ...


@contextmanager
def definitions_of(frontend: str, place: Place, endpoint: str | None, token: str | None) -> Iterator[Definitions]:
    """The definitions of a frontend: on the server at `endpoint`, where one is given, else in the settings here."""
    if endpoint is not None:
        yield RemoteDefinitions(Api(endpoint, token), frontend)
        return
    with opened(place) as settings:
        yield LocalDefinitions(settings, frontend)


class LocalDefinitions:
    """In the settings that are open here."""

    def __init__(self, settings: "Settings", frontend: str) -> None:
        self._settings = settings
        self._frontend = frontend

    def all(self) -> list[PropertyDefinition]:
        return self._settings.definitions(self._frontend)

    def add(self, definition: PropertyDefinition) -> None:
        self._settings.add_definition(self._frontend, definition, actor=actor())

    def change(self, kind: PropertyKind, field: str, changes: dict[str, Any]) -> PropertyDefinition:
        typed = dict(changes)
        if "type" in typed:
            typed["data_type"] = DataType(typed.pop("type"))
        if "aggregation" in typed:
            typed["aggregation"] = Aggregation(typed["aggregation"])
        return self._settings.change_definition(self._frontend, kind, field, actor=actor(), **typed)

    def remove(self, kind: PropertyKind, field: str) -> None:
        self._settings.remove_definition(self._frontend, kind, field, actor=actor())

    def replace(self, definitions: Sequence[PropertyDefinition], *, prune: bool) -> None:
        self._settings.import_definitions(self._frontend, definitions, prune=prune, actor=actor())


class _Document(DefinitionDocument, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """A definition in an answer; a newer server may say more about it."""


class _Answer(msgspec.Struct):
    items: list[_Document]


class RemoteDefinitions:
    """On a server. An import is one request, so that it is done as a whole or not at all."""

    def __init__(self, api: Api, frontend: str) -> None:
        self._api = api
        self._frontend = frontend

    def all(self) -> list[PropertyDefinition]:
        answer = _read(self._api.ask("GET", self._path()), _Answer)
        return sorted((document.definition() for document in answer.items), key=lambda d: d.name)

    def add(self, definition: PropertyDefinition) -> None:
        self._api.ask("POST", self._path(), to_document(definition))

    def change(self, kind: PropertyKind, field: str, changes: dict[str, Any]) -> PropertyDefinition:
        answer = self._api.ask("PATCH", self._path(full_name(kind, field)), changes)
        return _read(answer, _Document).definition()

    def remove(self, kind: PropertyKind, field: str) -> None:
        self._api.ask("DELETE", self._path(full_name(kind, field)))

    def replace(self, definitions: Sequence[PropertyDefinition], *, prune: bool) -> None:
        query = "?prune=true" if prune else ""
        self._api.ask("PUT", self._path() + query, {"properties": [to_document(d) for d in definitions]})

    def _path(self, *name: str) -> str:
        return self._api.frontend(self._frontend, "properties", *name)


def _read(answer: Any, form: type[T]) -> T:
    try:
        return msgspec.convert(answer, form)
    except msgspec.ValidationError as error:
        raise Unreachable(f"the server's answer cannot be understood: {error}") from error
