/** When a session ends: the one rule that the SDK asks with its clock and the server with the times of events. */

import { IDLE_TIMEOUT_OTHER, IDLE_TIMEOUT_WEB, MAX_DURATION } from "./limits.js";

/** @typedef {"timeout" | "duration" | "end_session" | "privacy_change" | "crash" | "app_closed"} EndReason */
/** @typedef {"start_up" | "timeout" | "duration" | "end_session" | "privacy_change" | "crash"} StartReason */
/**
 * The two timeouts of a frontend, in microseconds, named as in the server's answers.
 * @typedef {{idle_timeout: number, max_duration: number}} SessionPolicy
 */
/**
 * The age of one session and the time of its last activity, in microseconds. Plain data: it is shared by tabs.
 * @typedef {{age: number, last: number}} SessionLife
 */

/** What a new frontend of this type gets. @param {string} frontendType @returns {SessionPolicy} */
export const defaultPolicy = (frontendType) => ({
  idle_timeout: frontendType == "web" ? IDLE_TIMEOUT_WEB : IDLE_TIMEOUT_OTHER,
  max_duration: MAX_DURATION,
});

/** A session that starts now. @param {number} start @returns {SessionLife} */
export const newLife = (start) => ({ age: 0, last: start });

/**
 * There was activity at `now`. A time before the last one (a clock that was set back) adds nothing to the age and
 * starts the idle time anew, so a session never ends because of it and never lives for ever.
 * @param {SessionLife} life
 * @param {number} now
 */
export function touch(life, now) {
  if (now > life.last) life.age += now - life.last;
  life.last = now;
}

/**
 * Why an activity at `now` belongs to a new session; "" when it belongs to this one. Where both limits were passed,
 * the one that was reached first is the reason.
 * @param {SessionLife} life
 * @param {number} now
 * @param {SessionPolicy} policy
 * @returns {"timeout" | "duration" | ""}
 */
export function splitDue(life, now, policy) {
  const silent = now - life.last;
  const left = policy.max_duration - life.age;
  if (silent < policy.idle_timeout && silent < left) return "";
  return policy.idle_timeout <= left ? "timeout" : "duration";
}

/**
 * The time at which, without more activity, the session is over.
 * @param {SessionLife} life
 * @param {SessionPolicy} policy
 */
export const nextDeadline = (life, policy) =>
  life.last + Math.min(policy.idle_timeout, policy.max_duration - life.age);
