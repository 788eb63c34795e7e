"""What moves by itself: the live page, Get started, the figures of the overview; and the palette."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.pages.conftest import Open
from tests.server import Frontend, Server, event, now


def test_events_appear_as_they_arrive_filtered_and_paused(open_page: Open, frontend: Frontend) -> None:
    frontend.define("event", "text")
    page = open_page(f"/frontends/{frontend.name}/live?kind=event")
    expect(page.locator("#live-state")).to_contain_text("live")
    expect(page.locator("#live-empty")).to_be_visible()
    hostile = "<img src=x onerror=window.hacked=1>"
    frontend.send(
        event("view", name="not this", sequence=0),
        event(
            "event",
            name=hostile,
            sequence=1,
            user_identifier=hostile,
            event_properties={"event_properties.text": hostile},
        ),
    )
    rows = page.locator("#live tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text([hostile])
    page.get_by_role("button", name="Pause").click()
    frontend.send(event("event", name="while paused", sequence=2))
    expect(page.get_by_role("button", name="Resume (1 new)")).to_be_visible()
    expect(rows).to_have_count(1)
    page.get_by_role("button", name="Resume").click()
    expect(rows.first).to_contain_text("while paused")
    page.reload()
    expect(rows).to_have_count(2)
    rows.first.get_by_role("link").last.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Session of")


def test_get_started_turns_green_by_itself(open_page: Open, frontend: Frontend) -> None:
    page = open_page(f"/frontends/{frontend.name}/overview")
    page.get_by_role("link", name="Send the first event").click()
    expect(page.locator("#arrived")).to_contain_text("Waiting for the first event")
    for client in ("Python", "Browser", "OpenKit", "OpenTelemetry", "Segment", "HTTP"):
        page.get_by_role("link", name=client, exact=True).click()
        expect(page.locator("#lines")).to_contain_text(frontend.key)
    page.get_by_role("button", name="Copy the lines").click()
    assert frontend.key in page.evaluate("navigator.clipboard.readText()")
    frontend.send(event("event", name="hello", sequence=0))
    expect(page.locator("#arrived")).to_contain_text("Events arrive.")
    page.get_by_role("link", name="See the sessions").click()
    expect(page.locator("table.sessions tbody tr")).to_have_count(1)


@pytest.mark.parametrize(("client", "command"), [("python", [sys.executable, "-c"]), ("http", ["bash", "-c"])])
def test_the_lines_to_paste_do_what_they_say(
    open_page: Open, frontend: Frontend, client: str, command: list[str]
) -> None:
    page = open_page(f"/frontends/{frontend.name}/start?client={client}")
    lines = page.locator("#lines").inner_text()
    subprocess.run([*command, lines], check=True, capture_output=True, timeout=60)
    expect(page.locator("#arrived")).to_contain_text("Events arrive.")
    assert [user["identifier"] for user in frontend.get("/users")["items"]] == ["user@example.com"]


def test_the_overview_counts_what_the_lists_show(open_page: Open, shop: Frontend) -> None:
    page = open_page(f"/frontends/{shop.name}/overview?range=30d")
    sessions = shop.sessions(limit=500)
    figures = dict(
        zip(
            [one.strip() for one in page.locator(".figures dt").all_inner_texts()],
            page.locator(".figures dd:nth-of-type(1)").all_inner_texts(),
            strict=True,
        )
    )
    assert figures["Sessions"] == str(len(sessions))
    assert figures["Users"] == str(len({user for one in sessions for user in one["user_identifiers"]}))
    assert figures["Live sessions now"] == str(sum(one["live"] for one in sessions))
    page.locator(".ranked").filter(has_text="Device types").get_by_role("link", name="desktop").click()
    expect(page.locator(".chip")).to_contain_text("Device type is desktop")
    page.go_back()
    page.locator(".ranked").filter(has_text="product_tier").get_by_role("link", name="premium").click()
    expect(page.locator(".chip")).to_contain_text("product_tier is premium")
    page.go_back()
    for label in ("1 h", "24 h", "7 d", "90 d", "All"):
        page.get_by_role("link", name=label, exact=True).click()
        expect(page.get_by_role("link", name=label, exact=True)).to_have_attribute("aria-current", "true")
        expect(page.locator("svg.chart")).to_be_visible()


def test_the_palette_goes_to_a_user_a_session_and_a_page(open_page: Open, shop: Frontend) -> None:
    page = open_page(f"/frontends/{shop.name}/overview")
    for typed, kind, heading in (
        ("lucia", "user", "lucia.ferrari@example.net"),
        ("rich-session", "session", "Session of"),
        ("discard", "page", "Settings"),
    ):
        page.keyboard.press("Control+k")
        page.keyboard.type(typed)
        expect(page.get_by_role("option").first).to_contain_text(re.compile(f"{typed}.*{kind}", re.IGNORECASE))
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_contain_text(heading)
        page.keyboard.press("Control+k")
        page.keyboard.type("sql")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("SQL")
    # What is typed counts, not what the list shows while the answer is on its way.
    page.keyboard.press("Control+k")
    page.keyboard.type("history")
    page.keyboard.press("Enter")
    expect(page.get_by_role("table", name="Who changed what, the newest first")).to_be_visible()
    page.keyboard.press("Control+k")
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_be_hidden()


def test_a_range_of_ones_own_is_a_link_in_the_viewers_time(open_page: Open, shop: Frontend) -> None:
    page = open_page(f"/frontends/{shop.name}/sessions")
    page.get_by_text("Custom", exact=True).click()
    page.get_by_label("From").fill("2001-01-01T00:00")
    page.get_by_label("To", exact=True).fill("2001-01-02T00:00")
    page.get_by_role("button", name="Show").last.click()
    expect(page.get_by_text("No session")).to_be_visible()
    page.reload()
    page.get_by_text("Custom", exact=True).click()
    expect(page.get_by_label("From")).to_have_value("2001-01-01T00:00")
    page.goto(page.url.replace("2001-01-02", "2000-01-01"))
    expect(page.get_by_text("from: must be before to")).to_be_visible()


def test_the_figures_can_follow_the_page(server: Server, shop: Frontend) -> None:
    whole = server.http.get(f"/frontends/{shop.name}/overview?range=30d").text
    part = server.http.get(f"/frontends/{shop.name}/overview/figures?range=30d").text
    assert "<html" not in part
    for shown in ("Sessions and users", "Device types", "product_tier", "Was anything lost?"):
        assert shown in part
        assert shown in whole


def test_the_server_stops_at_once_while_somebody_watches(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    try:
        frontend = server.frontend()
        path = f"/frontends/{frontend.name}/live/stream"
        with server.http.stream("GET", path) as stream:
            lines = stream.iter_lines()
            assert next(lines) == "retry: 2000"
            frontend.send(event("event", name="seen", sequence=0))
            assert any('"name":"seen"' in line for line in lines)
            began = time.monotonic()
            server.process.terminate()
            assert server.process.wait(timeout=20) == 0
            assert time.monotonic() - began < 8, "it waited for the stream to end"
    finally:
        server.close()


def test_the_list_of_frontends_counts_sessions_that_the_server_cut(server: Server, frontend: Frontend) -> None:
    hour, start = 3_600_000_000, now() - 5 * 3_600_000_000
    outlived = [event(session="outlived", timestamp=start + at * hour, sequence=at) for at in range(3)]
    bare = [{**event(timestamp=start + at * hour), "session_id": "", "stream_id": "bare"} for at in range(2)]
    frontend.send(*outlived, *bare)
    sessions = server.until(lambda: len(found := frontend.sessions()) == 5 and found)
    assert len({one["session_id"] for one in sessions}) == 5
    row = server.http.get("/?all").text.partition(f">{frontend.name}</a>")[2]
    assert re.findall(r'<td class="num">(\d+)</td>', row)[:2] == ["5", "0"]
