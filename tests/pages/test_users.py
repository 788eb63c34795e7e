"""Users and one user; merging, exporting and erasing."""

import json

from playwright.sync_api import expect

from tests.pages.conftest import Open
from tests.server import Frontend, event, now


def _people(frontend: Frontend) -> None:
    time = now()
    for place, (user, instance) in enumerate(
        (("ann@example.com", "a-1"), ("ann@example.com", "a-2"), ("ann-old", "a-3"))
    ):
        frontend.send(
            event(
                "identify", session=f"s-{place}", user_identifier=user, sequence=0, timestamp=time - place * 60_000_000
            ),
            event("view", session=f"s-{place}", name="Home", sequence=1, timestamp=time - place * 60_000_000),
            instance_id=instance,
        )
    frontend.send(
        event("view", session="s-9", name="Home", sequence=0, timestamp=time - 4_000_000_000), instance_id="a-1"
    )


def test_search_as_you_type(open_page: Open, shop: Frontend) -> None:
    page = open_page(f"/frontends/{shop.name}/users")
    page.get_by_label("Search user identifiers").press_sequentially("LUCIA")
    expect(page.locator("#users-found tbody tr")).to_have_count(1)
    assert "search=LUCIA" in page.url
    page.get_by_label("Search user identifiers").fill("nobody like this")
    expect(page.locator("#users-found")).to_contain_text("No user identifier contains")
    page.reload()
    expect(page.locator("#users-found")).to_contain_text("No user identifier contains “nobody like this”")
    page.get_by_label("Search user identifiers").fill("lucia")
    page.get_by_role("link", name="lucia.ferrari@example.net").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("lucia.ferrari@example.net")


def test_a_user_over_all_devices(open_page: Open, frontend: Frontend) -> None:
    _people(frontend)
    page = open_page(f"/frontends/{frontend.name}/user?identifier=ann@example.com")
    expect(page.locator(".device-names li")).to_have_count(2)
    expect(page.locator("svg.lanes a.session-bar")).to_have_count(3)
    expect(page.locator("svg.lanes a.anonymous")).to_have_count(1)
    expect(page.locator(".figures")).to_contain_text("and 1 anonymous")
    expect(page.locator("svg.calendar")).to_be_visible()
    page.locator("svg.lanes a.anonymous").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("an anonymous user")


def test_two_identifiers_are_merged_and_parted(open_page: Open, frontend: Frontend) -> None:
    _people(frontend)
    page = open_page(f"/frontends/{frontend.name}/user?identifier=ann@example.com")
    page.get_by_role("link", name="Merge").click()
    other = page.get_by_label("Identifier of the same person")
    other.press_sequentially("ann")
    expect(page.locator("#others option[value=ann-old]")).to_be_attached()
    other.fill("ann-old")
    page.get_by_role("button", name="Merge").click()
    expect(page.locator(".device-names li")).to_have_count(3)
    assert [one["identifier"] for one in frontend.get("/users")["items"]] == ["ann@example.com"]
    page.get_by_role("button", name="Undo merge").click()
    expect(page.locator(".device-names li")).to_have_count(2)


def test_a_user_is_exported_then_erased_after_confirmation(open_page: Open, frontend: Frontend) -> None:
    _people(frontend)
    page = open_page(f"/frontends/{frontend.name}/user?identifier=ann@example.com")
    page.get_by_role("link", name="Export").click()
    with page.expect_download() as taken:
        page.get_by_role("button", name="JSON").click()
    assert "ann@example.com" in json.dumps(json.loads(taken.value.path().read_text()))
    page.get_by_role("link", name="Erase").click()
    page.get_by_label("Type the identifier to confirm").fill("ann")
    page.get_by_role("button", name="Erase for ever").click()
    expect(page.get_by_text("nothing was erased")).to_be_visible()
    assert len(frontend.get("/users")["items"]) == 2
    page.go_back()
    page.get_by_label("Type the identifier to confirm").fill("ann@example.com")
    page.get_by_role("button", name="Erase for ever").click()
    expect(page.get_by_role("heading", name="User erased")).to_be_visible()
    assert [one["identifier"] for one in frontend.get("/users")["items"]] == ["ann-old"]
