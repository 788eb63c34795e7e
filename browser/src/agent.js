/** The agent: what the application calls, checked by the rules and handed to the recorder. */

import { enterAction } from "./actions.js";
import { createDelivery } from "./delivery.js";
import { safe, tell } from "./notices.js";
import { allows } from "./privacy.js";
import { createRecorder } from "./recorder.js";
import { MAX_ATTRIBUTE_VALUE, MAX_NAME } from "./rules/limits.js";
import { cleanProperties } from "./rules/properties.js";
import { cleanIdentifier } from "./rules/users.js";
import { cleanValue, cut } from "./rules/values.js";
import { VERSION } from "./version.js";
import { on, viewName, watchErrors, watchViews } from "./watch.js";

/**
 * @typedef {object} Options
 * @property {string} [endpoint] address of the server, without a path; the page's own origin by default
 * @property {string} frontend name of the frontend
 * @property {string} key its ingest key
 * @property {string} [appVersion]
 * @property {boolean} [optIn] record nothing until `applyUserPrivacyOptions` allows it
 * @property {boolean} [doNotTrack] take the browser's Do-Not-Track or Global Privacy Control for opt-in mode (true)
 * @property {boolean} [views] report page views, those of the History API included (true)
 * @property {boolean} [errors] report errors and rejections that nobody caught (true)
 */
/**
 * An event as modifiers see it. `duration` is in milliseconds, counted back from now.
 * @typedef {object} Draft
 * @property {string} kind
 * @property {string} [name]
 * @property {number} [duration]
 * @property {Record<string, unknown>} [attributes]
 * @property {Record<string, unknown>} [eventProperties]
 * @property {Record<string, unknown>} [sessionProperties]
 */
/** @typedef {(event: Draft) => Draft | null | undefined | void} EventModifier */
/**
 * Properties stand under their full names, in `eventProperties` or beside it. `duration` is in milliseconds.
 * @typedef {{name?: string, duration?: number, eventProperties?: Record<string, unknown>} & Record<string, unknown>} EventData
 */
/** @typedef {{sessionProperties?: Record<string, unknown>} & Record<string, unknown>} SessionPropertyEventData */
/** @typedef {{eventProperties?: Record<string, unknown>} & Record<string, unknown>} ExceptionEventData */
/**
 * Without `crashReportingOptedIn`, errors that nobody caught are not reported.
 * @typedef {{dataCollectionLevel: import("./privacy.js").DataCollectionLevel, crashReportingOptedIn?: boolean}} UserPrivacyOptions
 */
/**
 * What the application calls. Nothing of it throws, waits for a network, or does anything before `start`.
 * @typedef {object} Agent
 * @property {(options: Options) => Agent} start once on each page; a second call changes nothing
 * @property {(identifier?: string | null) => void} identifyUser null or "" removes the tag
 * @property {(data: SessionPropertyEventData) => void} sendSessionPropertyEvent
 * @property {(event: string | EventData, data?: EventData) => void} sendEvent
 * @property {(error: unknown, data?: ExceptionEventData) => void} sendExceptionEvent
 * @property {(name: string) => import("./actions.js").Action} enterAction
 * @property {(modifier: EventModifier) => void} addEventModifier
 * @property {() => void} endSession ends it in all tabs; the next event starts one that belongs to nobody
 * @property {(options: UserPrivacyOptions) => void} applyUserPrivacyOptions
 * @property {(timeout?: number) => Promise<boolean>} flush whether all arrived within the time in milliseconds
 * @property {(timeout?: number) => Promise<boolean>} shutdown flushes and goes silent for good; the session goes on in other tabs
 */

/** Rows that a dead page left are looked for once those of living ones have had time to be sent. */
const ADOPT_AFTER_MS = 5_000;
/** Discarded properties that an event still carries, for the server to count them and show them to somebody. */
const MAX_SENT_DISCARDS = 10;
const MAX_SENT_KEY = 120;
const FLUSH_TIMEOUT_MS = 5_000;

/** An address without what may be private in it. @param {string} url */
const plain = (url) => url.split(/[?#]/)[0];

const now = () => Date.now() * 1000;

/** An agent that has not been started: whatever it is asked, it does nothing. @returns {Agent} */
export function createAgent() {
  /** @type {Options} */
  let options;
  /** @type {import("./privacy.js").DataCollectionLevel} */
  let level = "off";
  let crashes = false;
  let hiding = false;
  /** @type {EventModifier[]} */
  const modifiers = [];
  /** @type {ReturnType<typeof createRecorder> | undefined} */
  let recorder;
  /** @type {ReturnType<typeof createDelivery>} */
  let delivery;

  /** @param {string} reason @param {Promise<unknown>} [after] */
  function open(reason, after) {
    const head = {
      sdk: { name: "sojourn-browser", version: VERSION },
      app_version: cut("" + (options.appVersion ?? ""), MAX_NAME),
      data_collection: level,
    };
    recorder = createRecorder("sojourn-" + options.frontend, level != "performance", reason, head, delivery, after);
    setTimeout(flush, ADOPT_AFTER_MS);
  }

  const hide = safe(() => {
    recorder?.hurry();
    delivery.beacon();
  });

  /** @param {any} call */
  function record(call) {
    recorder?.record({ at: now(), ...call });
    if (hiding) hide();
  }

  /**
   * Properties of one kind, wherever they stand in what the application gave.
   * @param {Record<string, any>} [data] @param {string} [nest]
   */
  function propertiesOf({ name, duration, ...data } = {}, nest = "eventProperties") {
    const { [nest]: nested, ...rest } = data;
    return { ...rest, ...nested };
  }

  /**
   * The valid properties, and the first discards: the server counts those, says what is wrong with them, and shows
   * them where nobody sees a console.
   * @param {"event" | "session"} kind @param {Record<string, unknown>} [given]
   */
  function checked(kind, given = {}) {
    const [kept, discards] = cleanProperties(kind, given);
    for (const { key, value } of discards.slice(0, MAX_SENT_DISCARDS)) {
      kept[cut(key, MAX_SENT_KEY)] = /** @type {any} */ (cleanValue(value));
    }
    return kept;
  }

  /**
   * @param {Draft} draft
   * @param {object} [fields] more of the event
   */
  const report = safe((draft, fields) => {
    if (!allows(level, draft.kind)) return;
    for (const modify of modifiers) {
      // One that throws drops the event: it may have been about to remove something that must not leave.
      const changed = modify(draft);
      if (changed === null) return;
      draft = changed || draft;
    }
    const at = now();
    const duration = Math.max(0, Math.round(draft.duration * 1000) || 0);
    /** @type {Record<string, unknown>} */
    const attributes = {};
    for (const fact in draft.attributes) attributes[fact] = cleanValue(draft.attributes[fact], MAX_ATTRIBUTE_VALUE);
    const all = level == "user_behavior";
    const event = {
      kind: draft.kind,
      name: cut("" + (draft.name ?? ""), MAX_NAME),
      duration,
      attributes,
      event_properties: all ? checked("event", draft.eventProperties) : {},
      session_properties: all ? checked("session", draft.sessionProperties) : {},
      ...fields,
    };
    record({ at, begin: at - duration, event });
  });

  const reportError = safe((error, data, fields) => {
    const { name = "Error", message = "" + error, stack } = error ?? {};
    report(
      {
        kind: "error",
        name,
        attributes: { "exception.type": name, "exception.message": message, "exception.stacktrace": stack },
        eventProperties: propertiesOf(data),
      },
      fields,
    );
  });

  const view = () =>
    report({
      kind: "view",
      name: viewName(),
      attributes: { "url.full": plain(location.href), referrer: plain(document.referrer) },
    });

  /** @param {number} [timeout] */
  async function flush(timeout = FLUSH_TIMEOUT_MS) {
    const work = recorder?.adopt().then(delivery.send).catch(() => {});
    await Promise.race([work, new Promise((done) => setTimeout(done, timeout))]);
    return !delivery?.isWaiting();
  }

  /** @param {Options} given */
  function start(given) {
    if (options) return agent;
    options = given;
    const { endpoint = location.origin, key, optIn, doNotTrack, views, errors } = given;
    const { doNotTrack: refused, globalPrivacyControl } = /** @type {any} */ (navigator);
    const url = endpoint.replace(/\/$/, "") + "/v1/events?key=" + encodeURIComponent(key);
    delivery = createDelivery(url, ({ idle_timeout, max_duration }) => record({ policy: { idle_timeout, max_duration } }));
    if (!(optIn || (doNotTrack !== false && (refused == 1 || globalPrivacyControl)))) {
      crashes = true;
      level = "user_behavior";
      open("start_up");
    }
    on(self, "pagehide", () => {
      hiding = true;
      hide();
    });
    on(self, "pageshow", () => (hiding = false));
    on(document, "visibilitychange", () => document.hidden && !hiding && delivery.send());
    on(self, "online", () => void flush());
    if (views !== false) watchViews(view);
    if (errors !== false) watchErrors((error, message) => crashes && reportError(error ?? { message }));
    return agent;
  }

  /** @type {Agent} */
  const agent = {
    start: safe(start),
    identifyUser: safe((identifier) => {
      const user = cleanIdentifier(identifier);
      if (user === null) tell("identifyUser: not a string");
      else if (allows(level, "identify")) record({ user });
    }),
    sendSessionPropertyEvent: safe((data) =>
      report({ kind: "session_properties", sessionProperties: propertiesOf(data, "sessionProperties") }),
    ),
    sendEvent: safe((event, data) => {
      const all = typeof event == "string" ? { ...data, name: event } : event;
      report({ kind: "event", name: all.name, duration: all.duration, eventProperties: propertiesOf(all) });
    }),
    sendExceptionEvent: (error, data) => reportError(error, data),
    enterAction: (name) => enterAction({ report, record, reportError }, name),
    addEventModifier: (modifier) => void (typeof modifier == "function" && modifiers.push(modifier)),
    endSession: () => record({ end: "end_session" }),
    applyUserPrivacyOptions: safe(({ dataCollectionLevel, crashReportingOptedIn = false }) => {
      const before = recorder;
      if (level == dataCollectionLevel && crashes == crashReportingOptedIn && before) return;
      crashes = crashReportingOptedIn;
      level = dataCollectionLevel;
      if (allows(level, "view")) {
        open("privacy_change", before?.record({ at: now(), end: "privacy_change" }));
        if (!before && options.views !== false) view();
      } else {
        if (!before) open("");
        delivery.clear();
        recorder?.clear();
        recorder = undefined;
      }
      before?.close();
    }),
    flush,
    shutdown: async (timeout) => {
      const done = await flush(timeout);
      recorder?.close();
      recorder = undefined;
      level = "off";
      return done;
    },
  };
  return agent;
}
