'use strict';

const { sd_listen_fds } = require('readyup');

/** How many descriptors were passed, or -1 if the variables are garbage. */
module.exports = function listen_fds() {
  if (!process.env.LISTEN_PID) return 0;
  try {
    return sd_listen_fds().length;
  } catch {
    return -1;
  }
};

/** The first of them. */
module.exports.start = 3;
