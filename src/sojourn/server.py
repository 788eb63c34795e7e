"""The server: builds the rooms' parts, serves them, and makes durable what waits before it stops."""

import ipaddress
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import structlog
import uvicorn

from sojourn.settings import Settings, settings_url
from sojourn.store.address import AddressError
from sojourn.store.cluster import ShapeError
from sojourn.store.engine import DEFAULT_MEMORY_BYTES, EngineAwayError, embedded_url
from sojourn.store.retention import Retention, retain
from sojourn.store.store import Store
from sojourn.web.app import create_app
from sojourn.web.following import Follower
from sojourn.web.live import Broadcaster
from sojourn.web.services import Services

log = structlog.get_logger()


class StoreRefusedError(ValueError):
    """The store that was named cannot be opened."""


class UnsafeHostError(ValueError):
    """The server was asked to listen beyond this machine before anybody could log in."""


def serve(
    data: Path,
    host: str = "127.0.0.1",
    port: int = 8321,
    store_url: str | None = None,
    settings_url_: str | None = None,
) -> None:
    """Serve until the process is told to stop. Raises UnsafeHostError and StoreRefusedError."""
    _set_up_logs(os.environ.get("SOJOURN_LOG_LEVEL", "INFO"))
    data.mkdir(parents=True, exist_ok=True)
    settings = Settings(settings_url(data, settings_url_))
    if not _is_loopback(host) and not settings.has_administrator():
        settings.close()
        raise UnsafeHostError(
            f"host: {host} can be reached from other machines, and nobody can log in yet; "
            "add an administrator first: sojourn account add NAME"
        )
    memory = int(os.environ.get("SOJOURN_MEMORY_BYTES", DEFAULT_MEMORY_BYTES))
    live = Broadcaster()
    try:
        store = Store(store_url or embedded_url(data / "events"), memory_bytes=memory)
    except (AddressError, EngineAwayError, ShapeError) as error:
        settings.close()
        raise StoreRefusedError(str(error)) from error
    services = Services(settings, store)
    follower = None
    if store.engine.embedded:
        store.writer.after_commit.append(live.publish)
    else:
        # What other servers take is watched here too.
        follower = Follower(live, services.scope)
    tasks = [_Running(task, services) for task in TASKS]
    try:
        config = uvicorn.Config(
            create_app(services, live),
            host=host,
            port=port,
            http="httptools",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=10,
            server_header=False,
        )
        _Server(config, live).run()
    finally:
        for running in tasks:
            running.close()
        if follower is not None:
            follower.close()
        services.close()


@dataclass(frozen=True, slots=True)
class Task:
    """Work beside requests: at the start, and so many seconds after each end of it."""

    name: str
    seconds: float
    run: Callable[[Services], None]


def _retain(services: Services) -> None:
    retentions = [
        Retention(
            frontend=frontend.name,
            retention_days=frontend.retention_days,
            discard_retention_days=frontend.discard_retention_days,
        )
        for frontend in services.settings.frontends(archived=True)
    ]
    retain(services.store.engine, services.eraser, retentions, services.now())


def _finish_erasures(services: Services) -> None:
    """Those that another server over the same store was cut off in."""
    services.eraser.resume()


TASKS = (Task("retention", 3600, _retain), Task("erasures", 300, _finish_erasures))


class _Running:
    """One task on a thread of its own. One that fails is tried again at its next time."""

    def __init__(self, task: Task, services: Services) -> None:
        self._task = task
        self._services = services
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"sojourn-{task.name}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                self._task.run(self._services)
            except Exception:
                log.exception("task_failed", task=self._task.name)
            self._closed.wait(self._task.seconds)


class _Server(uvicorn.Server):
    """Ends the live streams when it is told to stop, as it waits for open connections."""

    def __init__(self, config: uvicorn.Config, live: Broadcaster) -> None:
        super().__init__(config)
        self._live = live

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        # Not by the library's way, which raises the signal again afterwards: what waits is made durable first.
        self._live.close()
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


def _set_up_logs(level: str) -> None:
    """One JSON object a line on stderr. A traceback shows code and never the data of a user in its variables."""
    logging.basicConfig(level="WARNING", format="%(levelname)s %(name)s %(message)s")
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
