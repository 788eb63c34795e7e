/** Calls in, rows out: the one place where a call meets the shared state. A recorder has one privacy level for life. */

import { tell } from "./notices.js";
import { advance, newTab } from "./session.js";
import { memoryStore, openStore } from "./store.js";

/**
 * @param {string} name of the database and the channel
 * @param {boolean} shared with the other tabs, and kept; else in memory alone
 * @param {string} reason why the first session starts
 * @param {object} head the head of a batch, but for the instance
 * @param {ReturnType<typeof import("./delivery.js").createDelivery>} delivery
 * @param {Promise<unknown>} [after] what has to be done before the store is opened
 */
export function createRecorder(name, shared, reason, head, delivery, after) {
  /** @type {import("./session.js").Call[]} */
  let calls = [];
  /** What the transaction under way makes of which calls, if it starts or ends a session. @type {import("./store.js").Row[]} */
  let rows = [];
  /** @type {import("./session.js").Call[]} */
  let daring = [];
  let aborted = false;
  /** @type {any} */
  let state;
  /** @type {import("./store.js").Store} */
  let store;
  /** @type {Promise<void> | undefined} */
  let working;
  const tab = newTab(reason);
  try {
    calls = shared ? JSON.parse(sessionStorage.getItem(name) || "[]") : [];
    sessionStorage.removeItem(name);
  } catch {
    // Storage is forbidden here.
  }
  const channel = shared ? new BroadcastChannel(name) : undefined;

  const say = () => channel?.postMessage([tab.era, tab.user]);
  if (channel) {
    // The tag is told from tab to tab and written nowhere.
    channel.onmessage = ({ data }) => {
      if (!data) say();
      else if (data[0] >= tab.era) [tab.era, tab.user] = data;
    };
    channel.postMessage(0);
  }

  /** All calls so far become rows. @param {import("./session.js").Shared} current */
  function take(current) {
    const { user, era } = tab;
    const taken = calls.splice(0);
    state = current;
    rows = taken
      .flatMap((call) => advance(state, tab, call, Date.now() * 1000))
      .map((event) => ({
        id: event.event_id,
        head: JSON.stringify({ ...head, instance_id: state.instance }),
        json: JSON.stringify(event),
      }));
    if (tab.user != user || tab.era != era) say();
    // Another tab might still be first to split or end the session: that must not be sent before it is certain.
    if (shared && rows.some((row) => /"session_[se]/.test(row.json))) daring = taken;
    else delivery.add(rows, store);
    return rows;
  }

  async function work() {
    await after;
    store ||= await (shared ? openStore(name).catch(() => memoryStore()) : memoryStore());
    while (calls[0]) {
      try {
        await store.change(take);
      } catch (error) {
        if (aborted) return;
        tell("no database: " + error);
        store = memoryStore(state);
      }
      if (daring[0]) delivery.add(rows, store);
      daring = [];
    }
  }

  const drained = () => (working ||= work().finally(() => (working = undefined)));

  /** Rows that no page has sent. */
  async function adopt() {
    await drained();
    delivery.add(await store.rows(), store);
  }

  return {
    /** @param {import("./session.js").Call} call */
    record(call) {
      calls.push(call);
      return drained();
    },
    adopt,
    /**
     * The page may die now, and no transaction ends in time: give the last calls their session from memory. If they
     * start or end one, which another tab may be doing too, leave them to the next page of this tab.
     */
    hurry() {
      if (daring[0]) {
        try {
          store.abort();
          aborted = true;
        } catch {
          // Too late: what was dared is done.
          daring = [];
          delivery.add(rows, store);
        }
      }
      if (state && calls[0] && !daring[0]) take(state);
      const late = [...daring.splice(0), ...calls.splice(0)];
      // Not who the user is: that is never written down.
      if (late[0]) sessionStorage.setItem(name, JSON.stringify(late.filter((call) => call.event || call.end)));
    },
    close: () => drained().then(() => channel?.close()),
    /** Forget all that this origin keeps. */
    async clear() {
      calls = [];
      await drained();
      store.clear();
    },
  };
}
