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
 * @param {any} [otherwise] the result where it gave none
 */
export const safe =
  (run, otherwise) =>
  (/** @type {any[]} */ ...given) => {
    try {
      return run(...given) ?? otherwise;
    } catch (error) {
      tell("failed: " + error);
      return otherwise;
    }
  };
