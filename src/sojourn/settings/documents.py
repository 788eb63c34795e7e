"""Property definitions as JSON: one form for files, the JSON API and the command line. No database here."""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from sojourn.rules.definitions import Aggregation, PropertyDefinition
from sojourn.rules.names import PropertyKind
from sojourn.rules.values import DataType
from sojourn.settings.errors import SettingsError


class DefinitionDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One property definition. `field` is the name without its prefix; `aggregation` is for session properties."""

    kind: Literal["event", "session"]
    field: str
    type: Literal["string", "number", "boolean"]
    case_insensitive: bool = False
    aggregation: Literal["first", "last"] | None = None
    description: str = ""

    def definition(self) -> PropertyDefinition:
        """What the rules call it. Raises SettingsError for an event property with an aggregation."""
        return make_definition(
            PropertyKind(self.kind),
            self.field,
            DataType(self.type),
            case_insensitive=self.case_insensitive,
            aggregation=None if self.aggregation is None else Aggregation(self.aggregation),
            description=self.description,
        )


class DefinitionsFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All definitions of a frontend, as `sojourn property export` writes them."""

    properties: list[DefinitionDocument]


def make_definition(
    kind: PropertyKind,
    field: str,
    data_type: DataType,
    *,
    case_insensitive: bool = False,
    aggregation: Aggregation | None = None,
    description: str = "",
) -> PropertyDefinition:
    """A definition, unchecked but for this: an event property has no aggregation."""
    if kind is PropertyKind.EVENT and aggregation is not None:
        raise SettingsError("aggregation", "only session properties have one")
    return PropertyDefinition(kind, field, data_type, case_insensitive, aggregation or Aggregation.LAST, description)


def to_document(definition: PropertyDefinition) -> dict[str, Any]:
    """The JSON object of a definition, its full name left out."""
    document: dict[str, Any] = {
        "kind": definition.kind.value,
        "field": definition.field,
        "type": definition.data_type.value,
        "case_insensitive": definition.case_insensitive,
    }
    if definition.kind is PropertyKind.SESSION:
        document["aggregation"] = definition.aggregation.value
    document["description"] = definition.description
    return document


def read_definitions(text: bytes) -> list[PropertyDefinition]:
    """The definitions of a JSON file. Raises SettingsError that names the place in the file."""
    try:
        file = msgspec.json.decode(text, type=DefinitionsFile)
    except msgspec.DecodeError as error:
        raise SettingsError("file", str(error)) from error
    return [document.definition() for document in file.properties]


def write_definitions(definitions: Iterable[PropertyDefinition]) -> bytes:
    """The JSON file of definitions, made for version control: sorted by name, one member a line."""
    documents = [to_document(d) for d in sorted(definitions, key=lambda d: d.name)]
    return msgspec.json.format(msgspec.json.encode({"properties": documents}), indent=2) + b"\n"
