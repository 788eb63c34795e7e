"""What browsers need of the server: the SDK as a module, and the facts that their User-Agent holds."""

import gzip
from pathlib import Path

import pytest

from tests.server import Frontend, Server, event

MODULE = Path(__file__).parents[2] / "src/sojourn/web/static/sojourn.js"


def test_the_module_is_served_to_any_origin_and_kept(server: Server) -> None:
    answer = server.http.get("/sojourn.js", headers={"Origin": "https://shop.example"})
    assert answer.content == MODULE.read_bytes()
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["content-encoding"] == "gzip"
    assert len(gzip.compress(MODULE.read_bytes())) <= 5_050
    again = server.http.get("/sojourn.js", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("user_agent", "device", "system", "browser"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
            {"type": "desktop", "manufacturer": "", "model": ""},
            {"name": "Linux", "version": ""},
            {"name": "Chrome", "version": "142.0"},
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/17.5 Mobile/15E148 Safari/604.1",
            {"type": "mobile", "manufacturer": "Apple", "model": "iPhone"},
            {"name": "iOS", "version": "17.5"},
            {"name": "Mobile Safari", "version": "17.5"},
        ),
        (
            "Mozilla/5.0 (Linux; Android 13; SM-X710) AppleWebKit/537.36 (KHTML) Chrome/142.0 Safari/537.36",
            {"type": "tablet", "manufacturer": "", "model": "SM-X710"},
            {"name": "Android", "version": "13"},
            {"name": "Chrome", "version": "142.0"},
        ),
        (
            "python-httpx/0.28",
            {"type": "", "manufacturer": "", "model": ""},
            {"name": "", "version": ""},
            {"name": "", "version": ""},
        ),
        (
            "Mozilla/" + "x" * 5000,
            {"type": "desktop", "manufacturer": "", "model": ""},
            {"name": "", "version": ""},
            {"name": "", "version": ""},
        ),
    ],
)
def test_a_browser_s_facts_are_read(
    frontend: Frontend, user_agent: str, device: dict[str, str], system: dict[str, str], browser: dict[str, str]
) -> None:
    frontend.post({"instance_id": "i", "events": [event()]}, **{"User-Agent": user_agent}).raise_for_status()
    session = frontend.sessions()[0]
    assert (session["device"], session["os"], session["browser"]) == (device, system, browser)


def test_what_the_client_says_stands(frontend: Frontend) -> None:
    body = {"instance_id": "i", "os": {"name": "Plan 9"}, "events": [event()]}
    frontend.post(body, **{"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/142.0"}).raise_for_status()
    session = frontend.sessions()[0]
    assert (session["os"]["name"], session["browser"]["name"]) == ("Plan 9", "")
