"""The one class that the other rooms use: all parts of the settings over one open database."""

import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from sojourn.settings.accounts import Accounts
from sojourn.settings.changes import Changes
from sojourn.settings.database import Database
from sojourn.settings.definitions import Definitions
from sojourn.settings.erasure import Erasure
from sojourn.settings.frontends import Frontends
from sojourn.settings.merges import Merges
from sojourn.settings.snapshot import Snapshots
from sojourn.settings.tokens import Tokens
from sojourn.settings.views import Views


def settings_url(data: Path, url: str | None = None) -> str:
    """The database of the settings: `url` where one is given, else `settings.sqlite` in the data folder."""
    return url or f"sqlite:///{(data / 'settings.sqlite').absolute()}"


def _now() -> int:
    return time.time_ns() // 1000


class Settings(Frontends, Definitions, Merges, Views, Accounts, Tokens, Changes, Erasure, Snapshots):
    """The settings in the database at `url`, whose schema is made or brought up to date first.

    Any number of threads, processes and servers may have them open at once. Methods block for a database; changes
    take an `actor`, who made them, raise SettingsError for what is refused, and are in force when they return.
    `clock` gives microseconds since 1970.
    """

    def __init__(self, url: str, *, clock: Callable[[], int] = _now) -> None:
        self._database = Database(url, clock)

    def close(self) -> None:
        """Close the connections."""
        self._database.close()

    def __enter__(self) -> "Settings":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()
