'use strict';

const { sd_notify } = require('readyup');

module.exports = function notify(state) {
  sd_notify(`${state}\n`).catch(console.error);
};
