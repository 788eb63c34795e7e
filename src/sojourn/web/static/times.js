// Times in the viewer's zone: relative ones kept fresh, the exact one on hover. The server has written them already;
// a cookie tells it the zone for the next page.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const known = document.cookie.split("; ").find((pair) => pair.startsWith("sojourn_zone="));
if (!known || decodeURIComponent(known.slice(13)) !== zone) {
  document.cookie = `sojourn_zone=${encodeURIComponent(zone)}; Path=/; SameSite=Lax; Max-Age=31536000`;
}

const shapes = {
  exact: { dateStyle: "medium", timeStyle: "long" },
  minute: { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  day: { day: "numeric", month: "short", year: "numeric" },
  clock: { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hourCycle: "h23" },
};
const formats = Object.fromEntries(
  Object.entries(shapes).map(([name, options]) => [name, new Intl.DateTimeFormat("en-GB", options)]),
);

function relative(time) {
  const age = (Date.now() - time) / 1000;
  if (age < 1) return age < -60 ? "in the future" : "just now";
  for (const [limit, unit, word] of [[45, 1, "s"], [3600, 60, "min"], [86400, 3600, "h"], [2678400, 86400, "d"]]) {
    if (age < limit) return `${Math.max(Math.round(age / unit), 1)} ${word} ago`;
  }
  return formats.day.format(time);
}

export function freshen(root) {
  for (const element of root.querySelectorAll("time[data-time]")) {
    const time = Number(element.dataset.time);
    const shape = element.dataset.as;
    const text = shape === "relative" ? relative(time) : formats[shape].format(time);
    if (element.textContent !== text) element.textContent = text;
    element.title = formats.exact.format(time);
  }
}

setInterval(() => freshen(document), 15000);
