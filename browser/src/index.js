/**
 * The browser SDK of Sojourn: users and sessions of a web application.
 *
 * `start` once on each page, then call the functions from anywhere; before it they do nothing.
 */

import { createAgent } from "./agent.js";

/** @typedef {import("./privacy.js").DataCollectionLevel} DataCollectionLevel */
/** @typedef {import("./agent.js").Agent} Agent */
/** @typedef {import("./agent.js").Options} Options */
/** @typedef {import("./agent.js").Draft} Draft */
/** @typedef {import("./agent.js").EventModifier} EventModifier */
/** @typedef {import("./agent.js").EventData} EventData */
/** @typedef {import("./agent.js").SessionPropertyEventData} SessionPropertyEventData */
/** @typedef {import("./agent.js").ExceptionEventData} ExceptionEventData */
/** @typedef {import("./agent.js").UserPrivacyOptions} UserPrivacyOptions */
/** @typedef {import("./actions.js").Action} Action */

export const {
  start,
  identifyUser,
  sendSessionPropertyEvent,
  sendEvent,
  sendExceptionEvent,
  enterAction,
  addEventModifier,
  endSession,
  applyUserPrivacyOptions,
  flush,
  shutdown,
} = createAgent();
