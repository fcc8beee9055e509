// Keys, as the help (templates/core/_keys.html) lists them: one list for people and for this. Without it the Tab key does.
"use strict";

{
const TYPING = "input:not([type=checkbox]), select, textarea, [contenteditable]";
const WAIT_MS = 1500;
const help = document.getElementById("keys");
const known = new Map();
// The Wall shows no dialogs and has no rows to walk: there only the keys that lead elsewhere are left.
const isWall = document.body.matches(".wall");
for (const term of help?.querySelectorAll("dt") ?? []) {
  const told = term.nextElementSibling;
  const way = told.querySelector("a") ?? told.dataset.does;
  if (way && (way.href || !isWall)) known.set([...term.querySelectorAll("kbd")].map((key) => key.textContent).join(" "), way);
}
const first = new Set([...known.keys()].filter((keys) => keys.includes(" ")).map((keys) => keys[0]));

// The row in which the focus is or was: known by its key, so that it stays the same one when the list is exchanged.
let current = { key: "", place: -1 };
function rows() {
  return [...document.querySelectorAll("main [data-row]")].filter((row) => row.checkVisibility());
}
function focusRow(row) {
  const link = row?.querySelector("a[href], summary");
  link?.focus();
  return Boolean(link);
}
function focused() {
  return document.activeElement?.closest("[data-row]");
}
function step(by) {
  const all = rows(), at = all.indexOf(focused());
  const kept = at < 0 ? all.findIndex((row) => row.dataset.row === current.key) : at;
  if (kept < 0) return focusRow(all[Math.max(0, Math.min(current.place, all.length - 1))]);
  if (at < 0) return focusRow(all[kept]);
  for (let next = kept + by; all[next]; next += by) if (focusRow(all[next])) return;
}
document.addEventListener("focusin", () => {
  const row = focused();
  if (row) current = { key: row.dataset.row, place: rows().indexOf(row) };
});
let isLost = false;
document.addEventListener("htmx:beforeSwap", () => { isLost = Boolean(focused()); });
document.addEventListener("htmx:afterSettle", () => {
  if (isLost && document.activeElement === document.body) {
    const all = rows();
    focusRow(all.find((row) => row.dataset.row === current.key) ?? all[Math.min(current.place, all.length - 1)]);
  }
  isLost = false;
});

const does = {
  search: () => document.dispatchEvent(new Event("portal:search")),
  help: () => help.showModal(),
  nextRow: () => step(1),
  previousRow: () => step(-1),
  fold() {
    const fold = focused()?.querySelector("details");
    if (fold) fold.open = !fold.open;
  },
  copy() {
    const row = focused() ?? document.querySelector("[data-row]:hover");
    if (row) copyRow(row);
  },
  // Never acts: the page that it leads to shows what speaks against it, and asks.
  resync() {
    const row = focused() ?? document.querySelector("main [data-row]:hover");
    const button = (row ?? document.querySelector("main .page-head"))?.querySelector("[data-resync]");
    if (button) location.assign(button.dataset.resync);
  },
  // A row is unfolded first, so that the button can be seen before it is pressed; without one its page has it.
  acknowledge() {
    const row = focused() ?? document.querySelector("main [data-row]:hover"), fold = row?.querySelector("details");
    const button = row?.querySelector("[form=say]");
    if (!row) document.getElementById("words")?.focus();
    else if (!fold) location.assign(`${row.querySelector("a[href]").href}#words`);
    else if (fold.open) button?.click();
    else fold.open = true;
  },
  silence() {
    const row = focused() ?? document.querySelector("main [data-row]:hover"), form = '[href^="/actions/silence/"]';
    const way = row?.dataset.silence ?? (row ?? document.querySelector("main .page-head"))?.querySelector(form)?.href;
    if (way) location.assign(way);
  },
  filter: () => document.querySelector("main form.filters :is(input:not([type=hidden]), select)")?.focus(),
  previousPage: () => document.querySelector(".paging [rel=prev]")?.click(),
  nextPage: () => document.querySelector(".paging [rel=next]")?.click(),
  environment() {
    const menu = document.getElementById("environment");
    if (!menu) return;
    menu.open = !menu.open;
    menu.querySelector(menu.open ? "a" : "summary").focus();
  },
};
let begun = "", until = 0;
function pressed(event) {
  const keys = begun && Date.now() < until ? `${begun} ${event.key}` : event.key;
  begun = "";
  const way = known.get(keys);
  if (way) {
    event.preventDefault();
    if (typeof way === "string") does[way]();
    else location.assign(way.href);
  } else if (first.has(event.key)) {
    begun = event.key;
    until = Date.now() + WAIT_MS;
  }
}
document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  if (document.querySelector("dialog[open]")) return;
  const active = document.activeElement;
  if (event.key === "Escape") return active?.closest("[data-row], form.filters") && active.blur();
  if (!active?.matches(TYPING)) pressed(event);
});
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-help]")) help.showModal();
  if (event.target.closest("[data-close]") || event.target.matches("dialog[open]")) event.target.closest("dialog").close();
});
if (location.hash === "#words") document.getElementById("words")?.focus();
for (const button of document.querySelectorAll("[data-help]")) button.hidden = false;
}
