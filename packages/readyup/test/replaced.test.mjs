// A manager that goes away, and one that takes its place.
import assert from 'node:assert/strict';
import { renameSync, unlinkSync } from 'node:fs';
import { beforeEach, test } from 'node:test';
import { Notifier, ready, sd_notify, sd_notify_barrier, sd_pid_notify_with_fds, watchdog } from 'readyup';
import { Receiver } from './receiver.mjs';
import { clearEnvironment, descriptors, freshPath, runScript, until } from './support.mjs';

beforeEach(clearEnvironment);

/** A receiver that the environment names. */
async function start(address) {
  const receiver = await Receiver.start(address);
  process.env.NOTIFY_SOCKET = receiver.address;
  return receiver;
}

const ECONNREFUSED = { code: 'ECONNREFUSED', errno: -111, syscall: 'connect' };
const ENOENT = { code: 'ENOENT', errno: -2, syscall: 'connect' };

test('ok: replaced between two messages, which both arrive', async () => {
  const calls = {
    sd_notify: () => sd_notify('READY=1'),
    ready: () => ready(),
    sd_pid_notify_with_fds: () => sd_pid_notify_with_fds(0, 'FDSTORE=1', [0]),
    ping: () => watchdog.ping(),
    sd_notify_barrier: () => sd_notify_barrier(5000),
  };
  for (const address of [freshPath(), `@readyup-test/replaced/${process.pid}`]) {
    for (const [name, call] of Object.entries(calls)) {
      const first = await start(address);
      assert.equal(await call(), true, name);
      assert.equal((await first.take(1)).length, 1);
      await first.end({ kill: true });
      if (address.startsWith('/')) unlinkSync(address);

      const second = await start(address);
      assert.equal(await call(), true, name);
      assert.equal((await second.take(1)).length, 1);
      await second.nothing();
      await second.end();
    }
  }
});

test('ok: replaced again and again', async () => {
  const address = freshPath();
  const notifier = new Notifier({ socket: address });
  let before;
  for (let round = 0; round < 10; round += 1) {
    const receiver = await Receiver.start(address);
    assert.equal(await notifier.status(`${round}`), true);
    assert.equal(await receiver.text(), `STATUS=${round}`);
    await receiver.end();
    await assert.rejects(notifier.ready(), ENOENT);
    before ??= descriptors();
  }
  // The test's own pipes to the receivers are closed a little later than the receivers end.
  await until(() => descriptors() <= before, 'no more descriptors than after the first round');
});

test('err: gone, and so is its socket', async () => {
  const receiver = await start();
  assert.equal(await ready(), true);
  await receiver.text();
  await receiver.end();
  await assert.rejects(ready(), ENOENT);
  await assert.rejects(sd_notify('READY=1'), ENOENT);
  await assert.rejects(sd_notify_barrier(1000), ENOENT);
  assert.throws(() => watchdog.ping(), ENOENT);
});

test('err: gone, but its socket is still there', async () => {
  const receiver = await start();
  assert.equal(await ready(), true);
  await receiver.text();
  await receiver.end({ kill: true });
  await assert.rejects(ready(), ECONNREFUSED);
  await assert.rejects(sd_notify('READY=1'), ECONNREFUSED);
  await assert.rejects(sd_notify_barrier(1000), ECONNREFUSED);
  assert.throws(() => watchdog.ping(), ECONNREFUSED);

  // It may come back.
  unlinkSync(receiver.address);
  const second = await start(receiver.address);
  assert.equal(await ready(), true);
  assert.equal(await second.text(), 'READY=1');
});

test('err: gone while messages wait for room', async () => {
  const receiver = await start();
  await receiver.fill();
  const begin = performance.now();
  const answers = Array.from({ length: 1000 }, () => sd_notify('X_LOST=1', { timeout: 60_000 }));
  const outcomes = answers.map((answer) => answer.then(String, ({ code }) => code));
  await receiver.end({ kill: true });
  // They need not wait until their time is up.
  assert.deepEqual(new Set(await Promise.all(outcomes)), new Set(['ECONNREFUSED']));
  assert.ok(performance.now() - begin < 10_000);
});

test('ok: replaced while messages wait for room', async () => {
  const receiver = await start();
  await receiver.fill();
  const answers = Array.from({ length: 1000 }, (_, index) => sd_notify(`X_INDEX=${index}`, { timeout: 60_000 }));
  // The new one is in place before the old one is gone.
  const second = await Receiver.start();
  renameSync(second.address, receiver.address);
  await receiver.end({ kill: true });
  assert.deepEqual(new Set(await Promise.all(answers)), new Set([true]));
  const messages = await second.take(1000);
  assert.deepEqual(
    messages.map(({ text }) => text),
    Array.from({ length: 1000 }, (_, index) => `X_INDEX=${index}`),
  );
});

test('ok: a single heartbeat finds the manager of now when that of before is gone', async () => {
  const first = await start();
  assert.equal(await ready(), true);
  await first.text();
  const second = await start();
  // It keeps to the one that was used last, for as long as that is there.
  assert.equal(watchdog.ping(), true);
  await first.text();
  await first.end();
  assert.equal(watchdog.ping(), true);
  assert.equal(await second.text(), 'WATCHDOG=1');

  // Also when the variable is gone, as after `unsetEnvironment`.
  delete process.env.NOTIFY_SOCKET;
  assert.equal(watchdog.ping(), true);
  assert.equal(await second.text(), 'WATCHDOG=1');
  // Any other call sees that, and the one that was used last is then none.
  assert.equal(await ready(), false);
  assert.equal(watchdog.ping(), false);
  process.env.NOTIFY_SOCKET = second.address;
  assert.equal(watchdog.ping(), true);
  assert.equal(await second.text(), 'WATCHDOG=1');
});

test('ok: a single heartbeat is the first message', async () => {
  const receiver = await Receiver.start();
  const source = `
    const { ready, watchdog } = require('readyup');
    const address = process.env.NOTIFY_SOCKET;
    delete process.env.NOTIFY_SOCKET;
    const before = watchdog.ping();
    ready().then((answer) => {
      process.env.NOTIFY_SOCKET = address;
      console.log(before, answer, watchdog.ping(), watchdog.dropped);
    });
  `;
  assert.equal(await runScript(source, { env: { NOTIFY_SOCKET: receiver.address } }), 'false false true 0\n');
  assert.equal(await receiver.text(), 'WATCHDOG=1');
});

test('ok: heartbeats are for the manager of the time of their start', async () => {
  const first = await start();
  assert.equal(await ready(), true);
  await first.text();
  const second = await start();
  assert.equal(watchdog.start({ interval: 3_600_000 }), true);
  assert.equal(await second.text(), 'WATCHDOG=1');
  await first.nothing();
  process.env.NOTIFY_SOCKET = 'relative/path';
  assert.throws(() => watchdog.start({ interval: 10 }), { code: 'EINVAL' });
  watchdog.stop();
});

test('ok: heartbeats go on once there is a manager again', async () => {
  const receiver = await start();
  assert.equal(watchdog.start({ interval: 20 }), true);
  try {
    await receiver.take(3);
    await receiver.end();
    // Some of them find nobody.
    await assert.rejects(ready(), ENOENT);
    await new Promise((resolve) => setTimeout(resolve, 60));
    assert.equal(watchdog.running, true);
    const second = await start(receiver.address);
    assert.deepEqual(new Set((await second.take(3)).map(({ text }) => text)), new Set(['WATCHDOG=1']));
  } finally {
    watchdog.stop();
  }
});
