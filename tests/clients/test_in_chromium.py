"""Published clients for browsers, in Chromium, from a page of another origin than the server's."""

import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlencode

import pytest

from .reading import events_of, named, of_kind, sessions_of

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def folder(node_modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with one page for each client."""
    folder = tmp_path_factory.mktemp("site")
    bundle = ["otel_web.js", "--bundle", "--format=esm", f"--outfile={folder / 'otel.js'}", "--log-level=error"]
    subprocess.run(["node_modules/.bin/esbuild", *bundle], cwd=node_modules, check=True, timeout=60)
    shutil.copy(node_modules / "node_modules/@dynatrace/openkit-js/dist/browser/openkit.js", folder)
    (folder / "otel.html").write_text('<!doctype html><script type="module" src="otel.js"></script>')
    (folder / "openkit.html").write_text('<!doctype html><script src="openkit.js"></script>')
    return folder


def test_the_web_sessions_of_opentelemetry(frontend, folder, open_site):
    frontend.define("event", "button")
    settings = urlencode({"url": f"{frontend.server.url}/v1/logs", "key": frontend.key})
    page = open_site(folder, f"otel.html#{settings}")
    page.wait_for_function("window.sojournTest")
    first = page.evaluate("sojournTest.sessionId()")
    page.evaluate("sojournTest.click('alice'); sojournTest.flush()")
    page.evaluate("sojournTest.reset()")
    second = page.evaluate("sojournTest.sessionId()")
    page.evaluate("sojournTest.click('alice'); sojournTest.flush()")
    page.reload()
    page.wait_for_function("window.sojournTest")
    assert page.evaluate("sojournTest.sessionId()") == second != first
    page.evaluate("sojournTest.click('alice'); sojournTest.flush()")

    sessions = {session["session_id"]: session for session in sessions_of(frontend, 2, events=6)}
    assert set(sessions) == {first, second}
    assert sessions[second]["previous_session_id"] == first
    assert (sessions[first]["end_reason"], sessions[second]["end_reason"]) == ("end_session", None)
    assert (sessions[first]["event_count"], sessions[second]["event_count"]) == (3, 3)
    assert {session["user_identifier"] for session in sessions.values()} == {"alice"}
    clicks = of_kind(events_of(frontend, sessions[second]), "event")
    assert [click["event_properties"] for click in clicks] == [{"event_properties.button": "buy"}] * 2


def test_openkit_in_a_page(frontend, folder, open_site):
    page = open_site(folder, "openkit.html")
    done = page.evaluate(
        """([endpoint, applicationId]) => new Promise((resolve) => {
            const kit = new OpenKitBuilder(endpoint, applicationId, 99).build();
            kit.waitForInit((initialized) => {
                const session = kit.createSession();
                session.identifyUser("alice");
                const action = session.enterAction("look");
                action.reportValue("width", 3);
                action.leaveAction();
                session.end();
                kit.shutdown(() => resolve(initialized));
            }, 10000);
        })""",
        [f"{frontend.server.url}/mbeacon", frontend.key],
    )
    assert done is True
    (session,) = sessions_of(frontend, 1)
    assert (session["instance_id"], session["user_identifier"]) == ("openkit:99", "alice")
    assert (session["missing_events"], session["end_reason"]) == (0, "end_session")
    assert named(events_of(frontend, session), "width")["attributes"] == {"value": 3}
