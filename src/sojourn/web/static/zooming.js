// Drag over the timeline of a session to zoom into a stretch of it: the stretch becomes part of the link.
document.addEventListener("pointerdown", (event) => {
  const holder = event.target.closest?.("[data-timeline]");
  const lanes = event.target.closest?.("svg.lanes");
  if (!holder || !lanes || event.button !== 0 || event.pointerType === "touch") return;
  const box = lanes.getBoundingClientRect();
  const from = place(event.clientX);
  const shade = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  shade.setAttribute("class", "zoom-shade");
  shade.setAttribute("y", "0");
  shade.setAttribute("height", "100%");
  let to = from;

  function place(x) {
    return Math.min(Math.max((x - box.left) / box.width, 0), 1);
  }

  function move(moved) {
    to = place(moved.clientX);
    if (Math.abs(to - from) * box.width < 6) return;
    if (!shade.isConnected) lanes.append(shade);
    shade.setAttribute("x", `${Math.min(from, to) * 100}%`);
    shade.setAttribute("width", `${Math.abs(to - from) * 100}%`);
  }

  function up() {
    removeEventListener("pointermove", move);
    if (!shade.isConnected) return;
    shade.remove();
    const start = Number(lanes.dataset.start);
    const span = Number(lanes.dataset.end) - start;
    const link = new URL(holder.dataset.zoom, location.href);
    link.searchParams.set("from", String(Math.round(start + Math.min(from, to) * span)));
    link.searchParams.set("to", String(Math.round(start + Math.max(from, to) * span) + 1));
    location.assign(link);
  }

  addEventListener("pointermove", move);
  addEventListener("pointerup", up, { once: true });
});
// A drag that starts on a mark is no drag of its link.
document.addEventListener("dragstart", (event) => {
  if (event.target.closest?.("[data-timeline]")) event.preventDefault();
});
