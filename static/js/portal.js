// What the pages do by themselves in the browser: ages that count on, the theme, menus, copying, and saying when the
// portal cannot be reached. Without it every page still works.
"use strict";

const root = document.documentElement;

// The server's clock: its moment at the last answer, and what has passed here since. The greater of two clocks is
// taken, because one stands still while a machine sleeps and the other can be set back.
const heard = { server: 0, steady: 0, wall: 0 };
function hear(server) {
  if (server > 0) Object.assign(heard, { server, steady: performance.now(), wall: Date.now() });
}
function serverNow() {
  return heard.server * 1000 + Math.max(performance.now() - heard.steady, Date.now() - heard.wall);
}

function twoUnits(seconds, big, bigName, small, smallName) {
  const rest = Math.floor((seconds % big) / small);
  return `${Math.floor(seconds / big)} ${bigName}` + (rest ? ` ${rest} ${smallName}` : "");
}
// The same words as apps/core/ages.py.
function durationWords(seconds) {
  seconds = Math.max(0, Math.floor(seconds));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m`;
  if (seconds < 172800) return twoUnits(seconds, 3600, "h", 60, "m");
  if (seconds < 1209600) return twoUnits(seconds, 86400, "d", 3600, "h");
  return `${Math.floor(seconds / 86400).toLocaleString("en")} d`;
}
function ageWords(moment, now) {
  const past = (now - moment) / 1000;
  return past < -2 ? `in ${durationWords(-past)}` : durationWords(past);
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
function ageAll() {
  if (!heard.server) return;
  const now = serverNow();
  for (const time of document.querySelectorAll("time[data-age]")) write(time, ageWords(Date.parse(time.dateTime), now));
  for (const time of document.querySelectorAll("time[data-until]")) {
    const left = (Date.parse(time.dateTime) - now) / 1000;
    write(time, left > 0 ? durationWords(left) : "now");
  }
}
function localize(within) {
  for (const time of within.querySelectorAll("time[datetime]:not([data-local])")) {
    const moment = new Date(time.dateTime);
    time.dataset.local = "";
    time.title = `${moment.toLocaleString()} here · ${time.title}`;
    if ("clock" in time.dataset) write(time, moment.toTimeString().slice(0, 5));
  }
}

// The theme: as the system, light or dark; remembered in a cookie, which the server writes into the page.
const THEMES = { "": "as the system", light: "light", dark: "dark" };
function showTheme(button) {
  write(button.querySelector("span"), THEMES[root.dataset.theme] ?? THEMES[""]);
  button.hidden = false;
}
function switchTheme(button) {
  const names = Object.keys(THEMES);
  root.dataset.theme = names[(names.indexOf(root.dataset.theme) + 1) % names.length];
  document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax`;
  showTheme(button);
}

async function copy(button) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Could not copy";
  }
  setTimeout(() => { button.textContent = before; }, 2000);
}

// Losing the portal: said once, with the moment since when; the ages go on counting.
let lostAt = null;
function lost() {
  lostAt ??= new Date();
  const banner = document.getElementById("offline");
  if (!banner) return;
  const since = lostAt.toTimeString().slice(0, 8);
  write(banner.querySelector("span"), `The portal has not answered since ${since}: what you see is from before, and its age goes on counting.`);
  banner.hidden = false;
}
function found() {
  lostAt = null;
  document.getElementById("offline")?.setAttribute("hidden", "");
}

// A swap takes nothing away from who is at work in the fragment: it waits while a field or a dialog has the focus, and
// gives focus and opened parts back.
function isAtWork(fragment) {
  const active = document.activeElement;
  return fragment.contains(active) && active.matches("input, select, textarea, dialog[open] *") ||
    fragment.querySelector("dialog[open], details.menu[open]") !== null;
}
function remembered(fragment) {
  const active = fragment.contains(document.activeElement) ? document.activeElement : null;
  const address = active?.getAttribute("href");
  return {
    open: [...fragment.querySelectorAll("details[open][id]")].map((each) => each.id),
    focus: active?.id ? `#${CSS.escape(active.id)}` : address ? `[href="${CSS.escape(address)}"]` : null,
  };
}
let before = { open: [], focus: null };

document.addEventListener("htmx:beforeSwap", (event) => {
  const fragment = event.detail.target;
  if (!fragment.matches("[data-live]")) return;
  if (isAtWork(fragment)) event.detail.shouldSwap = false;
  else before = remembered(fragment);
});
document.addEventListener("htmx:afterSettle", () => {
  for (const id of before.open) document.getElementById(id)?.setAttribute("open", "");
  if (before.focus && document.activeElement === document.body) {
    document.querySelector(`[data-live] ${before.focus}`)?.focus({ preventScroll: true });
  }
  before = { open: [], focus: null };
  localize(document);
  ageAll();
});
document.addEventListener("htmx:afterRequest", (event) => {
  const answer = event.detail.xhr;
  if (!answer || answer.status === 0 || answer.status >= 500) return lost();
  found();
  hear(Number(answer.getResponseHeader("Portal-Now")));
  const age = answer.getResponseHeader("Portal-Evidence-Age");
  const evidence = document.querySelector("#freshness time");
  if (age && evidence && answer.status === 204) {
    evidence.dateTime = new Date(serverNow() - Number(age) * 1000).toISOString();
  }
  ageAll();
});
window.addEventListener("offline", lost);

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.matches("[data-theme-switch]")) switchTheme(button);
  if (button?.matches("[data-copy]")) copy(button);
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
document.addEventListener("change", (event) => {
  if (event.target.matches("form[data-submit-on-change] select")) event.target.form.requestSubmit();
});

hear(Number(root.dataset.now));
localize(document);
ageAll();
setInterval(ageAll, 1000);
document.querySelectorAll("[data-theme-switch]").forEach(showTheme);
document.querySelectorAll("button[data-copy]").forEach((button) => { button.hidden = false; });
