// Loaded before the originals' tests and examples: what they take for granted.
'use strict';

const { createServer, Server } = require('node:http');
const { describe, it } = require('node:test');

// Their ports may be taken; any other will do.
const { listen } = Server.prototype;
Server.prototype.listen = function (where, ...more) {
  return listen.call(this, typeof where === 'number' ? 0 : where, ...more);
};

// What a README leaves out, and what their test runner brings.
Object.assign(globalThis, { app: createServer(), PORT: 0, describe, it });
Object.defineProperty(globalThis, 'notify', {
  configurable: true,
  get: () => require(`${process.cwd()}/node_modules/sd-notify`),
});
