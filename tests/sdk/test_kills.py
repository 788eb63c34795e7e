"""An application that is killed at random moments, while the server comes and goes, loses nothing that returned."""

import random
import struct
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

import sojourn
from tests.sdk.sink import Sink

PROGRAM = Path(__file__).with_name("killed.py")
LIVES = 100


def kill_again_and_again(folder: Path, lives: int, *target: str) -> list[int]:
    """How many events `send_event` returned for, in each life."""
    counts = folder / "counts"
    counts.write_bytes(bytes(4 * lives))
    program = [sys.executable, str(PROGRAM), str(counts), str(lives), "7", *target]
    subprocess.run(program, check=True, timeout=50)
    return [count for (count,) in struct.iter_unpack("I", counts.read_bytes())]


def first_copies(events: Iterable) -> list:
    """The events in the order in which they first arrived: a killed sender repeats what it had no answer to."""
    return list({(e.session_id, e.stream_id, e.sequence): e for e in reversed(list(events))}.values())[::-1]


def test_killed_at_random_moments_while_the_server_stops_and_starts(tmp_path, sink):
    over = threading.Event()

    def come_and_go() -> None:
        moments = random.Random(11)
        while not over.wait(moments.uniform(0.05, 0.4)):
            sink.stop()
            over.wait(moments.uniform(0.05, 0.4))
            sink.start()

    coming_and_going = threading.Thread(target=come_and_go)
    coming_and_going.start()
    state = tmp_path / "state"
    try:
        returned = kill_again_and_again(tmp_path, LIVES, sink.endpoint, "shop", "key-1", str(state))
    finally:
        over.set()
        coming_and_going.join()
    assert sum(returned) > LIVES

    # The next start of the program delivers what its earlier lives left behind.
    agent = sojourn.start(sink.endpoint, "shop", "key-1", state_dir=state, capture_crashes=False)
    assert sink.wait_for(lambda: delivered(sink, returned), 20), missing(sink, returned)
    agent.shutdown()
    assert list(state.rglob("*.seg")) == []

    numbers = defaultdict(list)
    sequences = defaultdict(list)
    ids = defaultdict(set)
    for event in first_copies(sink.events):
        sequences[event.session_id, event.stream_id].append(event.sequence)
        ids[event.session_id, event.stream_id, event.sequence].add(event.event_id)
        if event.kind == "event":
            life, _, number = event.name.partition(":")
            numbers[int(life)].append(int(number))
    for life, count in enumerate(returned):
        # One more may have been appended by a call that did not live to return.
        assert numbers[life] in (list(range(count)), list(range(count + 1)))
    for found in sequences.values():
        assert found == list(range(len(found)))
    assert {len(copies) for copies in ids.values()} == {1}
    assert len(sequences) <= LIVES


def delivered(sink: Sink, returned: list[int]) -> bool:
    return len({e.name for e in sink.of_kind("event")}) >= sum(returned)


def missing(sink: Sink, returned: list[int]) -> set[str]:
    expected = {f"{life}:{number}" for life, count in enumerate(returned) for number in range(count)}
    return expected - {e.name for e in sink.of_kind("event")}


@pytest.mark.parametrize("burst", [20_000])
def test_killed_right_after_a_burst(tmp_path, sink, burst):
    """The burst is on the server, though the process died before it could send much of it."""
    state = tmp_path / "state"
    program = (
        "import os, signal, sys, sojourn\n"
        "agent = sojourn.start(sys.argv[1], 'shop', 'key-1', state_dir=sys.argv[2])\n"
        "for number in range(int(sys.argv[3])):\n"
        "    agent.send_event({'name': str(number), 'event_properties.a': number})\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, sink.endpoint, str(state), str(burst)], timeout=30)
    assert done.returncode == -9
    agent = sojourn.start(sink.endpoint, "shop", "key-1", state_dir=state, capture_crashes=False)
    assert sink.wait_for(lambda: len({e.name for e in sink.of_kind("event")}) == burst, 20)
    agent.shutdown()
    assert [e.sequence for e in first_copies(sink.events)] == list(range(burst + 1))
