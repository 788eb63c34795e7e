"""Login and logout once an administrator exists, roles, and forms of other sites."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from sojourn.settings import Settings, settings_url
from sojourn.settings.rows import Role
from tests.pages.conftest import Open
from tests.server import Server

PASSWORD = "a long enough password"
NAME = "Zoë; the=first!"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with an administrator, a viewer and one frontend."""
    data: Path = tmp_path_factory.mktemp("guarded") / "data"
    data.mkdir()
    from sojourn.rules.sessions import FrontendType

    with Settings(settings_url(data)) as settings:
        settings.add_account(NAME, PASSWORD, Role.ADMIN, actor="test")
        settings.add_account("viewer", PASSWORD, Role.VIEWER, actor="test")
        settings.add_frontend("secret-shop", FrontendType.WEB, actor="test")
    server = Server(data)
    yield server
    server.close()


def test_nothing_is_told_before_the_login(guarded: Server) -> None:
    for path in ("/", "/?all", "/frontends/secret-shop/sessions", "/frontends/secret-shop/settings/keys"):
        answer = guarded.http.get(path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login?next=")
    page = guarded.http.get("/login").text
    assert "secret-shop" not in page
    assert "secret-shop" not in guarded.http.get("/nothing", headers={"Accept": "text/html"}).text
    assert guarded.http.get("/frontends/secret-shop/live/stream").status_code == 303


def test_log_in_and_out(open_page: Open, guarded: Server) -> None:
    page = open_page("/frontends/secret-shop/users?search=x", base=guarded.url)
    page.get_by_label("Name").fill(NAME)
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("The name or the password is wrong.")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Users")
    assert page.url.endswith("/frontends/secret-shop/users?search=x")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")
    page.goto(guarded.url + "/frontends/secret-shop/users")
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")


def test_a_viewer_changes_nothing(open_page: Open, guarded: Server) -> None:
    page = open_page("/login?next=/frontends/secret-shop/settings/properties", base=guarded.url)
    page.get_by_label("Name").fill("viewer")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Defined event properties")).to_be_visible()
    assert page.get_by_role("link", name="Add a defined").count() == 0
    answer = page.request.post(
        guarded.url + "/frontends/secret-shop/settings/properties",
        form={"kind": "event", "field": "x", "type": "string"},
    )
    assert answer.status == 403
    assert "needs the role editor" in answer.text()


@pytest.mark.parametrize("following", ["https://example.com/", "//example.com/", "/\\example.com", "\\\\example.com"])
def test_the_login_leads_to_no_other_host(guarded: Server, following: str) -> None:
    form = {"name": NAME, "password": PASSWORD, "next": following}
    answer = httpx.post(guarded.url + "/login", data=form)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie


def test_forms_of_other_origins_are_refused(server: Server, guarded: Server) -> None:
    elsewhere = {"Origin": "http://example.com"}
    for path in ("/frontends", "/logout"):
        assert server.http.post(path, data={"name": "x"}, headers=elsewhere).status_code == 403
    assert (
        server.http.post("/frontends", data={"name": "x"}, headers={"Sec-Fetch-Site": "same-site"}).status_code == 403
    )
    assert guarded.http.post("/login", data={"name": NAME, "password": PASSWORD}, headers=elsewhere).status_code == 403


def test_passwords_cannot_be_tried_without_end(guarded: Server) -> None:
    form = {"name": "somebody else", "password": "wrong"}
    statuses = [httpx.post(guarded.url + "/login", data=form).status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]
