"""The queue on the disk: its limit, its files, and what happens when they cannot be written or are damaged."""

import base64
import os
from pathlib import Path

import pytest

from sojourn.sdk.contexts import Context
from sojourn.sdk.lines import Heading
from sojourn.sdk.notices import Notices
from sojourn.sdk.queue import OVERSHOOT, Queue
from sojourn.sdk.segments import HEADER, SEGMENT_BYTES, Segment, SegmentError
from sojourn.sdk.shapes import NOTHING
from tests.sdk.sink import Sink

MIB = 1024 * 1024


def absent(sink: Sink) -> dict[tuple[str, str], set[int]]:
    found: dict[tuple[str, str], set[int]] = {}
    for batch in sink.batches:
        for a in batch.absences:
            found.setdefault((a.session_id, a.stream_id), set()).update(range(a.sequence, a.sequence + a.count))
    return found


def incompressible(count: int) -> str:
    """A text of `count` random bytes: packing does not help."""
    return base64.b64encode(os.urandom(count)).decode()


def segments(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.seg"))


def test_over_the_limit_the_oldest_measurements_go_first_and_are_reported(start, sink):
    sink.stop()
    agent = start(max_disk_bytes=3 * MIB)
    for number in range(2400):
        agent.send_http_request_event({"url": f"https://x/{number}", "event_properties.a": incompressible(600)})
        properties = {"event_properties.a": incompressible(600), f"event_properties.n{number % 7}": number}
        agent.send_event({"name": str(number), "event_properties": properties})
    assert not agent.flush(1.0)
    sink.start()
    assert agent.flush(10)
    # About 4 MiB remain when packed: without the measurements they fit, so every custom event is there.
    assert [e.name for e in sink.of_kind("event")] == [str(number) for number in range(2400)]
    numbers = [e.event_properties.get(f"event_properties.n{int(e.name) % 7}") for e in sink.of_kind("event")]
    assert numbers == list(range(2400))
    requests = [int(e.attributes["url.full"].rpartition("/")[2]) for e in sink.of_kind("http_request")]
    assert 0 < len(requests) < 2400
    assert requests == list(range(2400 - len(requests), 2400))
    check_complete(agent, sink)


@pytest.mark.parametrize("measurements", [False, True])
def test_when_that_is_not_enough_the_oldest_of_all_go(start, sink, measurements):
    sink.stop()
    agent = start(max_disk_bytes=3 * MIB)
    for number in range(6000):
        if measurements:
            agent.send_http_request_event({"url": f"https://x/{number}"})
        agent.send_event({"name": str(number), "event_properties.a": incompressible(750)})
    assert not agent.flush(1.0)
    on_disk = sum(path.stat().st_size for path in segments(agent.channel.options.directory))
    assert on_disk <= 3 * MIB + 4 * SEGMENT_BYTES
    sink.start()
    assert agent.flush(10)
    names = [int(e.name) for e in sink.of_kind("event")]
    assert names == list(range(names[0], 6000))
    assert 0 < names[0] < 5500
    check_complete(agent, sink)


def check_complete(agent, sink: Sink) -> None:
    """Each number of the stream has arrived or is reported as absent."""
    session = agent.session
    arrived = {e.sequence for e in sink.events}
    dropped = absent(sink)[session.session_id, session.stream_id]
    assert not arrived & dropped
    assert arrived | dropped == set(range(session.sequence))


def test_a_queue_without_a_sender_drops_the_newest_and_counts_them(tmp_path):
    queue = Queue(tmp_path / "queue", Notices(), max_bytes=MIB)
    heading = Heading(context=Context(instance_id="i"), session_id="s", stream_id="t", node="n")
    written = 0
    while queue.append(line := base64.b64encode(os.urandom(60_000)) + b"]\n", heading, NOTHING):
        written += len(line)
    assert MIB + OVERSHOOT - 2 * SEGMENT_BYTES < written < 2 * (MIB + OVERSHOOT)
    queue.lose("s", "t", 7)
    queue.lose("s", "t", 8)
    queue.lose("s", "t", 10)
    assert [(a.sequence, a.count) for a in queue.absences] == [(7, 2), (10, 1)]
    for segment in [*queue.sealed, queue.current]:
        segment.remove()


def test_a_folder_that_cannot_be_written_costs_only_durability(start, sink, tmp_path, caplog):
    blocked = tmp_path / "a file"
    blocked.write_text("not a folder")
    agent = start(state_dir=blocked)
    agent.send_event("e")
    assert agent.flush()
    assert [e.name for e in sink.of_kind("event")] == ["e"]
    assert agent.shutdown()
    assert any("memory only" in message for message in caplog.messages)
    assert any("new instance" in message for message in caplog.messages)


def test_a_full_disk_does_not_kill_the_application(start, sink, caplog, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    agent = start()
    for number in range(100):
        agent.send_event(str(number))
    assert agent.flush()
    assert len(sink.of_kind("event")) == 100
    assert agent.shutdown()
    assert any("No space left" in message for message in caplog.messages)


def test_pages_that_a_power_failure_lost_cost_their_own_lines_only(start, sink):
    sink.stop()
    agent = start()
    for number in range(300):
        agent.send_event(f"event-{number:03}")
    assert not agent.shutdown()
    (path,) = segments(agent.channel.options.directory)
    data = bytearray(path.read_bytes())
    hole = data.index(b"event-150")
    data[hole : hole + 10] = bytes(10)
    path.write_bytes(data)
    sink.start()
    start()
    assert sink.wait_for(lambda: len(sink.of_kind("event")) == 299)
    assert "event-150" not in {e.name for e in sink.events}


def test_a_heading_that_was_lost_gives_its_events_to_nobody_else(start, sink):
    sink.stop()
    agent = start()
    for user in ("ada", "bob", "eve"):
        agent.identify_user(user)
        for number in range(3):
            agent.send_event(f"{user}-{number}")
    assert not agent.shutdown()
    (path,) = segments(agent.channel.options.directory)
    data = bytearray(path.read_bytes())
    hole = data.index(b'"bob"')
    data[hole - 40 : hole + 5] = bytes(45)
    path.write_bytes(data)
    sink.start()
    start()
    assert sink.wait_for(lambda: sink.of_kind("session_end"))
    assert [(e.name, e.user_identifier) for e in sink.of_kind("event")] == [
        (f"{user}-{number}", user) for user in ("ada", "eve") for number in range(3)
    ]


def test_a_shape_that_was_lost_gives_its_values_to_no_other_name(start, sink):
    sink.stop()
    agent = start()
    for name in ("a", "b", "c"):
        for number in range(3):
            agent.send_event({"name": f"{name}-{number}", f"event_properties.{name}": number})
    assert not agent.shutdown()
    (path,) = segments(agent.channel.options.directory)
    data = bytearray(path.read_bytes())
    hole = data.index(b'"event_properties.b"')
    data[hole - 4 : hole + 5] = bytes(9)
    path.write_bytes(data)
    sink.start()
    start()
    assert sink.wait_for(lambda: sink.of_kind("session_end"))
    assert [(e.name, e.event_properties) for e in sink.of_kind("event")] == [
        (f"{name}-{number}", {f"event_properties.{name}": number}) for name in ("a", "c") for number in range(3)
    ]


@pytest.mark.parametrize("content", [b"", b"short", bytes(HEADER), b"SOJOURN1" + b"\xff" * 200])
def test_files_that_are_no_segments_are_refused(tmp_path, content):
    path = tmp_path / "x.seg"
    path.write_bytes(content)
    with pytest.raises(SegmentError):
        Segment.open(path)


def test_a_damaged_file_of_a_dead_process_stops_nobody(start, sink):
    sink.stop()
    first = start()
    first.send_event("good")
    assert not first.shutdown()
    (path,) = segments(first.channel.options.directory)
    owner = path.name.partition(".")[0]
    (path.parent / f"{owner}.99999999.seg").write_bytes(b"rubbish")
    sink.start()
    second = start()
    assert sink.wait_for(lambda: len(sink.events) == 3)
    second.shutdown()
    assert segments(first.channel.options.directory) == []


def test_a_segment_gives_back_what_was_committed(tmp_path):
    segment = Segment.create(tmp_path / "x.seg", 4096)
    assert segment.append(b"one\n")
    assert segment.append(b"two\n")
    assert not segment.append(b"x" * 4096)
    segment.mark_delivered(HEADER + 4)
    segment.close()
    again = Segment.open(tmp_path / "x.seg")
    assert again.read(again.delivered, again.committed) == b"two\n"
    again.remove()
    assert not (tmp_path / "x.seg").exists()


def test_what_waits_for_long_is_packed_and_arrives_as_it_was(start, sink):
    sink.stop()
    agent = start(max_disk_bytes=4 * MIB)
    for number in range(20_000):
        agent.send_event({"name": str(number), "event_properties.text": "the same again and again " * 20})
        if number % 4000 == 0:
            agent.flush(0.05)
    assert not agent.flush(0.5)
    # 15 MiB of events wait in less than 4, and none was dropped.
    assert sum(path.stat().st_size for path in segments(agent.channel.options.directory)) < 8 * MIB
    assert not agent.shutdown(1.0)
    sink.start()
    again = start()
    assert sink.wait_for(lambda: len(sink.of_kind("event")) == 20_000, 20)
    assert [e.name for e in sink.of_kind("event")] == [str(number) for number in range(20_000)]
    assert [e.sequence for e in sink.events] == list(range(20_002))
    assert again.shutdown()
    assert segments(again.channel.options.directory) == []


def test_a_packed_file_that_was_damaged_costs_its_own_events_only(start, sink):
    sink.stop()
    agent = start(max_disk_bytes=2 * MIB)
    for number in range(6000):
        agent.send_event({"name": str(number), "event_properties.text": "the same again and again " * 10})
    assert not agent.flush(0.5)
    assert not agent.shutdown(1.0)
    packed = [path for path in segments(agent.channel.options.directory) if path.read_bytes()[:8] == b"SOJOURNZ"]
    assert packed
    data = bytearray(packed[0].read_bytes())
    data[200:300] = bytes(100)
    packed[0].write_bytes(data)
    sink.start()
    start()
    assert sink.wait_for(lambda: "5999" in {e.name for e in sink.of_kind("event")}, 20)
    assert 2000 < len(sink.of_kind("event")) < 6000
