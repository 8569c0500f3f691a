// The sending side for Node: a process that does nothing but heartbeats of one kind, as many as it is told to.
// What it says and is told is written down in src/worker.rs.

import { readSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const OURS = '../../packages/readyup';

const workers = {
  'node-ping': () => {
    const { watchdog } = require(`${OURS}/dist/index.js`);
    return {
      version: require(`${OURS}/package.json`).version,
      beat: (count) => {
        for (let i = 0; i < count; i += 1) {
          if (!watchdog.ping()) throw new Error('a heartbeat was not sent');
        }
      },
    };
  },
  'node-sd_notify': () => {
    const { sd_notify } = require(`${OURS}/dist/index.js`);
    return {
      version: require(`${OURS}/package.json`).version,
      beat: async (count) => {
        for (let i = 0; i < count; i += 1) {
          if (!(await sd_notify('WATCHDOG=1'))) throw new Error('a heartbeat was not sent');
        }
      },
    };
  },
  'node-sd-notify': () => {
    const notify = require('sd-notify');
    return {
      version: require('sd-notify/package.json').version,
      beat: (count) => {
        for (let i = 0; i < count; i += 1) notify.watchdog();
      },
    };
  },
};

/** The next line of the input; undefined at its end. */
function readLine() {
  const buffer = Buffer.alloc(64);
  let text = '';
  while (!text.endsWith('\n')) {
    const length = readSync(0, buffer);
    if (length === 0) return undefined;
    text += buffer.toString('latin1', 0, length);
  }
  return text.trimEnd();
}

let worker;
try {
  worker = workers[process.argv[2]]();
} catch (error) {
  writeSync(1, `absent ${error.message.split('\n')[0]}\n`);
  process.exit(0);
}
writeSync(1, `ready ${process.pid} ${worker.version} ${process.versions.node}\n`);
for (let line = readLine(); line !== undefined; line = readLine()) {
  const [warm, count] = line.split(' ').map(Number);
  await worker.beat(warm);
  const start = process.hrtime.bigint();
  await worker.beat(count);
  const time = process.hrtime.bigint() - start;
  writeSync(1, `${time}\n`);
}
