// Search over the page: what is typed is looked for at once, and an older answer never takes the place of a newer one.
"use strict";

{
const PAUSE_MS = 10;
const box = document.getElementById("search");
const field = box?.querySelector("input");
const place = document.getElementById("found-place");
let later = 0, asking = null;

function options() {
  return [...place.querySelectorAll("[role=option][href]")];
}
function choose(option) {
  place.querySelector("[aria-selected=true]")?.setAttribute("aria-selected", "false");
  option?.setAttribute("aria-selected", "true");
  option?.scrollIntoView({ block: "nearest" });
  if (option) field.setAttribute("aria-activedescendant", option.id);
  else field.removeAttribute("aria-activedescendant");
}
function move(by) {
  const all = options(), now = all.findIndex((option) => option.ariaSelected === "true");
  if (all.length) choose(all[now < 0 && by < 0 ? all.length - 1 : (now + by + all.length) % all.length]);
}
function show(html) {
  place.innerHTML = html;
  field.setAttribute("aria-expanded", String(options().length > 0));
  choose(null);
  place.scrollTop = 0;
  localize(place);
  ageAll();
}
function say(words) {
  const line = document.createElement("p");
  line.className = "face";
  line.setAttribute("role", "status");
  line.textContent = words;
  place.replaceChildren(line);
  field.setAttribute("aria-expanded", "false");
}
async function ask() {
  const wanted = field.value;
  asking?.abort();
  asking = new AbortController();
  const mine = asking;
  try {
    const address = `${field.form.dataset.found}?q=${encodeURIComponent(wanted)}`;
    const answer = await fetch(address, { headers: { "HX-Request": "true", "HX-Current-URL": location.href }, signal: mine.signal });
    if (answer.headers.has("HX-Redirect")) return location.assign(answer.headers.get("HX-Redirect"));
    const html = answer.ok ? await answer.text() : null;
    if (mine !== asking) return;
    if (html === null) say("The portal could not search.");
    else show(html);
  } catch (error) {
    if (mine === asking && error.name !== "AbortError") say("The portal does not answer.");
  }
}
function open() {
  if (!box || box.open) return;
  box.showModal();
  field.select();
  ask();
}

if (box) {
  document.addEventListener("portal:search", open);
  document.addEventListener("click", (event) => {
    if (event.target.closest("a.find") && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      open();
    }
  });
  field.addEventListener("input", () => {
    choose(null);
    clearTimeout(later);
    later = setTimeout(ask, PAUSE_MS);
  });
  field.addEventListener("keydown", (event) => {
    const chosen = place.querySelector("[aria-selected=true]");
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && chosen) {
      event.preventDefault();
      chosen.click();
    }
  });
}
}
