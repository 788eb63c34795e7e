"""Events per second of each wire format, through a started server, beside the native one in the same run."""

import json
import os
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from benchmarks.ingest import BATCH, frontend_with_properties, send_all
from tests.server import Frontend, Server, now

EVENTS = int(os.environ.get("SOJOURN_BENCH_EVENTS", "60000"))
Body = tuple[str, bytes, dict[str, str]]
"""Path with parameters, body and headers of a request."""


def native(frontend: Frontend, number: int) -> Body:
    events = [
        {
            "event_id": str(uuid.uuid4()),
            "kind": "event",
            "name": "add to cart",
            "timestamp": now(),
            "session_id": f"s{number}",
            "stream_id": "a",
            "sequence": n,
            "user_identifier": f"user{number % 500}@example.com",
            "event_properties": {"event_properties.p0": "Walnut desk", "event_properties.p1": "EUR"},
        }
        for n in range(BATCH)
    ]
    body = json.dumps({"instance_id": f"i{number}", "sent_at": now(), "events": events}).encode()
    return "/v1/events", body, {"Authorization": f"Bearer {frontend.key}", "Content-Type": "application/json"}


def openkit(frontend: Frontend, number: int) -> Body:
    start = time.time_ns() // 1_000_000 - 60_000
    prefix = (
        f"vv=3&va=8.297.30300&ap={frontend.key}&vn=1.2.3&pt=1&tt=okjava&vi={number + 1}&sn=1&os=Linux&mf=Lenovo&md=T14"
        f"&dl=2&cl=2&vs=2&ss=0&tx={start + 60_000}&tv={start}&mp=1"
    )
    payload = quote(
        json.dumps({"event.type": "add.to.cart", "p0": "Walnut desk", "p1": "EUR", "dt.rum.sid": f"{number}_1"}),
        safe="",
    )
    user = quote(f"user{number % 500}@example.com", safe="")
    records = [f"&et=18&it=1&pa=0&s0=1&t0=0&et=60&na={user}&it=1&pa=0&s0=2&t0=1"]
    records += [
        f"&et=98&pl={payload[:-3]}%2C%22n%22%3A{n}%7D"
        if n % 2
        else f"&et=10&na=add%20to%20cart&it=1&pa=1&s0={n}&t0={n}"
        for n in range(3, BATCH + 1)
    ]
    return f"/mbeacon?type=m&app={frontend.key}&resp=json", (prefix + "".join(records)).encode(), {}


def otlp(frontend: Frontend, number: int) -> Body:
    request = ExportLogsServiceRequest()
    resource = request.resource_logs.add()
    for key, value in (("service.version", "1.0"), ("service.instance.id", f"i{number}")):
        resource.resource.attributes.add(key=key).value.string_value = value
    records = resource.scope_logs.add().log_records
    for n in range(BATCH):
        record = records.add(time_unix_nano=time.time_ns() + n, event_name="add to cart")
        for key, value in (
            ("session.id", f"otlp{number}"),
            ("user.id", f"user{number % 500}@example.com"),
            ("event_properties.p0", "Walnut desk"),
            ("event_properties.p1", "EUR"),
        ):
            record.attributes.add(key=key).value.string_value = value
    headers = {"Authorization": f"Bearer {frontend.key}", "Content-Type": "application/x-protobuf"}
    return "/v1/logs", request.SerializeToString(), headers


def segment(frontend: Frontend, number: int) -> Body:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + ".000Z"
    calls = [
        {
            "type": "track",
            "event": "add to cart",
            "messageId": str(uuid.uuid4()),
            "anonymousId": f"a{number}",
            "userId": f"user{number % 500}@example.com",
            "timestamp": stamp,
            "properties": {"p0": "Walnut desk", "p1": "EUR"},
        }
        for _ in range(BATCH)
    ]
    headers = {"Authorization": f"Bearer {frontend.key}", "Content-Type": "application/json"}
    return "/v1/batch", json.dumps({"batch": calls, "sentAt": stamp}).encode(), headers


FORMATS: dict[str, Callable[[Frontend, int], Body]] = {
    "native JSON": native,
    "OpenKit beacons": openkit,
    "OTLP logs, protobuf": otlp,
    "Segment-style batch": segment,
}


def main() -> None:
    rates = {}
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "data")
        try:
            for name, make in FORMATS.items():
                frontend = frontend_with_properties(server)
                frontend.define("event", "n", "number")
                requests = [make(frontend, number) for number in range(EVENTS // BATCH)]
                rates[name] = EVENTS / send_all(server.port, requests)
        finally:
            server.close()
    print(f"## Wire formats\n\n{EVENTS:,} events in requests of {BATCH}, acknowledged after fsync.\n")
    print("| format | events/s | of the native one |\n|---|---|---|")
    for name, rate in rates.items():
        print(f"| {name} | {rate:,.0f} | {rate / rates['native JSON']:.2f} |")


if __name__ == "__main__":
    main()
