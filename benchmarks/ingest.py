"""Ingest end to end, real HTTP in batches of 50, beside the raw engine's insert rate in the same run."""

import http.client
import json
import os
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path
from typing import Any

from sojourn.store.engine import embedded_url
from sojourn.store.rows import EventRow, json_lines
from sojourn.store.store import Store
from tests.server import Frontend, Server, now

EVENTS = int(os.environ.get("SOJOURN_BENCH_EVENTS", "200000"))
BATCH = 50
CONNECTIONS = int(os.environ.get("SOJOURN_BENCH_CONNECTIONS", "128"))
EVENTS_OF_SESSION = 50
RAW_INSERT_ROWS = 10_000


def events_of(session: int, first: int, count: int) -> list[dict[str, Any]]:
    """A session's events as the SDK sends them: ten properties on one in five, some session properties."""
    base = now() - 3_600_000_000
    found = []
    for n in range(first, first + count):
        event: dict[str, Any] = {
            "event_id": str(uuid.uuid4()),
            "kind": "action" if n % 3 == 0 else "event",
            "name": f"step {n % 10}",
            "timestamp": base + session * 1000 + n * 100_000,
            "session_id": f"0190a5a0-0000-7000-8000-{session:012d}",
            "stream_id": "5d0c2b7e",
            "sequence": n,
            "user_identifier": f"user{session % 5000}@example.com",
            "event_properties": {f"event_properties.p{k}": f"value {k}" for k in range(10)} if n % 5 == 0 else {},
        }
        if n % 10 == 0:
            event["session_properties"] = {"session_properties.tier": "gold", "session_properties.cart": n * 1.5}
        found.append(event)
    return found


def bodies(count: int) -> list[bytes]:
    """Ready-made request bodies of 50 events each."""
    made = []
    for number in range(count):
        events = events_of(number * BATCH // EVENTS_OF_SESSION, number * BATCH % EVENTS_OF_SESSION, BATCH)
        made.append(json.dumps({"instance_id": f"i{number % 999}", "sent_at": now(), "events": events}).encode())
    return made


def frontend_with_properties(server: Server) -> Frontend:
    frontend = server.frontend()
    for k in range(10):
        frontend.define("event", f"p{k}")
    frontend.define("session", "tier")
    frontend.define("session", "cart", "number")
    return frontend


def send_all(port: int, queue: list[tuple[str, bytes, dict[str, str]]]) -> float:
    """Seconds until every request (path, body, headers) is acknowledged, over many connections."""
    lock = threading.Lock()
    failures: list[int] = []

    def work() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        while True:
            with lock:
                if not queue:
                    return
                path, body, headers = queue.pop()
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                failures.append(answer.status)

    threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[:5]
    return time.perf_counter() - start


def memory_of(pid: int) -> tuple[float, float]:
    """Resident memory of a process now and at its peak, MiB."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0]) / 1024, int(fields["VmHWM"].split()[0]) / 1024


def row_of(event: dict[str, Any]) -> EventRow:
    """An event as it lies in the table."""
    same = ("event_id", "kind", "name", "stream_id", "sequence", "user_identifier")
    return EventRow(
        frontend="shop",
        source_id=event["session_id"],
        client_timestamp=event["timestamp"],
        received_at=now(),
        instance_id="i",
        event_properties={k: json.dumps(v) for k, v in event["event_properties"].items()},
        session_properties={k: json.dumps(v) for k, v in event.get("session_properties", {}).items()},
        **{name: event[name] for name in same},
    )


def raw_rate(folder: Path) -> float:
    """Rows a second that the engine alone takes, in inserts of 10,000, JSON and checks made beforehand."""
    store = Store(embedded_url(folder))
    sessions = RAW_INSERT_ROWS // EVENTS_OF_SESSION
    chunks = [
        json_lines([row_of(event) for session in range(first, first + sessions) for event in events_of(session, 0, 50)])
        for first in range(0, EVENTS // EVENTS_OF_SESSION, sessions)
    ]
    start = time.perf_counter()
    for chunk in chunks:
        store.engine.insert("events", chunk)
    rate = len(chunks) * RAW_INSERT_ROWS / (time.perf_counter() - start)
    store.close()
    return rate


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        server = Server(data / "data")
        try:
            idle, _ = memory_of(server.process.pid)
            frontend = frontend_with_properties(server)
            headers = {"Authorization": f"Bearer {frontend.key}", "Content-Type": "application/json"}
            seconds = send_all(server.port, [("/v1/events", body, headers) for body in bodies(EVENTS // BATCH)])
            _, peak = memory_of(server.process.pid)
            count = sum(s["event_count"] for s in frontend.get("/sessions", limit=100)["items"])
            assert count == 100 * EVENTS_OF_SESSION, count
        finally:
            server.close()
        rate = EVENTS / seconds
        raw = raw_rate(data / "raw")
    print("## Ingest\n")
    print("| what | events/s | of the raw engine | memory idle / peak |")
    print("|---|---|---|---|")
    print(
        f"| HTTP, batches of {BATCH}, {CONNECTIONS} connections, fsync | {rate:,.0f} | {rate / raw:.2f} "
        f"| {idle:.0f} / {peak:.0f} MiB |"
    )
    print(f"| the engine alone, inserts of {RAW_INSERT_ROWS:,} | {raw:,.0f} | 1.00 | |")


if __name__ == "__main__":
    sys.exit(main())
