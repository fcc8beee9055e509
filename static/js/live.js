// The page stays current: a stream says what changed and the page fetches it; without a stream it asks every ten seconds.
// Nothing is taken from under one's hands, a hidden tab is quiet, and a portal that cannot be reached is said.
"use strict";

{
const LISTS = ":is(.rows, .attention, .lines, .matrix, .cards, .found)";
const OPEN = "dialog[open], details.menu[open]";
const POLL_MS = 10000, GAP_MS = 1000, DEAF_MS = 40000, ASLEEP_MS = 30000, ANSWER_MS = 15000;

// What there is, as the stream or the last answer told: one number a page, one for the frame, and how the sources stand.
const told = { versions: {}, version: 0, frame: 0, standing: "" };
const asked = { at: 0, gap: GAP_MS, isOpen: false, isForced: false, isRefused: false };
const held = { count: 0, last: "" };
let tickedAt = Date.now(), pollAt = tickedAt + POLL_MS, backAt = 0;

// On a page that does not change by itself the frame does: it is asked for alone, of Now (#frame-alone in base.html).
const ROOT = "[data-live], #frame-alone";
const fragment = () => document.querySelector("[data-live]") ?? document.getElementById("frame-alone");
const jitter = (ms) => Math.random() * ms;
function isAsking() {
  return asked.isOpen && Date.now() - asked.at < ANSWER_MS;
}

// Losing the portal: said once, with the moment since when and the age of what is shown, which goes on counting. While
// it is lost it is asked no more often than without a stream, at moments of chance.
let lostAt = 0, isGone = false;
function lost() {
  lostAt ||= heard.wall || Date.now();
  asked.gap = POLL_MS + jitter(POLL_MS / 2);
  sayLost();
}
function found() {
  lostAt = 0;
  isGone = false;
  asked.gap = GAP_MS;
  pinNotices();
  for (const id of ["offline", "gone"]) document.getElementById(id)?.setAttribute("hidden", "");
  fragment()?.classList.remove("gone");
}
function sayLost() {
  const banner = document.getElementById("offline");
  if (!lostAt || isGone || !banner) return;
  const evidence = Date.parse(document.querySelector("#freshness time")?.dateTime);
  const seconds = (serverNow() - (evidence || heard.server * 1000)) / 1000;
  const age = seconds < 60 || seconds >= 7200 ? durationWords(seconds) : `${Math.floor(seconds / 60)} min`;
  const since = new Date(lostAt).toTimeString().slice(0, 5);
  write(banner.querySelector("[role=status]"), `The portal has not answered since ${since}:`);
  write(banner.querySelector("[role=status] + span"), `what you see is ${age} old, and its age goes on counting.`);
  pinNotices();
  banner.hidden = false;
}
// What the portal does not give any more is asked for again only when somebody comes back to look.
const GONE = {
  401: "You are signed out: what you see is the last that you were shown.",
  403: "You may not see this any more: what you see is the last that you were shown.",
  404: "This is not there any more: what you see is the last that was known of it.",
};
function isAway(status) {
  return status === 0 || status >= 500 || status === 408 || status === 429;
}
function gone(root, status) {
  const banner = document.getElementById("gone");
  found();
  hangUp();
  isGone = true;
  root.classList.add("gone");
  write(banner.querySelector("span"), GONE[status] ?? `The portal refuses to bring this up to date (${status}): what you see is the last that it gave.`);
  write(banner.querySelector("a"), status === 401 ? "Sign in and go on here" : "Load the page again");
  banner.hidden = false;
}
// What is said above the page lies over it while the list is held, so that no row moves.
function pinNotices() {
  const place = document.getElementById("notices"), root = fragment();
  if (place) place.style.height = root && isHeld(root) ? place.style.height || `${place.offsetHeight}px` : "";
}

// Whoever points at a list, has the keyboard in it, types, or has something open keeps what is shown: updates wait. A
// finger that has left the screen points at nothing. While a button is down nothing at all is exchanged.
const hand = { isMouse: matchMedia("(hover: hover)").matches, isDown: false, upAt: 0 };
function isPressing() {
  return hand.isDown || Date.now() - hand.upAt < 50;
}
function isAtWork(root) {
  const active = document.activeElement;
  return root.contains(active) && active.matches("input, select, textarea");
}
// While a filter is typed, and until it is answered soon, the list that is about to go is not brought up to date.
const filtering = { typedAt: 0, askedAt: 0 };
function isFiltering() {
  return Date.now() - filtering.typedAt < 300 || Date.now() - filtering.askedAt < 2000;
}
document.addEventListener("htmx:beforeRequest", (event) => { if (event.detail.elt.matches("form[data-filter]")) filtering.askedAt = Date.now(); });
document.addEventListener("input", (event) => { if (event.target.closest("form[data-filter]")) filtering.typedAt = Date.now(); });
function isHeld(root) {
  return isPressing() || isAtWork(root) || document.querySelector(OPEN) !== null ||
    hand.isMouse && root.querySelector(`${LISTS}:hover`) !== null ||
    root.querySelector(`${LISTS}:focus-visible, ${LISTS} :focus-visible`) !== null;
}
function handIs(event) {
  hand.isMouse = event.pointerType !== "touch";
  if (event.type === "pointerdown") hand.isDown = true;
  else if (event.type !== "pointerover" || !event.buttons) {
    if (hand.isDown) hand.upAt = Date.now();
    hand.isDown = false;
  }
  soonConsidered();
}
for (const name of ["pointerdown", "pointerup", "pointercancel", "pointerover"]) document.addEventListener(name, handIs, true);
document.documentElement.addEventListener("pointerleave", soonConsidered);
window.addEventListener("click", () => { hand.upAt = 0; });
for (const name of ["focusout", "click", "toggle", "close"]) document.addEventListener(name, soonConsidered, true);
let soon = 0;
function soonConsidered() {
  if (held.count && !soon) soon = setTimeout(() => { soon = 0; consider(); }, 120);
}

// The pill that says how many updates wait, and lets them in.
const pill = document.createElement("button");
pill.type = "button";
pill.className = "pill-held";
pill.hidden = true;
const announcer = document.createElement("div");
announcer.setAttribute("aria-live", "polite");
announcer.append(pill);
document.body.append(announcer);
let focusBeforePill = null;
pill.addEventListener("focus", (event) => { focusBeforePill = event.relatedTarget && wayTo(event.relatedTarget); });
pill.addEventListener("click", () => {
  asked.isForced = true;
  ask(fragment());
});
function hold() {
  const now = `${told.version}/${told.standing || fragment().dataset.standing}`;
  if (held.last !== now) {
    held.count += 1;
    held.last = now;
  }
  write(pill, held.count === 1 ? "1 update" : `${held.count} updates`);
  pill.hidden = false;
}
function release() {
  Object.assign(held, { count: 0, last: "" });
  pill.hidden = true;
}

// Asking: for the fragment, or for the frame alone while the fragment is held; one at a time, at most one a second.
function ask(root, isFrameAlone = false) {
  if (!root || isAsking()) return;
  isFrameAlone ||= root.id === "frame-alone";
  Object.assign(asked, { at: Date.now(), isOpen: true, isRefused: false });
  pollAt = asked.at + POLL_MS;
  root.addEventListener("htmx:beforeSwap", refuseLate);
  if (!isFrameAlone) return htmx.trigger(root, "portal:refresh");
  htmx.ajax("GET", root.getAttribute("hx-get"), { source: root, target: root, swap: "none", values: { frame: 1 } });
}
// What was asked for a list that has been filtered meanwhile comes too late; of a list that is gone document hears nothing.
function refuseLate(event) {
  if (event.currentTarget.isConnected || event.detail.requestConfig.elt !== event.currentTarget) return;
  asked.isRefused = true;
  event.detail.shouldSwap = false;
}
let later = 0;
function consider() {
  const root = fragment();
  pinNotices();
  if (!root || isGone || document.hidden || !navigator.onLine || backAt || isAsking() || isFiltering()) return;
  const isShort = told.version > Number(root.dataset.version) || differs(told.standing, root.dataset.standing);
  const isBehind = isShort && root.id !== "frame-alone";
  const [frame, standing] = root.dataset.frame.split("/");
  const isFrameBehind = told.frame > Number(frame) || differs(told.standing, standing);
  const isHolding = isBehind && isHeld(root);
  if (isHolding) hold();
  else if (!isBehind) release();
  if (isHolding ? !isFrameBehind : !isBehind && !isFrameBehind) return;
  const wait = asked.at + asked.gap - Date.now();
  if (wait <= 0) ask(root, isHolding || !isBehind);
  else if (!later) later = setTimeout(() => { later = 0; consider(); }, wait);
}
function differs(one, other) {
  return one !== "" && one !== other;
}

document.addEventListener("htmx:configRequest", (event) => {
  const { elt, parameters } = event.detail;
  if (elt.matches(`${ROOT}, form[data-filter]`) && told.version) parameters.since = told.version;
  if (!elt.matches(ROOT)) return;
  const { version, standing, ends, frame, title } = elt.dataset;
  Object.assign(parameters, { v: version, s: standing, u: ends, f: frame, t: title });
});
// The answer to a filter was asked for by hand: it is shown even while the list is held, and in the list that is there
// now, which may be another than when it was asked for. What is `since` is no part of the page's address.
document.addEventListener("htmx:beforeOnLoad", (event) => {
  const { requestConfig, pathInfo, xhr } = event.detail, root = document.getElementById("live");
  if (!root || !requestConfig.elt.matches("form[data-filter]")) return;
  event.detail.target = root;
  pathInfo.responsePath = (pathInfo.responsePath ?? pathInfo.finalRequestPath).replace(/[?&]since=\d+$/, "");
  if (xhr.status === 200) before = remembered(root, false);
});
document.addEventListener("htmx:beforeSwap", (event) => {
  const root = event.detail.target, isLive = event.detail.requestConfig.elt === root;
  if (!root.matches(ROOT)) return;
  const isFrameAlone = event.detail.xhr.getResponseHeader("HX-Reswap") === "none";
  if (isLive) pinNotices();
  asked.isRefused = isLive && !asked.isForced && (isFrameAlone ? isPressing() : isHeld(root) || isFiltering());
  if (asked.isRefused) event.detail.shouldSwap = false;
  if (isFrameAlone || !event.detail.shouldSwap) return;
  if (isLive) before = remembered(root, true);
  // What goes is taken away first: htmx would look at each element of it for what it could have left behind there.
  root.replaceChildren();
});
document.addEventListener("htmx:afterRequest", (event) => {
  const answer = event.detail.xhr, { elt } = event.detail.requestConfig, isLive = elt.matches(ROOT);
  asked.isOpen = false;
  if (!isLive) filtering.askedAt = 0;
  if (answer.status >= 400 || isAway(answer.status)) asked.isForced = false;
  if (isAway(answer.status)) return lost();
  if (answer.status >= 400) return isLive && gone(elt, answer.status);
  found();
  if (answer.getResponseHeader("Portal-Version") !== null) learn((name) => answer.getResponseHeader(`Portal-${name}`), answer);
  asked.isForced = false;
  ageAll();
  consider();
});
function learn(header, answer) {
  const root = fragment();
  hear(Number(header("Now")));
  told.standing = header("Standing");
  learnVersions(root, Number(header("Version")), parseInt(header("Frame"), 10));
  const isKept = answer.status === 204 || answer.getResponseHeader("HX-Reswap") === "none";
  if (root && isKept && !asked.isRefused) {
    root.dataset.frame = header("Frame");
    if (root.id === "frame-alone") root.dataset.standing = told.standing;
    if (root.dataset.standing === told.standing) root.dataset.until = header("Until");
  }
  evidence(Number(header("Evidence-Age") ?? NaN));
}
// An answer knows nothing of what the stream said after it was made.
function learnVersions(root, version = 0, frame = 0) {
  const { topics = "", counts = "" } = line.isOpen && root ? root.dataset : {};
  told.version = Math.max(version, sumOf(topics));
  told.frame = Math.max(frame, sumOf(counts));
}
// Fresh evidence is at most as old as the oldest of it.
function evidence(age) {
  if (Number.isNaN(age)) return;
  const moment = serverNow() - age * 1000;
  for (const time of document.querySelectorAll("time[data-age=evidence]")) {
    if (Date.parse(time.dateTime) >= moment) continue;
    time.dateTime = new Date(moment).toISOString();
    time.title = `${new Date(moment).toLocaleString()} here`;
  }
}

// A swap gives focus and opened parts back, and marks the rows that are new or read otherwise than before.
let before = null;
function remembered(root, isSameList) {
  const active = root.contains(document.activeElement) ? wayTo(document.activeElement) : null;
  return {
    open: [...root.querySelectorAll("details[open][id]")].map((each) => each.id),
    focus: active ?? (document.activeElement === pill ? focusBeforePill : null),
    scrolled: isSameList ? scrolledIn(root) : [],
    rows: isSameList && new Map([...root.querySelectorAll("[data-row]")].map((row) => [row.dataset.row, wordsOf(row)])),
  };
}
function wayTo(element) {
  const address = element.getAttribute("href");
  return element.id ? `#${CSS.escape(element.id)}` : address ? `[href="${CSS.escape(address)}"]` : null;
}
// What was scrolled within the page, by its way from the nearest thing with a name.
const scrolled = new Set();
document.addEventListener("scroll", (event) => { if (event.target !== document) scrolled.add(event.target); }, true);
function scrolledIn(root) {
  const inside = [...scrolled].filter((each) => root.contains(each));
  scrolled.clear();
  return inside.map((each) => [pathTo(each), each.scrollLeft, each.scrollTop]);
}
function pathTo(element) {
  if (element.id) return `#${CSS.escape(element.id)}`;
  if (element.dataset.row) return `[data-row="${CSS.escape(element.dataset.row)}"]`;
  const alike = [...element.parentElement.children].filter((each) => each.localName === element.localName);
  return `${pathTo(element.parentElement)} > ${element.localName}:nth-of-type(${alike.indexOf(element) + 1})`;
}
function wordsOf(row) {
  const copy = row.cloneNode(true), shapes = [...copy.querySelectorAll(".shape")];
  copy.querySelectorAll("time").forEach((time) => time.remove());
  return [copy.textContent, ...shapes.map((shape) => shape.getAttribute("aria-label"))].join("\n");
}
function marked(rows) {
  for (const row of document.querySelectorAll("[data-live] [data-row]")) {
    if (rows.get(row.dataset.row) === wordsOf(row)) continue;
    row.classList.add("is-new");
    setTimeout(() => row.classList.remove("is-new"), 2000);
  }
}
document.addEventListener("htmx:afterSettle", () => {
  if (before) {
    release();
    for (const id of before.open) document.getElementById(id)?.setAttribute("open", "");
    for (const [path, left, top] of before.scrolled) document.querySelector(path)?.scrollTo(left, top);
    if (before.focus && [document.body, pill].includes(document.activeElement)) {
      document.querySelector(`[data-live] ${before.focus}`)?.focus({ preventScroll: true });
    }
    if (before.rows) marked(before.rows);
  }
  before = null;
  localize(document);
  ageAll();
});

// The stream: one while the tab is seen. When it ends or cannot be had it is tried again, ever more patiently.
const line = { stream: null, isOpen: false, heardAt: 0, retryAt: 0, failures: 0 };
function listen() {
  const root = fragment();
  if (line.stream || isGone || !root || document.hidden || !navigator.onLine || Date.now() < line.retryAt || !window.EventSource) return;
  const topics = new Set(`${root.dataset.topics} ${root.dataset.counts}`.split(" "));
  told.versions = {};
  line.heardAt = Date.now();
  line.stream = new EventSource(`/stream?topics=${[...topics].map(encodeURIComponent).join(",")}`);
  line.stream.addEventListener("message", (event) => heardVersions(JSON.parse(event.data)));
  line.stream.addEventListener("beat", (event) => heardBeat(JSON.parse(event.data)));
  line.stream.addEventListener("error", lineLost);
}
function hangUp() {
  line.stream?.close();
  Object.assign(line, { stream: null, isOpen: false });
}
function lineLost() {
  hangUp();
  line.failures += 1;
  const now = Date.now(), patience = Math.min(60000, 1000 * 2 ** line.failures);
  line.retryAt = now + patience / 2 + jitter(patience);
  if (line.failures === 1) pollAt = Math.min(pollAt, now + 1000 + jitter(4000));
}
function heardVersions(versions) {
  const root = fragment();
  Object.assign(line, { isOpen: true, heardAt: Date.now(), failures: 0 });
  Object.assign(told.versions, versions);
  if (!root) return;
  learnVersions(root);
  consider();
}
function sumOf(topics) {
  return topics.split(" ").reduce((sum, topic) => sum + (told.versions[topic] ?? 0), 0);
}
function heardBeat(beat) {
  const root = fragment();
  line.heardAt = Date.now();
  told.standing = beat.standing;
  hear(beat.now);
  evidence(beat.age ?? NaN);
  if (root?.dataset.standing === beat.standing) root.dataset.until = beat.until ?? 0;
  ageAll();
  consider();
}

// Each second: what is due? A poll where there is no stream, and in any case once what is shown cannot be vouched for
// any more.
function isDue(root, now) {
  if (!line.isOpen && now >= Math.max(pollAt, asked.at + asked.gap)) return true;
  const ends = [root.dataset.until, root.dataset.ends].map(Number).filter((moment) => moment > 0);
  const isOver = serverNow() / 1000 > Math.min(...ends) + 1;
  return isOver && now - asked.at > (lostAt || isHeld(root) ? Math.max(POLL_MS, asked.gap) : 2 * GAP_MS);
}
function tick() {
  const now = Date.now(), slept = now - tickedAt, root = fragment();
  tickedAt = now;
  sayLost();
  if (!root || isGone || document.hidden || !navigator.onLine) return;
  if (slept > ASLEEP_MS) return comeBack();
  if (backAt && now < backAt) return;
  const isBack = backAt > 0;
  backAt = 0;
  if (line.stream && now - line.heardAt > DEAF_MS) lineLost();
  if (isBack || isDue(root, now)) ask(root, isHeld(root));
  else consider();
  listen();
}
// Back after an absence: one refresh at a moment of chance, so that not all who come back ask at once.
function comeBack() {
  lost();
  hangUp();
  line.retryAt = 0;
  backAt = Date.now() + jitter(5000 + Math.min(10000, (Date.now() - lostAt) / 360));
}
function lookedAt() {
  tickedAt = Date.now();
  if (!navigator.onLine) return lost();
  if (backAt) return;
  line.retryAt = 0;
  ask(fragment());
  listen();
}
document.addEventListener("visibilitychange", () => document.hidden ? hangUp() : lookedAt());
window.addEventListener("pagehide", hangUp);
// A page that the browser brings back as it was names itself anew: what is pressed on it now is another request.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  if (!crypto.randomUUID) return location.reload();
  for (const field of document.querySelectorAll("#act [name=form]")) field.value = crypto.randomUUID();
  lookedAt();
});
window.addEventListener("offline", () => { lost(); hangUp(); });
window.addEventListener("online", comeBack);
setInterval(tick, 1000);
listen();
}
