"""`sojourn property …`: the property definitions of a frontend, one by one or as a file under version control."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from sojourn.cli.definitions import definitions_of
from sojourn.cli.opening import Place, Refused, json_option, opened, place_options
from sojourn.cli.output import next_step, printable, show_json, show_table
from sojourn.cli.remote import token_option
from sojourn.rules.definitions import Aggregation, PropertyDefinition
from sojourn.rules.limits import MAX_DEFINITIONS
from sojourn.rules.names import PropertyKind
from sojourn.rules.values import DataType
from sojourn.settings.differences import Difference, changed_members, compare
from sojourn.settings.documents import make_definition, read_definitions, to_document, write_definitions
from sojourn.settings.errors import SettingsError

frontend_argument = click.argument("frontend")
kind_argument = click.argument("kind", type=click.Choice([k.value for k in PropertyKind]))
field_argument = click.argument("field")
TYPES = click.Choice([t.value for t in DataType])
AGGREGATIONS = click.Choice([a.value for a in Aggregation])


def where_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options for the settings here, or for a server: only when its address is given on the command line."""
    endpoint = click.option("--endpoint", metavar="URL", help="Ask the server at this address instead.")
    return place_options(endpoint(token_option(command)))


@click.group("property")
def properties() -> None:
    """The properties that events and sessions may carry."""


@properties.command("add")
@frontend_argument
@kind_argument
@field_argument
@click.option("--type", "type_", type=TYPES, required=True, help="What its values are; others are discarded.")
@click.option("--case-insensitive", is_flag=True, help="Match the name in any case; it is stored as given here.")
@click.option("--aggregation", type=AGGREGATIONS, help="Which value a session shows; `last` unless given.")
@click.option("--description", default="", help="What it means, for people.")
@where_options
def add(
    frontend: str,
    kind: str,
    field: str,
    type_: str,
    case_insensitive: bool,
    aggregation: str | None,
    description: str,
    place: Place,
    endpoint: str | None,
    token: str | None,
) -> None:
    """Define a property. FIELD is its name without the prefix."""
    new = make_definition(
        PropertyKind(kind),
        _field(field),
        DataType(type_),
        case_insensitive=case_insensitive,
        aggregation=Aggregation(aggregation) if aggregation else None,
        description=description,
    )
    with definitions_of(frontend, place, endpoint, token) as definitions:
        definitions.add(new)
        there = len(definitions.all())
    click.echo(f"Defined {new.name} ({_words(new)}); {there} of {MAX_DEFINITIONS} definitions are used.")
    next_step("nothing to restart: every server takes it within 2 s")


@properties.command("list")
@frontend_argument
@json_option
@where_options
def list_(frontend: str, as_json: bool, place: Place, endpoint: str | None, token: str | None) -> None:
    """List all definitions."""
    with definitions_of(frontend, place, endpoint, token) as definitions:
        there = definitions.all()
    if as_json:
        show_json([{"name": d.name, **to_document(d)} for d in there])
        return
    rows = [
        (
            d.name,
            d.data_type.value,
            "any case" if d.case_insensitive else "exact",
            d.aggregation.value if d.kind is PropertyKind.SESSION else "",
            d.description,
        )
        for d in there
    ]
    show_table(("name", "type", "match", "shows", "description"), rows)
    next_step(f"sojourn property add {frontend} session|event FIELD --type string|number|boolean")


@properties.command("set")
@frontend_argument
@kind_argument
@field_argument
@click.option("--type", type=TYPES, help="What its values are.")
@click.option("--case-insensitive/--case-sensitive", default=None, help="Match the name in any case, or exactly.")
@click.option("--aggregation", type=AGGREGATIONS, help="Which value a session shows, old sessions too.")
@click.option("--description", help="What it means, for people.")
@where_options
def set_(
    frontend: str, kind: str, field: str, place: Place, endpoint: str | None, token: str | None, **options: Any
) -> None:
    """Change a definition; what is not given stays."""
    changes = {name: value for name, value in options.items() if value is not None}
    if not changes:
        raise Refused("nothing to change: give at least one option (see sojourn property set --help)")
    with definitions_of(frontend, place, endpoint, token) as definitions:
        changed = definitions.change(PropertyKind(kind), _field(field), changes)
    click.echo(f"{changed.name} is now: {_words(changed)}.")
    next_step("nothing to restart: every server takes it within 2 s")


@properties.command("remove")
@frontend_argument
@kind_argument
@field_argument
@where_options
def remove(frontend: str, kind: str, field: str, place: Place, endpoint: str | None, token: str | None) -> None:
    """Remove a definition: from now on the property is discarded; what is stored stays."""
    with definitions_of(frontend, place, endpoint, token) as definitions:
        definitions.remove(PropertyKind(kind), _field(field))
    click.echo(f"Removed {PropertyKind(kind).prefix}{field}.")
    next_step(f"sojourn property list {frontend}")


@properties.command("export")
@frontend_argument
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
@where_options
def export(frontend: str, output: Path | None, place: Place, endpoint: str | None, token: str | None) -> None:
    """Write all definitions as JSON, for version control."""
    with definitions_of(frontend, place, endpoint, token) as definitions:
        written = write_definitions(definitions.all())
    if output is None:
        sys.stdout.buffer.write(written)
        return
    output.write_bytes(written)
    click.echo(f"Wrote {output}.")
    next_step(f"put it under version control; in CI: sojourn property import {frontend} {output} --prune --dry-run")


@properties.command("import")
@frontend_argument
@click.argument("file", type=click.File("rb"))
@click.option("--prune", is_flag=True, help="Remove the definitions that are not in the file.")
@click.option("--dry-run", is_flag=True, help="Change nothing; exit with 1 where something would be changed.")
@where_options
def import_(
    frontend: str, file: Any, prune: bool, dry_run: bool, place: Place, endpoint: str | None, token: str | None
) -> None:
    """Make the definitions those of a JSON file (`-` is standard input), all or none."""
    wanted = read_definitions(file.read())
    with definitions_of(frontend, place, endpoint, token) as definitions:
        difference = compare(definitions.all(), wanted, prune=prune)
        if not dry_run and not difference.is_empty:
            definitions.replace(wanted, prune=prune)
    for line in _told(difference):
        click.echo(line)
    counts = f"{len(difference.added)} added, {len(difference.changed)} changed, {len(difference.removed)} removed"
    if not dry_run:
        click.echo(f"{counts}.")
        next_step(f"sojourn property list {frontend}")
        return
    click.echo(f"Would be {counts}.")
    if not difference.is_empty:
        next_step("the same without --dry-run does it")
        click.get_current_context().exit(1)
    next_step("nothing to do: the definitions are as in the file")


@properties.command("history")
@frontend_argument
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many changes.")
@json_option
@place_options
def history(frontend: str, limit: int, as_json: bool, place: Place) -> None:
    """List who changed which definition, newest first."""
    from datetime import UTC, datetime

    with opened(place) as settings:
        entries = settings.history(frontend, subject="definition", limit=limit)
    if as_json:
        show_json(entries)
        return
    rows = [
        (
            datetime.fromtimestamp(e.time / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%SZ"),
            e.actor,
            e.action,
            e.name,
            _members(e.before, e.after) if e.action == "change" else "",
        )
        for e in entries
    ]
    show_table(("when", "who", "did", "property", "what"), rows)
    next_step(f"sojourn property list {frontend}")


def _field(field: str) -> str:
    # It would be a valid name, of which the prefix is there twice; nobody means that.
    for other in PropertyKind:
        if field.startswith(other.prefix):
            raise SettingsError("field", f"give the name without its prefix {other.prefix!r}")
    return field


def _words(definition: PropertyDefinition) -> str:
    words = [definition.data_type.value]
    if definition.kind is PropertyKind.SESSION:
        words.append(f"shows the {definition.aggregation} value")
    if definition.case_insensitive:
        words.append("matched in any case")
    return ", ".join(words)


def _told(difference: Difference) -> list[str]:
    lines = [f"+ {d.name}: {_words(d)}" for d in difference.added]
    lines += [f"~ {new.name}: {_members(*changed_members(old, new))}" for old, new in difference.changed]
    lines += [f"- {d.name}: {_words(d)}" for d in difference.removed]
    lines += [f"  {d.name} is not in the file and stays; --prune removes it" for d in difference.kept]
    return lines


def _members(before: dict[str, Any] | None, after: dict[str, Any] | None) -> str:
    old, new = before or {}, after or {}
    return printable(", ".join(f"{name} {old.get(name)!r} → {value!r}" for name, value in new.items()))
