/** What the SDK has to say to the developer: each thing once, on the console. */

const MAX_TOLD = 500;
/** @type {Set<string>} */
const told = new Set();

/** Tell a thing, unless it was told before. @param {string} message */
export function tell(message) {
  if (!told.has(message) && told.size < MAX_TOLD) {
    told.add(message);
    console.warn("sojourn: " + message);
  }
}

/**
 * The function, made safe: what it throws is told and not thrown, as the application must not suffer.
 * @param {(...given: any[]) => any} run
 */
export const safe =
  (run) =>
  (/** @type {any[]} */ ...given) => {
    try {
      return run(...given);
    } catch (error) {
      tell("failed: " + error);
    }
  };
