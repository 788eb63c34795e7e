"""The SQL page: asking, mistakes, a chart, files, and the link to share a question."""

import csv
import io

from playwright.sync_api import expect

from tests.pages.conftest import Open
from tests.server import Frontend


def test_a_question_is_asked_shown_drawn_and_shared(open_page: Open, shop: Frontend) -> None:
    page = open_page(f"/frontends/{shop.name}/sql")
    page.get_by_role("link", name="Most frequent errors").click()
    query = page.get_by_label("Question in SQL")
    query.fill(
        "SELECT kind, count() AS events FROM user_events "
        f"WHERE frontend = '{shop.name}' GROUP BY kind ORDER BY events DESC"
    )
    query.press("Control+Enter")
    rows = page.locator("table.answer tbody tr")
    expect(rows.first).to_be_visible()
    answer = shop.server.http.post("/api/v1/sql", json={"query": query.input_value()}).json()
    assert rows.count() == len(answer["rows"])
    expect(rows.first).to_contain_text(str(answer["rows"][0][1]))
    expect(page.locator("svg.chart .column")).to_have_count(len(answer["rows"]))
    page.get_by_role("button", name="Copy link").click()
    link = page.evaluate("navigator.clipboard.readText()")
    assert page.url == link
    with page.expect_download() as taken:
        page.get_by_role("button", name="CSV").click()
    written = list(csv.reader(io.StringIO(taken.value.path().read_text())))
    assert written[0] == ["kind", "events"]
    assert len(written) == len(answer["rows"]) + 1
    asked = query.input_value()
    page.goto(link)
    expect(query).to_have_value(asked)
    expect(page.locator("table.answer")).to_have_count(0)


def test_a_mistake_is_explained_and_nothing_but_reading_goes(open_page: Open, shop: Frontend) -> None:
    page = open_page(f"/frontends/{shop.name}/sql", javascript=False)
    for wrong in ("SELECT nothing FROM user_events", "DROP TABLE events", "SELECT * FROM events"):
        page.get_by_label("Question in SQL").fill(wrong)
        page.get_by_role("button", name="Run").click()
        expect(page.get_by_role("alert")).to_be_visible()
        expect(page.get_by_label("Question in SQL")).to_have_value(wrong)
    page.get_by_label("Question in SQL").fill("SELECT '<script>window.hacked=1</script>' AS `<b>`, 1 AS n")
    page.get_by_role("button", name="Run").click()
    expect(page.locator("table.answer")).to_contain_text("<script>window.hacked=1</script>")
    expect(page.locator("table.answer")).to_contain_text("<b>")
