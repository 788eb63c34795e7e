/** The rules against the vectors that every other client answers, too. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { FILES, answers } from "./vectors.js";

const rules = {};
const vectors = {};
for (const file of FILES) {
  rules[file] = await import(`../src/rules/${file}.js`);
  vectors[file] = JSON.parse(await readFile(new URL(`../../conformance/${file}.json`, import.meta.url), "utf8"));
}

test("every vector", () => {
  let count = 0;
  for (const [what, actual, expected] of answers(rules, vectors)) {
    assert.deepEqual(actual, expected, what);
    count++;
  }
  assert.ok(count > 200, `only ${count} vectors`);
});
