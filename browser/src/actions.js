/** Actions: named pieces of work with children, values and errors. */

import { newId } from "./ids.js";
import { tell } from "./notices.js";
import { MAX_ACTION_DEPTH, MAX_NAME } from "./rules/limits.js";
import { cleanValue, cut } from "./rules/values.js";

/**
 * @typedef {object} Action
 * @property {(name: string) => Action} enterAction a child; at most nine levels below the root
 * @property {(name: string, value: string | number | boolean) => void} reportValue
 * @property {(error: unknown, data?: import("./agent.js").ExceptionEventData) => void} reportError
 * @property {() => void} leaveAction closes its open children first
 * @property {() => void} leave the same
 */

/** Where actions report that are not recorded. */
const NOWHERE = { report() {}, record() {}, reportError() {} };

/**
 * @param {object} to where it reports
 * @param {(draft: any, fields?: object) => void} to.report
 * @param {(call: any) => void} to.record
 * @param {(error: unknown, data?: any, fields?: object) => void} to.reportError
 * @param {unknown} name
 * @param {import("./session.js").Action} [parent]
 * @returns {Action}
 */
export function enterAction(to, name, parent) {
  const action = {
    id: newId(),
    name: cut("" + (cleanValue(name) ?? ""), MAX_NAME),
    parent,
    depth: (parent?.depth ?? -1) + 1,
    begin: Date.now() * 1000,
  };
  if (action.depth > MAX_ACTION_DEPTH) {
    tell("an action is too deep: " + action.name);
    to = NOWHERE;
  }
  to.record({ enter: action });
  const inside = { parent_action_id: action.id };
  const leave = () => to.record({ leave: action });
  return {
    enterAction: (child) => enterAction(to, child, action),
    reportValue: (label, value) => to.report({ kind: "value", name: label, attributes: { value } }, inside),
    reportError: (error, data) => to.reportError(error, data, inside),
    leaveAction: leave,
    leave,
  };
}
