/** Property values: which are allowed, how long, and of which data type. */

import { MAX_STRING_VALUE } from "./limits.js";

/** @typedef {string | number | boolean} Value */
/** @typedef {"string" | "number" | "boolean"} DataType */

/**
 * The first `limit` code points of a text. A lone surrogate, which UTF-8 cannot say, becomes U+FFFD.
 * @param {string} text
 * @param {number} limit
 */
export function cut(text, limit) {
  // No more code units than allowed means no more code points; and a point has at most two units.
  if (text.length > limit) text = [...text.slice(0, 2 * limit)].slice(0, limit).join("");
  return text.replace(/\p{Cs}/gu, "\uFFFD");
}

/**
 * The value to keep, a long string cut; null when the value is not allowed at all.
 * @param {unknown} value
 * @param {number} [limit]
 * @returns {Value | null}
 */
export function cleanValue(value, limit = MAX_STRING_VALUE) {
  if (typeof value == "string") return cut(value, limit);
  return typeof value == "boolean" || Number.isFinite(value) ? /** @type {Value} */ (value) : null;
}

/** The data type that a value has. @param {Value} value */
export const dataTypeOf = (value) => /** @type {DataType} */ (typeof value);
