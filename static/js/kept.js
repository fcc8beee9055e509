// A reason that was half written outlives a sign-in in between: this tab keeps it until it was sent. A form with a long
// text is kept as it was sent until it has arrived; where the sign-in came in between, it stands there again.
"use strict";

{
const FIELDS = "input:is([name=reason], [name=ticket], [name=note], [name^=why-])";
const WHOLE = "[data-kept]";
const SENT = "kept-sent", HERE = location.pathname + location.search;
const nameOf = (field) => `kept ${HERE} ${field.form?.id} ${field.name}`;

// What was sent from another page than the one that came of it has arrived.
const sent = JSON.parse(sessionStorage.getItem(SENT) ?? "{}");
sessionStorage.removeItem(SENT);
if (sent.from !== HERE) for (const name of sent.names ?? []) sessionStorage.removeItem(name);
if (sent.from === HERE) for (const field of document.querySelectorAll(WHOLE)) {
  if (field.dataset.kept !== "here") field.value = sessionStorage.getItem(nameOf(field)) ?? field.value;
}
for (const field of document.querySelectorAll(FIELDS)) field.value ||= sessionStorage.getItem(nameOf(field)) ?? "";

document.addEventListener("input", ({ target }) => {
  if (target.matches(FIELDS)) sessionStorage.setItem(nameOf(target), target.value);
});
document.addEventListener("submit", ({ target }) => {
  for (const field of target.querySelectorAll(WHOLE)) sessionStorage.setItem(nameOf(field), field.value);
  const names = [...target.querySelectorAll(`${FIELDS}, ${WHOLE}`)].map(nameOf);
  if (names.length) sessionStorage.setItem(SENT, JSON.stringify({ from: HERE, names }));
});
}
