"""A server killed in the middle of load: what it acknowledged is there, once, and in every summary."""

import threading
import uuid
from pathlib import Path

import httpx

from tests.server import Frontend, Server, event, now

KILLS = 4
SENDERS = 3
BEFORE_KILL = 25
"""Acknowledged batches between two kills."""


class Sender(threading.Thread):
    """Sends numbered events of one session and, like an SDK, sends a batch again until it is acknowledged."""

    def __init__(
        self, frontend: Frontend, session: str, stop: threading.Event, acknowledged: threading.Semaphore
    ) -> None:
        super().__init__()
        self.frontend = frontend
        self.session = session
        self.stop = stop
        self.acknowledged = acknowledged
        self.events: list[str] = []

    def run(self) -> None:
        with httpx.Client(base_url=self.frontend.server.url, timeout=10) as http:
            while not self.stop.is_set():
                first = len(self.events)
                batch = [event(session=self.session, sequence=first + n) for n in range(10)]
                body = {"instance_id": self.session, "sent_at": now(), "events": batch}
                headers = {"Authorization": f"Bearer {self.frontend.key}"}
                while True:
                    try:
                        if http.post("/v1/events", json=body, headers=headers).status_code == 200:
                            break
                    except httpx.HTTPError:
                        pass
                    self.stop.wait(0.05)
                self.events += [e["event_id"] for e in batch]
                self.acknowledged.release()


def test_every_acknowledged_event_is_there_once_after_kills(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    try:
        frontend = server.frontend()
        stop, acknowledged = threading.Event(), threading.Semaphore(0)
        senders = [Sender(frontend, f"s-{uuid.uuid4()}", stop, acknowledged) for _ in range(SENDERS)]
        for sender in senders:
            sender.start()
        for _ in range(KILLS):
            for _ in range(BEFORE_KILL):
                assert acknowledged.acquire(timeout=30)
            server.kill()
            server.start()
        stop.set()
        for sender in senders:
            sender.join(timeout=30)
            assert not sender.is_alive()
        for sender in senders:
            session = frontend.get(f"/sessions/{sender.session}")
            assert (session["event_count"], session["missing_events"]) == (len(sender.events), 0)
            listed = frontend.get(f"/sessions/{sender.session}/events", limit=5000)["items"]
            assert [e["event_id"] for e in listed] == sender.events
    finally:
        server.close()


def test_events_cut_off_from_their_summary_are_repaired_at_the_start(tmp_path: Path) -> None:
    """As a kill between the table and its materialized views leaves them."""
    server = Server(tmp_path / "data")
    try:
        frontend = server.frontend()
        frontend.send(event(session="whole", sequence=0))
        server.stop()
        lose_the_states(tmp_path / "data")
        server.start()
        assert frontend.get("/sessions/whole")["event_count"] == 1
        assert [s["session_id"] for s in frontend.sessions()] == ["whole"]
    finally:
        server.close()


def lose_the_states(data: Path) -> None:
    """In a process of its own, since an engine opens one folder a process."""
    import subprocess
    import sys

    script = (
        "import sys, pathlib; from sojourn.store.engine import Engine, embedded_url\n"
        "engine = Engine(embedded_url(pathlib.Path(sys.argv[1]) / 'events'))\n"
        "for table in ('session_states', 'session_index'):\n"
        "    engine.command(f'TRUNCATE TABLE {table}')\n"
        "engine.close()\n"
    )
    subprocess.run([sys.executable, "-c", script, str(data)], check=True)
