// The matrix by keyboard: one stop for Tab, arrows move between cells, Home and End along a row; and what a cell says,
// said below it on hover and on focus. Without it every cell is a link of its own.
"use strict";

const MATRIX = "table.matrix";
const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

function cellLinks(grid) {
  return [...grid.querySelectorAll("a[href]")];
}
function rove(grid, chosen) {
  for (const link of cellLinks(grid)) link.tabIndex = link === chosen ? 0 : -1;
}
function roveAll() {
  for (const grid of document.querySelectorAll(MATRIX)) {
    const links = cellLinks(grid);
    const first = grid.querySelector("tbody td a[href]");
    rove(grid, links.includes(document.activeElement) ? document.activeElement : first ?? links[0]);
    tell(document.activeElement?.closest?.(`${MATRIX} td a`) ?? null);
  }
}

// The nearest cell with a link in this direction; empty cells are passed over.
function linkFrom(link, [down, right]) {
  const cell = link.closest("td, th");
  const rows = [...cell.closest("table").rows];
  let row = rows.indexOf(cell.parentElement) + down;
  let column = cell.cellIndex + right;
  for (; rows[row]?.cells[column]; row += down, column += right) {
    const found = rows[row].cells[column].querySelector("a[href]");
    if (found) return found;
  }
  return null;
}
function linkAtEnd(link, isLast) {
  const links = [...link.closest("tr").querySelectorAll("a[href]")];
  return isLast ? links.at(-1) : links[0];
}
function linkTo(link, event) {
  if (event.key === "Home" || event.key === "End") {
    const all = event.ctrlKey ? cellLinks(link.closest(MATRIX)) : null;
    return all ? all.at(event.key === "End" ? -1 : 0) : linkAtEnd(link, event.key === "End");
  }
  return STEPS[event.key] && !event.ctrlKey ? linkFrom(link, STEPS[event.key]) : null;
}

function tell(link) {
  const line = document.getElementById("matrix-told");
  if (!line) return;
  const parts = [link ? link.title : "Point at a cell, or move with the arrow keys: what is known of it stands here."];
  if (link?.dataset.since && heard.server) parts.push(` · for ${ageWords(Date.parse(link.dataset.since), serverNow())}`);
  write(line, parts.join(""));
  line.hidden = false;
}

document.addEventListener("keydown", (event) => {
  const link = event.target.closest?.(`${MATRIX} a[href]`);
  if (!link || event.altKey || event.metaKey || event.shiftKey) return;
  const next = linkTo(link, event);
  if (!next) return;
  event.preventDefault();
  next.focus();
});
document.addEventListener("focusin", (event) => {
  const link = event.target.closest?.(`${MATRIX} a[href]`);
  if (!link) return;
  rove(link.closest(MATRIX), link);
  tell(link);
});
document.addEventListener("mouseover", (event) => {
  const grid = event.target.closest?.(MATRIX);
  if (!grid) return;
  tell(event.target.closest("a[title]") ?? document.activeElement.closest?.(`${MATRIX} a[title]`) ?? null);
});
document.addEventListener("htmx:afterSettle", roveAll);

roveAll();
