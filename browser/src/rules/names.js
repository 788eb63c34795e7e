/** Property names: prefix, field name and the characters allowed; nothing about values or definitions. */

import { MAX_PROPERTY_NAME } from "./limits.js";

/** @typedef {"event" | "session"} PropertyKind */

const FIELD = /^[A-Za-z](_?[A-Za-z0-9])*(\.[A-Za-z](_?[A-Za-z0-9])*)*$/;

/** The part before the field name, its dot included. @param {PropertyKind} kind */
export const prefixOf = (kind) => kind + "_properties.";

/** `session`, `cart.total` -> `session_properties.cart.total`. @param {PropertyKind} kind @param {string} field */
export const fullName = (kind, field) => prefixOf(kind) + field;

/**
 * The kind and the field name of a full name; null when the prefix is neither of the two.
 * @param {string} name
 * @returns {[PropertyKind, string] | null}
 */
export function splitName(name) {
  for (const kind of /** @type {PropertyKind[]} */ (["event", "session"])) {
    if (name.startsWith(prefixOf(kind))) return [kind, name.slice(prefixOf(kind).length)];
  }
  return null;
}

/** Whether `name` is a full property name of this kind. @param {string} name @param {PropertyKind} kind */
export const isValidName = (name, kind) =>
  name.length <= MAX_PROPERTY_NAME && name.startsWith(prefixOf(kind)) && FIELD.test(name.slice(prefixOf(kind).length));

/**
 * What is wrong with a full property name, as one sentence for the developer; null when nothing is. (The built SDK
 * does without it: the server's answer says the same.)
 * @param {string} name
 * @param {PropertyKind} kind
 */
export function nameProblem(name, kind) {
  const prefix = prefixOf(kind);
  if (isValidName(name, kind)) return null;
  if (!name.startsWith(prefix)) return `the name must start with '${prefix}'`;
  if (name.length > MAX_PROPERTY_NAME) return `at most ${MAX_PROPERTY_NAME} characters are allowed, with the prefix`;
  const field = name.slice(prefix.length);
  if (!field) return "the field name is empty";
  if (/[^A-Za-z0-9_.]/.test(field)) return "only ASCII letters, digits, underscores and dots are allowed";
  if (/(^|\.)(?![A-Za-z])/.test(field)) return "each dot must be followed by a letter";
  return "each underscore must be followed by a letter or digit";
}
