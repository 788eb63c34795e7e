// Details beside the pointer for marks of a picture, at once where the browser's own title would take a second.
const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;
tip.setAttribute("aria-hidden", "true");
document.body.append(tip);

function said(element) {
  return element.getAttribute("aria-label") ?? element.dataset.tip;
}

document.addEventListener("pointerover", (event) => {
  const mark = event.target.closest?.(".mark[aria-label], [data-tip]");
  if (!mark) {
    tip.hidden = true;
    return;
  }
  tip.textContent = said(mark);
  tip.hidden = false;
});
document.addEventListener("pointermove", (event) => {
  if (tip.hidden) return;
  const beyond = event.clientX + tip.offsetWidth + 16 > innerWidth;
  tip.style.left = `${Math.max(beyond ? event.clientX - tip.offsetWidth - 10 : event.clientX + 12, 4)}px`;
  tip.style.top = `${Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 4)}px`;
});
document.addEventListener("pointerleave", () => { tip.hidden = true; });
