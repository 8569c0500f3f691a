// A program whose event loop turns as fast as it can, while it sends a heartbeat every few milliseconds; then it says how
// many nanoseconds the longest turn after a heartbeat took, as the median and the longest of them. Started by src/groups/delay.rs.

import { writeSync } from 'node:fs';
import { heartbeats } from './heartbeats.mjs';

const PAUSE = 5e6;
const COUNT = 20;
const now = () => Number(process.hrtime.bigint());

const [, , name, manager] = process.argv;
let beat = () => {};
try {
  if (name !== 'nothing') beat = heartbeats[name]().once;
} catch {
  process.exit(0);
}

/** The longest turns after each of `count` heartbeats. */
function turn(count) {
  return new Promise((resolve) => {
    const longest = [];
    let last = now();
    let due = last + PAUSE;
    let after = 0;
    setImmediate(function next() {
      const time = now();
      after = Math.max(after, time - last);
      last = time;
      if (time >= due) {
        longest.push(after);
        if (longest.length > count) return resolve(longest.slice(1).sort((a, b) => a - b));
        after = 0;
        due = time + PAUSE;
        // What it answers with is not waited for, as in any program that goes on with its own work.
        try {
          Promise.resolve(beat()).catch(() => {});
        } catch {
          // A queue that is full.
        }
      }
      setImmediate(next);
    });
  });
}

if (manager === 'reads' || name === 'nothing') await turn(COUNT);
writeSync(1, 'go\n');
const longest = await turn(COUNT);
writeSync(1, `${longest[COUNT / 2]} ${longest[COUNT - 1]}\n`);
process.exit(0);
