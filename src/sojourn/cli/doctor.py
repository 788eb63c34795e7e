"""`sojourn doctor`: what could keep a server from working here, checked without changing anything."""

import os
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, Literal

import click
import msgspec
import urllib3

from sojourn.cli.opening import Place, Refused, json_option, opened, place_options
from sojourn.cli.output import next_step, show_json, show_table
from sojourn.cli.remote import endpoint_option
from sojourn.settings.errors import SettingsError, UnavailableError

SERVER_PACKAGES: Final = ("alembic", "argon2-cffi", "chdb", "clickhouse-connect", "litestar", "sqlalchemy", "uvicorn")
GIB: Final = 2**30
ENOUGH_SPACE: Final = 5 * GIB
"""Bytes of free disk below which the engine's merges may soon stand still."""
LEAST_SPACE: Final = GIB // 2


class Finding(msgspec.Struct, frozen=True):
    """What one check found: `ok`, `note` (as it should be, or soon not) or `bad`, and what to do."""

    check: str
    state: Literal["ok", "note", "bad"]
    told: str


@click.command()
@endpoint_option
@json_option
@place_options
def doctor(endpoint: str, as_json: bool, place: Place) -> None:
    """Check this machine, the data folder, the settings and the server. Exit code 1 where something is bad."""
    findings = [
        *_versions(),
        _folder(place.data),
        _space(place.data),
        _settings(place),
        _server(endpoint),
    ]
    if as_json:
        show_json(findings)
    else:
        show_table(("check", "state", "found"), [(f.check, f.state, f.told) for f in findings])
        bad = next((f for f in findings if f.state == "bad"), None)
        next_step(f"mend: {bad.check}" if bad else "sojourn serve")
    if any(f.state == "bad" for f in findings):
        click.get_current_context().exit(1)


def _versions() -> Iterator[Finding]:
    python = ".".join(str(n) for n in sys.version_info[:3])
    yield Finding("python", "ok" if sys.version_info >= (3, 11) else "bad", f"{python}; 3.11 or newer is needed")
    there, missing = [f"sojourn {version('sojourn')}"], []
    for package in SERVER_PACKAGES:
        try:
            there.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            missing.append(package)
    yield Finding("packages", "ok", ", ".join(there))
    if missing:
        yield Finding("server packages", "bad", f"{', '.join(missing)} missing; pip install 'sojourn[server]'")


def _folder(data: Path) -> Finding:
    there = _existing(data)
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return Finding("data folder", "bad", f"{there} is not a folder that can be written to; choose one with --data")
    if not data.exists():
        return Finding("data folder", "note", f"{data} will be made by the first start")
    return Finding("data folder", "ok", str(data))


def _space(data: Path) -> Finding:
    free = shutil.disk_usage(_existing(data)).free
    state: Literal["ok", "note", "bad"] = "ok" if free >= ENOUGH_SPACE else "note" if free >= LEAST_SPACE else "bad"
    return Finding("disk space", state, f"{free / GIB:.1f} GiB free; {ENOUGH_SPACE / GIB:.0f} GiB or more is good")


def _settings(place: Place) -> Finding:
    if place.settings_url is None and not (place.data / "settings.sqlite").exists():
        return Finding("settings", "note", "none yet; begin with: sojourn frontend add NAME --type web")
    try:
        with opened(place) as settings:
            frontends, administrators = len(settings.frontends()), settings.has_administrator()
    except (Refused, SettingsError, UnavailableError) as error:
        return Finding("settings", "bad", str(error))
    login = "reading needs a login" if administrators else "no administrator yet, so only this machine is served"
    return Finding("settings", "ok", f"{frontends} frontend{'' if frontends == 1 else 's'}; {login}")


def _server(endpoint: str) -> Finding:
    try:
        answer = urllib3.request("GET", f"{endpoint.rstrip('/')}/health", timeout=2, retries=False, redirect=False)
    except (urllib3.exceptions.HTTPError, ValueError):
        return Finding("server", "note", f"nothing answers at {endpoint}; start it with: sojourn serve")
    state: Literal["ok", "bad"] = "ok" if answer.status == 200 else "bad"
    return Finding("server", state, f"{endpoint} answers with status {answer.status}")


def _existing(path: Path) -> Path:
    path = path.absolute()
    return next((folder for folder in (path, *path.parents) if folder.exists()), path)
