// The demo's and the tests' OpenID provider: `node provider.mjs SETTINGS.json`.
//
// The settings: `issuer` (on loopback), `portals` (their origins), `client` {id, secret}, `people` [{name, first_name,
// email, groups, words}], `seconds` {id_token} (how long an ID token holds). Sessions are kept in memory alone, the key
// that signs beside the settings.

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import Provider from "oidc-provider";
import { Directory } from "./directory.mjs";
import { messagePage, signOutPage } from "./pages.mjs";
import { routes } from "./routes.mjs";
import { Store } from "./store.mjs";

const HOUR = 3600;
const settings = JSON.parse(readFileSync(process.argv[2], "utf8"));
const directory = new Directory(settings.people);
const store = new Store();

/** Made once: whoever trusts this provider goes on to do so when it is started again. */
function signingKey(file) {
  if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8"));
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = { ...privateKey.export({ format: "jwk" }), alg: "RS256", use: "sig", kid: randomBytes(8).toString("hex") };
  writeFileSync(file, JSON.stringify(key), { mode: 0o600 });
  return key;
}

/** Back-channel calls go to loopback, which the library refuses, and to the portals alone. */
function calledBack(url, { dispatcher: _, ...options }) {
  if (!settings.portals.includes(new URL(url).origin)) throw new Error(`${url} is no portal's`);
  return fetch(url, options);
}

/** The portal is the organisation's own: nobody is asked whether it may know who they are. */
async function grantGiven(ctx) {
  const { session, client, params, provider } = ctx.oidc;
  const grant = new provider.Grant({ accountId: session.accountId, clientId: client.clientId });
  grant.addOIDCScope(params.scope);
  await grant.save();
  return grant;
}

const at = (path) => settings.portals.map((origin) => origin + path);
const cookies = (name) => `demo_provider_${new URL(settings.issuer).port}_${name}`;

const provider = new Provider(settings.issuer, {
  adapter: store.adapter,
  clients: [
    {
      client_id: settings.client.id,
      client_secret: settings.client.secret,
      grant_types: ["authorization_code", "refresh_token"],
      redirect_uris: at("/accounts/callback/"),
      post_logout_redirect_uris: at("/accounts/signed-out/"),
      backchannel_logout_uri: at("/accounts/backchannel-logout/")[0],
      backchannel_logout_session_required: true,
    },
  ],
  claims: {
    openid: ["sub"],
    profile: ["name", "given_name", "preferred_username"],
    email: ["email", "email_verified"],
    groups: ["groups"],
  },
  conformIdTokenClaims: false,
  cookies: {
    keys: [randomBytes(32).toString("hex")],
    names: { session: cookies("session"), interaction: cookies("interaction"), resume: cookies("resume") },
  },
  features: {
    backchannelLogout: { enabled: true },
    devInteractions: { enabled: false },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (ctx, form) => signOutPage(ctx, form, directory.person(ctx.oidc.session.accountId)),
      postLogoutSuccessSource: (ctx) => messagePage(ctx, "Signed out", "You are signed out here."),
    },
  },
  fetch: calledBack,
  findAccount: (_ctx, name) => directory.account(name),
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  issueRefreshToken: () => true,
  jwks: { keys: [signingKey(`${process.argv[2]}.key`)] },
  loadExistingGrant: grantGiven,
  pkce: { required: () => true },
  renderError: (ctx, told) => messagePage(ctx, "This did not work", told.error_description ?? told.error),
  rotateRefreshToken: true,
  ttl: {
    AccessToken: HOUR,
    AuthorizationCode: 60,
    Grant: 12 * HOUR,
    IdToken: settings.seconds?.id_token ?? 10 * 60,
    Interaction: HOUR,
    RefreshToken: 12 * HOUR,
    Session: 12 * HOUR,
  },
});
provider.on("server_error", (_ctx, error) => console.error("demo provider:", error));
provider.on("backchannel.error", (_ctx, error) => console.error("demo provider: no portal took a logout:", error.message));
for (const route of routes({ provider, settings, directory, store })) provider.use(route);

const { hostname, port } = new URL(settings.issuer);
const server = createServer(provider.callback());
server.listen(Number(port), hostname, () => console.log(`demo provider at ${settings.issuer}`));
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
