// Times in the viewer's zone: relative ones kept fresh, the exact one on hover. The server has written them already;
// a cookie tells it the zone for the next page.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const known = document.cookie.split("; ").find((pair) => pair.startsWith("sojourn_zone="));
if (!known || decodeURIComponent(known.slice(13)) !== zone) {
  document.cookie = `sojourn_zone=${encodeURIComponent(zone)}; Path=/; SameSite=Lax; Max-Age=31536000`;
}

const shapes = {
  exact: { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, timeZoneName: "short", hourCycle: "h23" },
  minute: { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  day: { day: "numeric", month: "short", year: "numeric" },
  clock: { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hourCycle: "h23" },
};
const formats = Object.fromEntries(
  Object.entries(shapes).map(([name, options]) => [name, new Intl.DateTimeFormat("en-GB", options)]),
);

function relative(time) {
  const age = (Date.now() - time) / 1000;
  if (age < 1) return age > -60 ? "just now" : shown("minute", time);
  if (age < 45) return `${Math.floor(age)} s ago`;
  if (age < 3600) return `${Math.max(Math.round(age / 60), 1)} min ago`;
  if (age < 86400) return `${Math.round(age / 3600)} h ago`;
  return shown(age < 300 * 86400 ? "minute" : "day", time);
}

function shown(shape, time) {
  return formats[shape].format(time).replace(",", "");
}

export function clock(time) {
  return shown("clock", time);
}

export function freshen(root) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    const time = Date.parse(element.dateTime);
    const shape = element.className;
    const text = shape === "ago" ? relative(time) : shown(shape, time);
    if (element.textContent !== text) element.textContent = text;
    element.title = formats.exact.format(time);
  }
}

setInterval(() => freshen(document), 15000);
