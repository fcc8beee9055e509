// Columns that a person left out: gone before the page is first painted, so this one is not deferred.
"use strict";

const leftOut = new CSSStyleSheet();
function leaveOut() {
  const words = (document.documentElement.dataset.hide ?? "").match(/[a-z]+/g) ?? [];
  leftOut.replaceSync(words.map((word) => `.c-${word} { display: none !important; }`).join(" "));
}
document.adoptedStyleSheets = [leftOut];
leaveOut();
