/** The check that needs no definitions: names, values and number of an event's properties. */

import { MAX_EVENT_PROPERTIES } from "./limits.js";
import { isValidName } from "./names.js";
import { cleanValue } from "./values.js";

/** @typedef {"undefined" | "invalid_name" | "type_mismatch" | "invalid_value" | "too_many"} DiscardReason */
/**
 * One property that was left out, under the key as it was given.
 * @typedef {{key: string, reason: DiscardReason, value: unknown}} Discard
 */

/**
 * Split an event's properties of one kind into the valid ones and the discards. `room` is how many the event may
 * still keep: 50, less those of the other kind (event properties come first).
 * @param {import("./names.js").PropertyKind} kind
 * @param {Record<string, unknown>} properties
 * @param {number} [room]
 * @returns {[Record<string, import("./values.js").Value>, Discard[]]}
 */
export function cleanProperties(kind, properties, room = MAX_EVENT_PROPERTIES) {
  /** @type {Record<string, import("./values.js").Value>} */
  const kept = {};
  /** @type {Discard[]} */
  const discards = [];
  for (const key of Object.keys(properties).sort()) {
    const value = properties[key];
    const cleaned = cleanValue(value);
    /** @type {DiscardReason | false} */
    const reason = !isValidName(key, kind) ? "invalid_name" : cleaned === null ? "invalid_value" : room < 1 && "too_many";
    if (reason) discards.push({ key, reason, value });
    else {
      kept[key] = /** @type {import("./values.js").Value} */ (cleaned);
      room--;
    }
  }
  return [kept, discards];
}
