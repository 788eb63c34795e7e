"""The same with Click.

SOJOURN_KEY=… python examples/click_tool.py build docs
"""

import click

import sojourn
from sojourn.sdk.frameworks.commands import reported


@click.group()
def tool() -> None:
    """A tool with one command."""


@tool.command()
@click.argument("target")
@reported
def build(target: str) -> None:
    """Build a target."""
    if target == "nothing":
        raise click.ClickException("there is nothing to build")
    click.echo(f"built {target}")


if __name__ == "__main__":
    sojourn.start(frontend="tool")
    tool()
