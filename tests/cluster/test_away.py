"""A ClickHouse that is gone for a while: 503 and never 500, and all that was acknowledged is there afterwards."""

import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.cluster.conftest import cluster_url, database
from tests.cluster.nodes import Node
from tests.server import Frontend, Server, event, now

KILLS = 3


@pytest.fixture
def fragile(library: Path, tmp_path: Path) -> Iterator[Node]:
    """A node that a test may kill."""
    node = Node(library, tmp_path / "node")
    node.start()
    yield node
    node.close()


class Sender(threading.Thread):
    """Sends numbered events of one session and, like an SDK, sends a batch again until it is acknowledged."""

    def __init__(self, frontend: Frontend) -> None:
        super().__init__()
        self.frontend = frontend
        self.session = f"s-{uuid.uuid4()}"
        self.stop = threading.Event()
        self.acknowledged = threading.Semaphore(0)
        self.refused = threading.Event()
        self.count = 0
        self.statuses: set[int] = set()

    def run(self) -> None:
        with httpx.Client(base_url=self.frontend.server.url, timeout=20) as http:
            headers = {"Authorization": f"Bearer {self.frontend.key}"}
            while not self.stop.is_set():
                batch = [event(session=self.session, sequence=self.count + n) for n in range(10)]
                body = {"instance_id": "i", "sent_at": now(), "events": batch}
                while (answer := http.post("/v1/events", json=body, headers=headers)).status_code != 200:
                    self.statuses.add(answer.status_code)
                    assert answer.headers["retry-after"]
                    self.refused.set()
                    self.stop.wait(0.02)
                self.count += len(batch)
                self.acknowledged.release()


def test_what_was_acknowledged_is_there_once_after_the_node_was_killed(fragile: Node, tmp_path: Path) -> None:
    server = Server(tmp_path / "data", SOJOURN_STORE_URL=f"clickhouse://{fragile.place}")
    try:
        frontend = server.frontend()
        sender = Sender(frontend)
        sender.start()
        for _ in range(KILLS):
            for _ in range(10):
                assert sender.acknowledged.acquire(timeout=30)
            sender.refused.clear()
            fragile.kill()
            assert sender.refused.wait(timeout=20)
            page = server.http.get(frontend.path + "/sessions")
            assert (page.status_code, page.json()["error"]["code"]) == (503, "overloaded")
            fragile.start()
        assert sender.acknowledged.acquire(timeout=30)
        sender.stop.set()
        sender.join(timeout=30)
        assert not sender.is_alive()
        assert sender.statuses == {503}
        session = frontend.get(f"/sessions/{sender.session}")
        assert (session["event_count"], session["missing_events"]) == (sender.count, 0)
        assert len(frontend.get(f"/sessions/{sender.session}/events", limit=5000)["items"]) == sender.count
    finally:
        server.close()


def test_a_server_waits_for_its_node_at_the_start(fragile: Node, tmp_path: Path) -> None:
    fragile.kill()
    late = threading.Timer(1.0, fragile.start)
    late.start()
    server = Server(tmp_path / "data", SOJOURN_STORE_URL=f"clickhouse://{fragile.place}")
    try:
        frontend = server.frontend()
        assert frontend.send(event())["accepted"] == 1
    finally:
        late.join()
        server.close()


def test_nothing_is_half_acknowledged_while_a_shard_is_away(library: Path, tmp_path: Path) -> None:
    nodes = [Node(library, tmp_path / name) for name in ("one", "two")]
    for node in nodes:
        node.start(nodes)
    server = Server(tmp_path / "data", SOJOURN_STORE_URL=cluster_url(nodes, database()))
    try:
        frontend = server.frontend()
        batch = [event(session=f"s{number}", sequence=0) for number in range(20)]
        body = {"instance_id": "i", "sent_at": now(), "events": batch}
        # The node that answers is gone, so another one is asked, and it cannot reach the shard.
        nodes[0].kill()
        answer = server.http.post("/v1/events", json=body, headers={"Authorization": f"Bearer {frontend.key}"})
        assert answer.status_code == 503, answer.text
        assert server.http.get(frontend.path + "/sessions").status_code == 503
        nodes[0].start()
        assert frontend.send(*batch)["accepted"] == 20
        assert sorted(s["event_count"] for s in frontend.sessions()) == [1] * 20
    finally:
        server.close()
        for node in nodes:
            node.close()
