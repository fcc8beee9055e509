// What a person sets and takes along: the theme, menus that close, texts to copy. Without it every page still works.
"use strict";

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

// What a button copies is said in it, or stands before it.
async function copy(button) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(button.dataset.copy || button.previousElementSibling.textContent);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Could not copy";
  }
  setTimeout(() => { button.textContent = before; }, 2000);
}

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
    event.preventDefault();
  }
});

// The tab's icon counts what needs somebody, in the shape and colour of the worst of it.
function drawIcon() {
  const { needs, worst } = document.getElementById("banners")?.dataset ?? {};
  const icon = document.querySelector("link[rel=icon]");
  if (!icon || needs === undefined || icon.dataset.shown === `${needs}/${worst}`) return;
  icon.dataset.shown = `${needs}/${worst}`;
  icon.dataset.plain ??= icon.href;
  const sample = document.createElement("span");
  sample.className = worst;
  sample.style.colorScheme = "light";
  document.body.append(sample);
  const { color: colour } = getComputedStyle(sample), ink = "white";
  sample.remove();
  const shape = worst === "critical" ? '<rect width="32" height="32"/>' : worst === "warning" ? '<path d="M16 0 32 32H0z"/>' : '<circle cx="16" cy="16" r="16"/>';
  const figure = needs > 99 ? "99" : needs, size = figure.length > 1 ? 19 : 24;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" fill="${colour}">${shape}<text x="16" y="${worst === "warning" ? 29 : 24}" font-family="sans-serif" font-weight="700" font-size="${worst === "warning" ? size - 3 : size}" text-anchor="middle" fill="${ink}">${figure}</text></svg>`;
  icon.href = Number(needs) ? `data:image/svg+xml,${encodeURIComponent(svg)}` : icon.dataset.plain;
}
document.addEventListener("htmx:afterSettle", drawIcon);
drawIcon();

document.querySelectorAll("[data-theme-switch]").forEach(showTheme);
function showCopyButtons() {
  for (const button of document.querySelectorAll("button[data-copy]")) button.hidden = false;
}
document.addEventListener("htmx:afterSettle", showCopyButtons);
showCopyButtons();
