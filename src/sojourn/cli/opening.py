"""Where the settings are, as options of a command, and opening them: beside a running server or without one."""

import functools
import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from sojourn.settings import Settings


@dataclass(frozen=True, slots=True)
class Place:
    """The data folder, and the database of the settings where it is not in there."""

    data: Path
    settings_url: str | None


class Refused(click.ClickException):
    """A request that cannot be done as it was put."""

    exit_code = 2


data_option = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="SOJOURN_DATA",
    default=Path("data"),
    show_default="./data",
    show_envvar=True,
    metavar="DIR",
    help="The data folder of the server.",
)
settings_url_option = click.option(
    "--settings-url",
    envvar="SOJOURN_SETTINGS_URL",
    show_envvar=True,
    metavar="URL",
    help="The database of the settings, such as postgresql://user@host/name; else a file in the data folder.",
)


def place_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--data` and `--settings-url`, handed over as `place`."""

    @settings_url_option
    @data_option
    @functools.wraps(command)
    def with_place(*args: Any, data: Path, settings_url: str | None, **others: Any) -> Any:
        return command(*args, place=Place(data, settings_url), **others)

    return with_place


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for a program.")


@contextmanager
def opened(place: Place, *, create: bool = False) -> Iterator["Settings"]:
    """The settings, closed again at the end. Only with `create` are they made where there are none."""
    with server_packages():
        from sojourn.settings import Settings, settings_url
    if not create and place.settings_url is None and not (place.data / "settings.sqlite").exists():
        raise Refused(
            f"data: there are no settings in {place.data}; give the server's folder with --data, "
            "or begin with: sojourn frontend add NAME --type web"
        )
    with Settings(settings_url(place.data, place.settings_url)) as settings:
        yield settings


@contextmanager
def server_packages() -> Iterator[None]:
    """Imports what only the extra `server` installs; says so where that is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("sojourn"):
            raise
        raise Refused(
            f"the package {error.name} is missing: this command needs the server; pip install 'sojourn[server]'"
        ) from error


def actor() -> str:
    """Who changes something from here, for the history."""
    try:
        return f"{getpass.getuser()} (command line)"
    except (KeyError, OSError):
        return "command line"
