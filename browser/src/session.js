/** From calls to events: one step of the session that all tabs share. Clock, store and network are elsewhere. */

import { newId } from "./ids.js";
import { defaultPolicy, newLife, splitDue, touch } from "./rules/sessions.js";
import { identifierAfter } from "./rules/users.js";

/** @typedef {{id: string, life: import("./rules/sessions.js").SessionLife, ended: string}} Session */
/**
 * What all tabs of an origin share. `era` counts the ends after which a tag is not carried over.
 * @typedef {object} Shared
 * @property {string} [instance]
 * @property {number} [era]
 * @property {import("./rules/sessions.js").SessionPolicy} [policy]
 * @property {Session} [session]
 */
/** @typedef {{id: string, name: string, parent?: Action, depth: number, begin: number}} Action */
/**
 * What one tab knows. `session` is the one that it took part in last, `last` its own last activity there; `user` is
 * the tag, which no store ever sees.
 * @typedef {object} Tab
 * @property {string} stream
 * @property {string} reason why a session starts where there was none
 * @property {string} [session]
 * @property {number} last
 * @property {string} user
 * @property {number} era
 * @property {Record<string, number>} numbers the last sequence number by session
 * @property {Action[]} open
 */
/**
 * One call of the application at a time, in microseconds. `begin` is when the reported thing began.
 * @typedef {object} Call
 * @property {number} at
 * @property {number} [begin]
 * @property {Record<string, unknown>} [event]
 * @property {string} [user]
 * @property {Action} [enter]
 * @property {Action} [leave]
 * @property {string} [end]
 * @property {import("./rules/sessions.js").SessionPolicy} [policy]
 */

/** @param {string} reason @returns {Tab} */
export const newTab = (reason) => ({
  stream: newId(),
  reason,
  last: 0,
  user: "",
  era: -1,
  numbers: {},
  open: [],
});

/** @param {Action | undefined} action @param {Action} root @returns {boolean} */
const isWithin = (action, root) => !!action && (action == root || isWithin(action.parent, root));

/**
 * The events that one call amounts to; `shared` and `tab` move on.
 * @param {Shared} shared
 * @param {Tab} tab
 * @param {Call} call
 * @param {number} clock now, in microseconds; later than `call.at` if the call had to wait
 */
export function advance(shared, tab, call, clock) {
  /** @type {Record<string, any>[]} */
  const events = [];
  const { at, begin = at } = call;
  shared.instance ||= newId();
  shared.era ||= 0;
  shared.policy ||= defaultPolicy("web");
  let session = shared.session;

  /** @param {string | undefined} id @param {string} kind @param {number} timestamp @param {object} [fields] */
  const emit = (id = "", kind, timestamp, fields) =>
    events.push({
      event_id: newId(timestamp / 1000),
      kind,
      timestamp,
      stream_id: tab.stream,
      sequence: (tab.numbers[id] = (tab.numbers[id] ?? -1) + 1),
      session_id: id,
      user_identifier: tab.user || undefined,
      ...fields,
    });

  /** Children before parents. @param {number} time @param {Action} [root] @param {object} [fields] */
  const close = (time, root, fields) => {
    for (const action of [...tab.open].reverse()) {
      if (root && !isWithin(action, root)) continue;
      tab.open = tab.open.filter((other) => other != action);
      emit(tab.session, "action", action.begin, {
        name: action.name,
        duration: Math.max(0, time - action.begin),
        action_id: action.id,
        parent_action_id: action.parent?.id,
        ...(action == root ? fields : {}),
      });
    }
  };

  /** @param {Session} over @param {string} reason @param {number} time */
  const end = (over, reason, time) => {
    close(time);
    emit(over.id, "session_end", time, { end_reason: reason });
    over.ended = reason;
  };

  const untag = () => {
    tab.user = "";
    tab.era = ++(/** @type {{era: number}} */ (shared).era);
  };

  if (tab.session && tab.session != session?.id) {
    // Another tab has split or ended the session meanwhile; what this one had open there ends with it.
    close(tab.last);
    tab.session = undefined;
  }
  if (tab.era != shared.era) {
    tab.user = "";
    tab.era = shared.era;
  }

  if (call.policy) {
    shared.policy = call.policy;
    return events;
  }
  if (call.end) {
    if (session && !session.ended) {
      const due = splitDue(session.life, at, shared.policy);
      end(session, due || call.end, due ? session.life.last : at);
    }
    untag();
    return events;
  }
  if (call.leave && !tab.open.includes(call.leave)) return events;

  if (!call.leave) {
    const over = session ? session.ended || splitDue(session.life, begin, shared.policy) : tab.reason;
    if (over || !session) {
      if (session && !session.ended) {
        end(session, over, session.life.last);
        tab.user = identifierAfter(over, tab.user);
      }
      const fields = { start_reason: over, previous_session_id: session?.id };
      session = shared.session = { id: newId(begin / 1000), life: newLife(begin), ended: "" };
      emit(session.id, "session_start", begin, fields);
      if (tab.user) emit(session.id, "identify", begin, { retag: true });
    }
    tab.session = session.id;
  }
  const life = /** @type {Session} */ (session).life;
  // A call that had to wait while another tab went on is late; only a clock that was set back goes back.
  if (at >= life.last || clock < life.last) touch(life, at);
  tab.last = at;

  if (call.enter) tab.open.push(call.enter);
  if (call.leave) close(at, call.leave, call.event);
  else if (call.user !== undefined) {
    tab.user = call.user;
    emit(tab.session, "identify", at);
  } else if (call.event) emit(tab.session, "", begin, call.event);
  return events;
}
