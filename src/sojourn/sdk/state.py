"""Where an application's state lies on this machine, and the one thing that is kept there for good: the instance id."""

import os
import re
import sys
import zlib
from pathlib import Path

from sojourn.sdk.ids import new_id


def default_state_home() -> Path:
    """The platform's place for state of programs that no one needs to see or to back up."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "Sojourn"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Sojourn"
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "sojourn"


def application_directory(state_home: Path, endpoint: str, frontend: str) -> Path:
    """One directory for each frontend of each server, so that test data never ends up in production."""
    readable = re.sub(r"[^A-Za-z0-9_-]+", "-", frontend)[:40]
    return state_home / f"{readable}-{zlib.crc32(f'{endpoint} {frontend}'.encode()):08x}"


def instance_id(directory: Path, wall: int) -> str:
    """The persisted id of this installation, made at the first call. Raises OSError where nothing can be written.

    Several processes may ask at once: whoever links the file first wins, and all get the same id.
    """
    path = directory / "instance"
    try:
        found = path.read_text().strip()
    except FileNotFoundError:
        found = ""
    if found:
        return found[:100]
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    mine = new_id(wall)
    aside = directory / f".instance-{mine}"
    aside.write_text(mine)
    try:
        os.link(aside, path)
    except FileExistsError:
        return path.read_text().strip()[:100] or mine
    except OSError:
        aside.replace(path)
        return mine
    finally:
        aside.unlink(missing_ok=True)
    return mine
