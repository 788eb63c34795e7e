"""A store that takes no more for now: OpenKit is waited for and never told, the others are asked to come back."""

import time
from concurrent.futures import Future
from types import SimpleNamespace

import pytest
from litestar import Litestar, Router
from litestar.di import Provide
from litestar.testing import TestClient
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsPartialSuccess

from sojourn.ingest.admission import Terms
from sojourn.rules.definitions import Catalog
from sojourn.rules.sessions import FrontendType, SessionPolicy
from sojourn.store.writer import Overloaded
from sojourn.web import clients, ingest
from sojourn.web.errors import EXCEPTION_HANDLERS
from sojourn.web.metrics import Metrics
from sojourn.web.services import Services, wall_clock


class Writer:
    """Refuses the first `refusals` submissions, and keeps what it takes."""

    waiting_rows = 0

    def __init__(self):
        self.refusals = 0
        self.taken = []
        self.after_commit = []

    def submit(self, rows):
        if self.refusals > 0:
            self.refusals -= 1
            raise Overloaded
        self.taken.append(rows)
        done = Future()
        done.set_result(None)
        return done


def overwhelmed(writer):
    """The parts of a server that an ingest endpoint uses, over a writer of the test's; nothing else is started."""
    services = Services.__new__(Services)
    services.store = SimpleNamespace(writer=writer)
    services.metrics = Metrics()
    services.now = wall_clock
    terms = Terms("shop", SessionPolicy.default(FrontendType.WEB), Catalog())
    services._view = SimpleNamespace(terms={"any": terms})
    return services


@pytest.fixture
def writer():
    return Writer()


@pytest.fixture
def key():
    return "any"


@pytest.fixture
def http(writer, monkeypatch):
    monkeypatch.setattr(clients, "_PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr(ingest, "_PAUSE_SECONDS", 0.02)
    services = overwhelmed(writer)
    app = Litestar(
        [Router("/", route_handlers=clients.HANDLERS)],
        dependencies={"services": Provide(lambda: services, sync_to_thread=False)},
        exception_handlers=EXCEPTION_HANDLERS,
    )
    with TestClient(app) as client:
        yield client


def beacon(http, key):
    now = int(time.time() * 1000)
    body = f"ap=shop&vi=5&sn=1&tv={now}&tx={now}&et=18&s0=1&et=10&na=x&s0=2".encode()
    return http.post("/mbeacon", params={"app": key, "resp": "json"}, content=body)


def test_a_beacon_waits_for_the_store(http, key, writer):
    writer.refusals = 2
    assert beacon(http, key).status_code == 200
    assert [len(rows.events) for rows in writer.taken] == [2]


def test_a_beacon_that_waited_too_long_is_lost_but_its_client_goes_on(http, key, writer):
    writer.refusals = 1000
    answer = beacon(http, key)
    assert (answer.status_code, answer.json()["dynamicConfig"]["status"]) == (200, "OK")
    assert writer.taken == []


def test_exporters_and_libraries_are_asked_to_come_back(http, key, writer):
    writer.refusals = 1000
    record = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"eventName": "x"}]}]}]}
    answer = http.post("/v1/logs", json=record, headers={"x-sojourn-key": key})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    answer = http.post("/v1/batch", json={"batch": [{"type": "track", "userId": "u", "event": "x"}]}, auth=(key, ""))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


def test_a_failure_of_a_protobuf_export_is_a_protobuf_status(http, key):
    headers = {"x-sojourn-key": key, "content-type": "application/x-protobuf"}
    answer = http.post("/v1/logs", content=b"no", headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/x-protobuf")
    assert "ExportLogsServiceRequest" in ExportLogsPartialSuccess.FromString(answer.content).error_message
