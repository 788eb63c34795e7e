"""A shop and a hostile frontend on the started server, and Chromium whose pages must run no script of others."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.pages.browser import chromium
from tests.pages.data import fill_hostile, fill_shop
from tests.server import Frontend, Server

NODE = Path(__file__).parent / "node"
Open = Callable[..., Page]


@pytest.fixture(scope="package")
def shop(server: Server) -> Frontend:
    """A shop with a few days of sessions."""
    return fill_shop(server, "page-shop", days=2)


@pytest.fixture(scope="package")
def hostile(server: Server) -> Frontend:
    """Strings that want to be something else."""
    return fill_hostile(server, "page-hostile")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One browser for all tests of the pages."""
    with chromium() as started:
        yield started


@pytest.fixture
def open_page(server: Server, browser: Browser) -> Iterator[Open]:
    """Open an address of the server; at the end nothing may have gone wrong on any of the pages."""
    contexts = []
    troubles: list[str] = []

    def open_one(path: str, *, width: int = 1440, javascript: bool = True, base: str = server.url) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, java_script_enabled=javascript, accept_downloads=True
        )
        context.set_default_timeout(15_000)
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=base)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(f"{page.url}: {error}"))
        page.on("dialog", lambda dialog: (troubles.append(f"a dialog: {dialog.message}"), dialog.dismiss()))
        page.on(
            "console",
            lambda said: (
                troubles.append(f"{page.url}: {said.text}") if "Content Security Policy" in said.text else None
            ),
        )
        page.goto(base + path)
        return page

    yield open_one
    for context in contexts:
        for page in context.pages:
            if page.url.startswith("http") and context.browser:
                hacked = page.evaluate("window.hacked ?? null")
                assert hacked is None, f"{page.url}: script {hacked} of a string ran"
        context.close()
    assert not troubles


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, installed from the lock file."""
    lock, installed = NODE / "package-lock.json", NODE / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        subprocess.run(["npm", "ci", "--ignore-scripts"], cwd=NODE, check=True, capture_output=True, timeout=300)
    return (NODE / "node_modules" / "axe-core" / "axe.min.js").read_text()
