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
def postgresql() -> Iterator[str]:
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


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a new, empty database."""
    if request.param == "sqlite":
        return settings_url(tmp_path)
    folder = request.getfixturevalue("postgresql")
    name = f"settings_{next(_numbers)}"
    with psycopg.connect(f"host={folder} user=sojourn dbname=postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"postgresql://sojourn@/{name}?host={folder}"


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
