"""`sojourn frontend …`: frontends, their settings and their ingest keys."""

from typing import TYPE_CHECKING, Any

import click

from sojourn.cli.opening import Place, Refused, actor, json_option, opened, place_options
from sojourn.cli.output import next_step, show_json, show_table
from sojourn.rules.sessions import FrontendType
from sojourn.settings.durations import parse_duration, show_duration
from sojourn.settings.errors import SettingsError

if TYPE_CHECKING:
    from sojourn.settings.frontends import FrontendChanges
    from sojourn.settings.rows import Frontend

TYPES = click.Choice([t.value for t in FrontendType])


@click.group()
def frontend() -> None:
    """The applications that are monitored."""


@frontend.command("add")
@click.argument("name")
@click.option("--type", "type_", type=TYPES, required=True, help="What kind of application it is.")
@json_option
@place_options
def add(name: str, type_: str, as_json: bool, place: Place) -> None:
    """Add a frontend and print its ingest key."""
    with opened(place, create=True) as settings:
        added, key = settings.add_frontend(name, FrontendType(type_), actor=actor())
    if as_json:
        show_json({"frontend": added.name, "type": added.type, "key": key})
        return
    click.echo(f"Frontend {added.name} ({added.type}) is there. Its ingest key:\n{key}")
    next_step(f'in Python: sojourn.start(endpoint="http://127.0.0.1:8321", frontend="{added.name}", key="{key}")')


@frontend.command("list")
@click.option("--archived", is_flag=True, help="The archived ones too.")
@json_option
@place_options
def list_(archived: bool, as_json: bool, place: Place) -> None:
    """List all frontends with their settings."""
    with opened(place) as settings:
        found = settings.frontends(archived=archived)
    if as_json:
        show_json([_document(f) for f in found])
        return
    columns = ("name", "type", "idle timeout", "max duration", "retention", "discards", "identifiers", "ip", "state")
    show_table(columns, [_line(f) for f in found])
    next_step("sojourn property list FRONTEND" if found else "sojourn frontend add NAME --type web")


@frontend.command("set")
@click.argument("name", metavar="FRONTEND")
@click.option("--type", "type_", type=TYPES, help="What kind of application it is.")
@click.option("--idle-timeout", metavar="DURATION", help="A session ends after this long without activity, like 30m.")
@click.option("--max-duration", metavar="DURATION", help="A session ends when it is this old, like 6h.")
@click.option("--retention-days", metavar="DAYS", help="Keep events this long; `forever` is the default.")
@click.option("--discard-retention-days", type=int, metavar="DAYS", help="Keep discarded values aside this long.")
@click.option("--hash-identifiers/--keep-identifiers", default=None, help="Hash user identifiers at ingest.")
@click.option("--mask-ip/--keep-ip", default=None, help="Mask IP addresses at ingest.")
@click.option("--archive/--restore", "archived", default=None, help="Take no more events; or take them again.")
@place_options
def set_(name: str, place: Place, **options: Any) -> None:
    """Change settings of a frontend; clients follow with their next request."""
    changes = _changes(options)
    if not changes:
        raise Refused("nothing to change: give at least one option (see sojourn frontend set --help)")
    with opened(place) as settings:
        changed = settings.set_frontend(name, actor=actor(), **changes)
    show_table(
        ("name", "type", "idle timeout", "max duration", "retention", "discards", "identifiers", "ip", "state"),
        [_line(changed)],
    )
    next_step("nothing to restart: every server follows within 2 s")


@frontend.group()
def key() -> None:
    """The ingest keys of a frontend."""


@key.command("add")
@click.argument("name", metavar="FRONTEND")
@json_option
@place_options
def key_add(name: str, as_json: bool, place: Place) -> None:
    """Add an ingest key; the others stay good."""
    with opened(place) as settings:
        added = settings.add_key(name, actor=actor())
    if as_json:
        show_json({"frontend": name, "key": added})
        return
    click.echo(added)
    next_step(f"give it to your clients, then: sojourn frontend key revoke {name} OLD_KEY")


@key.command("list")
@click.argument("name", metavar="FRONTEND")
@json_option
@place_options
def key_list(name: str, as_json: bool, place: Place) -> None:
    """List the good ingest keys."""
    with opened(place) as settings:
        keys = settings.keys(name)
    if as_json:
        show_json(keys)
        return
    show_table(("key",), [(k.key,) for k in keys])
    next_step(f"sojourn frontend key add {name}")


@key.command("revoke")
@click.argument("name", metavar="FRONTEND")
@click.argument("revoked", metavar="KEY")
@place_options
def key_revoke(name: str, revoked: str, place: Place) -> None:
    """Make an ingest key useless, within 2 s on every server."""
    with opened(place) as settings:
        settings.revoke_key(name, revoked, actor=actor())
        left = len(settings.keys(name))
    click.echo(f"Revoked; {left} good {'key is' if left == 1 else 'keys are'} left.")
    next_step(f"sojourn frontend key {'list' if left else 'add'} {name}")


def _changes(options: dict[str, Any]) -> "FrontendChanges":
    given = {name: value for name, value in options.items() if value is not None}
    if "type_" in given:
        given["type"] = FrontendType(given.pop("type_"))
    for field in ("idle_timeout", "max_duration"):
        if field in given:
            given[field] = parse_duration(field, given[field])
    if "retention_days" in given:
        given["retention_days"] = _days(given["retention_days"])
    changes: FrontendChanges = given  # type: ignore[assignment]
    return changes


def _days(text: str) -> int | None:
    if text == "forever":
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise SettingsError("retention_days", f"{text!r} is neither a number of days nor `forever`")
    return int(text)


def _line(frontend: "Frontend") -> tuple[str, ...]:
    return (
        frontend.name,
        frontend.type.value,
        show_duration(frontend.policy.idle_timeout),
        show_duration(frontend.policy.max_duration),
        "forever" if frontend.retention_days is None else f"{frontend.retention_days}d",
        f"{frontend.discard_retention_days}d",
        "hashed" if frontend.hash_identifiers else "kept",
        "masked" if frontend.mask_ip else "kept",
        "archived" if frontend.archived else "in use",
    )


def _document(frontend: "Frontend") -> dict[str, Any]:
    return {
        "name": frontend.name,
        "type": frontend.type,
        "created": frontend.created,
        "idle_timeout": frontend.policy.idle_timeout,
        "max_duration": frontend.policy.max_duration,
        "hash_identifiers": frontend.hash_identifiers,
        "mask_ip": frontend.mask_ip,
        "retention_days": frontend.retention_days,
        "discard_retention_days": frontend.discard_retention_days,
        "archived": frontend.archived,
    }
