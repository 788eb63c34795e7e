"""`sojourn user …`: what is known of a person, given out or erased, for privacy requests."""

from pathlib import Path

import click

from sojourn.cli.output import next_step, printable, show_json
from sojourn.cli.remote import Api, server_options
from sojourn.cli.sql import write


@click.group()
def user() -> None:
    """Privacy requests of a person, by the user identifier."""


@user.command()
@click.argument("frontend")
@click.argument("identifier")
@click.option("--format", "format_", type=click.Choice(["json", "parquet"]), default="json", show_default=True)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="Write to this file.")
@server_options
def export(frontend: str, identifier: str, format_: str, output: Path, endpoint: str, token: str | None) -> None:
    """Write all that is kept of a user to a file."""
    api = Api(endpoint, token)
    request = {"identifier": identifier, "format": format_}
    write(api.stream("POST", api.frontend(frontend, "privacy", "export"), request), output)
    next_step("hand the file over, and delete your copy")


@user.command()
@click.argument("frontend")
@click.argument("identifier")
@click.option("--yes", is_flag=True, help="Do not ask.")
@server_options
def erase(frontend: str, identifier: str, yes: bool, endpoint: str, token: str | None) -> None:
    """Erase a user everywhere: events, sessions, discards and settings. It cannot be undone."""
    if not yes:
        click.confirm(f"Erase {printable(identifier)} from {printable(frontend)} for good?", abort=True, err=True)
    api = Api(endpoint, token)
    show_json(api.ask("POST", api.frontend(frontend, "privacy", "erase"), {"identifier": identifier}))
    next_step("the history of the frontend holds the audit entry, which names the user by a keyed hash alone")
