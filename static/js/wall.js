// The Wall: how many rows had no room, and whether what it shows can still be vouched for.
"use strict";

{
const PATIENCE_S = 30;
function countRest() {
  const list = document.querySelector(".needs"), more = document.getElementById("wall-more");
  if (!list || !more) return;
  const fits = [...list.children].filter((row) => row.offsetLeft === list.firstElementChild.offsetLeft).length;
  const rest = Number(list.dataset.count) - fits;
  write(more, rest > 0 ? `and ${rest} more` : "");
}
function watch() {
  const shown = document.getElementById("live"), silent = document.getElementById("wall-silent");
  if (!shown) return;
  const valid = Number(shown.dataset.until), isOver = valid > 0 && serverNow() / 1000 > valid + PATIENCE_S;
  const isSilent = isOver || !document.getElementById("offline").hidden;
  document.body.classList.toggle("silent", isSilent);
  write(silent, isSilent ? ", the portal does not answer" : "");
}
for (const name of ["resize", "load"]) window.addEventListener(name, countRest);
for (const name of ["htmx:afterSettle", "DOMContentLoaded"]) document.addEventListener(name, () => { countRest(); watch(); });
setInterval(watch, 1000);
}
