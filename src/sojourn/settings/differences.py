"""What an import of property definitions would change, as a pure comparison of two lists."""

from collections.abc import Iterable
from typing import Any

import msgspec

from sojourn.rules.definitions import Catalog, DefinitionError, PropertyDefinition
from sojourn.settings.documents import to_document
from sojourn.settings.errors import ConflictError, SettingsError


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What an import does: `kept` is defined, not in the file, and stays because nothing is pruned."""

    added: list[PropertyDefinition]
    changed: list[tuple[PropertyDefinition, PropertyDefinition]]
    removed: list[PropertyDefinition]
    kept: list[PropertyDefinition]

    @property
    def is_empty(self) -> bool:
        """Whether the import changes nothing."""
        return not (self.added or self.changed or self.removed)


def compare(old: Iterable[PropertyDefinition], new: Iterable[PropertyDefinition], *, prune: bool) -> Difference:
    """What turns `old` into `new`; what is only in `old` goes where `prune` is set.

    Raises SettingsError for a name that `new` has twice, and for a result that the rules refuse.
    """
    defined = {d.name: d for d in old}
    wanted: dict[str, PropertyDefinition] = {}
    for definition in new:
        if definition.name in wanted:
            raise ConflictError("field", f"{definition.name} is there twice")
        wanted[definition.name] = definition
    extra = [d for name, d in defined.items() if name not in wanted]
    check_catalog([*wanted.values(), *([] if prune else extra)])
    return Difference(
        added=[d for name, d in wanted.items() if name not in defined],
        changed=[(defined[name], d) for name, d in wanted.items() if name in defined and defined[name] != d],
        removed=extra if prune else [],
        kept=[] if prune else extra,
    )


def check_catalog(definitions: Iterable[PropertyDefinition]) -> Catalog:
    """The catalog of these definitions. Raises SettingsError where the rules refuse them."""
    try:
        return Catalog(definitions)
    except DefinitionError as error:
        raise SettingsError(error.field, str(error)) from error


def changed_members(old: PropertyDefinition, new: PropertyDefinition) -> tuple[dict[str, Any], dict[str, Any]]:
    """The members of two definitions of one property that differ: before, after."""
    before, after = to_document(old), to_document(new)
    names = [name for name in after if before.get(name) != after[name]]
    return {name: before.get(name) for name in names}, {name: after[name] for name in names}
