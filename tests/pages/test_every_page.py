"""What must hold for every page: accessible, within its width, light, strict headers, no script of a string."""

import gzip
import json
import re
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.pages.conftest import Open
from tests.pages.data import HOSTILE
from tests.server import Frontend, Server

PAGES = (
    "overview",
    "sessions",
    "sessions?errors=true&session_properties.product_tier=premium&columns=user&columns=session_properties.cart_value",
    "sessions?user=nobody",
    "session?id=rich-session",
    "session?id=nothing",
    "users",
    "user?identifier=amelia.hart@example.com",
    "user?identifier=amelia.hart@example.com&ask=merge",
    "user?identifier=amelia.hart@example.com&ask=erase",
    "live",
    "sql",
    "start",
    "settings/properties",
    "settings/properties?add=session&field=a__b",
    "settings/properties?remove=session_properties.campaign",
    "settings/discards",
    "settings/sessions",
    "settings/privacy",
    "settings/keys",
    "settings/history",
)
MAX_BYTES = 150_000
"""What a page may weigh with all that it needs, as it travels."""


def _violations(page: Page, axe: str, rules: list[str] | None = None) -> list[str]:
    """What axe-core finds by all rules, or by some."""
    page.evaluate(axe)
    options = {"resultTypes": ["violations"], **({"runOnly": rules} if rules else {})}
    found = page.evaluate("options => axe.run(document, options)", options)["violations"]
    return [
        f"{one['id']} ({one['impact']}): {[node['target'] for node in one['nodes']][:3]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible_and_keeps_its_width(
    open_page: Open, shop: Frontend, hostile: Frontend, axe: str, scheme: str
) -> None:
    page = open_page("/?all")
    page.emulate_media(color_scheme=scheme)
    places = ["/?all", *(f"/frontends/{shop.name}/{one}" for one in PAGES)]
    if scheme == "light":
        places += [f"/frontends/{hostile.name}/{one}" for one in ("overview", "sessions", "users", "settings/discards")]
    for place in places:
        # Narrow in one scheme and wide in the other: what differs by width differs in both.
        page.set_viewport_size({"width": 390 if scheme == "dark" else 1440, "height": 900})
        page.goto(f"{page.url.split('/', 3)[0]}//{page.url.split('/', 3)[2]}{place}")
        assert _violations(page, axe, ["color-contrast"] if scheme == "dark" else None) == [], place
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{place} is wider than the window"


def test_hostile_strings_are_shown_as_they_are(open_page: Open, server: Server, hostile: Frontend) -> None:
    page = open_page("/?all", width=390)
    base = f"{server.url}/frontends/{hostile.name}"
    for place, text in enumerate(HOSTILE):
        said = _plain(text)
        page.goto(f"{base}/session?id=hostile-{place}")
        heading = page.get_by_role("heading", level=1)
        assert _plain(heading.text_content()) == f"Session of {said}"
        assert _plain(page.locator("tr:has(.kind.event) .event-name").text_content()) == said
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), text
        heading.get_by_role("link").click()
        expect(page.locator(".device-names li")).to_have_count(1)
        assert _plain(heading.text_content()) == said
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), text
        page.goto(f"{base}/sessions?session_properties.note={quote(text, safe='')}")
        expect(page.locator("table.sessions tbody tr")).to_have_count(1)
        assert page.evaluate("window.hacked ?? null") is None, text


def _plain(text: str | None) -> str:
    return re.sub(r"\s+", " ", text or "").strip()


@pytest.mark.parametrize("page", PAGES)
def test_headers_are_strict_and_nothing_is_inline(server: Server, shop: Frontend, page: str) -> None:
    answer = server.http.get(f"/frontends/{shop.name}/{page}", headers={"Accept": "text/html"})
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert not re.search(r"<script(?![^>]*\ssrc=)|\sstyle=|\son[a-z]+=", answer.text)
    files = set(re.findall(r"/static/[^\"]+\.(?:css|js|svg)", answer.text))
    modules = ("times", "copying", "tips", "live", "palette", "zooming", "editing")
    base = next(one for one in files if one.endswith("/app.js")).removesuffix("app.js")
    loaded = [answer, *(server.http.get(one) for one in files | {f"{base}{name}.js" for name in modules})]
    weights = {str(one.url): one.num_bytes_downloaded for one in loaded}
    assert sum(weights.values()) < MAX_BYTES, weights


def test_files_are_kept_by_browsers_and_packed(server: Server) -> None:
    page = server.http.get("/?all").text
    sheet = re.search(r"/static/[^\"]+components\.css", page).group(0)  # type: ignore[union-attr]
    request = server.http.build_request("GET", sheet, headers={"Accept-Encoding": "gzip"})
    with server.http.stream(request.method, request.url, headers=request.headers) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        assert "immutable" in answer.headers["cache-control"]
        assert b".card{" in gzip.decompress(b"".join(answer.iter_raw()))
    assert server.http.get("/static/x/../../app.py").status_code == 404
    assert server.http.get("/static/0123456789ab/pages/app.py").status_code == 404


def test_an_unknown_address_is_a_page_for_people_and_json_for_programs(server: Server) -> None:
    page = server.http.get("/no/such/page", headers={"Accept": "text/html"})
    assert page.status_code == 404
    assert "There is nothing here" in page.text
    for path in ("/api/v1/nothing", "/no/such/page"):
        answer = server.http.get(path, headers={"Accept": "application/json"})
        assert answer.status_code == 404
        assert json.loads(answer.text)["error"]["code"] == "not_found"
    assert server.http.get("/frontends/nothing/overview").status_code == 404


def test_the_first_frontend_is_added_on_the_page(open_page: Open) -> None:
    page = open_page("/?all")
    page.get_by_label("Name").fill("no spaces allowed")
    page.get_by_role("button", name="Add frontend").click()
    expect(page.locator("#name-error")).to_be_visible()
    name = f"page-made-{id(page):x}"
    page.get_by_label("Name").fill(name)
    page.get_by_label("Type").select_option("mobile")
    page.get_by_role("button", name="Add frontend").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Get started")
    expect(page.locator("#arrived")).to_contain_text("Waiting")


def test_times_are_the_viewers(open_page: Open, shop: Frontend) -> None:
    page = open_page(f"/frontends/{shop.name}/session?id=rich-session")
    start = shop.get("/sessions/rich-session")["start_time"] // 1000
    shown = page.locator(".event-table td time").first
    local = page.evaluate(f"new Date({start}).toLocaleTimeString('en-GB')")
    expect(shown).to_contain_text(local)
    assert page.evaluate("document.cookie").startswith("sojourn_zone=")
