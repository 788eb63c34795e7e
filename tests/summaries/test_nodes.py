"""Two nodes that know of different halves of what came say the same; and so does a derivation in short stretches."""

import json
import random
import subprocess
import sys
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from tests.rules.histories import assert_all_hold
from tests.server import now
from tests.summaries.histories import SECOND, History, Sent, by_history, expected, histories
from tests.summaries.test_law import AT_ONCE, HISTORIES, drawn_once, listed

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


def sessions_of(events: list[Sent]) -> list[dict[str, Any]]:
    """The sessions of the reference, without their events."""
    return listed(expected(FRONTEND, events, {}))


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
    def problems(together: list[History]) -> list[str]:
        for event in chain.from_iterable(history.events for history in together):
            # Which of them are kept is for ingest to say, which there is none of here.
            event.session_properties = {}
        # Each of the two gets every other batch of a history, and at each time both get some.
        batches = [
            [event for history in together[turn::2] for event in batch_of(history, number)]
            for number in range(max(len(history.batches) for history in together))
            for turn in ((0, 1) if number % 2 == 0 else (1, 0))
        ]
        wanted = sessions_of([event for history in together for event in history.events])
        folder = tmp_path / together[0].prefix
        answer = {
            when: by_history(found) for when, found in derived_by(folder, batches, wanted, "50000", "free").items()
        }
        right = by_history(wanted)
        return [
            "" if found == [right[history.prefix]] * 2 else f"found {found}\nand not {right[history.prefix]}"
            for history in together
            for found in [[answer[when].get(history.prefix, []) for when in ("found", "at_the_end")]]
        ]

    assert_all_hold(histories(), HISTORIES, AT_ONCE, problems)


def batch_of(history: History, number: int) -> list[Sent]:
    return history.batches[number] if number < len(history.batches) else []


@pytest.mark.parametrize("numbered", [False, True])
def test_a_source_that_is_derived_in_stretches_has_the_same_sessions(tmp_path: Path, numbered: bool) -> None:
    events = drawn(2, 6, 120)
    for number, event in enumerate(events):
        # Each source has some of the numbers, and so gaps at all places.
        event.sequence = number if numbered else -1
    wanted = sessions_of(events)
    answer = derived_by(tmp_path / "events", shuffled(2, events), wanted, "7", "alone")
    assert answer == {"found": wanted, "at_the_end": wanted}


def test_a_node_that_writes_late_does_not_have_the_last_word(tmp_path: Path) -> None:
    events = drawn(3, 3, 90)
    for event in events:
        event.sequence = -1
    wanted, seen_by_the_slow_one = sessions_of(events), sessions_of(events[::2])
    assert {one["session_id"] for one in seen_by_the_slow_one} - {one["session_id"] for one in wanted}
    answer = derived_by(tmp_path / "events", [events[::2], events[1::2]], wanted, "50000", "held")
    assert answer == {"found": wanted, "at_the_end": wanted}
