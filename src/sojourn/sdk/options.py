"""The options of `start`, from its arguments and, for those not given, from the environment."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sojourn.sdk.clock import Clock, SystemClock
from sojourn.sdk.sender import Pace
from sojourn.sdk.state import application_directory, default_state_home
from sojourn.wire.messages import Device, Software

DEFAULT_ENDPOINT: Final = "http://127.0.0.1:8321"
DISK_LIMIT: Final = 50 * 1024 * 1024
"""Bytes that the queue of an application may occupy."""


@dataclass(slots=True)
class Options:
    """What an agent needs to know. Sizes in bytes; times in seconds, for they only pace the background thread."""

    endpoint: str = ""
    frontend: str = ""
    key: str = ""
    app_version: str = ""
    state_dir: str | os.PathLike[str] | None = None
    opt_in_mode: bool = False
    debug: bool | None = None
    capture_crashes: bool = True
    max_disk_bytes: int = DISK_LIMIT
    exit_timeout: float = 2.0
    device: Device | None = None
    os: Software | None = None
    clock: Clock = field(default_factory=SystemClock)
    pace: Pace = field(default_factory=Pace)

    def __post_init__(self) -> None:
        environment = os.environ.get
        self.endpoint = (self.endpoint or environment("SOJOURN_ENDPOINT") or DEFAULT_ENDPOINT).rstrip("/")
        self.frontend = self.frontend or environment("SOJOURN_FRONTEND", "")
        self.key = self.key or environment("SOJOURN_KEY", "")
        self.app_version = self.app_version or environment("SOJOURN_APP_VERSION", "")
        self.state_dir = self.state_dir or environment("SOJOURN_STATE_DIR")
        if self.debug is None:
            self.debug = environment("SOJOURN_DEBUG", "").lower() in ("1", "true", "yes", "on")

    @property
    def directory(self) -> Path:
        """The application's own directory for its state."""
        home = Path(self.state_dir) if self.state_dir else default_state_home()
        return application_directory(home, self.endpoint, self.frontend)
