// The provider's own pages. They say that this is the demo's, so that nobody takes them for their organisation's.

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escaped = (text) => String(text).replace(/[&<>"']/g, (character) => ESCAPES[character]);

function page(ctx, title, body) {
  ctx.type = "html";
  ctx.body = `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)} · demo provider</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/style.css"></head>
<body><main><p class="quiet">The demo's sign-in: nobody here is real.</p><h1>${escaped(title)}</h1>
${body}</main></body></html>`;
}

export function messagePage(ctx, title, words) {
  page(ctx, title, `<p>${escaped(words)}</p>`);
}

/** One click for each person. `before` is who is signed in and is asked again, if anybody. */
export function signInPage(ctx, people, { before, refused }) {
  const lead = refused
    ? `<p class="problem" role="alert">${escaped(refused)} is disabled here: choose somebody else.</p>`
    : before
      ? `<p>You are signed in as <b>${escaped(before)}</b>. The portal wants a fresh sign-in.</p>`
      : "<p>The Stonesoup portal asks who you are. Choose:</p>";
  const button = ({ name, first_name: firstName, words }) =>
    `<button name="person" value="${escaped(name)}"><b>Sign in as ${escaped(firstName)}</b> <span>${escaped(words)}</span></button>`;
  page(ctx, "Sign in", `${lead}<form method="post">${people.map(button).join("\n")}</form>
<p class="quiet"><a href="/people">Disable somebody, or end their session</a></p>`);
}

/** The portal has asked for it already, so that it goes on by itself; without scripts there is the button. */
export function signOutPage(ctx, form, person) {
  const who = person ? ` as <b>${escaped(person.first_name)}</b>` : "";
  const button = '<input type="hidden" name="logout" value="yes"><button class="main">Sign out</button></form>';
  page(ctx, "Sign out", `<p>You are signed in here${who}.</p>${form.replace("</form>", button)}
${ctx.oidc.params?.id_token_hint ? '<script src="/sign-out.js"></script>' : ""}`);
}

/** What an organisation's administrator does. */
export function peoplePage(ctx, people) {
  const button = (person, action, words) =>
    `<form method="post" action="/people/${encodeURIComponent(person.name)}/${action}"><button class="small">${words}</button></form>`;
  const row = (person) => `<tr><th>${escaped(person.first_name)}${person.isDisabled ? " (disabled)" : ""}</th>
<td>${escaped(person.groups.join(", ") || "no group")}</td>
<td>${person.isDisabled ? button(person, "enable", "Enable") : button(person, "disable", "Disable")}</td>
<td>${person.sessions ? button(person, "end", "End their session") : '<span class="quiet">not signed in</span>'}</td></tr>`;
  page(ctx, "People", `<p>As an administrator of the organisation would: who is disabled is out of the portal at once.</p>
<table>${people.map(row).join("\n")}</table>`);
}
