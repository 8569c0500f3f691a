// The sending side for Node: a process that does nothing but heartbeats of one kind, as many as it is told to.
// What it says and is told is written down in src/worker.rs.

import { readSync, writeSync } from 'node:fs';
import { heartbeats } from './heartbeats.mjs';

/** Many heartbeats out of one; those that answer with a promise are awaited. */
function many(once) {
  let result;
  return async (count) => {
    for (let i = 0; i < count; i += 1) {
      result = once();
      if (typeof result === 'object' && result !== null) result = await result;
      if (result === false || result === null) throw new Error('a heartbeat was not sent');
    }
  };
}

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
  worker = heartbeats[process.argv[2]]();
} catch (error) {
  writeSync(1, `absent ${error.message.split('\n')[0]}\n`);
  process.exit(0);
}
const beat = many(worker.once);
writeSync(1, `ready ${process.pid} ${worker.version}\n`);
for (let line = readLine(); line !== undefined; line = readLine()) {
  const [warm, count] = line.split(' ').map(Number);
  await beat(warm);
  const start = process.hrtime.bigint();
  await beat(count);
  const time = process.hrtime.bigint() - start;
  writeSync(1, `${time}\n`);
}
