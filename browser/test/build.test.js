/** What is served is what the sources give, and it is small. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

import { TARGET, bundle } from "../build.mjs";
import { VERSION } from "../src/version.js";

const built = await readFile(TARGET, "utf8");

test("the committed module is what `npm run build` gives", async () => {
  assert.equal(built, await bundle());
});

test("it weighs at most 5 kB gzipped", () => {
  const size = gzipSync(built, { level: 9 }).length;
  assert.ok(size <= 5000, `${size} bytes`);
});

test("the version it sends is that of the package, which needs no other", async () => {
  const manifest = JSON.parse(await readFile(new URL("../package.json", import.meta.url), "utf8"));
  assert.equal(VERSION, manifest.version);
  assert.equal(manifest.dependencies, undefined);
});
