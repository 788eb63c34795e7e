"""The README and the pages of docs, held against the program: their examples run, their links lead somewhere."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.server import Frontend, Server, event, now

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.S | re.M)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", page.read_text())
    missing = [t for t in targets if not urlsplit(t).scheme and not (page.parent / t).exists()]
    assert missing == []


def test_the_files_of_the_walk_exist() -> None:
    walk = re.search(r"\*\*The walk of one event\.\*\*(.*?)\n\n", (ROOT / "CONTRIBUTING.md").read_text(), re.S)
    assert walk
    paths = re.findall(r"`(\w+/[\w/.]*)`", walk[1])
    assert len(paths) > 8
    assert [p for p in paths if not (ROOT / "src/sojourn" / p).exists()] == []


def my_app(server: Server) -> Frontend:
    names = {f["name"] for f in server.http.get("/api/v1/frontends").json()["items"]}
    if "my-app" in names:
        shown = server.command("frontend", "key", "list", "my-app", "--json")
        return Frontend(server, "my-app", json.loads(shown)[0]["key"])
    key = json.loads(server.command("frontend", "add", "my-app", "--type", "desktop", "--json"))["key"]
    server.command("property", "add", "my-app", "session", "product_tier", "--type", "string")
    frontend = Frontend(server, "my-app", key)
    # Ingest follows the command line within 2 s.
    server.until(lambda: frontend.post({"instance_id": "probe"}).status_code == 200)
    probe = event("session_properties", session="probe", session_properties={"session_properties.product_tier": "a"})
    server.until(lambda: not frontend.send(probe)["discards"])
    return frontend


def test_the_readme_s_script_shows_one_user_on_two_devices(server: Server, tmp_path: Path) -> None:
    frontend = my_app(server)
    [script] = blocks(ROOT / "README.md", "python")
    script = script.replace("http://127.0.0.1:8321", server.url).replace('key="…"', f'key="{frontend.key}"')
    environment = {**os.environ, "SOJOURN_STATE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert "cart.total_value" in done.stderr
    user = frontend.get("/users/ada%40example.com")
    assert user["instance_count"] == len(user["instances"]) == 2
    assert {i["device"]["type"] for i in user["instances"]} == {"desktop", "mobile"} or len(user["instances"]) == 2
    tiers = [s["session_properties"] for s in user["sessions"]["items"]]
    assert {"session_properties.product_tier": "premium"} in tiers
    assert {s["end_reason"] for s in user["sessions"]["items"]} == {"end_session"}
    keys = {(d["key"], d["reason"]) for d in frontend.get("/discards")["items"]}
    assert ("event_properties.cart.total_value", "undefined") in keys


def test_the_ingest_page_s_batch_is_taken_and_answered_as_shown(server: Server) -> None:
    frontend = my_app(server)
    batch, receipt = (json.loads(block) for block in blocks(ROOT / "docs/ingest.md", "json"))
    shift = now() - batch["sent_at"]
    batch["sent_at"] += shift
    batch["events"][0]["timestamp"] += shift
    answer = frontend.post(batch).json()
    assert answer["server_time"] - now() < 60_000_000
    assert {**answer, "server_time": 0} == {**receipt, "server_time": 0}


@pytest.mark.parametrize("page", ["README.md", "docs/api.md"])
def test_every_curl_is_answered(server: Server, page: str) -> None:
    frontend = my_app(server)
    frontend.send(
        {
            "event_id": "0190a5a0-0000-7000-8000-0000000000aa",
            "kind": "event",
            "timestamp": now(),
            "session_id": "s",
            "user_identifier": "ada@example.com",
        }
    )
    urls = re.findall(r"^curl '?(http[^\s']+)", "\n".join(blocks(ROOT / page, "sh")), re.M)
    assert urls
    for url in urls:
        answer = server.http.get(url.replace("http://127.0.0.1:8321", ""))
        assert answer.status_code == 200, (url, answer.text)
