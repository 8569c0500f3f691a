// The event loop: how late and how busy it is, and heartbeats that are withheld for it.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { LoopMonitor, watchdog } from 'readyup';
import { Receiver } from './receiver.mjs';
import { elapse, runScript, until } from './support.mjs';

const receiver = await Receiver.start();

beforeEach(() => receiver.reset());
afterEach(() => watchdog.stop());

/** Holds the event loop, without using the processor. */
const hold = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

test('ok: how late and how busy the loop is', async () => {
  const loop = new LoopMonitor(10);
  await elapse(100);
  loop.read();
  await elapse(30);
  hold(400);
  await elapse(30);
  const { maxDelay, meanDelay, utilization } = loop.read();
  assert.ok(maxDelay >= 350 && maxDelay < 5000, `${maxDelay} ms`);
  assert.ok(meanDelay > 0 && meanDelay < maxDelay, `${meanDelay} ms`);
  // Neither Bun nor Deno tells.
  if (process.versions.bun ?? process.versions.deno) assert.equal(utilization, NaN);
  else assert.ok(utilization > 0.3 && utilization <= 1, `${utilization}`);
  // What was told is forgotten.
  await elapse(100);
  assert.ok(loop.read().maxDelay < 350);
  loop.stop();
  loop.stop();
});

test('ok: asked before there is anything to tell', () => {
  const loop = new LoopMonitor();
  const { maxDelay, meanDelay } = loop.read();
  assert.deepEqual([maxDelay, meanDelay], [0, 0]);
  loop.stop();
});

test('ok: it does not keep the process alive', async () => {
  const source = `
    const { LoopMonitor, watchdog } = require('readyup');
    new LoopMonitor();
    watchdog.start({ interval: 10_000, maxLoopDelay: 100 });
    process.on('exit', () => console.log(process.uptime() < 5));
  `;
  assert.equal(await runScript(source, { env: { NOTIFY_SOCKET: receiver.address } }), 'true\n');
});

test('ok: a heartbeat is withheld when the loop was late, and the next one is not', async () => {
  const before = watchdog.withheld;
  assert.equal(watchdog.start({ interval: 50, maxLoopDelay: 1000, diagnose: false }), true);
  await receiver.take(3);
  assert.equal(watchdog.withheld, before);
  hold(1500);
  await until(() => watchdog.withheld > before, 'the one that is withheld');
  await receiver.rest();
  assert.equal((await receiver.take(1))[0].text, 'WATCHDOG=1');
  assert.equal(watchdog.running, true);
});

test('ok: the check is not asked when the loop was late', async () => {
  let asked = 0;
  const before = watchdog.withheld;
  watchdog.start({ interval: 50, maxLoopDelay: 1000, diagnose: false, check: () => (asked += 1) });
  await receiver.take(2);
  const after = asked;
  hold(1500);
  await until(() => watchdog.withheld > before, 'the one that is withheld');
  assert.ok(asked <= after + 1);
});

test('err: a delay that is none', () => {
  for (const maxLoopDelay of [0, -1, NaN, '5']) {
    assert.throws(() => watchdog.start({ interval: 50, maxLoopDelay }), { code: 'ERR_OUT_OF_RANGE' });
  }
});
