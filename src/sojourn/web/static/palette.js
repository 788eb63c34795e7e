// The command palette (Ctrl+K or ⌘K): a list that follows what is typed, moved through with the arrow keys.
const dialog = document.querySelector("#palette");
if (dialog) prepare(dialog);

function prepare(dialog) {
  const input = dialog.querySelector("#palette-input");
  const list = dialog.querySelector("#palette-list");
  let picked = 0;
  let asked = 0;
  let timer = 0;
  let answered = null;

  for (const button of document.querySelectorAll("[data-palette-open]")) {
    button.hidden = false;
    button.addEventListener("click", open);
  }
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      if (dialog.open) dialog.close();
      else open();
    }
  });
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 120);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      pick(picked + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter") {
      event.preventDefault();
      go();
    }
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

  function open() {
    dialog.showModal();
    input.value = "";
    answered = null;
    input.focus();
    ask();
  }

  async function go() {
    // What is picked must belong to what was typed.
    if (answered !== input.value) await ask();
    list.querySelectorAll("[role=option]")[picked]?.querySelector("a").click();
  }

  async function ask() {
    clearTimeout(timer);
    const number = ++asked;
    const typed = input.value;
    const answer = await fetch(`${dialog.dataset.source}?${new URLSearchParams({ search: typed })}`);
    // Only the answer to what was typed last counts.
    if (number !== asked || !answer.ok) return;
    const { items } = await answer.json();
    answered = typed;
    list.replaceChildren(...items.map(entry));
    if (!items.length) {
      const none = document.createElement("li");
      none.className = "none";
      none.textContent = "Nothing matches.";
      list.append(none);
    }
    pick(0);
  }

  function pick(place) {
    const options = list.querySelectorAll("[role=option]");
    if (!options.length) return;
    picked = (place + options.length) % options.length;
    options.forEach((option, number) => option.setAttribute("aria-selected", String(number === picked)));
    options[picked].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", options[picked].id);
  }

  function entry({ kind, label, link }, number) {
    const option = document.createElement("li");
    option.id = `palette-${number}`;
    option.role = "option";
    const anchor = document.createElement("a");
    anchor.href = link;
    anchor.tabIndex = -1;
    const name = document.createElement("bdi");
    name.textContent = label;
    const what = document.createElement("span");
    what.className = "muted";
    what.textContent = kind;
    anchor.append(name, what);
    option.append(anchor);
    return option;
  }
}
