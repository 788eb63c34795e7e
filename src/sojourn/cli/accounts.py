"""`sojourn account …`: people who can log in."""

import sys

import click

from sojourn.cli.opening import Place, actor, json_option, opened, place_options
from sojourn.cli.output import next_step, printable, show_json, show_table

ROLES = click.Choice(["admin", "editor", "viewer"])
password_stdin_option = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")


@click.group()
def account() -> None:
    """People who can log in."""


@account.command("add")
@click.argument("name")
@click.option("--role", type=ROLES, default="admin", show_default=True, help="What the account may do.")
@password_stdin_option
@place_options
def add(name: str, role: str, password_stdin: bool, place: Place) -> None:
    """Add an account. From the first administrator on, reading needs a login."""
    password = _password(password_stdin)
    with opened(place, create=True) as settings:
        from sojourn.settings.rows import Role

        settings.add_account(name, password, Role(role), actor=actor())
    click.echo(f"Account {printable(name)} ({role}) is there.")
    next_step("log in; to be reached from other machines: sojourn serve --host 0.0.0.0")


@account.command("list")
@json_option
@place_options
def list_(as_json: bool, place: Place) -> None:
    """List all accounts."""
    with opened(place) as settings:
        there = settings.accounts()
    if as_json:
        show_json(there)
        return
    show_table(("name", "role"), [(a.name, a.role.value) for a in there])
    next_step("sojourn account add NAME --role admin|editor|viewer")


@account.command("set")
@click.argument("name")
@click.option("--role", type=ROLES, help="What the account may do.")
@click.option("--password", "new_password", is_flag=True, help="Ask for a new password.")
@password_stdin_option
@place_options
def set_(name: str, role: str | None, new_password: bool, password_stdin: bool, place: Place) -> None:
    """Set a new password or role, which ends the logins made before."""
    if role is None and not (new_password or password_stdin):
        raise click.UsageError("nothing to change: give --role or --password")
    password = _password(password_stdin) if new_password or password_stdin else None
    with opened(place) as settings:
        from sojourn.settings.rows import Role

        changed = settings.set_account(name, actor=actor(), password=password, role=Role(role) if role else None)
    click.echo(f"Account {printable(changed.name)} ({changed.role}) is changed.")
    next_step("log in again")


@account.command("remove")
@click.argument("name")
@place_options
def remove(name: str, place: Place) -> None:
    """Remove an account."""
    with opened(place) as settings:
        settings.remove_account(name, actor=actor())
    click.echo(f"Account {printable(name)} is gone.")
    next_step("sojourn account list")


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return password
