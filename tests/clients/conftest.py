"""Published clients from npm, installed once from the lock file, and a way to run their programs."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

NODE = Path(__file__).parent / "node"


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The folder of the Node programs, with what they need installed."""
    lock, installed = NODE / "package-lock.json", NODE / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        # Nothing here needs an install script.
        subprocess.run(["npm", "ci", "--ignore-scripts"], cwd=NODE, check=True, capture_output=True, timeout=300)
    return NODE


@pytest.fixture
def run_node(node_modules: Path) -> Callable[..., dict[str, Any]]:
    """Run one of the programs with arguments; its last line is JSON."""

    def run(program: str, *arguments: str) -> dict[str, Any]:
        done = subprocess.run(
            ["node", program, *arguments], cwd=node_modules, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return said

    return run
