'use strict';

const { journal, sd_notify, sd_pid_notify, sd_watchdog_enabled, watchdog: heartbeat } = require('readyup');

/** What a watchdog mode that was told nothing takes where the unit tells nothing either, in milliseconds. */
const DEFAULT_INTERVAL = 3000;
/** The longest time that a timer can have. */
const LONGEST_INTERVAL = 0x7fffffff;
/** How much text fits into one message beside `STATUS=` and a line feed, in bytes. */
const STATUS_MAX = 4096 - 8;

/** LOG_INFO, for a level that is none. */
const INFO = 6;

let timer = null;

function ready() {
  sd_notify('READY=1');
}

function stopping(pid) {
  if (Number.isInteger(pid) && pid > 0 && pid !== process.pid) sd_pid_notify(pid, 'STOPPING=1');
  else sd_notify('STOPPING=1');
}

function watchdog() {
  try {
    heartbeat.ping();
  } catch {
    // The manager acts if none gets through; an exception out of a timer would only end a service that works.
  }
}

function watchdogInterval() {
  try {
    return Math.floor(sd_watchdog_enabled());
  } catch {
    return 0;
  }
}

function startWatchdogMode(interval) {
  stopWatchdogMode();
  const given = Number(interval);
  const usable = given > 0 && given < Infinity;
  timer = setInterval(watchdog, usable ? Math.min(given, LONGEST_INTERVAL) : defaultInterval());
}

function defaultInterval() {
  return watchdogInterval() / 2 || DEFAULT_INTERVAL;
}

function stopWatchdogMode() {
  clearInterval(timer);
  timer = null;
}

function sendState(state) {
  sd_notify(String(state));
}

function sendStatus(text) {
  sendState(`STATUS=${oneLine(String(text))}\n`);
}

/** A text as a status can have it: a line feed would begin another assignment, and what is too long would be dropped. */
function oneLine(text) {
  const line = text.replace(/[\r\n\0]+/g, ' ');
  const bytes = Buffer.from(line);
  if (bytes.length <= STATUS_MAX) return line;
  let end = STATUS_MAX;
  // Not in the middle of a character.
  while ((bytes[end] & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}

function journalPrint(level, text) {
  const number = Number(level);
  // Above the three bits of the level is the facility, as in C.
  journal.print(Number.isInteger(number) ? number & 7 : INFO, String(text));
}

const at =
  (level) =>
  (...texts) =>
    journalPrint(level, texts.join(' '));

const log = {
  emerg: at(0),
  emergency: at(0),
  alert: at(1),
  crit: at(2),
  critical: at(2),
  err: at(3),
  error: at(3),
  warning: at(4),
  warn: at(4),
  notice: at(5),
  info: at(6),
  debug: at(7),
};

module.exports = {
  ready,
  stopping,
  watchdog,
  watchdogInterval,
  sendState,
  journalPrint,
  startWatchdogMode,
  stopWatchdogMode,
  sendStatus,
  log,
};
