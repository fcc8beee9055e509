// What the provider answers beside the protocol: choosing a person, the administrator's page, and the tests' switch.

import { readFileSync } from "node:fs";
import { messagePage, peoplePage, signInPage } from "./pages.mjs";

const STYLE = readFileSync(new URL("style.css", import.meta.url), "utf8");
const SIGN_OUT = "document.forms[0].submit();\n";
const BODY_LIMIT = 4096;

async function formSent(ctx) {
  let text = "";
  for await (const piece of ctx.req) {
    text += piece;
    if (text.length > BODY_LIMIT) ctx.throw(413);
  }
  return new URLSearchParams(text);
}

export function routes({ provider, settings, directory, store }) {
  const isFailing = { now: false };

  /** Browsers name this host alone, show no other site's content, and send forms to the portals besides. */
  async function guarded(ctx, next) {
    ctx.set("Cache-Control", "no-store");
    ctx.set("Referrer-Policy", "no-referrer");
    ctx.set("X-Content-Type-Options", "nosniff");
    const leads = ["'self'", ...settings.portals].join(" ");
    const ours = "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'";
    ctx.set("Content-Security-Policy", `${ours}; form-action ${leads}`);
    if (ctx.host !== new URL(settings.issuer).host) ctx.throw(421, "another host");
    await next();
  }

  /** No form of another site's page does anything here. */
  function refuseOthers(ctx) {
    if (!["same-origin", undefined].includes(ctx.get("Sec-Fetch-Site") || undefined)) ctx.throw(403);
  }

  /** The tests' switch: POST /failing {on=1} or {on=}; while it is on, everything else is a 503. */
  async function failing(ctx, next) {
    if (ctx.path === "/failing" && ctx.method === "POST") {
      refuseOthers(ctx);
      isFailing.now = Boolean((await formSent(ctx)).get("on"));
      ctx.status = 204;
    } else if (isFailing.now) {
      ctx.status = 503;
      messagePage(ctx, "Out of order", "The provider does not work at the moment.");
    } else await next();
  }

  async function files(ctx, next) {
    if (ctx.path === "/style.css") [ctx.type, ctx.body] = ["css", STYLE];
    else if (ctx.path === "/sign-out.js") [ctx.type, ctx.body] = ["js", SIGN_OUT];
    else await next();
  }

  /** GET shows the people, POST takes the one who was chosen. */
  async function choosing(ctx, next) {
    if (!/^\/interaction\/[\w-]+$/.test(ctx.path)) return next();
    const { session } = await provider.interactionDetails(ctx.req, ctx.res);
    const name = ctx.method === "POST" ? (await formSent(ctx)).get("person") : null;
    if (name && directory.account(name)) {
      return await finished(ctx, { login: { accountId: name, amr: ["demo"] } });
    }
    const before = directory.person(session?.accountId)?.first_name;
    return signInPage(ctx, directory.all(), { before, refused: directory.person(name)?.first_name });
  }

  async function finished(ctx, result) {
    ctx.status = 303;
    ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, result));
  }

  /** GET /people, POST /people/NAME/disable, enable, end. Not from another site's page. */
  async function people(ctx, next) {
    const [, first, name, action] = ctx.path.split("/");
    if (first !== "people") return next();
    const person = directory.person(name);
    if (ctx.method !== "POST") {
      const shown = directory.all().map((each) => ({ ...each, sessions: store.sessionsOf(each.name).length }));
      return peoplePage(ctx, shown);
    }
    refuseOthers(ctx);
    if (!person || !["disable", "enable", "end"].includes(action)) ctx.throw(404);
    if (action !== "end") person.isDisabled = action === "disable";
    if (action !== "enable") await sessionsEnd(name);
    ctx.status = 303;
    ctx.redirect("/people");
  }

  /** Ends all sessions of a person, and tells the portals each of them. */
  async function sessionsEnd(name) {
    for (const id of store.sessionsOf(name)) {
      const session = await provider.Session.find(id);
      await session.destroy();
      for (const [clientId, { sid, grantId }] of Object.entries(session.authorizations ?? {})) {
        await provider.RefreshToken.revokeByGrantId(grantId);
        const client = await provider.Client.find(clientId);
        await client.backchannelLogout(name, sid).catch((error) => provider.emit("backchannel.error", null, error));
      }
    }
  }

  return [guarded, failing, files, choosing, people];
}
