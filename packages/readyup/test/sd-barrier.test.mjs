// sd_notify_barrier: knowing that the manager has read everything.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { Notifier, barrier, ready, sd_notify, sd_notify_barrier } from 'readyup';
import { Receiver } from './receiver.mjs';
import { descriptors, until, within } from './support.mjs';

const receiver = await Receiver.start();

beforeEach(() => receiver.reset());

const ETIMEDOUT = { code: 'ETIMEDOUT', errno: -110, syscall: 'poll' };

test('ok: true once what was sent before was read', async () => {
  for (const call of [sd_notify_barrier, barrier]) {
    await sd_notify('X_BEFORE=1');
    assert.equal(await call(5000), true);
    const events = await receiver.take(2);
    assert.deepEqual(
      events.map(({ kind, pid }) => [kind, pid]),
      [
        ['message', process.pid],
        ['barrier', process.pid],
      ],
    );
  }
});

test('ok: without a time-out of its own', async () => {
  assert.equal(await sd_notify_barrier(), true);
  assert.equal(await barrier(), true);
  assert.equal(await sd_notify_barrier(undefined), true);
  assert.equal(await sd_notify_barrier(Infinity), true);
  await receiver.take(4);
});

test('ok: false without a manager', async () => {
  delete process.env.NOTIFY_SOCKET;
  assert.equal(await sd_notify_barrier(1000), false);
  assert.equal(await sd_notify_barrier(1000, { unsetEnvironment: true }), false);
  assert.equal(await barrier(1000), false);
  process.env.NOTIFY_SOCKET = '';
  assert.equal(await sd_notify_barrier(1000), false);
  assert.equal(await barrier(1000), false);
});

test('ok: unsetEnvironment', async () => {
  assert.equal(await sd_notify_barrier(1000, { unsetEnvironment: true }), true);
  assert.equal('NOTIFY_SOCKET' in process.env, false);
  await receiver.take(1);
});

test('err: a time-out that is none', async () => {
  for (const timeout of [-1, NaN, '5', null, {}, 5n]) {
    const expected = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
    await assert.rejects(sd_notify_barrier(timeout), expected, String(timeout));
    await assert.rejects(barrier(timeout), expected, String(timeout));
  }
});

test('err: the errors of sending', async () => {
  process.env.NOTIFY_SOCKET = 'relative';
  await assert.rejects(sd_notify_barrier(1000), { code: 'EINVAL' });
  await assert.rejects(barrier(1000), { code: 'EINVAL' });
  process.env.NOTIFY_SOCKET = '/nonexistent-directory/notify';
  await assert.rejects(sd_notify_barrier(1000), { code: 'ENOENT', errno: -2, syscall: 'connect' });
});

test('ok: more at once than a handle has room for, with messages among them', async () => {
  const answers = [];
  for (let index = 0; index < 300; index += 1) {
    answers.push(sd_notify_barrier(10_000), sd_notify(`X_INDEX=${index}`));
  }
  assert.deepEqual(new Set(await Promise.all(answers)), new Set([true]));
  const events = await receiver.take(600);
  const texts = events.filter(({ kind }) => kind === 'message').map(({ text }) => text);
  assert.deepEqual(
    texts,
    Array.from({ length: 300 }, (_, index) => `X_INDEX=${index}`),
  );
  // Those that there is room for come before the message that was sent after them; the others may come later.
  assert.deepEqual(
    events.slice(0, 128).map(({ kind }) => kind),
    Array.from({ length: 64 }, () => ['barrier', 'message']).flat(),
  );
});

test('ok: however many are not answered, no message waits for them', async () => {
  const holding = await Receiver.start(undefined, { hold: true });
  process.env.NOTIFY_SOCKET = holding.address;
  assert.equal(await ready(), true);
  await holding.text();
  const before = descriptors();
  const answers = Array.from({ length: 150 }, () => sd_notify_barrier(1500).catch(({ code }) => code));
  assert.equal(await within(sd_notify('X_BEHIND=1'), 'the message behind them', 1000), true);
  const events = await holding.take(65);
  assert.equal(events.at(-1).text, 'X_BEHIND=1');
  assert.deepEqual(new Set(await Promise.all(answers)), new Set(['ETIMEDOUT']));
  assert.equal(descriptors(), before);
});

test('ok: more than there is room for, on a notifier that is closed', async () => {
  const notifier = new Notifier();
  const answers = Array.from({ length: 150 }, () => notifier.barrier(10_000));
  notifier.close();
  assert.deepEqual(new Set(await Promise.all(answers)), new Set([true]));
  await receiver.take(150);
});

test('err: nobody reads', async (t) => {
  const before = descriptors();
  await receiver.stop();
  try {
    const start = performance.now();
    await assert.rejects(within(sd_notify_barrier(200), 'the end of 200 ms'), ETIMEDOUT);
    const took = performance.now() - start;
    t.diagnostic(`200 ms took ${took.toFixed(0)} ms`);
    assert.ok(took >= 199 && took < 2000, `${took} ms`);
    await assert.rejects(sd_notify_barrier(0), ETIMEDOUT);
    assert.equal(descriptors(), before);
  } finally {
    receiver.resume();
  }
  await receiver.take(2);
});

test('err: nobody reads, and there are many of them', async () => {
  const before = descriptors();
  await receiver.stop();
  let sent;
  try {
    const start = performance.now();
    const answers = Array.from({ length: 200 }, () => sd_notify_barrier(200).catch((error) => error.code));
    sent = await within(Promise.all(answers), 'all of them');
    assert.ok(performance.now() - start < 2000);
    assert.equal(descriptors(), before);
  } finally {
    receiver.resume();
  }
  // Whether it got into the queue or not: the manager did not answer in time.
  assert.deepEqual(new Set(sent), new Set(['ETIMEDOUT']));
  // Some of them are read later; that changes nothing.
  assert.equal(await sd_notify_barrier(5000), true);
  await receiver.take(receiver.incoming.length);
});

test('err: not answered, though another manager is used in the meantime', async () => {
  const other = await Receiver.start();
  await receiver.stop();
  try {
    const unanswered = sd_notify_barrier(200).then(
      (answer) => answer,
      (error) => error.code,
    );
    // In the same turn, so that the barrier has only just been sent.
    process.env.NOTIFY_SOCKET = other.address;
    assert.equal(await ready(), true);
    assert.equal(await other.text(), 'READY=1');
    assert.equal(await within(unanswered, 'the end of 200 ms'), 'ETIMEDOUT');
  } finally {
    receiver.resume();
  }
  await receiver.take(1);
});

test('ok: answered late, though another manager is used in the meantime', async () => {
  const other = await Receiver.start();
  assert.equal(await sd_notify('X_A=1'), true);
  await receiver.text();
  const before = descriptors();
  await receiver.stop();
  let settled = false;
  const answer = sd_notify_barrier(10_000).finally(() => (settled = true));
  process.env.NOTIFY_SOCKET = other.address;
  assert.equal(await sd_notify('READY=1'), true);
  assert.equal(await other.text(), 'READY=1');
  assert.equal(settled, false);
  receiver.resume();
  assert.equal(await answer, true);
  await receiver.take(1);
  // There is the socket to the other one now, and neither the first one nor what the barrier took.
  await until(() => descriptors() <= before, 'the first socket being closed');
});
