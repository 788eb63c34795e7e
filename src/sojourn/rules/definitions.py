"""Property definitions of a frontend, and the check of an event's valid properties against them."""

import dataclasses
from collections.abc import Iterable, Mapping
from enum import StrEnum

from sojourn.rules.limits import MAX_DEFINITIONS
from sojourn.rules.names import PropertyKind, full_name, is_valid_name, name_problem
from sojourn.rules.properties import Discard, DiscardReason
from sojourn.rules.values import DataType, Value, data_type_of


class Aggregation(StrEnum):
    """Which of a session property's values the session summary shows."""

    FIRST = "first"
    LAST = "last"


class DefinitionError(ValueError):
    """A definition that the catalog refuses. `field` names the part at fault."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclasses.dataclass(frozen=True, slots=True)
class PropertyDefinition:
    """One defined property of a frontend. `field` is the name without its prefix."""

    kind: PropertyKind
    field: str
    data_type: DataType
    case_insensitive: bool = False
    aggregation: Aggregation = Aggregation.LAST
    description: str = ""
    name: str = dataclasses.field(init=False, compare=False, repr=False, default="")
    """The full name, prefix included."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", full_name(self.kind, self.field))


class Catalog:
    """All definitions of one frontend, immutable.

    Raises DefinitionError for a bad name, for more than 50 definitions, and for two definitions that a
    case-insensitive match could confuse.
    """

    __slots__ = ("_by_name", "_folded", "definitions")

    def __init__(self, definitions: Iterable[PropertyDefinition] = ()) -> None:
        self.definitions = tuple(sorted(definitions, key=lambda d: d.name))
        self._by_name: dict[str, PropertyDefinition] = {}
        self._folded: dict[str, PropertyDefinition] = {}
        seen: dict[str, PropertyDefinition] = {}
        for definition in self.definitions:
            name, folded = definition.name, definition.name.lower()
            if problem := name_problem(name, definition.kind):
                raise DefinitionError("field", f"{name}: {problem}")
            if name in self._by_name:
                raise DefinitionError("field", f"{name} is already defined")
            other = seen.get(folded)
            if other is not None and (definition.case_insensitive or folded in self._folded):
                raise DefinitionError("field", f"{name} and {other.name} differ only by case, and one matches any case")
            seen[folded] = definition
            self._by_name[name] = definition
            if definition.case_insensitive:
                self._folded[folded] = definition
        if len(self.definitions) > MAX_DEFINITIONS:
            raise DefinitionError(
                "field", f"{len(self.definitions)} definitions; a frontend has at most {MAX_DEFINITIONS}"
            )

    def find(self, name: str) -> PropertyDefinition | None:
        """The definition that a full name, as sent, belongs to. The prefix must match in case too."""
        exact = self._by_name.get(name)
        if exact is not None or not self._folded:
            return exact
        folded = self._folded.get(name.lower())
        # Lower case joins more than ASCII letters: the Kelvin sign becomes a plain k.
        return folded if folded is not None and is_valid_name(name, folded.kind) else None

    def admit(self, properties: Mapping[str, Value]) -> tuple[dict[str, Value], list[Discard]]:
        """Split valid properties, in key order, into those kept, under their defined names, and the discards.

        Where two spellings match one definition and both fit its type, the exact one stays, else the first in key
        order; the other is discarded as one too many.
        """
        kept: dict[str, Value] = {}
        discards: list[Discard] = []
        for key, value in properties.items():
            definition = self.find(key)
            if definition is None:
                discards.append(Discard(key, DiscardReason.UNDEFINED, value))
            elif data_type_of(value) is not definition.data_type:
                discards.append(Discard(key, DiscardReason.TYPE_MISMATCH, value))
            elif (name := definition.name) in kept or (
                key != name and name in properties and data_type_of(properties[name]) is definition.data_type
            ):
                discards.append(Discard(key, DiscardReason.TOO_MANY, value))
            else:
                kept[name] = value
        return kept, discards
