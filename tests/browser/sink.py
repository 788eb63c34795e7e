"""A small server that serves a page with the SDK in it and takes what the SDK sends, decoded as the real one does."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from sojourn.rules.summaries import SessionSummary, summarize
from sojourn.wire.messages import Batch, DiscardCount, Event, Policy, Receipt
from sojourn.wire.native import read_batch, write_receipt

ROOT = Path(__file__).parents[2]
SDK = ROOT / "src/sojourn/web/static/sojourn.js"
FOLDERS = {"/browser/": ROOT / "browser", "/conformance/": ROOT / "conformance"}
MINUTE = 60_000_000

PAGE = """<!doctype html><meta charset="utf-8"><title>A shop</title><body>
<script type="module">
  import * as sojourn from "/sojourn.js";
  window.sojourn = sojourn;
  sojourn.start(OPTIONS);
</script>"""


@dataclass
class Request:
    """One request to the ingest endpoint, and the batch in it."""

    key: str
    content_type: str
    batch: Batch
    is_beacon: bool


@dataclass
class Sink:
    """What has arrived, and how to answer. Use `wait` for what is still to come."""

    port: int = 0
    options: dict[str, Any] = field(default_factory=lambda: {"frontend": "shop", "key": "k&y"})
    status: int = 200
    policy: Policy = field(default_factory=lambda: Policy(idle_timeout=30 * MINUTE, max_duration=360 * MINUTE))
    discards: list[DiscardCount] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    attempts: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def take(self, request: Request, refusals: list[str]) -> None:
        with self.changed:
            self.requests.append(request)
            self.refusals.extend(refusals)
            self.changed.notify_all()

    def wait(self, enough: Callable[[], Any], timeout: float = 8) -> Any:
        """Wait until `enough()` is true of what has arrived."""
        with self.changed:
            assert self.changed.wait_for(enough, timeout), [(e.kind, e.name) for e in self.events]
            return enough()

    @property
    def events(self) -> list[Event]:
        """Each event once, as the copies of an event are the same event; in the order of time, stream and sequence."""
        found = {e.event_id: e for request in self.requests for e in request.batch.events}
        return sorted(found.values(), key=lambda e: (e.timestamp, e.stream_id, e.sequence))

    def named(self, name: str) -> list[Event]:
        return [event for event in self.events if event.name == name]

    def of_kind(self, kind: str) -> list[Event]:
        return [event for event in self.events if event.kind == kind]

    def summaries(self) -> list[SessionSummary]:
        """What the reference makes of all that arrived, copies included, first session first."""
        events = [
            SimpleNamespace(**msgspec.structs.asdict(event), instance_id=request.batch.instance_id, clock_offset=0)
            for request in self.requests
            for event in request.batch.events
        ]
        return sorted(summarize(events), key=lambda summary: summary.start_time)  # type: ignore[arg-type]

    def missing(self) -> dict[tuple[str, str], set[int]]:
        """The gaps in the numbers of each session and stream."""
        places: dict[tuple[str, str], set[int]] = {}
        for event in self.events:
            places.setdefault((event.session_id, event.stream_id), set()).add(event.sequence)
        gaps = {place: set(range(max(found) + 1)) - found for place, found in places.items()}
        return {place: gap for place, gap in gaps.items() if gap}


def serve(sink: Sink) -> ThreadingHTTPServer:
    """Serve the sink on a free port of loopback, on threads of its own."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            pass

        def answer(self, status: int, body: bytes, content_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("Access-Control-Allow-Origin", "*")
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            if path == "/sojourn.js":
                return self.answer(200, SDK.read_bytes(), "text/javascript")
            for prefix, folder in FOLDERS.items():
                if path.startswith(prefix):
                    content_type = "text/javascript" if path.endswith(".js") else "application/json"
                    return self.answer(200, (folder / path.removeprefix(prefix)).read_bytes(), content_type)
            if path == "/favicon.ico":
                return self.answer(204, b"", "image/png")
            page = PAGE.replace("OPTIONS", json.dumps(sink.options))
            return self.answer(200, page.encode(), "text/html; charset=utf-8")

        def do_POST(self) -> None:
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sink.attempts += 1
            if url.path != "/v1/events" or sink.status != 200:
                return self.answer(sink.status, b'{"error":"as the test wants"}', "application/json")
            parsed = read_batch(body)
            request = Request(
                key=parse_qs(url.query)["key"][0],
                content_type=self.headers["Content-Type"],
                batch=parsed.batch,
                # Fetch asks for an empty destination with cookies left out; only a beacon sends no-cors.
                is_beacon=self.headers["Sec-Fetch-Mode"] == "no-cors",
            )
            sink.take(request, [refusal.message for refusal in parsed.refusals])
            receipt = Receipt(
                accepted=len(parsed.batch.events),
                rejected=parsed.refusals,
                discards=sink.discards,
                policy=sink.policy,
                server_time=0,
            )
            return self.answer(200, write_receipt(receipt), "application/json")

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    sink.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return server
