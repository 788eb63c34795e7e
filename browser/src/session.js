/** From calls to events: one step of the session that all tabs share. Clock, store and network are elsewhere. */

import { newId } from "./ids.js";
import { defaultPolicy, newLife, splitDue, touch } from "./rules/sessions.js";
import { identifierAfter } from "./rules/users.js";

/** `ended` is why it ended, if it was ended by a call. */
/** @typedef {{id: string, life: import("./rules/sessions.js").SessionLife, ended: string}} Session */
/**
 * What all tabs of an origin share. `era` counts the ends after which a tag is not carried over.
 * @typedef {object} Shared
 * @property {string} [instance]
 * @property {number} [era]
 * @property {import("./rules/sessions.js").SessionPolicy} [policy]
 * @property {Session} [session]
 */
/**
 * An open action. It stays in the session in which it was entered, and with the user of that moment.
 * @typedef {object} Action
 * @property {string} id
 * @property {string} name
 * @property {Action} [parent]
 * @property {number} depth
 * @property {number} begin
 * @property {string} [session]
 * @property {string} [user]
 * @property {number} [era]
 */
/**
 * What one tab knows: the time of its last activity, and the tag, which no store ever sees.
 * @typedef {object} Tab
 * @property {string} stream
 * @property {string} reason why a session starts where there was none
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
export const newTab = (reason) => ({ stream: newId(), reason, last: 0, user: "", era: -1, numbers: {}, open: [] });

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
  const { at, begin = at, leave } = call;
  shared.instance ||= newId();
  shared.era ||= 0;
  const policy = (shared.policy ||= defaultPolicy("web"));
  let session = shared.session;

  /** @param {string} id @param {string} kind @param {number} timestamp @param {object} [fields] */
  const emit = (id, kind, timestamp, fields) =>
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

  /** Leave actions, children before parents; those of an era that is over, if not said otherwise. */
  /** @param {number} time @param {(action: Action) => boolean} [which] */
  const close = (time, which = (action) => action.era != shared.era) => {
    for (const action of [...tab.open].reverse()) {
      if (!which(action)) continue;
      tab.open = tab.open.filter((other) => other != action);
      emit(action.session || "", "action", action.begin, {
        name: action.name,
        duration: Math.max(0, time - action.begin),
        action_id: action.id,
        parent_action_id: action.parent?.id,
        user_identifier: action.user || undefined,
      });
    }
  };

  // A call that had to wait while another tab went on is late; only a clock that was set back goes back.
  /** @param {import("./rules/sessions.js").SessionLife} life */
  const live = (life) => {
    if (at >= life.last || clock < life.last) touch(life, at);
  };

  // What was open in a session that another tab has ended by a call ends with this tab's last activity.
  close(tab.last);
  if (tab.era != shared.era) {
    tab.user = "";
    tab.era = shared.era;
  }

  if (call.policy) shared.policy = call.policy;
  else if (call.end) {
    shared.era++;
    close(at);
    if (session && !session.ended) {
      // Where it was over before anyone asked, it ended by itself; the next one still follows the call.
      const due = splitDue(session.life, at, policy);
      emit(session.id, "session_end", due ? session.life.last : at, { end_reason: due || call.end });
      session.ended = call.end;
    }
    tab.user = "";
    tab.era = shared.era;
  } else if (leave) {
    if (tab.open.includes(leave)) {
      // Its end is activity, but never starts a session.
      if (session && leave.session == session.id) live(session.life);
      close(at, (action) => isWithin(action, leave));
    }
  } else {
    const over = session ? session.ended || splitDue(session.life, begin, policy) : tab.reason;
    if (over || !session) {
      if (session && !session.ended) {
        emit(session.id, "session_end", session.life.last, { end_reason: over });
        tab.user = identifierAfter(over, tab.user);
      }
      const fields = { start_reason: over, previous_session_id: session?.id };
      session = shared.session = { id: newId(begin / 1000), life: newLife(begin), ended: "" };
      emit(session.id, "session_start", begin, fields);
      if (tab.user) emit(session.id, "identify", begin, { retag: true });
    }
    const { id, life } = session;
    live(life);
    if (call.enter) tab.open.push(Object.assign(call.enter, { session: id, user: tab.user, era: tab.era }));
    else if (call.event) emit(id, "", begin, call.event);
    else {
      tab.user = call.user || "";
      emit(id, "identify", at);
    }
  }
  tab.last = at;
  return events;
}
