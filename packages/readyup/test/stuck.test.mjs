// A manager that reads nothing: its queue is full, and nobody waits for it but those who asked to.
import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { beforeEach, test } from 'node:test';
import { Notifier, ready, sd_notify, watchdog } from 'readyup';
import { Receiver } from './receiver.mjs';
import { descriptors, elapse, packageDirectory, runScript, until, within } from './support.mjs';

const receiver = await Receiver.start();

beforeEach(() => receiver.reset());

const EAGAIN = { code: 'EAGAIN', errno: -11, syscall: 'sendmsg' };

/** The texts of the next `count` messages after the `filled` ones. */
async function texts(filled, count) {
  return (await receiver.take(filled + count, 30_000)).slice(filled).map(({ text }) => text);
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/** Measures for how long the event loop was held at a time while `work` ran, in two ways. */
async function heldDuring(work) {
  const resolution = 5;
  const histogram = monitorEventLoopDelay({ resolution });
  const times = [];
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    times.push(now - last - resolution);
    last = now;
  }, resolution);
  histogram.enable();
  await work();
  // At least one more tick, so that what held the last one is seen.
  await elapse(2 * resolution);
  histogram.disable();
  clearInterval(timer);
  times.sort((one, other) => one - other);
  return {
    longest: Math.max(times[times.length - 1], histogram.max / 1e6 - resolution),
    // Of twenty times, nineteen are shorter.
    usual: times[Math.floor(times.length * 0.95)],
  };
}

test('ok: 10,000 messages hold nothing up, and arrive in order once there is room', async (t) => {
  // What else runs on the machine can hold the loop too; what the package does shows every time.
  for (let round = 1; ; round += 1) {
    const filled = await receiver.fill();
    const answers = [];
    const waiting = await heldDuring(async () => {
      while (answers.length < 10_000) {
        for (let count = 0; count < 100; count += 1) {
          answers.push(sd_notify(`X_INDEX=${answers.length}`, { timeout: 60_000 }));
        }
        await nextTurn();
      }
      // They wait in no thread of the pool that files are read by.
      await within(Promise.all(Array.from({ length: 16 }, () => stat(packageDirectory))), 'the file system', 1000);
      // And now they are tried again and again.
      await elapse(200);
    });
    const settled = await Promise.race([Promise.race(answers), nextTurn().then(() => 'waiting')]);
    assert.equal(settled, 'waiting');

    const draining = await heldDuring(async () => {
      receiver.resume();
      assert.deepEqual(new Set(await within(Promise.all(answers), 'all answers', 30_000)), new Set([true]));
    });
    assert.deepEqual(
      await texts(filled, 10_000),
      Array.from({ length: 10_000 }, (_, index) => `X_INDEX=${index}`),
    );
    for (const [what, { longest, usual }] of Object.entries({ waiting, draining })) {
      t.diagnostic(`${what}: the event loop was held at most ${longest.toFixed(1)} ms, usually ${usual.toFixed(1)} ms`);
    }
    if (Math.max(waiting.longest, draining.longest) < 50) break;
    if (round < 3) continue;
    assert.ok(loadavg()[0] > cpus().length, 'the event loop was held for 50 ms or more, three times out of three');
    assert.ok(Math.max(waiting.usual, draining.usual) < 50, 'the event loop was usually held for 50 ms or more');
    t.diagnostic('other programs kept the processors too busy to look more closely');
    break;
  }
});

test('ok: what waits costs next to nothing', async (t) => {
  const filled = await receiver.fill();
  const answers = Array.from({ length: 1000 }, (_, index) => sd_notify(`X_INDEX=${index}`, { timeout: 60_000 }));
  await elapse(50);
  const before = process.resourceUsage();
  await elapse(500);
  const after = process.resourceUsage();
  const processor = after.userCPUTime + after.systemCPUTime - before.userCPUTime - before.systemCPUTime;
  const wakes = after.voluntaryContextSwitches - before.voluntaryContextSwitches;
  t.diagnostic(`in 500 ms it woke ${wakes} times and took ${(processor / 1000).toFixed(1)} ms of the processor`);
  assert.ok(wakes < 200 && processor < 150_000);
  receiver.resume();
  await Promise.all(answers);
  await receiver.take(filled + 1000);
});

test('err: EAGAIN when the time is up', async (t) => {
  const filled = await receiver.fill();
  const start = performance.now();
  const answers = Array.from({ length: 500 }, () => sd_notify('X_LATE=1', { timeout: 200 }));
  for (const answer of answers) await assert.rejects(answer, EAGAIN);
  const took = performance.now() - start;
  t.diagnostic(`200 ms took ${took.toFixed(0)} ms`);
  assert.ok(took >= 199 && took < 1500, `${took} ms`);
  // Nothing of them is sent later.
  receiver.resume();
  await receiver.take(filled);
  await receiver.nothing();
});

test('err: each has a time of its own, whatever waits before it', async () => {
  const filled = await receiver.fill();
  const start = performance.now();
  const waiting = [sd_notify('X_FIRST=1', { timeout: 60_000 })];
  const short = sd_notify('X_SHORT=1', { timeout: 100 });
  waiting.push(sd_notify('X_SECOND=1', { timeout: 60_000 }));
  const longer = sd_notify('X_LONGER=1', { timeout: 300 });
  waiting.push(sd_notify('X_THIRD=1', { timeout: 60_000 }));
  const ends = [short, longer].map((answer) =>
    answer.then(String, ({ code }) => `${code} ${performance.now() - start}`),
  );
  const outcome = within(Promise.all(ends), 'the end of 300 ms', 2000);
  await outcome.catch(() => {});
  receiver.resume();
  assert.deepEqual(await Promise.all(waiting), [true, true, true]);
  const [[shortCode, shortTime], [longerCode, longerTime]] = (await outcome).map((text) => text.split(' '));
  assert.deepEqual([shortCode, longerCode], ['EAGAIN', 'EAGAIN']);
  assert.ok(shortTime >= 99 && shortTime < 290, shortTime);
  assert.ok(longerTime >= 299, longerTime);
  assert.deepEqual(await texts(filled, 3), ['X_FIRST=1', 'X_SECOND=1', 'X_THIRD=1']);
});

test('err: a time-out of 0 does not wait', async () => {
  const filled = await receiver.fill();
  const patient = new Notifier({ timeout: 60_000 });
  const impatient = new Notifier({ timeout: 0 });
  for (const call of [
    () => impatient.ready(),
    () => impatient.reloading(),
    () => impatient.send('X_A=1'),
    () => sd_notify('X_A=1', { timeout: 0 }),
  ]) {
    const outcome = call().catch((error) => error);
    assert.equal((await Promise.race([outcome, nextTurn()]))?.code, 'EAGAIN');
  }
  // Nor is it sent before those that do.
  const waits = patient.ready();
  receiver.resume();
  assert.equal(await waits, true);
  assert.deepEqual(await texts(filled, 1), ['READY=1']);
  await receiver.nothing();
});

test('err: a time-out of 0 while others wait leaves them alone', async () => {
  const filled = await receiver.fill();
  const waits = sd_notify('X_WAITS=1', { timeout: 60_000 });
  await assert.rejects(sd_notify('X_NOT=1', { timeout: 0 }), EAGAIN);
  receiver.resume();
  assert.equal(await waits, true);
  assert.deepEqual(await texts(filled, 1), ['X_WAITS=1']);
});

test('err: what is no good is refused all the same, and the rest goes on', async () => {
  const filled = await receiver.fill();
  const answers = [
    sd_notify('X_FIRST=1'),
    assert.rejects(sd_notify('\0'), { code: 'EINVAL' }),
    assert.rejects(sd_notify('x'.repeat(4097)), { code: 'EMSGSIZE' }),
    assert.rejects(sd_notify(5), { code: 'ERR_INVALID_ARG_TYPE' }),
    sd_notify('X_LAST=1'),
  ];
  await elapse(20);
  receiver.resume();
  await Promise.all(answers);
  assert.deepEqual(await texts(filled, 2), ['X_FIRST=1', 'X_LAST=1']);
});

test('ok: what waits has its manager, whatever becomes of the variable', async () => {
  const other = await Receiver.start();
  const filled = await receiver.fill();
  const before = descriptors();
  const answers = [sd_notify('X_FIRST=1', { unsetEnvironment: true })];
  assert.equal(await ready(), false);
  process.env.NOTIFY_SOCKET = other.address;
  assert.equal(await ready(), true);
  assert.equal(await other.text(), 'READY=1');
  process.env.NOTIFY_SOCKET = receiver.address;
  answers.push(sd_notify('X_SECOND=1'));
  receiver.resume();
  assert.deepEqual(await Promise.all(answers), [true, true]);
  // Through two sockets, so that their order is open.
  assert.deepEqual((await texts(filled, 2)).sort(), ['X_FIRST=1', 'X_SECOND=1']);
  // One for the manager of now; those used in between are closed.
  await until(() => descriptors() <= before + 1, 'the sockets used in between being closed');
});

test('ok: nothing overtakes what waits', async () => {
  const filled = await receiver.fill();
  const answers = [sd_notify('X_FIRST=1'), sd_notify('X_SECOND=1')];
  receiver.resume();
  // The receiver empties its queue, while nothing can be sent from here.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  // Now there is room, and they still wait.
  const before = watchdog.dropped;
  assert.equal(watchdog.ping(), false);
  assert.equal(watchdog.dropped, before + 1);
  const refused = assert.rejects(sd_notify('X_NOT=1', { timeout: 0 }), EAGAIN);
  answers.push(sd_notify('X_THIRD=1'));
  assert.deepEqual(await Promise.all(answers), [true, true, true]);
  await refused;
  assert.deepEqual(await texts(filled, 3), ['X_FIRST=1', 'X_SECOND=1', 'X_THIRD=1']);
});

test('ok: heartbeats that find no room are dropped and counted', async () => {
  assert.equal(await ready(), true);
  await receiver.take(1);
  assert.equal(watchdog.ping(), true);
  const before = watchdog.dropped;
  await receiver.take(1);
  const filled = await receiver.fill();
  for (let count = 1; count <= 5; count += 1) {
    assert.equal(watchdog.ping(), false);
    assert.equal(watchdog.dropped, before + count);
  }
  // One must not overtake what waits, either.
  const waits = sd_notify('X_WAITS=1');
  assert.equal(watchdog.ping(), false);
  receiver.resume();
  assert.equal(await waits, true);
  assert.deepEqual(await texts(filled, 1), ['X_WAITS=1']);
  assert.equal(watchdog.ping(), true);
  assert.equal(watchdog.dropped, before + 6);
  assert.equal(await receiver.text(), 'WATCHDOG=1');
});

test('ok: how much waits is bounded', async (t) => {
  await receiver.fill();
  // 200 MB of text, which the process has no room for.
  const source = `
    const { sd_notify } = require('readyup');
    let waits = 0;
    let refused = 0;
    (async () => {
      for (let index = 0; index < 50_000; index += 1) {
        waits += 1;
        sd_notify(Buffer.alloc(4000, 'x').toString('latin1') + index, { timeout: 60_000 }).catch((error) => {
          waits -= 1;
          if (error.code === 'EAGAIN') refused += 1;
        });
        if (index % 100 === 0) await new Promise(setImmediate);
      }
      await new Promise(setImmediate);
      console.log(JSON.stringify({ waits, refused }));
      process.exit();
    })();
  `;
  const flags = ['--max-old-space-size=64'];
  const { waits, refused } = JSON.parse(await runScript(source, { flags, env: { NOTIFY_SOCKET: receiver.address } }));
  t.diagnostic(`${waits} wait, ${refused} are refused`);
  assert.equal(waits + refused, 50_000);
  assert.ok(waits >= 500 && waits * 4000 <= 16 << 20);
});

test('ok: what was sent, or given up, makes room for more', async () => {
  // Each time most of what may wait at once.
  const text = 'x'.repeat(4000);
  for (const timeout of [60_000, 50, 50, 60_000, 60_000]) {
    const filled = await receiver.fill();
    const answers = Array.from({ length: 1500 }, () => sd_notify(text, { timeout }).catch(({ message }) => message));
    if (timeout === 60_000) receiver.resume();
    const outcomes = [...new Set(await Promise.all(answers))];
    if (timeout === 60_000) {
      assert.deepEqual(outcomes, [true]);
      await receiver.take(filled + 1500);
    } else {
      assert.equal(outcomes.length, 1);
      assert.match(outcomes[0], /made no room in the time allowed/);
      receiver.resume();
      await receiver.take(filled);
    }
  }
});

test('ok: the process can end', async () => {
  await receiver.fill();
  const env = { NOTIFY_SOCKET: receiver.address, WATCHDOG_USEC: '20000' };
  // By itself, once the time is up;
  const waiting = `
    const { Notifier, watchdog } = require('readyup');
    const notifier = new Notifier({ timeout: 300 });
    watchdog.start();
    notifier.watchdog.start({ check: () => false });
    for (let count = 0; count < 200; count += 1) notifier.ready().catch(({ code }) => count === 200 && code);
    const start = performance.now();
    process.on('exit', () => console.log(Math.round(performance.now() - start)));
  `;
  const took = Number(await runScript(waiting, { env }));
  assert.ok(took >= 299 && took < 3000, `${took} ms`);
  // or when it wants to.
  const leaving = `
    const { ready } = require('readyup');
    for (let count = 0; count < 200; count += 1) ready();
    const start = performance.now();
    process.on('exit', () => console.log(Math.round(performance.now() - start)));
    setTimeout(() => process.exit(), 50);
  `;
  assert.ok(Number(await runScript(leaving, { env })) < 1000);
});
