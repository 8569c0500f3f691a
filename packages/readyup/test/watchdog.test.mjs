// The heartbeats: when they come.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { afterEach, beforeEach, test } from 'node:test';
import { Notifier, barrier, ready, sd_notify, watchdog } from 'readyup';
import { Receiver } from './receiver.mjs';
import { elapse, environment, guard, packageDirectory, runScript, within } from './support.mjs';

const receiver = await Receiver.start();
const warnings = [];
process.on('warning', (warning) => warnings.push(String(warning)));

beforeEach(() => receiver.reset());
afterEach(() => watchdog.stop());

const heartbeats = (count) => receiver.heartbeats(count);

/** How many milliseconds lay between one and the next. */
const gaps = (events) => events.slice(1).map(({ at }, index) => at - events[index].at);

test('ok: no watchdog, no heartbeats', async () => {
  assert.equal(watchdog.interval, undefined);
  for (const env of [
    {},
    { WATCHDOG_PID: String(process.pid) },
    { WATCHDOG_USEC: '10000', WATCHDOG_PID: String(process.ppid) },
  ]) {
    Object.assign(process.env, env);
    assert.equal(watchdog.start(), false);
    assert.equal(watchdog.start({ check: () => assert.fail('not to be asked') }), false);
    assert.equal(watchdog.running, false);
  }
  await elapse(50);
  await receiver.nothing();
});

test('ok: a heartbeat at once, and then every half of the period', async (t) => {
  process.env.WATCHDOG_USEC = '100000';
  process.env.WATCHDOG_PID = String(process.pid);
  assert.equal(watchdog.interval, 50);
  const start = performance.now();
  assert.equal(watchdog.start(), true);
  assert.equal(watchdog.running, true);
  const asked = barrier();
  const [first, second] = await receiver.take(2);
  // Sent before the barrier, which was asked for in the same turn.
  assert.deepEqual([first.text, second.kind], ['WATCHDOG=1', 'barrier']);
  assert.equal(await asked, true);
  const events = await heartbeats(10);
  const took = events[9].at - start;
  t.diagnostic(
    `11 heartbeats in ${took.toFixed(0)} ms, the gaps ${gaps([first, ...events])
      .map(Math.round)
      .join(' ')}`,
  );
  assert.ok(took >= 490 && took < 1000, `${took} ms`);
  watchdog.stop();
  assert.equal(watchdog.running, false);
  await elapse(120);
  await receiver.nothing();
});

test("ok: an interval of one's own", async () => {
  process.env.WATCHDOG_USEC = '3600000000';
  const start = performance.now();
  assert.equal(watchdog.start({ interval: 10 }), true);
  const events = await heartbeats(21);
  const took = events[20].at - start;
  assert.ok(took >= 195 && took < 1000, `${took} ms`);
});

test('ok: one that is longer than a timer can be', async () => {
  process.env.WATCHDOG_USEC = '18446744073709551614';
  assert.equal(watchdog.start(), true);
  await elapse(50);
  assert.equal(watchdog.start({ interval: 2 ** 31, check: () => elapse(10), checkTimeout: 2 ** 40 }), true);
  await elapse(50);
  assert.equal(watchdog.running, true);
  assert.deepEqual(await receiver.rest(), ['WATCHDOG=1', 'WATCHDOG=1']);
});

test('ok: started again, it begins anew', async () => {
  watchdog.start({ interval: 10 });
  await heartbeats(3);
  watchdog.start({ interval: 3_600_000 });
  await elapse(100);
  // What was under way when it was started again, and the one of the new start; not those of the old one.
  assert.ok(receiver.incoming.length <= 3, `${receiver.incoming.length} heartbeats`);
  watchdog.start({ interval: 10 });
  receiver.incoming = [];
  await heartbeats(3);
  assert.equal(watchdog.start(), false);
  assert.equal(watchdog.running, false);
  watchdog.stop();
  watchdog.stop();
  assert.equal(watchdog.running, false);
});

test('err: times that are none', () => {
  for (const value of [0, -1, NaN, Infinity, '5', null, {}, 5n]) {
    const expected = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' };
    if (value !== null) assert.throws(() => watchdog.start({ interval: value }), expected, String(value));
    assert.throws(() => watchdog.start({ interval: 10, checkTimeout: value }), expected, String(value));
    assert.equal(watchdog.running, false);
  }
});

test('ok: an event loop that hangs sends no heartbeats, and makes up for none', async (t) => {
  const source = `
    const { watchdog } = require('readyup');
    watchdog.start({ diagnose: false });
    setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600), 150);
    setTimeout(() => process.exit(), 900);
  `;
  await runScript(source, { env: { NOTIFY_SOCKET: receiver.address, WATCHDOG_USEC: '40000' } });
  const events = receiver.incoming.splice(0);
  const longest = Math.max(...gaps(events));
  t.diagnostic(`${events.length} heartbeats, the longest gap ${longest.toFixed(0)} ms`);
  // When each one came is known to the nearest turn of this process's own event loop.
  assert.ok(longest >= 500, `${longest} ms`);
  // Every 20 ms of the remaining 300; with those that were missed there would be 45.
  assert.ok(events.length >= 4 && events.length <= 25, `${events.length} heartbeats`);
});

test('ok: the timers do not keep the process alive', async () => {
  const source = `
    const { Notifier, watchdog } = require('readyup');
    process.on('exit', () => console.log(watchdog.running, process.uptime() < 5));
    watchdog.start({ interval: 10, checkTimeout: 30_000, check: () => new Promise(() => {}) });
    new Notifier().watchdog.start({ interval: 10_000 });
  `;
  assert.equal(await runScript(source, { env: { NOTIFY_SOCKET: receiver.address } }), 'true true\n');
});

test('ok: heartbeats go on when the variable is gone', async () => {
  const { address } = receiver;
  const start = () => watchdog.start({ interval: 10 });
  const unset = () => sd_notify('READY=1', { unsetEnvironment: true });
  for (const steps of [
    [start, unset],
    [unset, start],
    [start, () => delete process.env.NOTIFY_SOCKET],
    [start, unset, async () => assert.equal(await ready(), false)],
    [start, unset, async () => assert.equal(await ready(), false), start],
  ]) {
    process.env.NOTIFY_SOCKET = address;
    for (const step of steps) await step();
    assert.equal('NOTIFY_SOCKET' in process.env, false);
    await receiver.rest();
    await heartbeats(3);
    watchdog.stop();
    await receiver.rest();
  }
});

test('ok: heartbeats find a manager that is named later', async () => {
  const source = `
    const { watchdog } = require('readyup');
    const address = process.env.NOTIFY_SOCKET;
    delete process.env.NOTIFY_SOCKET;
    watchdog.start({ interval: 10 });
    setTimeout(() => (process.env.NOTIFY_SOCKET = address), 50);
    process.stdin.resume();
  `;
  const child = guard(
    spawn(process.execPath, ['-e', source], {
      cwd: packageDirectory,
      env: environment({ NOTIFY_SOCKET: receiver.address }),
      stdio: ['pipe', 'ignore', 'inherit'],
    }),
  );
  await heartbeats(3);
  child.stdin.end();
  await within(new Promise((resolve) => child.once('exit', resolve)), 'the end of the child');
});

test('ok: heartbeats go where the rest goes', async () => {
  const other = await Receiver.start();
  process.env.NOTIFY_SOCKET = other.address;
  watchdog.start({ interval: 10 });
  assert.deepEqual(new Set((await other.take(3)).map(({ text }) => text)), new Set(['WATCHDOG=1']));

  process.env.NOTIFY_SOCKET = receiver.address;
  assert.equal(await ready(), true);
  const events = await receiver.take(4);
  assert.equal(events.filter(({ text }) => text === 'WATCHDOG=1').length, 3);
  await other.rest();
  await receiver.take(3);
  await other.nothing();
});

test('ok: a notifier has its own', async () => {
  process.env.WATCHDOG_USEC = '20000';
  const notifier = new Notifier({ unsetEnvironment: true });
  assert.notEqual(notifier.watchdog, watchdog);
  assert.equal(notifier.watchdog.start(), true);
  assert.equal(watchdog.running, false);
  await heartbeats(3);
  notifier.watchdog.stop();
  await receiver.rest();
  // It is of no account to the module's, which has run as well.
  watchdog.start({ interval: 10 });
  notifier.watchdog.start({ interval: 10 });
  notifier.watchdog.stop();
  assert.equal(watchdog.running, true);
  assert.equal(notifier.watchdog.running, false);
});

test('ok: nothing of this makes Node warn', () => {
  assert.deepEqual(warnings, []);
});
