// The check before each heartbeat, and what stops them.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { watchdog } from 'readyup';
import { Receiver } from './receiver.mjs';
import { elapse, until, within } from './support.mjs';

const receiver = await Receiver.start();

beforeEach(() => receiver.reset());
afterEach(() => watchdog.stop());

const heartbeats = (count) => receiver.heartbeats(count);

test('ok: a service that is healthy', async () => {
  const answers = [
    true,
    undefined,
    null,
    0,
    '',
    'false',
    Promise.resolve(),
    Promise.resolve(0),
    { then: (done) => done(1) },
  ];
  let asked = 0;
  watchdog.start({ interval: 5, check: () => answers[asked++ % answers.length] });
  await heartbeats(2 * answers.length);
  assert.equal(watchdog.running, true);
  assert.ok(asked >= 2 * answers.length);
});

/** A function that throws `value`. */
const thrower = (value) => () => {
  throw value;
};
const never = new Promise(() => {});

for (const [what, check, text] of [
  ['returns false', () => false, 'the check failed'],
  ['resolves to false', async () => false, 'the check failed'],
  ['is a thenable of false', () => ({ then: (resolve) => resolve(false) }), 'the check failed'],
  ['throws', thrower(new Error('no database')), 'no database'],
  ['rejects', () => Promise.reject(new Error('no database')), 'no database'],
  ['throws a text', thrower('no database'), 'no database'],
  ['throws nothing', thrower(undefined), 'undefined'],
  ['throws several lines', thrower(new Error('a\nREADY=1\r\n\0b')), 'a READY=1 b'],
  ['throws a long text', thrower(new Error('x'.repeat(10_000))), 'x'.repeat(500)],
  ['never resolves', () => never, 'the check took longer than 40 ms'],
  ['takes too long', () => elapse(200), 'the check took longer than 40 ms'],
]) {
  test(`ok: heartbeats stop when the check ${what}`, async () => {
    let asked = 0;
    const failures = [];
    watchdog.start({
      interval: 10,
      checkTimeout: 40,
      check: () => (++asked <= 3 ? true : check()),
      onFailure: (reason) => failures.push([reason instanceof Error, watchdog.running]),
    });
    await heartbeats(3);
    const [{ text: status }] = await receiver.take(1);
    assert.equal(status, `STATUS=watchdog: ${text}`);
    assert.equal(watchdog.running, false);
    assert.deepEqual(failures, [[true, false]]);
    // Neither a heartbeat nor a question comes after it, and it is told once.
    await elapse(60);
    await receiver.nothing();
    assert.equal(asked, 4);
    assert.equal(failures.length, 1);
  });
}

test('ok: heartbeats stop when the check throws what is no text either', async () => {
  const hostile = new Error('hidden');
  Object.defineProperty(hostile, 'message', { get: thrower(new Error('from the getter')) });
  const values = [Object.create(null), Object.assign(new Error('x'), { message: 5 }), Symbol('x'), hostile];
  for (const value of values) {
    for (const check of [thrower(value), () => Promise.reject(value)]) {
      let told = false;
      const start = () => watchdog.start({ interval: 10, check, onFailure: () => (told = true) });
      assert.doesNotThrow(start);
      await until(() => told, 'the failure', 1000);
      assert.equal(watchdog.running, false);
    }
  }
  const texts = await receiver.rest();
  assert.equal(texts.length, 2 * values.length);
  for (const text of texts) assert.match(text, /^STATUS=watchdog: /);
});

test('ok: the first check can fail already', async () => {
  const reasons = [];
  watchdog.start({ interval: 10, check: () => false, onFailure: (reason) => reasons.push(reason.message) });
  assert.equal(watchdog.running, false);
  assert.deepEqual(reasons, ['the check failed']);
  assert.deepEqual(await receiver.rest(), ['STATUS=watchdog: the check failed']);
});

test('ok: how long a check may take is the interval, unless told otherwise', async () => {
  const failure = new Promise((resolve) => {
    watchdog.start({ interval: 30, check: () => never, onFailure: ({ message }) => resolve(message) });
  });
  assert.equal(await within(failure, 'the failure', 5000), 'the check took longer than 30 ms');
});

test('ok: a slow check is not asked twice at once', async () => {
  let now = 0;
  let most = 0;
  const check = async () => {
    most = Math.max(most, (now += 1));
    await elapse(35);
    now -= 1;
  };
  watchdog.start({ interval: 10, checkTimeout: 5000, check });
  const events = await heartbeats(5);
  assert.equal(most, 1);
  // Each heartbeat is the end of a check.
  const took = events[4].at - events[0].at;
  assert.ok(took >= 130, `${took} ms`);
});

test('ok: a check that ends after the heartbeats were stopped, or started anew, does not count', async () => {
  let resolve;
  let reject;
  const failed = () => assert.fail('told of a failure');
  watchdog.start({
    interval: 10,
    checkTimeout: 5000,
    check: () => new Promise((done) => (resolve = done)),
    onFailure: failed,
  });
  watchdog.stop();
  resolve();
  await elapse(30);
  await receiver.nothing();

  watchdog.start({
    interval: 10,
    checkTimeout: 5000,
    check: () => new Promise((_, fail) => (reject = fail)),
    onFailure: failed,
  });
  watchdog.start({ interval: 10 });
  reject(new Error('of the first start'));
  await heartbeats(3);
  assert.equal(watchdog.running, true);
});

test('ok: it can be started again when a check has failed', async () => {
  let healthy = false;
  const options = { interval: 10, check: () => healthy };
  watchdog.start({
    ...options,
    onFailure: () => {
      healthy = true;
      watchdog.start(options);
    },
  });
  assert.equal(watchdog.running, true);
  const events = (await receiver.take(4)).map(({ text }) => text).sort();
  assert.deepEqual(events, ['STATUS=watchdog: the check failed', 'WATCHDOG=1', 'WATCHDOG=1', 'WATCHDOG=1']);
});
