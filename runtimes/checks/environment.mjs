// Runtimes differ in whether native code sees what JavaScript writes into `process.env`. The package must not care.
import assert from 'node:assert/strict';
import { Worker } from 'node:worker_threads';
import readyup from 'readyup';
import { Receiver, checks, within } from './check.mjs';

const [one, other] = [await Receiver.start(), await Receiver.start()];

/** What a worker with this environment says to the function's source. */
function inWorker(source, env) {
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads');
    const readyup = require('readyup');
    (${source})().then((answer) => parentPort.postMessage(answer));`,
    { eval: true, ...(env === undefined ? {} : { env }) },
  );
  const answer = new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  return within(answer, 'an answer').finally(() => worker.terminate());
}

await checks({
  'what is written is used by the next call': async () => {
    for (const receiver of [one, other, one]) {
      process.env.NOTIFY_SOCKET = receiver.address;
      assert.equal(await readyup.status('x'), true);
      assert.equal(await receiver.text(), 'STATUS=x');
    }
  },
  'what is deleted or empty is no manager': async () => {
    delete process.env.NOTIFY_SOCKET;
    assert.equal(await readyup.status('x'), false);
    process.env.NOTIFY_SOCKET = '';
    assert.equal(await readyup.status('x'), false);
  },
  'the watchdog period': async () => {
    process.env.WATCHDOG_USEC = '3000000';
    assert.equal(readyup.sd_watchdog_enabled(), 3000);
    process.env.WATCHDOG_PID = String(process.pid);
    assert.equal(readyup.sd_watchdog_enabled(), 3000);
    process.env.WATCHDOG_PID = '1';
    assert.equal(readyup.sd_watchdog_enabled(), 0);
    delete process.env.WATCHDOG_USEC;
    delete process.env.WATCHDOG_PID;
  },
  unsetEnvironment: async () => {
    process.env.NOTIFY_SOCKET = one.address;
    assert.equal(await readyup.sd_notify('X_A=1', { unsetEnvironment: true }), true);
    assert.equal('NOTIFY_SOCKET' in process.env, false);
    assert.equal(await one.text(), 'X_A=1');
    assert.equal(await readyup.sd_notify('X_A=1'), false);
  },
  "a worker's own environment": async () => {
    process.env.NOTIFY_SOCKET = one.address;
    assert.equal(await inWorker(`() => readyup.status('worker')`, { NOTIFY_SOCKET: other.address }), true);
    assert.equal(await other.text(), 'STATUS=worker');
    await one.nothing();
  },
  'what a worker writes': async () => {
    const source = `async () => {
      process.env.NOTIFY_SOCKET = ${JSON.stringify(other.address)};
      return readyup.status('written');
    }`;
    assert.equal(await inWorker(source, {}), true);
    assert.equal(await other.text(), 'STATUS=written');
  },
});
