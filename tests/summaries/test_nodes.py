"""Two nodes that know of different halves of what came say the same; and so does a derivation in short stretches."""

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.server import now
from tests.summaries.histories import SECOND, Sent, expected
from tests.summaries.test_law import drawn_once

FRONTEND = "shop"


def as_row(event: Sent) -> dict[str, Any]:
    return {name: value for name, value in vars(event).items() if name not in ("offset", "length")}


def derived_by(folder: Path, batches: list[list[Sent]], wanted: list[dict[str, Any]], *how: str) -> dict[str, Any]:
    """What the nodes found, when it became what is wanted and after they had stopped."""
    told = {"batches": [[as_row(event) for event in batch] for batch in batches], "wanted": wanted}
    done = subprocess.run(
        [sys.executable, "-m", "tests.summaries.two_nodes", str(folder), *how],
        input=json.dumps(told),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "derivation_failed" not in done.stdout + done.stderr
    answer: dict[str, Any] = json.loads(done.stdout[done.stdout.index('{"found"') :])
    return answer


def listed(events: list[Sent]) -> list[dict[str, Any]]:
    """The sessions of the reference, without their events."""
    sessions = expected(FRONTEND, events, {})
    return [{name: value for name, value in session.items() if name != "events"} for session in sessions]


def drawn(seed: int, sources: int, count: int) -> list[Sent]:
    """Events of an hour ago: their sessions are over."""
    start = now() // SECOND * SECOND - 3_600 * SECOND
    return [event.at(start, "n") for event in drawn_once(seed, sources, count)]


def shuffled(seed: int, events: list[Sent]) -> list[list[Sent]]:
    """Batches of the events and of copies of some of them."""
    chance = random.Random(seed)
    arriving = events + chance.sample(events, 40)
    chance.shuffle(arriving)
    return [arriving[first : first + 20] for first in range(0, len(arriving), 20)]


def test_two_nodes_say_what_the_reference_says(tmp_path: Path) -> None:
    events = drawn(1, 8, 240)
    wanted = listed(events)
    assert len(wanted) > 20
    answer = derived_by(tmp_path / "events", shuffled(1, events), wanted, "50000", "free")
    assert answer == {"found": wanted, "at_the_end": wanted}


def test_a_source_that_is_derived_in_stretches_has_the_same_sessions(tmp_path: Path) -> None:
    events = drawn(2, 6, 120)
    for event in events:
        event.sequence = -1
    wanted = listed(events)
    answer = derived_by(tmp_path / "events", shuffled(2, events), wanted, "7", "alone")
    assert answer == {"found": wanted, "at_the_end": wanted}


def test_a_node_that_writes_late_does_not_have_the_last_word(tmp_path: Path) -> None:
    events = drawn(3, 3, 90)
    for event in events:
        event.sequence = -1
    wanted, seen_by_the_slow_one = listed(events), listed(events[::2])
    assert {one["session_id"] for one in seen_by_the_slow_one} - {one["session_id"] for one in wanted}
    answer = derived_by(tmp_path / "events", [events[::2], events[1::2]], wanted, "50000", "held")
    assert answer == {"found": wanted, "at_the_end": wanted}
