'use strict';

const { sd_booted } = require('readyup');

module.exports = function booted(callback) {
  if (!callback) return sd_booted();
  setImmediate(() => callback(sd_booted()));
};
