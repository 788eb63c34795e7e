"""The `sojourn` program: which command lives where, imported when used, and how an error is told."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Any, Final

import click

from sojourn.settings.errors import SettingsError, UnavailableError

COMMANDS: Final = {
    "serve": ("serving", "serve"),
    "demo": ("serving", "demo"),
    "frontend": ("frontends", "frontend"),
    "property": ("properties", "properties"),
    "properties": ("properties", "properties"),
    "account": ("accounts", "account"),
    "token": ("tokens", "token"),
    "sql": ("sql", "sql"),
    "user": ("users", "user"),
    "doctor": ("doctor", "doctor"),
}
"""Each command with its module and its name in there."""
_HIDDEN: Final = frozenset({"properties"})


class Program(click.Group):
    """The top of the command line: errors on one line, which starts with the field at fault; exit code 2 for those."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's interface
        return [name for name in COMMANDS if name not in _HIDDEN]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's interface
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f"sojourn.cli.{module}"), name)
        return command

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        try:
            code = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            sys.exit(error.exit_code)
        except click.UsageError as error:
            where = f" (see {error.ctx.command_path} --help)" if error.ctx else ""
            _fail(error.format_message() + where, error.exit_code)
        except click.ClickException as error:
            _fail(error.format_message(), error.exit_code)
        except SettingsError as error:
            _fail(str(error), 2)
        except UnavailableError as error:
            _fail(str(error), 1)
        except click.Abort:
            _fail("stopped", 130)
        except BrokenPipeError:
            # Whoever read our output has gone. Python would say so once more when it flushes at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str, code: int) -> None:
    click.echo(f"Error: {' '.join(message.split())}", err=True)
    sys.exit(code)


@click.command(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("sojourn"), prog_name="sojourn")
def app() -> None:
    """Users and sessions of your applications, on your own server."""
