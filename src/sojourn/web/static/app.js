// Loads the small modules of the pages. Each works on the elements that it finds and does nothing without them.
import { freshen } from "./times.js";
import "./copying.js";
import "./editing.js";
import "./live.js";
import "./palette.js";
import "./zooming.js";
import "./tips.js";

freshen(document);
document.addEventListener("htmx:after:swap", () => freshen(document));

// A menu closes when the pointer or the keyboard goes elsewhere.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details[data-closes][open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details[data-closes][open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
