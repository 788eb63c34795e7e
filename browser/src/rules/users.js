/** User identifiers: what `identifyUser` takes, and what becomes of the tag when a session ends. */

import { MAX_USER_IDENTIFIER } from "./limits.js";
import { cut } from "./values.js";

/**
 * The identifier to tag with, cut to 250 code points; "" for null, undefined or "", which remove the tag. Null for
 * another type, which is the developer's mistake.
 * @param {unknown} identifier
 */
export const cleanIdentifier = (identifier) =>
  typeof (identifier ??= "") == "string" ? cut(identifier, MAX_USER_IDENTIFIER) : null;

/**
 * The tag of the session that follows one that ended for this reason ("" is untagged).
 * @param {string} reason
 * @param {string} identifier
 */
export const identifierAfter = (reason, identifier) =>
  reason == "timeout" || reason == "duration" ? identifier : "";
