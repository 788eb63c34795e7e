"""What one page reports: views, users, properties, actions, errors, and hostile strings as they are."""

from typing import Any

import msgspec
import pytest
from playwright.sync_api import BrowserContext, Page

from sojourn.wire.messages import DiscardCount
from tests.browser.sink import Sink

pytestmark = pytest.mark.browser

HOSTILE = [
    "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">",
    "'; DROP TABLE user_events; --",
    "\u202egnp.exe\u2066",
    'a\u0000b\nc\\ud800 "q"',
    "😀" * 250,
    "\u00e9\u0301\ufeff\u2028\u2029",
]


def opened(profile: BrowserContext, sink: Sink, path: str = "/shop") -> Page:
    page = profile.new_page()
    page.goto(sink.url + path)
    return page


def sent(page: Page, calls: str, argument: Any = None) -> None:
    """Run calls of the SDK in the page, then send."""
    assert page.evaluate(f"async (given) => {{ {calls}; return sojourn.flush() }}", argument)


def test_from_identify_to_the_batch(profile: BrowserContext, sink: Sink) -> None:
    sink.options["appVersion"] = "2.1"
    page = opened(profile, sink)
    sent(
        page,
        """sojourn.identifyUser("ada@example.com");
        sojourn.sendSessionPropertyEvent({sessionProperties: {"session_properties.product_tier": "premium"}});
        sojourn.sendSessionPropertyEvent({"session_properties.cart_value": 149.99});
        sojourn.sendEvent("checkout", {duration: 1500, eventProperties: {"event_properties.express": true}});
        sojourn.sendEvent({name: "paid", "event_properties.cart.total": 3})""",
    )
    start, view, identify, tier, value = sorted(sink.events, key=lambda event: event.sequence)[:5]
    assert (start.kind, start.start_reason, start.sequence) == ("session_start", "start_up", 0)
    assert (view.kind, view.name, view.attributes["url.full"]) == ("view", "/shop", sink.url + "/shop")
    assert (identify.kind, identify.user_identifier, identify.retag) == ("identify", "ada@example.com", False)
    assert tier.session_properties == {"session_properties.product_tier": "premium"}
    assert value.session_properties == {"session_properties.cart_value": 149.99}
    (checkout,) = sink.named("checkout")
    (paid,) = sink.named("paid")
    assert (checkout.duration, checkout.event_properties) == (1_500_000, {"event_properties.express": True})
    assert 0 <= paid.timestamp - (checkout.timestamp + checkout.duration) < 1_000_000
    assert paid.event_properties == {"event_properties.cart.total": 3}
    assert {event.user_identifier for event in (tier, value, checkout, paid)} == {"ada@example.com"}
    request = sink.requests[0]
    assert (request.key, request.batch.sdk.name, request.batch.app_version) == ("k&y", "sojourn-browser", "2.1")
    assert request.batch.data_collection == "user_behavior"
    assert sink.missing() == {}
    assert sink.refusals == []


def test_identifiers_come_and_go(profile: BrowserContext, sink: Sink) -> None:
    page = opened(profile, sink)
    sent(
        page,
        """for (const [id, name] of [["ada", "1"], ["ada", "2"], ["bob", "3"], [null, "4"], ["cy", "5"], ["", "6"],
             ["dee", "7"], [7, "8"], [undefined, "9"]]) { sojourn.identifyUser(id); sojourn.sendEvent(name) }""",
    )
    tags = [event.user_identifier for event in sink.events if event.kind == "event"]
    assert tags == ["ada", "ada", "bob", "", "cy", "", "dee", "dee", ""]


def test_hostile_strings_arrive_as_they_are(profile: BrowserContext, sink: Sink) -> None:
    page = opened(profile, sink)
    sent(
        page,
        """for (const text of given) { sojourn.identifyUser(text);
             sojourn.sendEvent(text, {"event_properties.text": text}); sojourn.sendExceptionEvent(new Error(text)) }
           sojourn.sendEvent("lone", {"event_properties.lone": "a\\ud800", ["bad\\udc00key"]: 1});
           sojourn.identifyUser("😀".repeat(251)); sojourn.sendEvent("long")""",
        HOSTILE,
    )
    events = sink.of_kind("event")
    assert [event.name for event in events[:-2]] == HOSTILE
    assert [event.event_properties["event_properties.text"] for event in events[:-2]] == HOSTILE
    assert [event.user_identifier for event in events[:-2]] == HOSTILE
    assert [event.attributes["exception.message"] for event in sink.of_kind("error")] == HOSTILE
    assert events[-2].event_properties == {"event_properties.lone": "a\ufffd", "bad\ufffdkey": 1}
    assert events[-1].user_identifier == "😀" * 250
    assert sink.refusals == []
    assert page.title() == "A shop"


def test_a_view_for_each_step_of_the_history(profile: BrowserContext, sink: Sink) -> None:
    page = opened(profile, sink, "/list?token=secret#top")
    page.evaluate("history.pushState(null, '', '/item/1?token=secret')")
    page.evaluate("history.replaceState(null, '', '/item/1?page=2')")
    page.evaluate("history.pushState(null, '', '/app#/cart?token=secret')")
    page.evaluate("history.back()")
    page.wait_for_function("location.pathname == '/item/1'")
    sent(page, "")
    assert [view.name for view in sink.of_kind("view")] == ["/list", "/item/1", "/app#/cart", "/item/1"]
    assert b"secret" not in msgspec.json.encode([request.batch for request in sink.requests])


def test_errors_that_nobody_caught(profile: BrowserContext, sink: Sink) -> None:
    page = opened(profile, sink)
    page.evaluate(
        """async () => {
          setTimeout(() => { throw new TypeError("thrown") });
          Promise.reject(new RangeError("rejected"));
          Promise.reject("only text");
          await new Promise((done) => setTimeout(done, 50));
        }"""
    )
    sent(page, "")
    facts = [(e.name, e.attributes["exception.message"]) for e in sink.of_kind("error")]
    assert sorted(facts) == [("Error", "only text"), ("RangeError", "rejected"), ("TypeError", "thrown")]
    (thrown,) = sink.named("TypeError")
    assert "thrown" in thrown.attributes["exception.stacktrace"]


def test_a_loop_that_throws_does_not_flood_the_server(profile: BrowserContext, sink: Sink) -> None:
    page = opened(profile, sink)
    page.evaluate(
        """async () => {
          for (let i = 0; i < 150; i++) setTimeout(() => { throw new Error("again") });
          await new Promise((done) => setTimeout(done, 100));
        }"""
    )
    sent(page, "")
    assert len(sink.of_kind("error")) == 100


def test_actions_nest_and_end_children_first(profile: BrowserContext, sink: Sink) -> None:
    page = opened(profile, sink)
    sent(
        page,
        """const root = sojourn.enterAction("checkout");
        const child = root.enterAction("pay");
        child.reportValue("attempts", 2);
        child.reportError(new Error("declined"));
        root.leaveAction();
        child.leave();
        let deep = sojourn.enterAction("level 0");
        for (let level = 1; level <= 11; level++) deep = deep.enterAction("level " + level);
        deep.reportValue("too deep", 1);
        sojourn.endSession()""",
    )
    actions = {event.name: event for event in sink.of_kind("action")}
    by_number = sorted(sink.of_kind("action"), key=lambda event: event.sequence)
    assert [event.name for event in by_number] == ["pay", "checkout", *(f"level {level}" for level in range(9, -1, -1))]
    assert actions["pay"].parent_action_id == actions["checkout"].action_id
    (value,) = sink.of_kind("value")
    assert (value.name, value.attributes, value.parent_action_id) == (
        "attempts",
        {"value": 2},
        actions["pay"].action_id,
    )
    (error,) = sink.of_kind("error")
    assert error.parent_action_id == actions["pay"].action_id
    assert sink.of_kind("session_end")[0].end_reason == "end_session"
    assert sink.missing() == {}


def test_modifiers_change_and_drop(profile: BrowserContext, sink: Sink) -> None:
    page = opened(profile, sink)
    sent(
        page,
        """sojourn.addEventModifier((event) => { if (event.name == "bad") throw new Error("a bad modifier") });
        sojourn.addEventModifier((event) => { event.eventProperties = {"event_properties.build": 7} });
        sojourn.addEventModifier((event) => event.name == "secret" ? null : {...event, name: event.name + "!"});
        sojourn.sendEvent("secret"); sojourn.sendEvent("bad"); sojourn.sendEvent("open")""",
    )
    (event,) = sink.of_kind("event")
    assert (event.name, event.event_properties) == ("open!", {"event_properties.build": 7})


def test_bad_properties_cost_no_neighbour_and_are_told_once(profile: BrowserContext, sink: Sink) -> None:
    told: list[str] = []
    page = profile.new_page()
    page.on("console", lambda message: told.append(message.text))
    page.goto(sink.url)
    sink.discards = [DiscardCount(key="k", reason="undefined", count=1, message="k: not defined; discarded")]
    sent(
        page,
        """for (let i = 0; i < 3; i++) { sojourn.sendEvent("e", {"event_properties.good": i, "event_properties.a__b": 1,
             "event_properties.nan": NaN, "event_properties.list": [1], "session_properties.wrong": 1, plain: 1});
             await sojourn.flush() }""",
    )
    for index, event in enumerate(sink.of_kind("event")):
        # What is wrong is the server's to judge and to count; what JSON cannot say arrives as null.
        assert event.event_properties == {
            "event_properties.good": index,
            "event_properties.a__b": 1,
            "event_properties.nan": None,
            "event_properties.list": None,
            "session_properties.wrong": 1,
            "plain": 1,
        }
    assert told == ["sojourn: k: not defined; discarded"]


@pytest.mark.parametrize(
    "call",
    [
        "sojourn.sendEvent()",
        "sojourn.sendEvent(Symbol())",
        "sojourn.sendEvent({get name() { throw 1 }})",
        "sojourn.sendSessionPropertyEvent(null)",
        "sojourn.sendExceptionEvent(Object.create(null))",
        "sojourn.enterAction(Symbol()).enterAction().leave()",
        "sojourn.applyUserPrivacyOptions()",
        "sojourn.addEventModifier(3)",
        "sojourn.start(3)",
        "const loop = {}; loop.loop = loop; sojourn.sendEvent('loop', {'event_properties.loop': loop})",
    ],
)
def test_nothing_that_is_called_wrongly_throws(profile: BrowserContext, sink: Sink, call: str) -> None:
    page = opened(profile, sink)
    sent(page, f"{call}; sojourn.sendEvent('after')")
    assert len(sink.named("after")) == 1
    assert sink.refusals == []


def test_before_start_nothing_happens(profile: BrowserContext, sink: Sink) -> None:
    page = opened(profile, sink, "/browser/package.json")
    page.evaluate(
        """async () => {
          const sojourn = await import("/sojourn.js");
          sojourn.identifyUser("ada"); sojourn.sendEvent("e"); sojourn.endSession();
          sojourn.enterAction("a").enterAction("b").leaveAction();
          return [await sojourn.flush(), await sojourn.shutdown()];
        }"""
    )
    assert sink.attempts == 0


def test_a_reload_goes_on_with_the_session_but_not_with_the_tag(profile: BrowserContext, sink: Sink) -> None:
    page = opened(profile, sink)
    sent(page, "sojourn.identifyUser('ada')")
    page.reload()
    sent(page, "sojourn.sendEvent('after')")
    (after,) = sink.named("after")
    assert len({event.session_id for event in sink.events}) == 1
    assert len({event.stream_id for event in sink.events}) == 2
    assert (after.user_identifier, after.sequence) == ("", 1)
    assert sink.missing() == {}
