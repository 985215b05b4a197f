// j and k move in lists marked by data-keys (a selector for the rows), Enter opens; lanes of the timeline are switched.
const FOCUSABLE = "a[href], summary, button:not([disabled]), [tabindex='0']";

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !"jk".includes(event.key) || event.key.length !== 1) return;
  if (event.target.closest("input, textarea, select, [contenteditable], dialog[open]")) return;
  const list = event.target.closest("[data-keys]") ?? document.querySelector("main [data-keys]");
  if (list && move(list, event.key === "j" ? 1 : -1)) event.preventDefault();
});

function move(list, step) {
  const rows = [...list.querySelectorAll(list.dataset.keys)].filter((row) => !row.hidden && row.querySelector(FOCUSABLE));
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const next = rows[at < 0 ? (step > 0 ? 0 : rows.length - 1) : at + step];
  next?.querySelector(FOCUSABLE).focus();
  next?.scrollIntoView({ block: "nearest" });
  return Boolean(next);
}

document.addEventListener("change", (event) => {
  const lane = event.target.dataset?.lane;
  if (!lane) return;
  const timeline = event.target.closest(".fj-timeline");
  for (const row of timeline.querySelectorAll(`[data-in-lane="${CSS.escape(lane)}"]`)) row.hidden = !event.target.checked;
});

// A mark on the axis leads to its line in the list and opens it.
function openTarget() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const details = target && target.querySelector?.(":scope > details");
  if (details) {
    details.open = true;
    details.querySelector("summary").focus();
  }
}
window.addEventListener("hashchange", openTarget);
openTarget();

// Menus made of <details> close by Escape and by a click beside them.
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest(".fj-menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll(".fj-menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});

// Mistakes in a form are read first.
document.querySelector(".ds-error-summary[autofocus]")?.focus();
