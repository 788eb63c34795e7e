"""What leaves the page, and what stays in the profile, at each level of data collection."""

import json

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.sink import Sink
from tests.browser.test_pages import opened, sent

pytestmark = pytest.mark.browser

KEPT = """async () => {
  const kept = [JSON.stringify({...localStorage}), JSON.stringify({...sessionStorage}), document.cookie];
  for (const {name} of await indexedDB.databases()) {
    const db = await new Promise((done) => { const r = indexedDB.open(name); r.onsuccess = () => done(r.result) });
    for (const store of db.objectStoreNames) {
      const all = db.transaction(store).objectStore(store).getAll();
      kept.push(JSON.stringify(await new Promise((done) => { all.onsuccess = () => done(all.result) })));
    }
    db.close();
  }
  return kept.join("\\n");
}"""


def kept(page: Page) -> str:
    """All that the profile keeps for this origin."""
    text: str = page.evaluate(KEPT)
    return text


def test_opt_in_mode_records_and_keeps_nothing_until_it_is_allowed(profile: BrowserContext, sink: Sink) -> None:
    sink.options["optIn"] = True
    page = opened(profile, sink)
    sent(page, "sojourn.identifyUser('ada'); sojourn.sendEvent('before'); sojourn.enterAction('a').leave()")
    assert sink.attempts == 0
    assert page.evaluate("indexedDB.databases()") == []
    sent(page, "sojourn.applyUserPrivacyOptions({dataCollectionLevel: 'user_behavior'}); sojourn.sendEvent('after')")
    assert [event.kind for event in sink.events] == ["session_start", "view", "event"]
    assert {event.user_identifier for event in sink.events} == {""}
    page.reload()
    sent(page, "sojourn.applyUserPrivacyOptions({dataCollectionLevel: 'user_behavior'})")
    assert len(sink.of_kind("session_start")) == 1, "the same answer on the next page changes nothing"


@pytest.mark.parametrize("signal", ["doNotTrack", "globalPrivacyControl"])
def test_do_not_track_means_opt_in(profile: BrowserContext, sink: Sink, signal: str) -> None:
    profile.add_init_script(f"Object.defineProperty(navigator, '{signal}', {{value: '1'}})")
    sent(opened(profile, sink), "sojourn.sendEvent('e')")
    assert sink.attempts == 0
    sink.options["doNotTrack"] = False
    sent(opened(profile, sink), "sojourn.sendEvent('e')")
    assert len(sink.of_kind("event")) == 1


def test_level_off_forgets_everything(profile: BrowserContext, sink: Sink) -> None:
    page = opened(profile, sink)
    sent(page, "sojourn.identifyUser('ada')")
    sink.status = 503
    page.evaluate("sojourn.sendEvent('waiting'), sojourn.flush()")
    attempts = sink.attempts
    sink.status = 200
    sent(page, "sojourn.applyUserPrivacyOptions({dataCollectionLevel: 'off'}); sojourn.sendEvent('off')")
    page.wait_for_function(f"async () => !/[0-9a-f]{{8}}-/.test(await ({KEPT})())")
    assert sink.attempts == attempts
    instance = sink.requests[0].batch.instance_id
    sent(page, "sojourn.applyUserPrivacyOptions({dataCollectionLevel: 'user_behavior'}); sojourn.sendEvent('on')")
    assert sink.named("waiting") == sink.named("off") == []
    assert sink.named("on")[0].user_identifier == ""
    assert sink.requests[-1].batch.instance_id != instance
    assert sink.of_kind("session_start")[-1].start_reason == "privacy_change"


def test_level_performance_has_no_identifiers_events_or_properties(profile: BrowserContext, sink: Sink) -> None:
    page = opened(profile, sink)
    sent(page, "sojourn.identifyUser('ada'); sojourn.sendEvent('all')")
    sent(
        page,
        """sojourn.applyUserPrivacyOptions({dataCollectionLevel: 'performance'});
        sojourn.identifyUser('bob'); sojourn.sendEvent('custom', {'event_properties.a': 1});
        sojourn.sendSessionPropertyEvent({'session_properties.a': 1});
        const action = sojourn.enterAction('load'); action.reportValue('v', 1); action.leave();
        sojourn.sendExceptionEvent(new Error('x'), {'event_properties.a': 1})""",
    )
    (end,) = sink.of_kind("session_end")
    assert (end.end_reason, end.user_identifier) == ("privacy_change", "ada")
    batch = sink.requests[-1].batch
    assert batch.data_collection == "performance"
    assert batch.instance_id != sink.requests[0].batch.instance_id
    assert sorted(event.kind for event in batch.events) == ["action", "error", "session_start", "value"]
    assert {event.user_identifier for event in batch.events} == {""}
    assert all(not event.event_properties and not event.session_properties for event in batch.events)
    assert batch.events[0].start_reason == "privacy_change"
    assert batch.events[0].previous_session_id == ""
    assert batch.instance_id not in kept(page)


def test_errors_that_nobody_caught_need_their_own_consent(profile: BrowserContext, sink: Sink) -> None:
    sink.options["optIn"] = True
    page = opened(profile, sink)
    throw = "setTimeout(() => { throw new Error('x') }); await new Promise((done) => setTimeout(done, 30));"
    sent(page, f"sojourn.applyUserPrivacyOptions({{dataCollectionLevel: 'user_behavior'}}); {throw}")
    assert sink.of_kind("error") == []
    both = "{dataCollectionLevel: 'user_behavior', crashReportingOptedIn: true}"
    sent(page, f"sojourn.applyUserPrivacyOptions({both}); {throw}")
    assert len(sink.of_kind("error")) == 1
    assert [end.end_reason for end in sink.of_kind("session_end")] == ["privacy_change"]


def test_the_user_identifier_is_kept_nowhere(profile: BrowserContext, sink: Sink) -> None:
    page = opened(profile, sink)
    sent(page, "sojourn.identifyUser('ada-the-first'); sojourn.sendEvent('e')")
    page.wait_for_function(f"async () => !(await ({KEPT})()).includes('ada-the-first')")
    assert sink.requests[0].batch.instance_id in kept(page)
    assert json.loads(page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")) == {}
