/** Calls in, rows out: the one place where a call meets the shared state. A recorder has one privacy level for life. */

import { tell } from "./notices.js";
import { splitDue } from "./rules/sessions.js";
import { advance, newTab } from "./session.js";
import { memoryStore, openStore } from "./store.js";

/**
 * @param {object} options
 * @param {string} options.name of the database and the channel
 * @param {boolean} options.shared with the other tabs, and kept; else in memory alone
 * @param {string} options.reason why the first session starts
 * @param {object} options.head the head of a batch, but for the instance
 * @param {ReturnType<typeof import("./delivery.js").createDelivery>} options.delivery
 * @param {Promise<unknown> | undefined} options.after what has to be done before the store is opened
 */
export function createRecorder({ name, shared, reason, head, delivery, after }) {
  /** @type {import("./session.js").Call[]} */
  let calls = [];
  /** Rows that left with a beacon before the store had them. @type {import("./store.js").Row[]} */
  let unkept = [];
  /** @type {any} */
  let state;
  /** @type {import("./store.js").Store} */
  let store;
  /** @type {Promise<void> | undefined} */
  let working;
  const tab = newTab(reason);
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
    state = current;
    const { user, era } = tab;
    const rows = calls
      .splice(0)
      .flatMap((call) => advance(state, tab, call, Date.now() * 1000))
      .map((event) => ({
        id: event.event_id,
        head: JSON.stringify({ ...head, instance_id: state.instance }),
        json: JSON.stringify(event),
      }));
    if (tab.user != user || tab.era != era) say();
    delivery.add(rows, store);
    return [...unkept.splice(0), ...rows];
  }

  async function work() {
    await after;
    store ||= await (shared ? openStore(name).catch(() => memoryStore()) : memoryStore());
    while (calls.length || unkept.length) {
      try {
        await store.change(take);
      } catch (error) {
        tell("no IndexedDB: " + error);
        store = memoryStore(state);
      }
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
     * The page may die now, and no transaction ends in time: give the last events their session from memory. Not if
     * that could start a session, as another tab may be doing the same.
     */
    hurry() {
      const session = state?.session;
      const [first] = calls;
      if (first && session && session.id == tab.session && !(session.ended || calls.some((call) => call.end))) {
        if (splitDue(session.life, first.at, state.policy)) return;
        unkept = take(state);
        drained();
      }
    },
    close: () => channel?.close(),
    /** Forget all that this origin keeps. */
    async clear() {
      calls = [];
      await drained();
      store.clear();
    },
  };
}
