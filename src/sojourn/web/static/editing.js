// The SQL editor: Ctrl+Enter runs, the file buttons send the form in the plain way, and the link can be copied.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.matches?.("[data-submit-keys]")) {
    event.preventDefault();
    event.target.form.requestSubmit();
  }
});
// htmx would send the form for these buttons too; a file must go to the browser.
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("button[data-plain]");
  if (!button) return;
  event.preventDefault();
  const form = document.createElement("form");
  form.method = "post";
  form.action = button.formAction;
  for (const [name, value] of new FormData(button.form)) form.append(hidden(name, value));
  form.append(hidden(button.name, button.value));
  form.hidden = true;
  document.body.append(form);
  form.submit();
  form.remove();
}, true);

function hidden(name, value) {
  const field = document.createElement("input");
  field.type = "hidden";
  field.name = name;
  field.value = value;
  return field;
}
