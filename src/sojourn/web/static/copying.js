// Copy buttons: shown where the clipboard can be used, and they say that they did it.
function show() {
  if (!navigator.clipboard) return;
  for (const button of document.querySelectorAll("button[data-copy][hidden], button[data-copy-link][hidden]")) button.hidden = false;
}
show();
document.addEventListener("htmx:after:swap", show);
document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("button[data-copy], button[data-copy-link]");
  if (!button) return;
  const source = sourceOf(button.dataset);
  await navigator.clipboard.writeText(source);
  const label = button.querySelector("span") ?? button;
  const before = label.textContent;
  label.textContent = "Copied";
  setTimeout(() => { label.textContent = before; }, 1500);
});

function sourceOf({ copy, copyLink }) {
  if (copyLink) return new URL(copyLink, location.href).href;
  return copy.startsWith("#") ? document.querySelector(copy).textContent : copy;
}
