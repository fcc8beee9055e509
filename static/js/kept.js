// A reason that was half written outlives a sign-in in between: this tab keeps it until it was sent.
"use strict";

{
const FIELDS = "input:is([name=reason], [name=ticket], [name=note], [name^=why-])";
const SENT = "kept-sent", HERE = location.pathname + location.search;
const nameOf = (field) => `kept ${HERE} ${field.form?.id} ${field.name}`;

// What was sent from another page than the one that came of it has arrived.
const sent = JSON.parse(sessionStorage.getItem(SENT) ?? "{}");
sessionStorage.removeItem(SENT);
if (sent.from !== HERE) for (const name of sent.names ?? []) sessionStorage.removeItem(name);
for (const field of document.querySelectorAll(FIELDS)) field.value ||= sessionStorage.getItem(nameOf(field)) ?? "";

document.addEventListener("input", ({ target }) => {
  if (target.matches(FIELDS)) sessionStorage.setItem(nameOf(target), target.value);
});
document.addEventListener("submit", ({ target }) => {
  const names = [...target.querySelectorAll(FIELDS)].map(nameOf);
  if (names.length) sessionStorage.setItem(SENT, JSON.stringify({ from: HERE, names }));
});
}
