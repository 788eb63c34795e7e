"""Each snippet of docs/clients is run as it stands, with the address and the key of a started server in it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from .reading import events_of, sessions_of

DOCS = Path(__file__).parents[2] / "docs" / "clients"


def snippet(page: str, language: str, frontend, number: int = 0) -> str:
    """A block of a page with the real address and key."""
    text = (DOCS / page).read_text("utf-8")
    block = re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)[number]
    assert "http://127.0.0.1:8321" in block
    assert "YOUR_KEY" in block
    return block.replace("http://127.0.0.1:8321", frontend.server.url).replace("YOUR_KEY", frontend.key)


def run_module(node_modules: Path, source: str) -> None:
    command = ["node", "--input-type=module", "-"]
    subprocess.run(command, input=source, cwd=node_modules, check=True, text=True, timeout=60, capture_output=True)


def test_openkit(frontend, node_modules):
    run_module(node_modules, snippet("openkit.md", "js", frontend))
    (session,) = sessions_of(frontend, 1)
    assert (session["instance_id"], session["user_identifier"]) == ("openkit:42", "user@example.com")
    assert (session["action_count"], session["end_reason"], session["missing_events"]) == (1, "end_session", 0)


def test_opentelemetry_in_python(frontend):
    frontend.define("event", "total", "number")
    source = snippet("opentelemetry.md", "python", frontend)
    subprocess.run([sys.executable, "-W", "error", "-"], input=source, check=True, text=True, timeout=60)
    (session,) = sessions_of(frontend, 1)
    assert (session["session_id"], session["instance_id"]) == ("session-1", "laptop-7")
    assert (session["user_identifier"], session["end_reason"]) == ("user@example.com", "end_session")
    checkout = next(event for event in events_of(frontend, session) if event["name"] == "checkout")
    assert checkout["event_properties"] == {"event_properties.total": 42.5}


@pytest.mark.browser
def test_opentelemetry_in_a_page(frontend, node_modules, tmp_path, open_site):
    frontend.define("event", "total", "number")
    bundle = ["--bundle", "--format=esm", "--loader=js", f"--outfile={tmp_path / 'page.js'}", "--log-level=error"]
    source = snippet("opentelemetry.md", "js", frontend)
    esbuild = ["node_modules/.bin/esbuild", *bundle]
    subprocess.run(esbuild, input=source, cwd=node_modules, check=True, text=True, timeout=60)
    (tmp_path / "page.html").write_text('<!doctype html><script type="module" src="page.js"></script>')
    open_site(tmp_path, "page.html")
    (session,) = sessions_of(frontend, 1, events=2)
    assert session["user_identifier"] == "user@example.com"


def test_segment(frontend, node_modules):
    frontend.define("session", "tier")
    frontend.define("event", "total", "number")
    run_module(node_modules, snippet("segment.md", "js", frontend))
    (session,) = sessions_of(frontend, 1, events=3)
    assert (session["instance_id"], session["user_identifier"]) == ("device-7", "user@example.com")
    assert session["session_properties"] == {"session_properties.tier": "gold"}
