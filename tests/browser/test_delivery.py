"""Nothing is lost on the way: offline, reloaded, hidden, closed, refused or overflown."""

import pytest
from playwright.sync_api import BrowserContext

from tests.browser.sink import Sink
from tests.browser.test_pages import opened, sent
from tests.browser.test_privacy import KEPT

pytestmark = pytest.mark.browser


def test_offline_then_online(profile: BrowserContext, sink: Sink) -> None:
    page = opened(profile, sink)
    sent(page, "")
    profile.set_offline(True)
    assert page.evaluate("sojourn.sendEvent('offline'), sojourn.flush()") is False
    assert sink.named("offline") == []
    profile.set_offline(False)
    sink.wait(lambda: sink.named("offline"))
    assert sink.missing() == {}


def test_what_a_page_could_not_send_is_sent_by_the_next_one(profile: BrowserContext, sink: Sink) -> None:
    page = opened(profile, sink)
    sink.status = 503
    assert page.evaluate("sojourn.sendEvent('early'), sojourn.flush()") is False
    page.close()
    assert sink.events == []
    sink.status = 200
    sent(opened(profile, sink, "/next"), "")
    assert len(sink.named("early")) == 1
    assert [view.name for view in sink.of_kind("view")] == ["/shop", "/next"]
    assert sink.missing() == {}


def test_a_server_of_another_origin_needs_no_preflight(profile: BrowserContext, sink: Sink) -> None:
    # The sink knows no OPTIONS: a request that needs leave would fail.
    sink.options["endpoint"] = f"http://localhost:{sink.port}/"
    page = opened(profile, sink)
    sent(page, "sojourn.sendEvent('abroad')")
    assert len(sink.named("abroad")) == 1


def test_a_page_that_goes_away_sends_a_beacon(profile: BrowserContext, sink: Sink) -> None:
    page = opened(profile, sink)
    sent(page, "")
    page.evaluate("addEventListener('pagehide', () => sojourn.sendEvent('closing')); sojourn.sendEvent('last')")
    # To a page without the SDK, which could send what this one left. Closing runs the same handler, if in time.
    page.goto(sink.url + "/browser/package.json")
    sink.wait(lambda: sink.named("closing") and sink.named("last"))
    assert any(request.is_beacon for request in sink.requests)
    assert {request.content_type for request in sink.requests} == {"text/plain"}
    assert {request.key for request in sink.requests} == {"k&y"}
    assert sink.missing() == {}


def test_leaving_a_page_for_another_loses_nothing(profile: BrowserContext, sink: Sink) -> None:
    page = opened(profile, sink, "/0")
    for number in range(1, 6):
        page.evaluate(
            """(number) => {
              for (let i = 0; i < 20; i++) sojourn.sendEvent(number + "." + i);
              location.href = "/" + number;
            }""",
            number,
        )
        page.wait_for_url(f"**/{number}")
    sent(page, "")
    assert len([event for event in sink.events if "." in event.name]) == 100
    assert len({event.session_id for event in sink.events}) == 1
    assert sink.missing() == {}


def test_a_hidden_page_sends_at_once(profile: BrowserContext, sink: Sink) -> None:
    profile.clock.install()
    page = opened(profile, sink)
    sent(page, "")
    page.clock.pause_at(page.evaluate("Date.now() + 1000"))
    page.evaluate(
        """async (kept) => {
          sojourn.sendEvent("hidden");
          while (!(await eval(kept)()).includes("hidden"));
          Object.defineProperty(document, "hidden", {value: true});
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        KEPT,
    )
    sink.wait(lambda: sink.named("hidden"))


def test_a_page_left_before_its_database_was_open_loses_nothing(profile: BrowserContext, sink: Sink) -> None:
    profile.add_init_script(
        """if (location.pathname == "/redirect") {
          indexedDB.open = () => ({});
        }"""
    )
    page = opened(profile, sink, "/start")
    sent(page, "sojourn.identifyUser('ada')")
    page.goto(sink.url + "/redirect")
    page.evaluate("() => { sojourn.identifyUser('bob'); sojourn.sendEvent('on the way'); location.href = '/arrived' }")
    page.wait_for_url("**/arrived")
    assert "bob" not in page.evaluate(KEPT)
    sent(page, "")
    assert [view.name for view in sink.of_kind("view")] == ["/start", "/redirect", "/arrived"]
    assert sink.named("on the way")[0].user_identifier == ""
    assert len({event.session_id for event in sink.events}) == 1
    assert sink.missing() == {}


def test_a_server_that_is_down_is_tried_again(profile: BrowserContext, sink: Sink) -> None:
    profile.clock.install()
    sink.status = 500
    page = opened(profile, sink)
    assert page.evaluate("sojourn.flush()") is False
    assert sink.attempts >= 1
    sink.status = 200
    page.clock.fast_forward("02:00")
    sink.wait(lambda: sink.of_kind("view"))


def test_a_portal_that_answers_everything_is_no_acknowledgement(profile: BrowserContext, sink: Sink) -> None:
    page = profile.new_page()
    page.route("**/v1/events*", lambda route: route.fulfill(status=200, body="<h1>Please log in</h1>"))
    page.goto(sink.url)
    assert page.evaluate("sojourn.sendEvent('kept'), sojourn.flush()") is False
    page.unroute("**/v1/events*")
    sent(page, "")
    assert len(sink.named("kept")) == 1


def test_a_refused_batch_is_dropped_with_a_note_of_its_numbers(profile: BrowserContext, sink: Sink) -> None:
    told: list[str] = []
    page = profile.new_page()
    page.on("console", lambda message: told.append(message.text))
    sink.status = 413
    page.goto(sink.url)
    assert page.evaluate("sojourn.flush()")
    sink.status = 200
    sent(page, "sojourn.sendEvent('good')")
    (good,) = sink.named("good")
    (absence,) = [absence for request in sink.requests for absence in request.batch.absences]
    assert (absence.session_id, absence.stream_id) == (good.session_id, good.stream_id)
    assert (absence.sequence, absence.count, absence.reason) == (0, 2, "refused")
    assert [text for text in told if text.startswith("sojourn:")] == [
        'sojourn: events refused (413): {"error":"as the test wants"}'
    ]


def test_a_full_queue_drops_the_oldest_and_says_so(profile: BrowserContext, sink: Sink) -> None:
    page = opened(profile, sink)
    sent(page, "")
    sink.status = 503
    page.evaluate("for (let i = 0; i < 2100; i++) sojourn.sendEvent('e' + i)")
    page.evaluate("sojourn.flush()")
    sink.status = 200
    assert page.evaluate("async () => { while (!(await sojourn.flush())); return true }")
    absences = [absence for request in sink.requests for absence in request.batch.absences]
    assert [(absence.sequence, absence.count, absence.reason) for absence in absences] == [(2, 100, "queue_full")]
    assert {event.name for event in sink.of_kind("event")} == {f"e{i}" for i in range(100, 2100)}
    assert set().union(*sink.missing().values()) == set(range(2, 102))


def test_large_events_go_one_by_one(profile: BrowserContext, sink: Sink) -> None:
    page = opened(profile, sink)
    sent(
        page,
        """const large = {};
        for (let i = 0; i < 50; i++) large["event_properties.p" + i] = "€".repeat(6000);
        for (let i = 0; i < 3; i++) sojourn.sendEvent("large", {eventProperties: large})""",
    )
    (size,) = {len(event.event_properties["event_properties.p49"]) for event in sink.named("large")}
    assert (len(sink.named("large")), size) == (3, 5000)
    assert sink.missing() == {}


def test_a_page_without_a_database_goes_on_alone(profile: BrowserContext, sink: Sink) -> None:
    page = profile.new_page()
    page.add_init_script("indexedDB.open = () => { throw new Error('forbidden') }")
    page.goto(sink.url)
    sent(page, "sojourn.identifyUser('ada'); sojourn.sendEvent('alone')")
    (event,) = sink.named("alone")
    assert (event.user_identifier, event.sequence) == ("ada", 3)


def test_after_shutdown_it_is_silent(profile: BrowserContext, sink: Sink) -> None:
    page = opened(profile, sink)
    assert page.evaluate("sojourn.sendEvent('before'), sojourn.shutdown()")
    assert page.evaluate("sojourn.sendEvent('after'), history.pushState(0, '', '/x'), sojourn.flush()")
    assert [event.kind for event in sink.events] == ["session_start", "view", "event"]
