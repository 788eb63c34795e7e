"""The options of `start`, from its arguments and, for those not given, from the environment."""

import os
from pathlib import Path
from typing import Final

from sojourn.sdk.clock import Clock, SystemClock
from sojourn.sdk.sender import Pace
from sojourn.sdk.state import application_directory, default_state_home
from sojourn.wire.messages import Device, Software

DEFAULT_ENDPOINT: Final = "http://127.0.0.1:8321"
DISK_LIMIT: Final = 50 * 1024 * 1024
"""Bytes that the queue of an application may occupy."""


class Options:
    """What an agent needs to know. Sizes in bytes; times in seconds, for they only pace the background thread."""

    def __init__(
        self,
        endpoint: str = "",
        frontend: str = "",
        key: str = "",
        *,
        app_version: str = "",
        state_dir: str | os.PathLike[str] | None = None,
        opt_in_mode: bool = False,
        debug: bool | None = None,
        max_disk_bytes: int = DISK_LIMIT,
        exit_timeout: float = 5.0,
        device: Device | None = None,
        operating_system: Software | None = None,
        clock: Clock | None = None,
        pace: Pace | None = None,
    ) -> None:
        environment = os.environ.get
        self.endpoint = (endpoint or environment("SOJOURN_ENDPOINT") or DEFAULT_ENDPOINT).rstrip("/")
        self.frontend = frontend or environment("SOJOURN_FRONTEND", "")
        self.key = key or environment("SOJOURN_KEY", "")
        self.app_version = app_version or environment("SOJOURN_APP_VERSION", "")
        self.state_dir = state_dir or environment("SOJOURN_STATE_DIR")
        self.opt_in_mode = opt_in_mode
        if debug is None:
            debug = environment("SOJOURN_DEBUG", "").lower() in ("1", "true", "yes", "on")
        self.debug = debug
        self.max_disk_bytes = max_disk_bytes
        self.exit_timeout = exit_timeout
        self.device = device
        self.operating_system = operating_system
        self.clock = clock or SystemClock()
        self.pace = pace or Pace()

    @property
    def directory(self) -> Path:
        """The application's own directory for its state."""
        home = Path(self.state_dir) if self.state_dir else default_state_home()
        return application_directory(home, self.endpoint, self.frontend)
