"""Bodies that real clients sent, and the adapters that read them, by the name of their codec."""

import base64
import json
from dataclasses import dataclass
from pathlib import Path

from sojourn.wire import openkit, otlp, segment
from sojourn.wire.messages import Event, Parsed

RECEIVED_AT = 1_795_573_300_000_000
"""When the recorded bodies arrived, in microseconds."""

READERS = {
    "openkit": lambda body: [openkit.read_beacon(body)],
    "otlp_protobuf": lambda body: otlp.read_protobuf_logs(body, RECEIVED_AT),
    "otlp_json": lambda body: otlp.read_json_logs(body, RECEIVED_AT),
    "segment": lambda body: segment.read_calls(body, RECEIVED_AT),
}


@dataclass(frozen=True)
class Recorded:
    client: str
    codec: str
    body: bytes

    def read(self) -> list[Parsed]:
        return READERS[self.codec](self.body)


def recorded(codec: str | None = None) -> list[Recorded]:
    found = []
    for file in sorted((Path(__file__).parent / "recorded").glob("*.jsonl")):
        for line in file.read_text("utf-8").splitlines():
            said = json.loads(line)
            body = base64.b64decode(said["body_base64"]) if "body_base64" in said else said["body"].encode()
            found.append(Recorded(said["client"], said["codec"], body))
    return [one for one in found if codec in (None, one.codec)]


def events_of(parsed: list[Parsed]) -> list[Event]:
    return [event for one in parsed for event in one.batch.events]
