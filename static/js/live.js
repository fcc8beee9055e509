// The page stays current: swaps that take nothing from under one's hands, and saying when the portal cannot be reached.
"use strict";

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
