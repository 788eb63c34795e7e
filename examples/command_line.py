"""A command line with Typer: each command is an action; what goes wrong in one is an error of the session.

SOJOURN_KEY=… python examples/command_line.py build docs
"""

import typer

import sojourn
from sojourn.sdk.frameworks.commands import reported

app = typer.Typer()


@app.command()
@reported
def build(target: str) -> None:
    """Build a target."""
    if target == "nothing":
        raise typer.Exit(2)
    if target == "broken":
        raise RuntimeError("no rule to make it")
    typer.echo(f"built {target}")


@app.command()
@reported(name="Publish a release")
def publish(version: str) -> None:
    """Publish a version."""
    sojourn.send_event({"name": "published", "event_properties.version": version})


if __name__ == "__main__":
    sojourn.start(frontend="tool")
    app()
