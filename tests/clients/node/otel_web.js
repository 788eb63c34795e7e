// A page with the published OpenTelemetry web session manager; bundled for the browser by the test. It keeps what it
// did in `window.sojournTest`.
import { resourceFromAttributes } from "@opentelemetry/resources";
import { LoggerProvider, SimpleLogRecordProcessor } from "@opentelemetry/sdk-logs";
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-http";
import {
  createDefaultSessionIdGenerator,
  createSessionLogRecordProcessor,
  createSessionManager,
  createLocalStorageSessionStore,
} from "@opentelemetry/web-common";

const settings = new URLSearchParams(location.hash.slice(1));
const sessions = createSessionManager({
  sessionIdGenerator: createDefaultSessionIdGenerator(),
  sessionStore: createLocalStorageSessionStore(),
  inactivityTimeout: 1800,
  maxDuration: 7200,
});
const exporter = new OTLPLogExporter({ url: settings.get("url"), headers: { "x-sojourn-key": settings.get("key") } });
const provider = new LoggerProvider({
  resource: resourceFromAttributes({ "service.name": "shop", "service.version": "3.0", "browser.mobile": false }),
  processors: [createSessionLogRecordProcessor(sessions), new SimpleLogRecordProcessor({ exporter })],
});
const logger = provider.getLogger("shop");
sessions.addObserver({
  // The manager tells of a new session before it is the current one, so the event waits for that.
  onSessionStarted: (session, previous) =>
    queueMicrotask(() =>
      logger.emit({
        eventName: "session.start",
        attributes: { "session.id": session.id, "session.previous_id": previous?.id ?? "" },
      })),
  onSessionEnded: (session) => logger.emit({ eventName: "session.end", attributes: { "session.id": session.id } }),
});
await sessions.start();
window.sojournTest = {
  sessionId: () => sessions.getSessionId(),
  click: (user) => logger.emit({ eventName: "click", attributes: { "user.id": user, "event_properties.button": "buy" } }),
  reset: () => sessions.resetSession(),
  flush: () => provider.forceFlush(),
};
