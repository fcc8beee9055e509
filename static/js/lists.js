// Lists: filters that act while one types, columns and the height of rows, a row as a line for chat.
"use strict";

// A row as one line: state, name, where, since when, why, and its address.
function chatLine(row) {
  const text = (...selectors) => {
    const found = selectors.map((selector) => row.querySelector(selector)).find(Boolean);
    return found?.innerText.replace(/\s+/g, " ").trim() || found?.textContent.replace(/\s+/g, " ").trim() || "";
  };
  const cut = (words) => words.length > 200 ? `${words.slice(0, 199)}…` : words;
  const link = row.querySelector("th a[href], .title a[href]") ?? row.querySelector("a[href]");
  const time = row.querySelector(".c-since time, .since time, time[data-age]");
  const shape = row.querySelector(".shape");
  const parts = [
    text(".c-tone .pill", ".pill") || shape?.getAttribute("aria-label"),
    (row.matches(".pair") ? link?.querySelector(".name") : link)?.innerText.trim() || text("th"),
    text(".c-cluster bdi", ".place"),
    time && `since ${time.dateTime.slice(0, 16).replace("T", " ")} UTC (${time.textContent})`,
    cut(text(".c-why .clamp", ".why", ".wide", "summary")),
    link?.href,
  ];
  return parts.filter(Boolean).join(" · ");
}
async function copyRow(row) {
  showCopier(row);
  let words = "Copied";
  try {
    await navigator.clipboard.writeText(chatLine(row));
  } catch {
    words = "Could not copy";
  }
  write(copier, words);
  setTimeout(() => write(copier, COPY_WORDS), 2000);
}
// One button for all rows: it stands over the row that is pointed at or has the focus.
const COPY_WORDS = "Copy for chat";
const copier = document.createElement("button");
let copied = null;
function showCopier(row) {
  copied = row;
  copier.hidden = !row;
  if (!row) return;
  const around = row.closest(".panel") ?? row, box = row.getBoundingClientRect(), edge = around.getBoundingClientRect();
  const right = Math.min(box.right, edge.right, root.clientWidth);
  const step = row.querySelector(".step")?.getBoundingClientRect();
  const aside = row.querySelector(".do button, .foot")?.getBoundingClientRect();
  const top = step ? Math.max(step.bottom + 1, box.bottom - copier.offsetHeight - 3) : box.top + 3;
  copier.style.top = `${top + scrollY}px`;
  copier.style.left = `${(aside?.width ? aside.left : right) + scrollX - copier.offsetWidth - 4}px`;
}

{
copier.type = "button";
copier.id = "copier";
copier.className = "copy";
copier.hidden = true;
copier.tabIndex = -1;
copier.textContent = COPY_WORDS;
copier.setAttribute("aria-live", "polite");
document.body.append(copier);
copier.addEventListener("click", () => { if (copied) copyRow(copied); });
for (const name of ["mouseover", "focusin"]) {
  document.addEventListener(name, (event) => {
    if (event.target === copier) return;
    const found = event.target.closest?.("main [data-row]"), row = found?.closest(".matrix") ? null : found;
    if (row !== copied) showCopier(row);
  });
}
document.addEventListener("htmx:afterSwap", () => { if (copied && !copied.isConnected) showCopier(null); });

// Cookies, because the server writes what they say into the next page: no column is seen before it goes.
function keep(name, value, path) {
  document.cookie = `${name}=${value}; path=${path}; max-age=${value ? 31536000 : 0}; samesite=lax`;
}
function setColumn(box) {
  const hidden = new Set((root.dataset.hide ?? "").split(" ").filter(Boolean));
  if (box.checked) hidden.delete(box.value);
  else hidden.add(box.value);
  root.dataset.hide = [...hidden].join(" ");
  leaveOut();
  keep("hide", [...hidden].join("."), location.pathname);
}
function fillColumns(menu) {
  const hidden = (root.dataset.hide ?? "").split(" ");
  const boxes = [...document.querySelectorAll(".rows th[data-col]")].map((head) => {
    const label = document.createElement("label"), box = document.createElement("input");
    box.type = "checkbox";
    box.value = head.dataset.col;
    box.checked = !hidden.includes(box.value);
    label.append(box, ` ${head.textContent.replace(/[↑↓]/, "").trim()}`);
    return label;
  });
  if (boxes.length) menu.querySelector(".menu-body").replaceChildren(...boxes);
}
document.addEventListener("toggle", (event) => { if (event.target.id === "columns" && event.target.open) fillColumns(event.target); }, true);
document.addEventListener("change", (event) => { if (event.target.closest("#columns")) setColumn(event.target); });

function showDensity(button) {
  write(button.querySelector("span"), root.dataset.density || "comfortable");
  button.hidden = false;
}
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-density-switch]");
  if (!button) return;
  root.dataset.density = root.dataset.density ? "" : "compact";
  keep("density", root.dataset.density, "/");
  showDensity(button);
});
document.querySelectorAll("[data-density-switch]").forEach(showDensity);

// Filters: what is typed replaces the address, what is chosen is a step that Back undoes. Empty fields are left out, and
// choices that are their list's first, which asks for nothing.
function isFilter(event) {
  return event.detail.requestConfig?.elt.matches("form[data-filter]");
}
function isNarrowing(field) {
  if (field.matches("select")) return field.options[0]?.value === "" && field.value !== "";
  return field.matches("input:not([type=hidden])") && field.value.trim() !== "";
}
function tidy(form) {
  const fields = [...form.elements];
  for (const field of fields) if (field.matches("select")) field.classList.toggle("on", isNarrowing(field));
  const clear = form.querySelector("[data-clear]");
  if (clear) clear.hidden &&= !fields.some(isNarrowing);
}
document.addEventListener("htmx:configRequest", (event) => {
  const form = event.detail.elt;
  if (!form.matches("form[data-filter]")) return;
  const asked = event.detail.formData;
  const usual = new Map([...form.querySelectorAll("select")].map((field) => [field.name, field.options[0]?.value]));
  for (const name of new Set([...asked.keys()])) {
    const told = asked.getAll(name).filter((value) => value.trim() !== "" && value !== usual.get(name));
    asked.delete(name);
    told.forEach((value) => asked.append(name, value));
  }
  if (event.detail.triggeringEvent?.type === AGAIN) return;
  const isTyped = event.detail.triggeringEvent?.target.matches("input");
  form.removeAttribute(isTyped ? "hx-push-url" : "hx-replace-url");
  form.setAttribute(isTyped ? "hx-replace-url" : "hx-push-url", "true");
});
// A filter that was not answered is not applied: that is said of the list, and it is asked for again.
const AGAIN = "portal:again", AGAIN_MS = 10000;
let again = 0;
document.addEventListener("htmx:beforeRequest", (event) => { if (isFilter(event)) clearTimeout(again); });
document.addEventListener("htmx:afterRequest", (event) => {
  if (!isFilter(event)) return;
  const form = event.detail.requestConfig.elt, isApplied = event.detail.xhr.status === 200;
  form.nextElementSibling.hidden = isApplied;
  if (!isApplied) again = setTimeout(() => htmx.trigger(form, AGAIN), AGAIN_MS + Math.random() * AGAIN_MS / 2);
});
function sayer() {
  const line = document.createElement("p"), words = document.createElement("span");
  line.className = "face down unfit";
  line.hidden = true;
  line.setAttribute("role", "status");
  words.textContent = "The filter is not applied: the portal did not answer. It is asked again; below is the list from before.";
  line.append(words);
  return line;
}
document.addEventListener("htmx:afterSettle", (event) => {
  if (!isFilter(event)) return;
  tidy(event.detail.requestConfig.elt);
  for (const link of document.querySelectorAll("#environment a")) {
    const query = new URLSearchParams(location.search);
    query.set("environment", new URL(link.href).searchParams.get("environment"));
    link.search = query;
  }
});
// This runs before htmx looks at the page. One request at a time, and of those that wait only the last one.
for (const form of document.querySelectorAll("form[data-filter]")) {
  const how = { get: location.pathname, target: "#live", swap: "outerHTML", trigger: `input delay:25ms, submit, ${AGAIN}`, sync: "this:queue last" };
  for (const [name, value] of Object.entries(how)) form.setAttribute(`hx-${name}`, value);
  form.after(sayer());
  for (const button of form.querySelectorAll("[data-without-script]")) button.hidden = true;
  const columns = form.querySelector("#columns");
  if (columns) columns.hidden = !document.querySelector(".rows th[data-col]");
}
}
