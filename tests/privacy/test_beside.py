"""An erasure beside derivations, commits, replays and other erasures leaves what they leave one after the other."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.privacy.beside import TABLES


def erased_beside(folder: Path, case: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.privacy.beside", str(folder), case]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr[-3000:]
    assert "derivation_failed" not in done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("case", ["waiting", "held", "late", "away", "killed", "killed-deriving", "both"])
def test_the_users_sessions_are_gone_whole_and_no_others(tmp_path: Path, case: str) -> None:
    found = erased_beside(tmp_path, case)
    assert found["after"] == 0
    assert found["doomed"] == 0
    assert found["events"] == [["~kiosk", "bob"], ["~kiosk", "bob"], ["~laptop", ""], ["~laptop", "bob"]]
    assert found["sessions"] == [["kiosk", ["bob"], 1], ["kiosk", ["bob"], 1], ["laptop", ["bob"], 2]]
    assert found["named"] == dict.fromkeys(TABLES, 0)
    assert found["derived"] == [["~kiosk"], ["~laptop"]]
    # Each of the sessions is found, as are the two sources, and nothing else.
    assert len(found["index"]) == 5
