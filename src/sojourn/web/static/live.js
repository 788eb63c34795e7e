// The live page: rows for events as they arrive. Everything that came from outside is set as text, never as markup.
import { clock } from "./times.js";

const MAX_ROWS = 300;
const table = document.querySelector("#live");
if (table) watch(table);

function watch(table) {
  const body = table.tBodies[0];
  const state = document.querySelector("#live-state");
  const pause = document.querySelector("#live-pause");
  const empty = document.querySelector("#live-empty");
  const held = [];
  let paused = false;
  const seen = new Set([...body.rows].map((row) => row.dataset.event));

  const source = new EventSource(table.dataset.stream);
  source.onopen = () => show("live", "live");
  source.onerror = () => show("warn", "connecting…");
  source.addEventListener("left_out", (message) => show("warn", `too many to show: ${message.data} left out`));
  source.onmessage = (message) => {
    held.push(JSON.parse(message.data));
    if (held.length > MAX_ROWS) held.shift();
    if (!paused) requestAnimationFrame(flush);
    else label();
  };
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    label();
    if (!paused) flush();
  });

  function label() {
    pause.querySelector("span").textContent = paused ? `Resume${held.length ? ` (${held.length} new)` : ""}` : "Pause";
  }

  function show(kind, text) {
    const badge = node("span", `badge ${kind}`);
    if (kind === "live") badge.append(node("span", "pulse"));
    badge.append(text);
    state.replaceChildren(badge);
  }

  function flush() {
    for (const event of held.splice(0)) {
      if (seen.has(event.event_id)) continue;
      seen.add(event.event_id);
      body.prepend(row(event, table.dataset));
    }
    while (body.rows.length > MAX_ROWS) {
      seen.delete(body.rows[body.rows.length - 1].dataset.event);
      body.deleteRow(-1);
    }
    empty.hidden = body.rows.length > 0;
    label();
  }
}

function node(name, className = "", text) {
  const element = document.createElement(name);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function cell(className, ...children) {
  const element = node("td", className);
  element.append(...children);
  return element;
}

function pair(name, value, session) {
  const element = node("span", session ? "pair-of session" : "pair-of");
  const datum = node("code", `datum ${typeof value}`);
  datum.append(node("bdi", "", String(value)));
  element.append(node("span", "key", name.slice(name.indexOf(".") + 1)), datum);
  return element;
}

function link(page, parameter, value) {
  const element = node("a");
  element.href = `${page}?${new URLSearchParams({ [parameter]: value })}`;
  return element;
}

function row(event, pages) {
  const element = node("tr", "arrived-row");
  element.dataset.event = event.event_id;
  const what = cell("what");
  if (event.name) what.append(node("bdi", "event-name", event.name));
  for (const [name, value] of Object.entries(event.event_properties ?? {})) what.append(pair(name, value, false));
  for (const [name, value] of Object.entries(event.session_properties ?? {})) what.append(pair(name, value, true));
  let user = node("span", "nobody", "anonymous");
  if (event.user_identifier) {
    user = link(pages.user, "identifier", event.user_identifier);
    user.className = "cut";
    user.title = event.user_identifier;
    user.append(node("bdi", "", event.user_identifier));
  }
  const session = link(pages.session, "id", event.session_id);
  session.append(node("code", "", event.session_id.length <= 13 ? event.session_id : `…${event.session_id.slice(-10)}`));
  element.append(
    cell("nowrap time", clock(event.timestamp / 1000)),
    cell("nowrap", node("span", `kind ${event.kind}`, event.kind.replaceAll("_", " "))),
    what,
    cell("user-cell", user),
    cell("nowrap", session),
  );
  return element;
}
