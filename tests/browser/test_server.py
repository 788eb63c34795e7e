"""The browser SDK against a started server, of another origin than the page: what the API then shows."""

import pytest
from playwright.sync_api import BrowserContext

from tests.browser.sink import Sink
from tests.browser.test_pages import opened, sent
from tests.server import Frontend

pytestmark = pytest.mark.browser


@pytest.fixture
def shop(sink: Sink, frontend: Frontend) -> Frontend:
    """A frontend of the started server, to which the pages of the sink report."""
    frontend.define("session", "product_tier")
    frontend.define("event", "cart.total", "number")
    sink.options |= {"frontend": frontend.name, "key": frontend.key, "endpoint": frontend.server.url}
    return frontend


def test_a_visit_in_two_tabs_as_the_api_shows_it(profile: BrowserContext, sink: Sink, shop: Frontend) -> None:
    told: list[str] = []
    first = profile.new_page()
    first.on("console", lambda message: told.append(message.text))
    first.goto(sink.url + "/shop")
    sent(
        first,
        """sojourn.identifyUser("ada@example.com");
        sojourn.sendSessionPropertyEvent({"session_properties.product_tier": "premium", "session_properties.a__b": 1});
        const action = sojourn.enterAction("checkout"); action.reportValue("attempts", 2); action.leaveAction();
        sojourn.sendEvent("paid", {"event_properties.cart.total": 12.5, "event_properties.unknown": true});
        sojourn.sendExceptionEvent(new TypeError("late"))""",
    )
    second = opened(profile, sink, "/help")
    sent(second, "sojourn.endSession(); sojourn.sendEvent('anonymous')")

    newest, ended = shop.sessions()
    assert (ended["user_identifier"], ended["end_reason"], ended["start_reason"]) == (
        "ada@example.com",
        "end_session",
        "start_up",
    )
    assert ended["session_properties"] == {"session_properties.product_tier": "premium"}
    assert (ended["action_count"], ended["error_count"], ended["missing_events"]) == (1, 1, 0)
    assert (newest["start_reason"], newest["previous_session_id"]) == ("end_session", ended["session_id"])
    assert (newest["user_identifier"] or "", newest["missing_events"]) == ("", 0)
    assert newest["instance_id"] == ended["instance_id"]
    discards = {(discard["key"], discard["reason"]) for discard in shop.get("/discards")["items"]}
    assert discards == {("session_properties.a__b", "invalid_name"), ("event_properties.unknown", "undefined")}
    assert any("session_properties.a__b: each underscore" in text for text in told)


def test_a_closed_laptop_as_the_api_shows_it(profile: BrowserContext, sink: Sink, shop: Frontend) -> None:
    profile.clock.install()
    shop.change(idle_timeout=60_000_000)
    page = opened(profile, sink)
    sent(page, "sojourn.identifyUser('ada'); sojourn.sendEvent('before')")
    profile.clock.fast_forward("50:00")
    sent(page, "sojourn.sendEvent('after')")
    newest, before = shop.sessions()
    assert (before["end_reason"], before["user_identifier"]) == ("timeout", "ada")
    assert (newest["start_reason"], newest["user_identifier"]) == ("timeout", "ada")
    assert newest["previous_session_id"] == before["session_id"]
    assert before["missing_events"] == newest["missing_events"] == 0


def test_a_key_that_the_server_does_not_know_is_told(profile: BrowserContext, sink: Sink, shop: Frontend) -> None:
    sink.options["key"] = "sjk_nobody"
    told: list[str] = []
    page = profile.new_page()
    page.on("console", lambda message: told.append(message.text))
    page.goto(sink.url)
    assert page.evaluate("sojourn.flush()"), "what is refused does not wait for ever"
    assert any("events refused (401)" in text for text in told)
