// Ends at the worst moment: of many workers, of the process while workers and the main thread send, and by a signal while
// the service says that it is ready. Each is to be an ordinary end, and no crash.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { Receiver, checks, run, until, within } from './check.mjs';

const WORKERS = 200;
const AT_ONCE = 20;
const receiver = await Receiver.start();
const env = { NOTIFY_SOCKET: receiver.address };
process.env.NOTIFY_SOCKET = receiver.address;
const descriptors = () => readdirSync('/proc/self/fd').length;

/** A worker that says one thing and comes to its end. */
const once = `require('readyup').ready('worker');`;
/** One that says it by several ways, and goes on until it is terminated. */
const endless = `
  const { Notifier, ready, watchdog } = require('readyup');
  const notifier = new Notifier();
  watchdog.start({ interval: 1 });
  notifier.status('first').then(() => require('worker_threads').parentPort.postMessage(0));
  (async () => { for (;;) await Promise.all([ready('worker'), notifier.status('other')]); })();
`;

async function start(source) {
  const worker = new Worker(source, { eval: true });
  const ended = new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject));
  if (source === endless) {
    await new Promise((resolve) => worker.once('message', resolve));
    await worker.terminate();
  }
  return within(ended, 'the end of a worker', 30_000);
}

async function round(count) {
  const ends = Array.from({ length: count }, (_, index) => start(index % 2 === 0 ? once : endless));
  const codes = await within(Promise.all(ends), 'the end of all workers', 60_000);
  assert.deepEqual(
    codes.filter((_, index) => index % 2 === 0),
    Array(count / 2).fill(0),
  );
  await receiver.rest();
}

await checks({
  [`${WORKERS} workers, half of them terminated`]: async () => {
    await round(2);
    const before = descriptors();
    for (let count = 0; count < WORKERS; count += AT_ONCE) await round(AT_ONCE);
    await until(() => descriptors() <= before, `${before} descriptors`);
  },
  'process.exit() while workers and the main thread send': async () => {
    const source = `
      const { Worker } = require('worker_threads');
      const { ready, barrier } = require('readyup');
      const source = "const r = require('readyup'); (async () => { for (;;) await r.status('x'); })();";
      for (let count = 0; count < 4; count += 1) new Worker(source, { eval: true });
      let sent = 0;
      (async () => { for (;;) { barrier(1000); await ready('main'); if ((sent += 1) === Number(process.argv[1])) process.exit(7); } })();
    `;
    for (const sent of [1, 50, 300, 1000]) {
      const { code, output } = await run(process.execPath, ['-e', source, String(sent)], env);
      assert.deepEqual([code, output], [7, ''], `after ${sent}`);
      const texts = await receiver.rest();
      assert.ok(texts.filter((text) => text === 'READY=1\nSTATUS=main').length >= sent);
    }
  },
  'SIGTERM while READY=1 waits for room': async () => {
    for (const [handler, outcome, said] of [
      ['', [null, 'SIGTERM'], []],
      [`process.once('SIGTERM', () => stopping().then(() => process.exit(5)));`, [5, null], ['READY=1', 'STOPPING=1']],
    ]) {
      await receiver.fill();
      const source = `const { ready, stopping } = require('readyup'); ${handler} ready(); console.log('said');
        setInterval(() => {}, 1000);`;
      const child = spawn(process.execPath, ['-e', source], {
        env: { ...process.env, ...env },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      try {
        const closed = new Promise((resolve) => child.once('close', (...outcome) => resolve(outcome)));
        await within(new Promise((resolve) => child.stdout.once('data', resolve)), 'that it has begun');
        process.kill(child.pid, 'SIGTERM');
        // Without a handler it is gone at once; with one, it has something left to say.
        if (handler === '') assert.deepEqual(await within(closed, 'its end'), outcome);
        receiver.resume();
        assert.deepEqual(await within(closed, 'its end'), outcome);
      } finally {
        if (child.exitCode === null && child.signalCode === null) process.kill(child.pid, 'SIGKILL');
        receiver.resume();
      }
      const texts = (await receiver.rest()).filter((text) => text !== 'X_FILL=1');
      assert.deepEqual(texts, said);
    }
  },
});
