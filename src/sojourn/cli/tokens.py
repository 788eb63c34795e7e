"""`sojourn token …`: API tokens of programs."""

from datetime import UTC, datetime

import click

from sojourn.cli.opening import Place, actor, json_option, opened, place_options
from sojourn.cli.output import next_step, printable, show_json, show_table
from sojourn.settings.durations import parse_duration


@click.group()
def token() -> None:
    """API tokens of programs."""


@token.command("add")
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(["admin", "editor", "viewer"]),
    default="viewer",
    show_default=True,
    help="What the token may do.",
)
@click.option("--expires", metavar="DURATION", help="Good for this long, like 90d; for ever unless given.")
@json_option
@place_options
def add(name: str, role: str, expires: str | None, as_json: bool, place: Place) -> None:
    """Add a token and print its secret, which cannot be shown again."""
    lifetime = parse_duration("expires", expires) if expires else 0
    with opened(place, create=True) as settings:
        from sojourn.settings.rows import Role

        end = int(datetime.now(UTC).timestamp() * 1_000_000) + lifetime if lifetime else 0
        added, secret = settings.add_token(name, Role(role), actor=actor(), expires=end)
    if as_json:
        show_json({"name": added.name, "role": added.role, "expires": added.expires, "token": secret})
        return
    click.echo(secret)
    next_step("keep it now, it is not shown again; programs take it from the variable SOJOURN_TOKEN")


@token.command("list")
@json_option
@place_options
def list_(as_json: bool, place: Place) -> None:
    """List all tokens, without their secrets."""
    with opened(place) as settings:
        there = settings.tokens()
    if as_json:
        show_json(there)
        return
    rows = [(t.name, t.role.value, _shown(t.last_used), _shown(t.expires)) for t in there]
    show_table(("name", "role", "last used", "expires"), rows)
    next_step("sojourn token add NAME --role viewer --expires 90d")


@token.command("revoke")
@click.argument("name")
@place_options
def revoke(name: str, place: Place) -> None:
    """Make a token useless at once."""
    with opened(place) as settings:
        settings.remove_token(name, actor=actor())
    click.echo(f"Token {printable(name)} is revoked.")
    next_step("sojourn token list")


def _shown(time: int) -> str:
    return datetime.fromtimestamp(time / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%SZ") if time else "never"
