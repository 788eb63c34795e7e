"""A sink, a clock that the test moves, and agents that end with the test."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import sojourn
from sojourn.sdk import api
from sojourn.sdk.sender import Pace
from tests.sdk.sink import Sink

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE


class HandClock:
    """A clock that stands still until it is moved. `wall` can be set apart from the steady time."""

    def __init__(self) -> None:
        self.boot_id = "boot-1"
        self._steady = 5 * HOUR
        self._wall = 1_790_000_000 * SECOND

    def steady(self) -> int:
        return self._steady

    def steady_ns(self) -> int:
        return self._steady * 1000

    def wall(self) -> int:
        return self._wall

    def advance(self, microseconds: int) -> None:
        self._steady += microseconds
        self._wall += microseconds

    def set_wall(self, by: int) -> None:
        self._wall += by


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def sink() -> Iterator[Sink]:
    sink = Sink()
    yield sink
    sink.stop()


Start = Callable[..., sojourn.Agent]


@pytest.fixture
def start(tmp_path: Path, sink: Sink, clock: HandClock) -> Iterator[Start]:
    """Starts agents against the sink, with a state folder of this test, and shuts them down after it."""
    agents: list[sojourn.Agent] = []

    def start(**options: Any) -> sojourn.Agent:
        options = {
            "state_dir": tmp_path / "state",
            "clock": clock,
            "capture_crashes": False,
            "pace": Pace(batch_age=0.02, first_back_off=0.05),
        } | options
        agents.append(sojourn.start(options.pop("endpoint", sink.endpoint), "shop", "key-1", **options))
        return agents[-1]

    yield start
    for agent in agents:
        agent.shutdown(0.5)
    api._default = None


@pytest.fixture
def agent(start: Start) -> sojourn.Agent:
    return start()
