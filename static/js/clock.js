// Ages that count on by the server's clock, and moments in the reader's own zone. Without it every page still works.
"use strict";

const root = document.documentElement;

// The server's clock: its moment at the last answer, and what has passed here since. The greater of two clocks is
// taken, because one stands still while a machine sleeps and the other can be set back.
const heard = { server: 0, steady: 0, wall: 0 };
function hear(server) {
  if (server > 0) Object.assign(heard, { server, steady: performance.now(), wall: Date.now() });
}
function serverNow() {
  return heard.server * 1000 + Math.max(performance.now() - heard.steady, Date.now() - heard.wall);
}

function twoUnits(seconds, big, bigName, small, smallName) {
  const rest = Math.floor((seconds % big) / small);
  return `${Math.floor(seconds / big)} ${bigName}` + (rest ? ` ${rest} ${smallName}` : "");
}
// The same words as apps/core/ages.py.
function durationWords(seconds) {
  seconds = Math.max(0, Math.floor(seconds));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m`;
  if (seconds < 172800) return twoUnits(seconds, 3600, "h", 60, "m");
  if (seconds < 1209600) return twoUnits(seconds, 86400, "d", 3600, "h");
  return `${Math.floor(seconds / 86400).toLocaleString("en")} d`;
}
function ageWords(moment, now) {
  const past = (now - moment) / 1000;
  return past < -2 ? `in ${durationWords(-past)}` : durationWords(past);
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
function ageAll() {
  if (!heard.server) return;
  const now = serverNow();
  for (const time of document.querySelectorAll("time[data-age]")) write(time, ageWords(Date.parse(time.dateTime), now));
  for (const time of document.querySelectorAll("time[data-until]")) {
    const left = (Date.parse(time.dateTime) - now) / 1000;
    write(time, left >= 1 ? durationWords(left) : "now");
    if (left < 0) time.closest(".banner")?.remove();
  }
}
const LOCAL = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
function localize(within) {
  for (const time of within.querySelectorAll("time[datetime]:not([data-local])")) {
    const moment = new Date(time.dateTime);
    time.dataset.local = "";
    time.title = `${LOCAL.format(moment)} here · ${time.title}`;
    if ("clock" in time.dataset) write(time, moment.toTimeString().slice(0, 5));
  }
}

hear(Number(root.dataset.now));
localize(document);
ageAll();
setInterval(ageAll, 1000);
