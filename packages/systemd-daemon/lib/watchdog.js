'use strict';

const { sd_watchdog_enabled, watchdog: heartbeat } = require('readyup');

/** The longest time that a timer can have. */
const LONGEST_INTERVAL = 0x7fffffff;

let timer = null;

exports.enabled = function enabled() {
  try {
    return sd_watchdog_enabled();
  } catch {
    return 0;
  }
};

exports.start = function start() {
  if (timer !== null) return;
  const period = exports.enabled();
  if (period > 0) timer = setInterval(beat, Math.min(period / 2, LONGEST_INTERVAL));
};

exports.stop = function stop() {
  clearInterval(timer);
  timer = null;
};

function beat() {
  try {
    heartbeat.ping();
  } catch (error) {
    console.error(error);
  }
}
