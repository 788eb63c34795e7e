"""The examples of the page for browsers run as they stand."""

import re

import pytest
from playwright.sync_api import BrowserContext

from tests.browser.sink import ROOT, Sink

pytestmark = pytest.mark.browser

PAGE = (ROOT / "docs/clients/browser.md").read_text()


def example(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", PAGE, re.S | re.M)
    assert found
    return found[1]


def test_the_first_example(profile: BrowserContext, sink: Sink) -> None:
    page = profile.new_page()
    html = example("html").replace("http://127.0.0.1:8321", sink.url)
    page.route("**/page", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto(sink.url + "/page")
    (checkout,) = sink.wait(lambda: sink.named("checkout"))
    assert (checkout.user_identifier, checkout.duration) == ("user@example.com", 1_500_000)
    assert (sink.requests[0].key, sink.requests[0].batch.app_version) == ("YOUR_KEY", "1.0")


def test_every_function(profile: BrowserContext, sink: Sink) -> None:
    page = profile.new_page()
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.goto(sink.url)
    page.evaluate(f"async () => {{ {example('js')} }}")
    kinds = [event.kind for event in sorted(sink.events, key=lambda event: event.sequence)]
    assert kinds == [
        "session_start",
        "view",
        "identify",
        "session_properties",
        "event",
        "event",
        "error",
        "value",
        "error",
        "action",
        "action",
        "session_end",
    ]
    assert told == []


def test_the_page_names_every_function_and_option() -> None:
    index = (ROOT / "browser/src/index.js").read_text()
    [exported] = re.findall(r"export const \{(.*?)\}", index, re.S)
    agent = (ROOT / "browser/src/agent.js").read_text()
    options = re.findall(
        r"@property \{\w+\} \[?(\w+)", agent.partition("@typedef {object} Options")[2].partition("*/")[0]
    )
    names = [*re.findall(r"\w+", exported), *options]
    assert len(names) > 15
    assert [name for name in names if name not in PAGE] == []
