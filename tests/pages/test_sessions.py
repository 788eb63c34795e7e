"""The list of sessions: filters, order, columns, views, export; and one session."""

import csv
import io
import re
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
from playwright.sync_api import expect

from tests.pages.conftest import Open
from tests.server import Frontend, Server, event, now


def _rows(page):
    return page.locator("table.sessions tbody tr")


def test_filters_are_chips_and_links(open_page: Open, shop: Frontend) -> None:
    page = open_page(f"/frontends/{shop.name}/sessions")
    everything = _rows(page).count()
    page.get_by_label("Filter by").select_option("session_properties.product_tier")
    expect(page.get_by_label("Operator").get_by_role("option", name="starts with")).to_have_count(1)
    page.get_by_label("Operator").select_option("contains")
    value = page.locator("#value")
    value.focus()
    expect(page.locator("#values option[value=premium]")).to_be_attached()
    value.fill("PREM")
    page.get_by_role("button", name="Add filter").click()
    expect(page.locator(".chip")).to_contain_text("product_tier contains PREM")
    found = shop.sessions(**{"session_properties.product_tier:contains": "prem", "limit": 50})
    assert 0 < _rows(page).count() == len(found) < everything
    assert "session_properties.product_tier%3Acontains=PREM" in page.url
    page.get_by_label("Filter by").select_option("errors")
    page.get_by_role("button", name="Add filter").click()
    expect(page.locator(".chip")).to_have_count(2)
    page.get_by_role("link", name="Remove the filter product_tier contains PREM").click()
    expect(page.locator(".chip")).to_have_count(1)
    assert _rows(page).count() == len(shop.sessions(errors="true"))


def test_filters_work_without_script(open_page: Open, shop: Frontend) -> None:
    page = open_page(f"/frontends/{shop.name}/sessions", javascript=False)
    page.locator("#add").select_option("min_duration")
    page.locator("#value").fill("10m")
    page.get_by_role("button", name="Add filter").click()
    expect(page.locator(".chip")).to_contain_text("Duration at least is 10m 00s")
    expect(_rows(page)).to_have_count(len(shop.sessions(min_duration=600_000_000)))


def test_a_filter_that_cannot_be_says_why(open_page: Open, shop: Frontend) -> None:
    page = open_page(f"/frontends/{shop.name}/sessions?add=min_duration&value=soon")
    expect(page.get_by_role("alert")).to_contain_text("'soon' is not a duration")
    page.goto(page.url.replace("add=min_duration&value=soon", "sessions=all"))
    expect(page.get_by_role("heading", name="This link cannot be understood")).to_be_visible()


def test_pages_follow_each_other_without_a_gap(open_page: Open, server: Server, frontend: Frontend) -> None:
    time = now()
    frontend.send(*(event(session=f"s-{n:03d}", timestamp=time - n * 1_000_000, sequence=0) for n in range(120)))
    page = open_page(f"/frontends/{frontend.name}/sessions")
    seen = []
    while True:
        seen += [link.get_attribute("href") for link in page.locator("td.cell-start a").all()]
        following = page.get_by_role("link", name="Older")
        if not following.count():
            break
        following.click()
    assert [link.rpartition("id=")[2] for link in seen] == [f"s-{n:03d}" for n in range(120)]


def test_order_and_columns_are_chosen(open_page: Open, shop: Frontend) -> None:
    page = open_page(f"/frontends/{shop.name}/sessions")
    page.get_by_role("link", name="Events", exact=True).click()
    expect(page.get_by_role("columnheader", name="Events")).to_have_attribute("aria-sort", "descending")
    counts = [int(cell) for cell in page.locator("table.sessions tbody tr td:nth-child(5)").all_inner_texts()]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == max(one["event_count"] for one in shop.sessions(limit=500))
    page.get_by_text("Columns", exact=True).click()
    page.get_by_role("checkbox", name="product_tier").check()
    page.get_by_role("checkbox", name="Device", exact=True).uncheck()
    page.get_by_role("button", name="Show").click()
    headers = page.locator("table.sessions thead th").all_inner_texts()
    assert "product_tier" in headers
    assert "Device" not in headers
    assert "sort=-events" in page.url


def test_a_view_is_saved_opened_and_removed(open_page: Open, shop: Frontend) -> None:
    page = open_page(f"/frontends/{shop.name}/sessions?errors=true")
    page.get_by_text("Views", exact=True).click()
    page.get_by_label("Save this list as").fill("Broken <b>ones</b>")
    page.get_by_role("button", name="Save view").click()
    page.goto(page.url.partition("?")[0])
    page.get_by_text("Views", exact=True).click()
    page.get_by_role("link", name="Broken <b>ones</b>").click()
    expect(page.locator(".chip")).to_contain_text("Has errors is yes")
    page.get_by_text("Views", exact=True).click()
    page.get_by_role("button", name="Remove the view").click()
    page.get_by_text("Views", exact=True).click()
    expect(page.get_by_text("No saved view yet.")).to_be_visible()


def test_the_filtered_set_is_exported(open_page: Open, shop: Frontend, hostile: Frontend) -> None:
    page = open_page(f"/frontends/{hostile.name}/sessions?min_duration=1")
    page.get_by_text("Export", exact=True).click()
    page.get_by_role("button", name="CSV").click()
    with page.expect_download() as taken:
        page.get_by_role("link", name="Download CSV").click()
    rows = list(csv.DictReader(io.StringIO(taken.value.path().read_text())))
    users = {row["user_identifier"] for row in rows}
    assert len(rows) == len(hostile.sessions(min_duration=1))
    assert '\'=HYPERLINK("http://example.com","open")' in users
    assert "<script>window.hacked=1</script>" in users
    assert not [row for row in rows if row["user_identifier"].startswith(("=", "+", "-", "@"))]
    page.goto(page.url.replace(hostile.name, shop.name).partition("/export")[0] + "/sessions?errors=true")
    page.get_by_text("Export", exact=True).click()
    page.get_by_role("button", name="Parquet").click()
    with page.expect_download() as taken:
        page.get_by_role("link", name="Download Parquet").click()
    table = pq.read_table(taken.value.path())
    assert table.num_rows == len(shop.sessions(errors="true", limit=500))
    assert set(table["session_id"].to_pylist()) == {
        one["session_id"] for one in shop.sessions(errors="true", limit=500)
    }
    assert str(table.schema.field("session_properties.cart_value").type) == "double"


def test_one_session_shows_its_lanes_gaps_and_properties(open_page: Open, shop: Frontend) -> None:
    page = open_page(f"/frontends/{shop.name}/session?id=rich-session")
    labels = page.locator(".lane-labels text").all_text_contents()
    assert labels == ["Views", "Actions", "Events", "Errors", "User", "Properties"]
    expect(page.locator("svg.lanes .gap")).to_have_count(1)
    expect(page.locator(".gap-row")).to_contain_text("3 events missing here")
    expect(page.locator(".property-list")).to_contain_text("business")
    expect(page.locator(".property-list .picked")).to_contain_text("business")
    expect(page.locator(".stretches li")).to_contain_text(["nobody", "amelia", "nobody", "household"])
    mark = page.locator("svg.lanes a.mark.error").first
    mark.focus()
    page.keyboard.press("Enter")
    target = page.locator("tr:target")
    expect(target).to_contain_text("TypeError")
    target.get_by_text("stack trace").click()
    expect(target).to_contain_text("cart.js:41:18")
    expect(page.locator("td.depth2").first).to_be_visible()


def test_a_split_is_walked_and_the_timeline_zoomed(open_page: Open, shop: Frontend) -> None:
    page = open_page(f"/frontends/{shop.name}/session?id=rich-session")
    page.get_by_role("link", name="Next").click()
    expect(page).to_have_url(re.compile("id=rich-session-next$"))
    expect(page.locator(".figures")).to_contain_text("timeout")
    page.get_by_role("link", name="Previous").click()
    expect(page).to_have_url(re.compile("id=rich-session$"))
    shown = page.locator(".event-table tbody tr").count()
    page.get_by_role("link", name="Zoom in").click()
    assert "from=" in page.url
    zoomed = page.locator(".event-table tbody tr").count()
    assert 0 < zoomed < shown
    page.get_by_role("link", name="Whole session").click()
    expect(page.locator(".event-table tbody tr")).to_have_count(shown)
    lanes = page.locator("svg.lanes").bounding_box()
    page.mouse.move(lanes["x"] + lanes["width"] * 0.9, lanes["y"] + 4)
    page.mouse.down()
    page.mouse.move(lanes["x"] + lanes["width"] * 0.5, lanes["y"] + 4, steps=4)
    with page.expect_navigation():
        page.mouse.up()
    assert 0 < page.locator(".event-table tbody tr").count() < shown


def test_a_live_session_grows_while_it_is_watched(open_page: Open, frontend: Frontend) -> None:
    frontend.send(event("event", name="one", sequence=0))
    page = open_page(f"/frontends/{frontend.name}/session?id=session-1")
    expect(page.locator(".event-table tbody tr")).to_have_count(1)
    frontend.send(event("event", name="two <b>", sequence=1))
    expect(page.locator(".event-table tbody tr")).to_have_count(2)
    expect(page.locator(".event-table")).to_contain_text("two <b>")


def test_an_erased_user_is_in_no_export_that_waits_to_be_taken(server: Server, frontend: Frontend) -> None:
    frontend.send(event(user_identifier="ann"))
    begun = server.http.post(f"/frontends/{frontend.name}/exports", data={"format": "csv", "query": ""})
    place = begun.headers["location"].replace("/export?", "/export/file?")
    taken = server.until(lambda: (answer := server.http.get(place)).status_code == 200 and answer)
    assert "ann" in taken.text
    server.http.post(f"{frontend.path}/privacy/erase", json={"identifier": "ann"}).raise_for_status()
    assert server.http.get(place).status_code == 404


def test_an_export_whose_file_is_being_removed_is_gone_and_breaks_no_answer(server: Server, frontend: Frontend) -> None:
    frontend.send(event(session="s"))
    begun = server.http.post(f"/frontends/{frontend.name}/exports", data={"format": "csv", "query": ""})
    place = begun.headers["location"].replace("/export?", "/export/file?")
    answer = server.until(lambda: (found := server.http.get(place)).status_code == 200 and found)
    assert len(answer.content) == int(answer.headers["content-length"])
    (file,) = Path(tempfile.gettempdir()).glob(f"sojourn-exports-*/{place.partition('id=')[2]}.csv")
    file.unlink()
    assert server.http.get(place).status_code == 404
