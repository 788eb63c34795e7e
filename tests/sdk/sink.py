"""A small server for the tests of the SDK: reads the native JSON, keeps what it gets, and answers as it is told."""

import gzip
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from sojourn.wire.messages import Batch, DiscardCount, Event, Policy, Receipt, Refusal
from sojourn.wire.native import read_batch, write_receipt

MINUTE = 60_000_000


class Sink:
    """Listens on a port of 127.0.0.1 until `stop`; `start` listens on the same port again."""

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self.batches: list[Batch] = []
        self.headers: list[dict[str, str]] = []
        self.answers: list[tuple[int, bytes, dict[str, str]]] = []
        self.policy = Policy(idle_timeout=10 * MINUTE, max_duration=360 * MINUTE)
        self.discards: list[DiscardCount] = []
        self.rejected: list[Refusal] = []
        self.changed = threading.Condition()
        self._server: ThreadingHTTPServer | None = None
        self.start()

    def start(self) -> None:
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 1 << 16

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                status, answer, extra = sink.take(self.path, dict(self.headers), body)
                self.send_response(status)
                for name, value in extra.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, *_: object) -> None:
                pass  # a client that was killed

        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def take(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes, dict[str, str]]:
        assert path == "/v1/events"
        with self.changed:
            self.headers.append(headers)
            if self.answers:
                status, answer, extra = self.answers.pop(0)
                self.changed.notify_all()
                if not 200 <= status < 300:
                    return status, answer, extra
            parsed = read_batch(body)
            assert not parsed.refusals, parsed.refusals
            self.batches.append(parsed.batch)
            self.changed.notify_all()
            receipt = Receipt(
                accepted=len(parsed.batch.events),
                rejected=self.rejected,
                discards=self.discards,
                policy=self.policy,
                server_time=time.time_ns() // 1000,
            )
            return 200, write_receipt(receipt), {}

    @property
    def events(self) -> list[Event]:
        """All events in the order of their arrival, copies included."""
        return [event for batch in list(self.batches) for event in batch.events]

    def of_kind(self, kind: str) -> list[Event]:
        return [event for event in self.events if event.kind == kind]

    def wait_for(self, condition, timeout: float = 10.0) -> bool:
        with self.changed:
            return self.changed.wait_for(condition, timeout)
