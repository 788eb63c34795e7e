"""The settings over each database that they support: every test here runs on all of them."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

from sojourn.settings import Settings, settings_url

POSTGRES_FOLDERS = [Path(p).parent for p in [shutil.which("initdb")] if p] + sorted(
    Path("/usr/lib/postgresql").glob("*/bin")
)
DATABASES = ["sqlite"] + (["postgresql"] if POSTGRES_FOLDERS else [])


class Clock:
    """Microseconds since 1970 that pass only when told to."""

    def __init__(self) -> None:
        self.now = 1_700_000_000_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """A PostgreSQL server of these tests' own, on a socket alone; the folder of the socket."""
    programs = POSTGRES_FOLDERS[0]
    # Not pytest's folder: PostgreSQL refuses to run as root, and nobody else may look into that one.
    folder = tempfile.mkdtemp(prefix="sojourn-pg-")
    who = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.getuid() == 0 else {}
    if who:
        shutil.chown(folder, "nobody", "nogroup")
    quiet = {"stdout": subprocess.DEVNULL, "cwd": folder, "check": True, **who}
    control = [programs / "pg_ctl", "-D", f"{folder}/data", "-w", "-s"]
    options = f"-c listen_addresses='' -k {folder} -c fsync=off"
    try:
        subprocess.run(
            [
                programs / "initdb",
                "-D",
                f"{folder}/data",
                "-U",
                "sojourn",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C",
                "-N",
            ],
            **quiet,
        )
        subprocess.run([*control, "-l", f"{folder}/log", "-o", options, "start"], **quiet)
        try:
            yield folder
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], **quiet)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


_numbers = count()


class SqliteFiles:
    """Databases as files of a test's folder. A new one is a copy of one whose schema was made once."""

    def __init__(self, folder: Path) -> None:
        self._ready = folder / "settings.sqlite"
        Settings(settings_url(folder)).close()

    def empty(self, folder: Path) -> str:
        return settings_url(folder)

    def ready(self, folder: Path) -> str:
        shutil.copy(self._ready, folder)
        return settings_url(folder)


class PostgresqlDatabases:
    """Databases of one server. A new one is a copy of one whose schema was made once."""

    def __init__(self, sockets: str) -> None:
        self._sockets = sockets
        self._connection = psycopg.connect(f"host={sockets} user=sojourn dbname=postgres", autocommit=True)
        Settings(self._make("ready_settings", "template1")).close()

    def empty(self, _: Path) -> str:
        return self._make(f"settings_{next(_numbers)}", "template1")

    def ready(self, _: Path) -> str:
        return self._make(f"settings_{next(_numbers)}", "ready_settings")

    def close(self) -> None:
        self._connection.close()

    def _make(self, name: str, template: str) -> str:
        self._connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return f"postgresql://sojourn@/{name}?host={self._sockets}"


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> SqliteFiles:
    return SqliteFiles(tmp_path_factory.mktemp("settings"))


@pytest.fixture(scope="session")
def postgresql(postgresql_server: str) -> Iterator[PostgresqlDatabases]:
    databases = PostgresqlDatabases(postgresql_server)
    yield databases
    databases.close()


@pytest.fixture(params=DATABASES)
def databases(request: pytest.FixtureRequest) -> SqliteFiles | PostgresqlDatabases:
    """Where the databases of a test come from: each test runs on all kinds."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def empty_url(databases: SqliteFiles | PostgresqlDatabases, tmp_path: Path) -> str:
    """The address of a database with nothing in it, not even a schema."""
    return databases.empty(tmp_path)


@pytest.fixture
def url(databases: SqliteFiles | PostgresqlDatabases, tmp_path: Path) -> str:
    """The address of a database with the schema and no more."""
    return databases.ready(tmp_path)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def open_settings(url: str, clock: Clock) -> Iterator[Callable[[], Settings]]:
    """Opens the same settings again, as another server would."""
    opened = []

    def open_one() -> Settings:
        opened.append(Settings(url, clock=clock))
        return opened[-1]

    yield open_one
    for settings in opened:
        settings.close()


@pytest.fixture
def settings(open_settings: Callable[[], Settings]) -> Settings:
    return open_settings()
