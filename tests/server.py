"""A Sojourn server in a process of its own, as the tests drive it: by HTTP alone."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

START_SECONDS = 30
SOJOURN = Path(sys.executable).with_name("sojourn")


class Server:
    """A started server over a data folder. `now` is by the machine's clock, in microseconds."""

    def __init__(self, data: Path, port: int | None = None, **environment: str) -> None:
        self.data = data
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = {**os.environ, **environment}
        self._log = (data.parent / f"{data.name}-server.log").open("ab")
        self.http = httpx.Client(base_url=self.url, timeout=30)
        self.process: subprocess.Popen[bytes]
        self.start()

    def start(self) -> None:
        """Start the process and wait until it answers."""
        self.process = subprocess.Popen(
            [SOJOURN, "serve", "--data", str(self.data), "--port", str(self.port)],
            env=self._environment,
            stdout=self._log,
            stderr=self._log,
        )
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.http.get("/health").raise_for_status()
            except httpx.HTTPError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"the server did not start:\n{self.log()}") from None
                time.sleep(0.05)
            else:
                return

    def kill(self) -> None:
        """End it without a warning, as a power cut does to a process."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Ask it to stop and wait."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=20)

    def close(self) -> None:
        """Stop it and let go of everything."""
        self.stop()
        self.http.close()
        self._log.close()

    def command(self, *arguments: str) -> str:
        """What a command line beside the running server prints."""
        done = subprocess.run(
            [SOJOURN, *arguments, "--data", str(self.data)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def until(self, condition: Callable[[], Any], seconds: float = 10) -> Any:
        """Ask until the answer is truthy, as for a change by another process, which is here within 2 s."""
        deadline = time.monotonic() + seconds
        while not (answer := condition()):
            assert time.monotonic() < deadline, f"not within {seconds} s:\n{self.log()}"
            time.sleep(0.05)
        return answer

    def log(self) -> str:
        """What it wrote to its log."""
        return Path(self._log.name).read_text(errors="replace")[-4000:]

    def frontend(self, frontend_type: str = "web", **settings: Any) -> "Frontend":
        """A new frontend with a name of its own."""
        name = f"f-{uuid.uuid4().hex[:12]}"
        answer = self.http.post("/api/v1/frontends", json={"name": name, "type": frontend_type})
        answer.raise_for_status()
        frontend = Frontend(self, name, answer.json()["key"])
        if settings:
            frontend.change(**settings)
        return frontend


class Frontend:
    """One frontend of a started server."""

    def __init__(self, server: Server, name: str, key: str) -> None:
        self.server = server
        self.name = name
        self.key = key
        self.path = f"/api/v1/frontends/{name}"

    def change(self, **settings: Any) -> None:
        """Change settings."""
        self.server.http.patch(f"{self.path}/settings", json=settings).raise_for_status()

    def define(self, kind: str, field: str, data_type: str = "string", **more: Any) -> None:
        """Define a property."""
        body = {"kind": kind, "field": field, "type": data_type, **more}
        self.server.http.post(f"{self.path}/properties", json=body).raise_for_status()

    def post(self, batch: dict[str, Any] | bytes, **headers: str) -> httpx.Response:
        """Send a body to the ingest endpoint, whatever becomes of it."""
        body = batch if isinstance(batch, bytes) else json.dumps(batch).encode()
        return self.server.http.post(
            "/v1/events", content=body, headers={"Authorization": f"Bearer {self.key}", **headers}
        )

    def send(self, *events: dict[str, Any], **batch: Any) -> dict[str, Any]:
        """Send events and return the receipt."""
        answer = self.post({"instance_id": "instance-1", "sent_at": now(), "events": list(events), **batch})
        answer.raise_for_status()
        receipt: dict[str, Any] = answer.json()
        return receipt

    def get(self, path: str = "", **params: Any) -> Any:
        """A JSON answer under this frontend."""
        answer = self.server.http.get(self.path + path, params=params)
        answer.raise_for_status()
        return answer.json()

    def sessions(self, **params: Any) -> list[dict[str, Any]]:
        """The newest sessions."""
        items: list[dict[str, Any]] = self.get("/sessions", **params)["items"]
        return items


def event(
    kind: str = "event", *, session: str = "session-1", stream: str = "stream-1", **fields: Any
) -> dict[str, Any]:
    """An event of now with an id of its own."""
    fields = {"timestamp": now(), **fields}
    return {"event_id": str(uuid.uuid4()), "kind": kind, "session_id": session, "stream_id": stream, **fields}


def now() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
