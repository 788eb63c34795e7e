"""What is too old is erased, and a ledger never grows beyond its bound."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sojourn.rules.limits import DAY
from tests.privacy.aged import NOW
from tests.server import Server, event, now


@pytest.fixture(scope="module")
def aged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    data = tmp_path_factory.mktemp("aged")
    output = subprocess.run(
        [sys.executable, "-m", "tests.privacy.aged", str(data)],
        check=True,
        capture_output=True,
        cwd=Path(__file__).parents[2],
    ).stdout
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found


def test_sessions_that_ended_before_the_retention_are_gone_whole(aged: dict[str, Any]) -> None:
    left = [["forever", "old"], ["short", "new"], ["short", "straddling"]]
    assert aged["sessions"] == left
    assert aged["listed"] == left
    assert aged["events"] == [["forever", "old", 1], ["short", "new", 1], ["short", "straddling", 2]]


def test_the_ledger_forgets_by_age_and_by_size(aged: dict[str, Any]) -> None:
    ledgers = {frontend: (count, oldest) for frontend, count, oldest in aged["discards"]}
    assert ledgers["short"] == (2, NOW - 2 * DAY)
    assert ledgers["forever"] == (3, NOW - 4 * DAY)
    # A line of 1,000 characters counts 1,200 bytes: the newest ten fit.
    assert ledgers["flooded"] == (10, NOW - 9 * 1_000_000)


def test_the_server_applies_the_retention_of_each_frontend(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    try:
        short, forever = server.frontend(retention_days=7), server.frontend()
        for frontend in (short, forever):
            frontend.send(event(session="old", timestamp=now() - 10 * DAY), event(session="new"))
        assert len(short.sessions()) == 2
        server.stop()
        server.start()
        server.until(lambda: [s["session_id"] for s in short.sessions()] == ["new"])
        assert len(forever.sessions()) == 2
    finally:
        server.close()
