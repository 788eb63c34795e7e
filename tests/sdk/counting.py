"""A sink in a process of its own, for more events than one can send and take. It counts them and looks at their order.

Prints its port. GET / tells what came: distinct sequence numbers, absences, and custom events, which are named `K:N`
with N counting from 0 for each K.
"""

import gzip
import json
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import msgspec

from sojourn.wire.messages import Absence, Policy, Receipt
from sojourn.wire.native import write_receipt


class Sent(msgspec.Struct):
    kind: str
    stream_id: str
    sequence: int
    name: str = ""


class Body(msgspec.Struct):
    events: list[Sent]
    absences: list[Absence] = []


class Counts:
    def __init__(self) -> None:
        self.sequences: set[tuple[str, int]] = set()
        self.next: Counter[str] = Counter()
        self.in_order = True
        self.absent = 0

    def take(self, body: Body) -> None:
        self.absent += len(body.absences)
        for event in body.events:
            self.sequences.add((event.stream_id, event.sequence))
            if event.kind == "event":
                source, _, number = event.name.partition(":")
                self.in_order &= int(number) == self.next[source]
                self.next[source] += 1


counts = Counts()
decode = msgspec.json.Decoder(Body).decode


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        taken = decode(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
        counts.take(taken)
        policy = Policy(idle_timeout=600_000_000, max_duration=21_600_000_000)
        receipt = Receipt(accepted=len(taken.events), rejected=[], discards=[], policy=policy, server_time=1)
        self.answer(write_receipt(receipt))

    def do_GET(self) -> None:
        told = {
            "events": sum(counts.next.values()),
            "in_order": counts.in_order,
            "sequences": len(counts.sequences),
            "absent": counts.absent,
        }
        self.answer(json.dumps(told).encode())

    def answer(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


class CountingSink:
    """A running one, as the test sees it."""

    def __init__(self, port: int) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"

    def told(self) -> dict[str, Any]:
        with urllib.request.urlopen(self.endpoint) as answer:
            return json.loads(answer.read())


@contextmanager
def counting_sink() -> Iterator[CountingSink]:
    with subprocess.Popen([sys.executable, __file__], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield CountingSink(int(process.stdout.readline()))
        finally:
            process.kill()


if __name__ == "__main__":
    server = HTTPServer(("127.0.0.1", 0), Handler)
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()
