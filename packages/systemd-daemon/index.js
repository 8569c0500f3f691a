'use strict';

exports.watchdog = require('./lib/watchdog');
exports.notify = require('./lib/notify');
exports.booted = require('./lib/booted');
exports.listen_fds = require('./lib/listen-fds');
exports.socket = require('./lib/socket');
