"""Batches, answers of the server and what becomes of the events: nothing is lost by 5xx, silence or a restart."""

import time

import pytest

from sojourn.sdk.sender import Pace
from tests.sdk.sink import Sink


def error(status: int, message: str = "no", **headers: str) -> tuple[int, bytes, dict[str, str]]:
    return status, b'{"error":{"code":"x","message":"%b"}}' % message.encode(), headers


def names(sink: Sink) -> list[str]:
    return [e.name for e in sink.of_kind("event")]


def test_a_request_says_who_sends_what(start, sink, clock):
    agent = start(app_version="1.2.3")
    agent.send_event({"name": "e" * 200, "event_properties.a": "x" * 2000})
    assert agent.flush()
    (headers,) = sink.headers
    assert headers["Authorization"] == "Bearer key-1"
    assert headers["X-Sojourn-Frontend"] == "shop"
    assert headers["Content-Encoding"] == "gzip"
    (batch,) = sink.batches
    assert batch.app_version == "1.2.3"
    assert batch.sdk.name == "sojourn-python"
    assert batch.os.name
    assert batch.device.type in ("server", "desktop", "mobile")
    assert batch.sent_at == clock.wall()
    assert len(batch.instance_id) == 36


def test_batches_are_bounded_by_count(start, sink):
    agent = start(pace=Pace(batch_events=10, batch_age=0.02))
    for number in range(95):
        agent.send_event(str(number))
    assert agent.flush()
    assert names(sink) == [str(number) for number in range(95)]
    assert max(len(batch.events) for batch in sink.batches) <= 10


def test_batches_are_bounded_by_size(start, sink):
    agent = start(pace=Pace(batch_bytes=20_000, batch_age=0.02))
    for number in range(40):
        agent.send_event({"name": str(number), "event_properties.text": "x" * 3000})
    assert agent.flush()
    assert names(sink) == [str(number) for number in range(40)]
    # Seven of them are more than 20,000 bytes; the small event that starts the session may come along.
    assert max(sum(event.kind == "event" for event in batch.events) for batch in sink.batches) <= 6


def test_an_event_larger_than_a_batch_and_than_a_segment_is_sent(start, sink):
    agent = start(pace=Pace(batch_bytes=20_000, batch_age=0.02))
    agent.send_event("before")
    agent.send_event({"name": "large"} | {f"event_properties.p{n}": "\U0001f600" * 5000 for n in range(50)})
    agent.send_event("after")
    assert agent.flush()
    assert names(sink) == ["before", "large", "after"]
    assert len(sink.of_kind("event")[1].event_properties) == 50


def test_events_leave_by_their_age_without_a_flush(start, sink):
    agent = start(pace=Pace(batch_age=0.01))
    agent.send_event("e")
    assert sink.wait_for(lambda: len(sink.events) == 2)


@pytest.mark.parametrize("status", [500, 502, 503, 408, 425, 429, 302])
def test_answers_that_say_later_lose_nothing(agent, sink, status):
    sink.answers = [error(status), error(status)]
    agent.send_event("e")
    assert agent.flush()
    assert len(sink.headers) == 3
    assert names(sink) == ["e"]


def test_a_success_that_is_no_receipt_is_no_acknowledgement(agent, sink, caplog):
    class Portal(Sink):
        def take(self, path, headers, body):
            return 200, b"<html>please log in</html>", {}

    portal = Portal()
    try:
        agent.channel.sender.transport.url = portal.endpoint + "/v1/events"
        agent.send_event("e")
        assert not agent.flush(0.3)
    finally:
        portal.stop()
    agent.channel.sender.transport.url = sink.endpoint + "/v1/events"
    assert agent.flush()
    assert names(sink) == ["e"]
    assert "not a Sojourn server" in caplog.text


def test_retry_after_is_obeyed_even_by_a_flush(agent, sink):
    sink.answers = [error(503, **{"Retry-After": "1"})]
    agent.send_event("e")
    began = time.monotonic()
    assert agent.flush()
    assert time.monotonic() - began >= 1.0
    assert names(sink) == ["e"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_refused_batch_is_dropped_with_one_warning_and_reported_as_absent(agent, sink, caplog, status):
    agent.send_event("first")
    assert agent.flush()
    sink.answers = [error(status, "the key is unknown")]
    agent.send_event("refused")
    agent.send_event("refused")
    assert agent.flush()
    agent.send_event("last")
    assert agent.flush()
    assert names(sink) == ["first", "last"]
    assert [m for m in caplog.messages if str(status) in m] == [
        f"2 events were refused and dropped: HTTP {status}: the key is unknown"
    ]
    last = sink.of_kind("event")[-1]
    absences = [absence for batch in sink.batches for absence in batch.absences]
    assert [(a.session_id, a.stream_id, a.sequence, a.count) for a in absences] == [
        (last.session_id, last.stream_id, 2, 2)
    ]
    assert last.sequence == 4


def test_a_body_that_is_too_large_is_sent_in_smaller_ones(agent, sink):
    for number in range(8):
        agent.send_event(str(number))
    sink.answers = [error(413), error(413)]
    assert agent.flush()
    assert names(sink) == [str(number) for number in range(8)]


def test_a_dead_server_is_told_once_and_costs_nothing(agent, sink, caplog):
    sink.stop()
    for number in range(50):
        agent.send_event(str(number))
    assert not agent.flush(0.3)
    sink.start()
    assert agent.flush()
    assert names(sink) == [str(number) for number in range(50)]
    assert len([m for m in caplog.messages if "kept on the disk" in m]) == 1


def test_a_shutdown_with_a_dead_server_is_quick_and_the_next_start_delivers(start, sink):
    sink.stop()
    agent = start()
    for number in range(500):
        agent.send_event(str(number))
    began = time.monotonic()
    assert not agent.shutdown()
    assert time.monotonic() - began < 2.0
    sink.start()
    start()
    assert sink.wait_for(lambda: len(sink.events) == 502)
    assert names(sink) == [str(number) for number in range(500)]


def test_a_server_that_does_not_answer_holds_no_one_up(start):
    class Silent(Sink):
        def take(self, path, headers, body):
            time.sleep(3)
            return 500, b"", {}

    silent = Silent()
    try:
        agent = start(endpoint=silent.endpoint)
        began = time.monotonic()
        agent.send_event("e")
        assert time.monotonic() - began < 0.5
        assert not agent.shutdown(0.3)
        assert time.monotonic() - began < 1.5
    finally:
        silent.stop()


def test_nothing_is_left_on_the_disk_after_a_clean_shutdown(agent, tmp_path):
    for number in range(3000):
        agent.send_event({"name": str(number), "event_properties.a": "x" * 500})
    assert agent.shutdown()
    assert [path.name for path in (tmp_path / "state").rglob("*") if path.is_file()] == ["instance"]


def test_the_clock_of_a_dead_process_stamps_its_batches(start, sink, clock):
    sink.stop()
    first = start()
    first.send_event("left behind")
    written = clock.wall()
    assert not first.shutdown()
    sink.start()
    clock.set_wall(3_600_000_000)
    clock.advance(1_000_000)
    start()
    assert sink.wait_for(lambda: sink.events)
    # Same boot: told by the clock that the events were stamped with.
    assert sink.batches[0].sent_at == written + 1_000_000
