"""The conformance vectors in Chromium, as its engine is not Node's."""

import pytest
from playwright.sync_api import BrowserContext

from tests.browser.sink import Sink

pytestmark = pytest.mark.browser

RUN = """async () => {
  const {FILES, answers} = await import("/browser/test/vectors.js");
  const rules = {}, vectors = {};
  for (const file of FILES) {
    rules[file] = await import(`/browser/src/rules/${file}.js`);
    vectors[file] = await (await fetch(`/conformance/${file}.json`)).json();
  }
  const wrong = [];
  const sorted = (key, value) =>
    value?.constructor === Object ? Object.fromEntries(Object.entries(value).sort()) : value;
  const text = (value) => JSON.stringify(value, sorted);
  let count = 0;
  for (const [what, actual, expected] of answers(rules, vectors)) {
    count++;
    if (text(actual) !== text(expected)) wrong.push(what);
  }
  return [count, wrong];
}"""


def test_every_vector(profile: BrowserContext, sink: Sink) -> None:
    page = profile.new_page()
    page.goto(sink.url + "/browser/package.json")
    count, wrong = page.evaluate(RUN)
    assert wrong == []
    assert count > 200
