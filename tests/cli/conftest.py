"""The program, run as a person runs it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click.testing
import pytest

from sojourn.cli import main
from sojourn.settings import Settings, settings_url

Run = Callable[..., click.testing.Result]


@pytest.fixture(autouse=True)
def surroundings(tmp_path, monkeypatch):
    """An empty folder to stand in, and no settings of the one who runs the tests."""
    for name in list(os.environ):
        if name.startswith("SOJOURN_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run() -> Run:
    """Run the program in this process."""

    def run_it(*arguments: str, **options) -> click.testing.Result:
        result = click.testing.CliRunner().invoke(main, arguments, prog_name="sojourn", **options)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run_it


@pytest.fixture
def settings(tmp_path: Path):
    """The settings of the default data folder, open as a running server has them."""
    with Settings(settings_url(tmp_path / "data")) as opened:
        yield opened


def run_process(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
    """Run the program in a process of its own."""
    return subprocess.run(
        [Path(sys.executable).parent / "sojourn", *arguments], capture_output=True, text=True, timeout=60, **options
    )
