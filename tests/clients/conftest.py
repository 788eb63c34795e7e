"""Published clients from npm, installed once from the lock file, and ways to run them in Node and in Chromium."""

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import ARGUMENTS

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


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def _site(folder: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        # Another name than the server's address is another origin.
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def page() -> Iterator[Page]:
    """An empty page of Debian's Chromium in a fresh profile."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        context = browser.new_context()
        context.set_default_timeout(10_000)
        yield context.new_page()
        browser.close()


@pytest.fixture
def open_site(page: Page) -> Iterator[Callable[..., Page]]:
    """Serve a folder and open one of its pages."""
    with ExitStack() as stack:

        def open_page(folder: Path, path: str) -> Page:
            page.goto(f"{stack.enter_context(_site(folder))}/{path}")
            return page

        yield open_page
