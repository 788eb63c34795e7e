"""Tabs of one origin share a session, whatever they do at the same moment, and whatever the clock does."""

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.sink import Sink
from tests.browser.test_pages import opened, sent

pytestmark = pytest.mark.browser

AT_ONCE = """() => {
  window.round = 0;
  new BroadcastChannel("go").onmessage = () => sojourn.sendEvent("round " + ++round);
}"""
DONE = """async (number) => {
  while (round < number) await new Promise((done) => setTimeout(done, 5));
  return sojourn.flush();
}"""


def tabs(profile: BrowserContext, sink: Sink, count: int) -> list[Page]:
    profile.clock.install()
    return [opened(profile, sink, f"/tab/{number}") for number in range(count)]


def test_two_tabs_opened_at_once_share_one_session(profile: BrowserContext, sink: Sink) -> None:
    opener = profile.new_page()
    opener.goto(sink.url + "/browser/package.json")
    with profile.expect_page(), profile.expect_page():
        opener.evaluate("for (const path of ['/a', '/b']) open(path, '_blank', 'noopener')")
    sink.wait(lambda: len(sink.of_kind("view")) == 2)
    assert len({event.session_id for event in sink.events}) == 1
    assert len({event.stream_id for event in sink.events}) == 2
    assert len(sink.of_kind("session_start")) == 1


def test_tabs_that_act_at_the_moment_of_a_split_never_make_two_sessions(profile: BrowserContext, sink: Sink) -> None:
    pages = tabs(profile, sink, 3)
    sent(pages[0], "sojourn.identifyUser('ada')")
    for page in pages:
        page.evaluate(AT_ONCE)
    rounds = 6
    for number in range(1, rounds + 1):
        profile.clock.fast_forward("31:00")
        pages[number % 3].evaluate("new BroadcastChannel('go').postMessage(0), sojourn.sendEvent('leads')")
        assert all(page.evaluate(DONE, number) for page in pages)
    assert len(sink.of_kind("event")) == 4 * rounds
    starts = sink.of_kind("session_start")
    assert len(starts) == len({event.session_id for event in sink.events}) == rounds + 1
    assert [start.start_reason for start in starts] == ["start_up"] + ["timeout"] * rounds
    assert [start.previous_session_id for start in starts[1:]] == [start.session_id for start in starts[:-1]]
    assert [end.end_reason for end in sink.of_kind("session_end")] == ["timeout"] * rounds
    retags = [event for event in sink.of_kind("identify") if event.retag]
    assert [(event.user_identifier, event.sequence) for event in retags] == [("ada", 1)] * rounds
    assert [summary.user_identifiers for summary in sink.summaries()] == [("ada",)] * (rounds + 1)
    assert [summary.missing_events for summary in sink.summaries()] == [0] * (rounds + 1)


def test_a_closed_laptop_splits_once_and_tags_again(profile: BrowserContext, sink: Sink) -> None:
    (page,) = tabs(profile, sink, 1)
    sent(page, "sojourn.identifyUser('ada'); sojourn.sendEvent('before')")
    (before,) = sink.named("before")
    profile.clock.fast_forward("01:00:00")
    assert page.evaluate("sojourn.flush()")
    assert len(sink.of_kind("session_start")) == 1, "an idle page starts no session"
    sent(page, "sojourn.sendEvent('after')")
    start, retag, after = sink.events[-3:]
    (end,) = sink.of_kind("session_end")
    assert (end.end_reason, end.session_id, end.timestamp) == ("timeout", before.session_id, before.timestamp)
    assert (start.kind, start.start_reason, start.previous_session_id) == ("session_start", "timeout", end.session_id)
    assert (retag.kind, retag.retag, retag.user_identifier) == ("identify", True, "ada")
    assert (after.name, after.user_identifier, after.sequence) == ("after", "ada", 2)
    assert after.timestamp - before.timestamp >= 3_600_000_000
    first, second = sink.summaries()
    assert (first.end_reason, first.end_time, first.user_identifier) == ("timeout", before.timestamp, "ada")
    assert (second.start_time, second.user_identifier, second.event_count) == (after.timestamp, "ada", 3)
    assert first.missing_events == second.missing_events == 0


def test_the_server_sets_the_timeouts(profile: BrowserContext, sink: Sink) -> None:
    sink.policy.idle_timeout = 10_000_000
    first, second = tabs(profile, sink, 2)
    sent(first, "")
    profile.clock.fast_forward("00:09")
    sent(second, "sojourn.sendEvent('still')")
    profile.clock.fast_forward("00:11")
    sent(second, "sojourn.sendEvent('new')")
    assert [start.start_reason for start in sink.of_kind("session_start")] == ["start_up", "timeout"]
    assert sink.named("still")[0].session_id != sink.named("new")[0].session_id


def test_steady_use_reaches_the_maximum_duration(profile: BrowserContext, sink: Sink) -> None:
    (page,) = tabs(profile, sink, 1)
    sent(page, "sojourn.identifyUser('ada')")
    for number in range(19):
        profile.clock.fast_forward("20:00")
        page.evaluate(f"sojourn.sendEvent('{number}')")
    sent(page, "")
    assert [end.end_reason for end in sink.of_kind("session_end")] == ["duration"]
    assert [event.retag for event in sink.of_kind("identify")] == [False, True]


def test_the_tag_is_told_to_the_other_tabs_and_to_new_ones(profile: BrowserContext, sink: Sink) -> None:
    first = opened(profile, sink, "/first")
    second = opened(profile, sink, "/second")
    sent(first, "sojourn.identifyUser('ada')")
    sent(second, "sojourn.sendEvent('second')")
    third = opened(profile, sink, "/third")
    sent(third, "sojourn.sendEvent('third')")
    sent(third, "sojourn.identifyUser(null)")
    sent(first, "sojourn.sendEvent('first')")
    users = [sink.named(name)[0].user_identifier for name in ("second", "third", "first")]
    assert users == ["ada", "ada", ""]


def test_end_session_ends_it_for_all_tabs_and_nobody_is_tagged_after_it(profile: BrowserContext, sink: Sink) -> None:
    first = opened(profile, sink, "/first")
    second = opened(profile, sink, "/second")
    sent(first, "sojourn.identifyUser('ada')")
    sent(second, "sojourn.sendEvent('tagged')")
    sent(first, "window.action = sojourn.enterAction('open in first')")
    sent(second, "sojourn.endSession(); sojourn.sendEvent('next')")
    sent(first, "sojourn.sendEvent('also next')")
    (tagged,), (following,), (also,) = (sink.named(name) for name in ("tagged", "next", "also next"))
    (end,) = sink.of_kind("session_end")
    (action,) = sink.of_kind("action")
    assert (end.end_reason, end.session_id) == ("end_session", tagged.session_id)
    assert (action.session_id, action.name) == (tagged.session_id, "open in first")
    assert following.session_id == also.session_id != tagged.session_id
    assert [following.user_identifier, also.user_identifier] == ["", ""]
    assert sink.of_kind("session_start")[1].start_reason == "end_session"
    assert sink.missing() == {}


def test_logging_out_on_the_way_to_another_page(profile: BrowserContext, sink: Sink) -> None:
    page = opened(profile, sink, "/account")
    sent(page, "sojourn.identifyUser('ada')")
    page.evaluate("() => { sojourn.endSession(); location.href = '/login' }")
    page.wait_for_url("**/login")
    sent(page, "")
    assert [start.start_reason for start in sink.of_kind("session_start")] == ["start_up", "end_session"]
    assert [view.user_identifier for view in sink.of_kind("view")] == ["", ""]
