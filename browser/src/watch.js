/** What the SDK sees by itself: views, and errors that nobody caught. */

/** Errors that one page reports by itself; a loop that throws must not flood the server. */
const MAX_ERRORS = 100;

/** Listen. @param {EventTarget} target @param {string} type @param {(event: any) => void} listener */
export const on = (target, type, listener) => target.addEventListener(type, listener, true);

/** The path, and the route of applications that keep theirs behind the number sign. */
export const viewName = () => location.pathname + (/^#!?\/[^?]*/.exec(location.hash) || "");

/** Call `view` for this view and each that follows it. @param {() => void} view */
export function watchViews(view) {
  let last = "";
  const look = () => {
    if (last != (last = viewName())) view();
  };
  for (const method of /** @type {const} */ (["pushState", "replaceState"])) {
    const original = history[method];
    history[method] = (...given) => {
      original.apply(history, given);
      look();
    };
  }
  on(self, "popstate", look);
  on(self, "pageshow", (event) => event.persisted && view());
  look();
}

/** @param {(error: unknown, message?: string) => void} report */
export function watchErrors(report) {
  let left = MAX_ERRORS;
  // A resource that failed to load is an event of its element, without message.
  on(self, "error", ({ error, message }) => message && left-- > 0 && report(error, message));
  on(self, "unhandledrejection", ({ reason }) => left-- > 0 && report(reason));
}
