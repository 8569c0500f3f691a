// Loads one package, and says how many nanoseconds that took and by how many bytes the process grew. Started by
// src/groups/start.rs.

'use strict';

const { createRequire } = require('node:module');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');

const peers = createRequire(join(process.env.BENCH_PEERS, 'package.json'));
const ours = join(process.env.BENCH_ROOT, 'packages/readyup/dist');
const importing = (path) => {
  const url = pathToFileURL(path).href;
  return () => import(url);
};

const [, , name] = process.argv;
const loads = {
  empty: () => require(join(__dirname, 'empty/index.js')),
  readyup: () => require(join(ours, 'index.js')),
  'first-message': () => require(join(ours, 'index.js')).watchdog.ping(),
  serve: () => require(join(ours, 'serve.js')),
  'empty-import': importing(join(__dirname, 'empty/index.mjs')),
  'readyup-import': importing(join(ours, 'index.mjs')),
  'serve-import': importing(join(ours, 'serve.mjs')),
};
const load = loads[name] ?? (() => peers(name));

(async () => {
  // What measures is warm by then.
  process.memoryUsage.rss();
  process.hrtime.bigint();
  const before = process.memoryUsage.rss();
  const start = process.hrtime.bigint();
  const result = load();
  if (result instanceof Promise) await result;
  const time = process.hrtime.bigint() - start;
  console.log(`${time} ${process.memoryUsage.rss() - before}`);
})();
