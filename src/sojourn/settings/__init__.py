"""Settings: frontends, keys, property definitions, accounts, tokens, merges; who changed what. No events, no HTTP.

`Settings` is what the other rooms use. It is imported on first use, so that the light modules of this room
(`documents`, `durations`, `errors`) serve the command line of a plain install, which has no SQLAlchemy.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sojourn.settings.settings import Settings, settings_url
    from sojourn.settings.snapshot import Cache, IngestFrontend, Snapshot

__all__ = ["Cache", "IngestFrontend", "Settings", "Snapshot", "settings_url"]

_HOMES = {
    "Cache": "snapshot",
    "IngestFrontend": "snapshot",
    "Settings": "settings",
    "Snapshot": "snapshot",
    "settings_url": "settings",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
