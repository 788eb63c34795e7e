"""What is said to be gone from the disk is gone: files that are being removed at the moment are not gone yet."""

import json
import subprocess
import sys
from pathlib import Path

from tests.privacy.swept import ROUNDS


def test_deleted_rows_are_waited_for_until_their_last_file_is_gone(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.privacy.swept", str(tmp_path)]
    done = subprocess.run(command, check=True, capture_output=True, cwd=Path(__file__).parents[2])
    assert json.loads(done.stdout.splitlines()[-1]) == [[True, []]] * ROUNDS
