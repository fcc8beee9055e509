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

document.querySelectorAll("[data-theme-switch]").forEach(showTheme);
document.querySelectorAll("button[data-copy]").forEach((button) => { button.hidden = false; });
