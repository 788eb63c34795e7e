/** From calls to events, without a browser. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { newId } from "../src/ids.js";
import { HOUR, MINUTE, SECOND } from "../src/rules/limits.js";
import { advance, newTab } from "../src/session.js";

const START = 1_790_000_000 * SECOND;
const EVENT = { kind: "event", name: "e" };

/** A tab with a clock, over state that others may share. */
function tabOf(shared = {}) {
  const tab = newTab("start_up");
  return {
    shared,
    at: (time, call, late = 0) => advance(shared, tab, { at: START + time, ...call }, START + time + late),
  };
}

const brief = (events) => events.map((event) => [event.kind, event.start_reason ?? event.end_reason ?? event.user_identifier ?? ""]);

test("a session starts with its first event", () => {
  const events = tabOf().at(0, { event: EVENT });
  assert.deepEqual(brief(events), [["session_start", "start_up"], ["event", ""]]);
  assert.deepEqual(events.map((event) => event.sequence), [0, 1]);
  assert.equal(events[0].session_id, events[1].session_id);
});

test("after a timeout the old session is ended where it fell silent, and the new one is tagged first", () => {
  const tab = tabOf();
  tab.at(0, { user: "ada" });
  tab.at(MINUTE, { event: EVENT });
  const events = tab.at(31 * MINUTE, { event: EVENT });
  assert.deepEqual(brief(events), [["session_end", "timeout"], ["session_start", "timeout"], ["identify", "ada"], ["event", "ada"]]);
  const [end, start, retag, event] = events;
  assert.equal(end.timestamp, START + MINUTE);
  assert.equal(end.sequence, 3);
  assert.equal(start.previous_session_id, end.session_id);
  assert.ok(retag.retag);
  assert.deepEqual([start.sequence, retag.sequence, event.sequence], [0, 1, 2]);
  assert.ok(start.timestamp == retag.timestamp && retag.timestamp == event.timestamp);
});

test("a session reaches its maximum duration in steady use", () => {
  const tab = tabOf();
  for (let minute = 0; minute < 360; minute += 20) tab.at(minute * MINUTE, { event: EVENT });
  assert.deepEqual(brief(tab.at(6 * HOUR, { event: EVENT })).slice(0, 2), [["session_end", "duration"], ["session_start", "duration"]]);
});

test("endSession closes open actions, children first, and tags nothing after it", () => {
  const tab = tabOf();
  tab.at(0, { user: "ada" });
  const root = { id: "a", name: "root", begin: START + SECOND };
  const child = { id: "b", name: "child", parent: root, begin: START + 2 * SECOND };
  tab.at(SECOND, { enter: root });
  tab.at(2 * SECOND, { enter: child });
  const end = tab.at(3 * SECOND, { end: "end_session" });
  assert.deepEqual(end.map((event) => [event.kind, event.name]), [["action", "child"], ["action", "root"], ["session_end", undefined]]);
  assert.deepEqual(end.map((event) => event.duration), [SECOND, 2 * SECOND, undefined]);
  assert.deepEqual(tab.at(4 * SECOND, { leave: root, event: { kind: "action" } }), []);
  assert.deepEqual(brief(tab.at(5 * SECOND, { event: EVENT })), [["session_start", "end_session"], ["event", ""]]);
});

test("endSession of a session that was over already does not move its end, and tags nothing", () => {
  const tab = tabOf();
  tab.at(0, { user: "ada" });
  const [end] = tab.at(2 * HOUR, { end: "end_session" });
  assert.deepEqual([end.end_reason, end.timestamp], ["timeout", START]);
  assert.deepEqual(brief(tab.at(2 * HOUR, { event: EVENT })), [["session_start", "end_session"], ["event", ""]]);
});

test("leaving an action closes its children, not its siblings", () => {
  const tab = tabOf();
  const root = { id: "a", name: "root", begin: START };
  const [one, two] = ["one", "two"].map((name) => ({ id: name, name, parent: root, begin: START }));
  const inner = { id: "i", name: "inner", parent: one, begin: START };
  for (const enter of [root, one, two, inner]) tab.at(0, { enter });
  const names = (events) => events.map((event) => event.name);
  assert.deepEqual(names(tab.at(SECOND, { leave: one })), ["inner", "one"]);
  assert.deepEqual(names(tab.at(SECOND, { leave: root })), ["two", "root"]);
});

test("an action of two hours is activity of its session to its end", () => {
  const tab = tabOf();
  const upload = { id: "a", name: "upload", begin: START };
  tab.at(0, { enter: upload });
  const [action, ...rest] = tab.at(2 * HOUR, { leave: upload });
  assert.deepEqual([action.kind, action.duration, rest.length], ["action", 2 * HOUR, 0]);
  assert.deepEqual(brief(tab.at(2 * HOUR + 29 * MINUTE, { event: EVENT })), [["event", ""]]);
});

test("an action stays in the session in which it was entered, with its user", () => {
  const tab = tabOf();
  tab.at(0, { user: "ada" });
  const action = { id: "a", name: "checkout", begin: START };
  tab.at(0, { enter: action });
  const [end, start] = tab.at(HOUR, { event: EVENT });
  tab.at(HOUR, { user: "bob" });
  const [left, ...rest] = tab.at(HOUR + MINUTE, { leave: action });
  assert.deepEqual([left.kind, left.duration, left.user_identifier, rest], ["action", HOUR + MINUTE, "ada", []]);
  assert.equal(left.session_id, end.session_id);
  assert.equal(left.sequence, end.sequence + 1);
  assert.equal(tab.shared.session.id, start.session_id);
});

test("tabs share a session, each with a stream of its own", () => {
  const first = tabOf();
  const second = tabOf(first.shared);
  const [start] = first.at(0, { event: EVENT });
  const [other] = second.at(SECOND, { event: EVENT });
  assert.equal(other.session_id, start.session_id);
  assert.notEqual(other.stream_id, start.stream_id);
  assert.equal(other.sequence, 0);
});

test("a tab that finds the session ended by another one forgets its tag and closes what it had open", () => {
  const first = tabOf();
  const second = tabOf(first.shared);
  first.at(0, { user: "ada" });
  first.at(SECOND, { enter: { id: "a", name: "a", begin: START + SECOND } });
  second.at(MINUTE, { end: "end_session" });
  second.at(MINUTE, { event: EVENT });
  const events = first.at(2 * MINUTE, { event: EVENT });
  assert.deepEqual(events.map((event) => [event.kind, event.user_identifier]), [["action", "ada"], ["event", undefined]]);
  assert.notEqual(events[0].session_id, events[1].session_id);
});

test("a call that had to wait while another tab went on does not turn the clock back", () => {
  const first = tabOf();
  const second = tabOf(first.shared);
  first.at(0, { event: EVENT });
  second.at(25 * MINUTE, { event: EVENT });
  first.at(MINUTE, { event: EVENT }, 25 * MINUTE);
  assert.equal(first.shared.session.life.last, START + 25 * MINUTE);
});

test("a clock that was set back ends nothing", () => {
  const tab = tabOf();
  tab.at(HOUR, { event: EVENT });
  assert.deepEqual(brief(tab.at(0, { event: EVENT })), [["event", ""]]);
  assert.deepEqual(brief(tab.at(29 * MINUTE, { event: EVENT })), [["event", ""]]);
});

test("ids are UUIDv7 in the order of time", () => {
  const ids = [0, 1, 1_790_000_000_000, 1_790_000_000_001, 2 ** 45].map(newId);
  for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.deepEqual([...ids].sort(), ids);
  assert.equal(new Set(Array.from({ length: 1000 }, () => newId(5))).size, 1000);
});
