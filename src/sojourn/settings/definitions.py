"""Property definitions of frontends, each change checked by the rules as a whole catalog and written to the history."""

from collections.abc import Iterable
from typing import Any, Final, TypedDict, Unpack

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, update

from sojourn.rules.definitions import Aggregation, PropertyDefinition
from sojourn.rules.limits import MAX_PROPERTY_NAME
from sojourn.rules.names import PropertyKind, full_name, name_problem
from sojourn.rules.values import DataType
from sojourn.settings.checks import check_text
from sojourn.settings.database import Change, Database
from sojourn.settings.differences import Difference, changed_members, check_catalog, compare
from sojourn.settings.documents import make_definition, to_document
from sojourn.settings.errors import ConflictError, NotFoundError, SettingsError
from sojourn.settings.frontends import find_frontend
from sojourn.settings.tables import property_definitions as table

MAX_DESCRIPTION: Final = 1_000
"""Code points of a definition's description."""


class DefinitionChanges(TypedDict, total=False):
    """What `change_definition` can change. Another kind or field name is another property."""

    data_type: DataType
    case_insensitive: bool
    aggregation: Aggregation
    description: str


class Definitions:
    """The part of the settings that is about property definitions."""

    _database: Database

    def definitions(self, name: str) -> list[PropertyDefinition]:
        """All definitions of a frontend in the order of their full names."""
        with self._database.reading() as connection:
            return _definitions_of(connection, find_frontend(connection, name).id)

    def definition(self, name: str, kind: PropertyKind, field: str) -> PropertyDefinition:
        """One definition. Raises NotFoundError."""
        with self._database.reading() as connection:
            return _find(_definitions_of(connection, find_frontend(connection, name).id), kind, field)

    def add_definition(self, name: str, definition: PropertyDefinition, *, actor: str) -> PropertyDefinition:
        """Define a property. Raises SettingsError where the rules refuse the result, ConflictError where it exists."""
        _check(definition)
        with self._database.change(actor) as change:
            frontend = find_frontend(change.connection, name)
            there = _definitions_of(change.connection, frontend.id)
            if any(d.name == definition.name for d in there):
                raise ConflictError("field", f"{definition.name} is already defined")
            check_catalog([*there, definition])
            _insert(change, frontend.id, definition)
        return definition

    def change_definition(
        self, name: str, kind: PropertyKind, field: str, *, actor: str, **changes: Unpack[DefinitionChanges]
    ) -> PropertyDefinition:
        """Change a definition; what is left out stays. Raises NotFoundError, and SettingsError as above."""
        with self._database.change(actor) as change:
            frontend = find_frontend(change.connection, name)
            there = _definitions_of(change.connection, frontend.id)
            old = _find(there, kind, field)
            new = make_definition(
                kind,
                field,
                changes.get("data_type", old.data_type),
                case_insensitive=changes.get("case_insensitive", old.case_insensitive),
                aggregation=changes.get("aggregation", old.aggregation if kind is PropertyKind.SESSION else None),
                description=changes.get("description", old.description),
            )
            _check(new)
            if new != old:
                check_catalog([new if d is old else d for d in there])
                _update(change, frontend.id, old, new)
            return new

    def remove_definition(self, name: str, kind: PropertyKind, field: str, *, actor: str) -> None:
        """Remove a definition: from now on the property is discarded. Raises NotFoundError."""
        with self._database.change(actor) as change:
            frontend = find_frontend(change.connection, name)
            _delete(change, frontend.id, _find(_definitions_of(change.connection, frontend.id), kind, field))

    def import_definitions(
        self,
        name: str,
        definitions: Iterable[PropertyDefinition],
        *,
        actor: str,
        prune: bool = False,
        dry_run: bool = False,
    ) -> Difference:
        """Make the definitions of a frontend those given, all or nothing; others go only with `prune`.

        Returns what is, or with `dry_run` would be, changed.
        """
        wanted = list(definitions)
        for definition in wanted:
            _check(definition)
        with self._database.change(actor) as change:
            frontend = find_frontend(change.connection, name)
            difference = compare(_definitions_of(change.connection, frontend.id), wanted, prune=prune)
            if not dry_run:
                for removed in difference.removed:
                    _delete(change, frontend.id, removed)
                for old, new in difference.changed:
                    _update(change, frontend.id, old, new)
                for added in difference.added:
                    _insert(change, frontend.id, added)
        return difference


def to_definition(row: Row[Any]) -> PropertyDefinition:
    """A row of the table as the rules know it."""
    return PropertyDefinition(
        PropertyKind(row.kind),
        row.field,
        DataType(row.data_type),
        row.case_insensitive,
        Aggregation(row.aggregation),
        row.description,
    )


def _definitions_of(connection: Connection, frontend_id: int) -> list[PropertyDefinition]:
    rows = connection.execute(select(table).where(table.c.frontend_id == frontend_id))
    return sorted((to_definition(row) for row in rows), key=lambda d: d.name)


def _find(definitions: list[PropertyDefinition], kind: PropertyKind, field: str) -> PropertyDefinition:
    for definition in definitions:
        if definition.kind is kind and definition.field == field:
            return definition
    raise NotFoundError("field", f"{full_name(kind, field)[:150]} is not defined")


def _check(definition: PropertyDefinition) -> None:
    if len(definition.name) > MAX_PROPERTY_NAME:
        # The rules tell the name as a whole; of one that is far too long the start is enough.
        problem = name_problem(definition.name, definition.kind)
        raise SettingsError("field", f"{definition.name[:MAX_PROPERTY_NAME]}…: {problem}")
    check_text("description", definition.description, MAX_DESCRIPTION)
    check_catalog([definition])


def _is(frontend_id: int, definition: PropertyDefinition) -> ColumnElement[bool]:
    return (
        (table.c.frontend_id == frontend_id)
        & (table.c.kind == definition.kind.value)
        & (table.c.field == definition.field)
    )


def _values(definition: PropertyDefinition) -> dict[str, Any]:
    return {
        "data_type": definition.data_type.value,
        "case_insensitive": definition.case_insensitive,
        "aggregation": definition.aggregation.value,
        "description": definition.description,
    }


def _insert(change: Change, frontend_id: int, new: PropertyDefinition) -> None:
    change.connection.execute(
        insert(table).values(frontend_id=frontend_id, kind=new.kind.value, field=new.field, **_values(new))
    )
    change.record("definition", new.name, "add", frontend_id=frontend_id, after=to_document(new))


def _update(change: Change, frontend_id: int, old: PropertyDefinition, new: PropertyDefinition) -> None:
    change.connection.execute(update(table).where(_is(frontend_id, old)).values(_values(new)))
    before, after = changed_members(old, new)
    change.record("definition", new.name, "change", frontend_id=frontend_id, before=before, after=after)


def _delete(change: Change, frontend_id: int, old: PropertyDefinition) -> None:
    change.connection.execute(delete(table).where(_is(frontend_id, old)))
    change.record("definition", old.name, "remove", frontend_id=frontend_id, before=to_document(old))
