"""A sink that understands what each SDK sends: counts distinct events, and answers as the SDK's own server would."""

import gzip
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec

SEEN: set[str] = set()


def _sojourn(body: bytes) -> tuple[list[str], bytes]:
    events = msgspec.json.decode(body)["events"]
    policy = {"idle_timeout": 600_000_000, "max_duration": 21_600_000_000}
    receipt = {"accepted": len(events), "rejected": [], "discards": [], "policy": policy, "server_time": 1}
    return [e["event_id"] for e in events if e["kind"] == "event"], msgspec.json.encode(receipt)


def _posthog(body: bytes) -> tuple[list[str], bytes]:
    return [event["uuid"] for event in msgspec.json.decode(body)["batch"]], b'{"status":1}'


def _sentry(body: bytes) -> tuple[list[str], bytes]:
    header, item, *_ = body.split(b"\n")
    return [msgspec.json.decode(header)["event_id"]] if b'"event"' in item else [], b"{}"


def _snowplow(body: bytes) -> tuple[list[str], bytes]:
    return [event["eid"] for event in msgspec.json.decode(body)["data"]], b"ok"


def _opentelemetry(body: bytes) -> tuple[list[str], bytes]:
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    request = ExportLogsServiceRequest.FromString(body)
    records = [r for rl in request.resource_logs for sl in rl.scope_logs for r in sl.log_records]
    return [f"{r.time_unix_nano}:{len(SEEN) + n}" for n, r in enumerate(records)], b""


READERS = {
    "/v1/events": _sojourn,
    "/batch": _posthog,
    "/i/v1": _posthog,
    "/api/1/envelope": _sentry,
    "/com.snowplowanalytics.snowplow/tp2": _snowplow,
    "/v1/logs": _opentelemetry,
}


class Handler(BaseHTTPRequestHandler):
    """Takes POSTs of every SDK; GET /count tells how many distinct events came."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # head and body in one packet: the second would wait for the first one's acknowledgement

    def do_GET(self) -> None:
        self._answer(str(len(SEEN)).encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        match self.headers.get("Content-Encoding"):
            case "gzip":
                body = gzip.decompress(body)
            case "br":
                import brotli

                body = brotli.decompress(body)
        answer = b"{}"
        for path, read in READERS.items():
            if self.path.startswith(path):
                ids, answer = read(body)
                SEEN.update(ids)
                break
        else:
            sys.stderr.write(f"the sink does not know {self.path}\n")
        self._answer(answer)

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """Survives clients that are killed."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def handle_error(self, *_: object) -> None:
        """A client went away."""


if __name__ == "__main__":
    server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    while True:
        time.sleep(60)
