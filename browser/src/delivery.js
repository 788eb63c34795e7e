/** The way to the server: rows wait in memory, and in their store in case the page dies, until they are acknowledged. */

import { tell } from "./notices.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./store.js").Row & {store: Store}} Row */
/** @typedef {{session_id: string, stream_id: string, sequence: number, count: number, reason: string}} Absence */

const MAX_WAITING = 2_000;
/** Characters of a batch: a beacon, and a request that outlives its page, may have 64 KiB. */
const MAX_CHARACTERS = 30_000;
const MAX_KEEPALIVE_BYTES = 60_000;
const DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 60_000;
const REQUEST_TIMEOUT_MS = 30_000;

/**
 * @param {string} url where batches go; the key is in it, so that no request needs a header, nor then a preflight
 * @param {(policy: any) => void} onPolicy told the timeouts of each answer
 */
export function createDelivery(url, onPolicy) {
  /** @type {Row[]} */
  let waiting = [];
  /** @type {Absence[]} */
  let absences = [];
  /** @type {any} */
  let timer;
  /** @type {Promise<void> | undefined} */
  let sending;
  let failures = 0;

  /** @param {number} delay in milliseconds */
  function schedule(delay) {
    if (waiting.length) timer ||= setTimeout(send, delay);
  }

  /** @param {import("./store.js").Row[]} rows @param {Store} store */
  function add(rows, store) {
    for (const row of rows) if (!waiting.some(({ id }) => id == row.id)) waiting.push({ ...row, store });
    if (waiting.length > MAX_WAITING) lose(waiting.slice(0, -MAX_WAITING), "queue_full");
    schedule(document.hidden ? 0 : DELAY_MS);
  }

  /** They wait no longer. @param {Row[]} rows */
  function settle(rows) {
    waiting = waiting.filter((row) => !rows.includes(row));
    rows[0].store.remove(rows.map((row) => row.id));
  }

  /** Events that are given up leave their numbers, so that nobody waits for them. @param {Row[]} rows @param {string} reason */
  function lose(rows, reason) {
    settle(rows);
    for (const { json } of rows) {
      const { session_id, stream_id, sequence } = JSON.parse(json);
      const last = absences[absences.length - 1];
      if (last?.session_id == session_id && last.stream_id == stream_id && last.sequence + last.count == sequence) {
        last.count++;
      } else absences.push({ session_id, stream_id, sequence, count: 1, reason });
    }
  }

  /** As many of the rows as a batch takes, all of one head. @param {Row[]} rows @returns {[Row[], Blob]} */
  function pack(rows) {
    let size = 0;
    const batch = rows.filter(
      ({ head, json }, i) => head == rows[0].head && ((size += json.length) < MAX_CHARACTERS || !i),
    );
    const more = `,"sent_at":${Date.now()}000,"absences":${JSON.stringify(absences)},"events":[${batch.map((row) => row.json)}]}`;
    return [batch, new Blob([rows[0].head.slice(0, -1), more], { type: "text/plain" })];
  }

  /** Send all that waits. Resolves when it is acknowledged or refused, or a try has failed. */
  function send() {
    clearTimeout(timer);
    timer = 0;
    return (sending ||= run().finally(() => (sending = undefined)));
  }

  async function run() {
    while (waiting.length) {
      const [batch, body] = pack(waiting);
      const told = absences;
      absences = [];
      let wait = 0;
      try {
        const response = await fetch(url, {
          method: "POST",
          body,
          credentials: "omit",
          keepalive: body.size < MAX_KEEPALIVE_BYTES,
          signal: AbortSignal.timeout?.(REQUEST_TIMEOUT_MS),
        });
        const { ok, status } = response;
        const answer = await response.text();
        wait = Number(response.headers.get("Retry-After")) * 1000;
        if (ok) {
          // Captive portals also answer 200: only a receipt is an acknowledgement.
          const { policy, discards, rejected } = JSON.parse(answer);
          onPolicy(policy);
          settle(batch);
          failures = 0;
          for (const { message } of [...discards, ...rejected]) tell(message);
          continue;
        }
        if (!/408|429|5../.test("" + status)) {
          tell(`events refused (${status}): ${answer}`);
          lose(batch, "refused");
          continue;
        }
      } catch {
        // No network, no server or no receipt: what waits goes on waiting.
      }
      absences.unshift(...told);
      schedule(wait || Math.min(LONGEST_DELAY_MS, DELAY_MS * 2 ** failures++) * (0.5 + Math.random() / 2));
      return;
    }
  }

  /** The page may die now: hand over all that waits. Nobody acknowledges a beacon, so it goes on waiting, too. */
  function beacon() {
    let rest = waiting;
    while (rest.length) {
      const [batch, body] = pack(rest);
      if (!navigator.sendBeacon(url, body)) break;
      rest = rest.filter((row) => !batch.includes(row));
    }
    schedule(DELAY_MS);
  }

  return {
    add,
    send,
    beacon,
    isWaiting: () => waiting.length > 0,
    clear() {
      waiting = [];
    },
  };
}
