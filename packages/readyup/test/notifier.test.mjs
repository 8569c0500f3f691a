// The functions with friendly names, and notifiers of one's own.
import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { beforeEach, test } from 'node:test';
import {
  DEFAULT_TIMEOUT,
  Notifier,
  extendTimeout,
  mainPid,
  ready,
  reloading,
  removeFds,
  send,
  status,
  stopping,
  storeFds,
  watchdog,
} from 'readyup';
import { Receiver } from './receiver.mjs';
import { descriptors, elapse, monotonicTime, runScript, until } from './support.mjs';

const receiver = await Receiver.start();

beforeEach(() => receiver.reset());

/** Answers true, and is the one message that came in. */
async function says(answer, expected) {
  assert.equal(await answer, true);
  assert.equal(await receiver.text(), expected);
}

test('ok: what each function says', async () => {
  await says(ready(), 'READY=1');
  await says(ready(undefined), 'READY=1');
  await says(ready('Serving on :8080'), 'READY=1\nSTATUS=Serving on :8080');
  await says(ready(''), 'READY=1\nSTATUS=');
  await says(status('größer'), 'STATUS=größer');
  await says(stopping(), 'STOPPING=1');
  await says(stopping('Finishing'), 'STOPPING=1\nSTATUS=Finishing');
  await says(extendTimeout(30_000), 'EXTEND_TIMEOUT_USEC=30000000');
  await says(extendTimeout(0.5), 'EXTEND_TIMEOUT_USEC=500');
  await says(mainPid(process.pid), `MAINPID=${process.pid}`);
  await says(send('READY=1\nX_A=1'), 'READY=1\nX_A=1');
  await says(removeFds('http'), 'FDSTOREREMOVE=1\nFDNAME=http');
  assert.equal(watchdog.ping(), true);
  assert.equal(await receiver.text(), 'WATCHDOG=1');
});

test('ok: reloading, with the time of the call', async () => {
  for (const [call, rest] of [
    [() => reloading(), ''],
    [() => reloading('Reading'), '\nSTATUS=Reading'],
  ]) {
    const [before] = monotonicTime();
    assert.equal(await call(), true);
    const [, after] = monotonicTime();
    const [, time, actual] = /^RELOADING=1\nMONOTONIC_USEC=(\d+)(.*)$/s.exec(await receiver.text());
    assert.ok(before <= BigInt(time) && BigInt(time) <= after, `${before} ${time} ${after}`);
    assert.equal(actual, rest);
  }
});

test('ok: descriptors for the store', async () => {
  const fd = openSync('/dev/null');
  try {
    for (const [call, count, text] of [
      [() => storeFds('http', [fd]), 1, 'FDSTORE=1\nFDNAME=http'],
      [() => storeFds('http', [fd, fd, fd]), 3, 'FDSTORE=1\nFDNAME=http'],
      [() => storeFds('http', [fd], { poll: false }), 1, 'FDSTORE=1\nFDNAME=http\nFDPOLL=0'],
      [() => storeFds('x'.repeat(255), [fd], {}), 1, `FDSTORE=1\nFDNAME=${'x'.repeat(255)}`],
    ]) {
      assert.equal(await call(), true);
      const [message] = await receiver.take(1);
      assert.deepEqual([message.fds, message.text], [count, text]);
    }
    for (const name of ['', 'a:b', 'a\nb', 'ü', 'x'.repeat(256)]) {
      await assert.rejects(storeFds(name, [fd]), { code: 'EINVAL' }, name);
      await assert.rejects(removeFds(name), { code: 'EINVAL' }, name);
    }
    await assert.rejects(storeFds('http', Array(254).fill(fd)), { code: 'E2BIG' });
    await assert.rejects(storeFds('http', [1 << 20]), { code: 'EBADF' });
    await assert.rejects(storeFds('http', ['0']), { code: 'ERR_INVALID_ARG_TYPE' });
  } finally {
    closeSync(fd);
  }
  await receiver.nothing();
});

test('err: a text that would be more than one line', async () => {
  for (const call of [ready, status, reloading, stopping]) {
    for (const text of ['a\nREADY=1', 'a\rb', 'a\0b']) {
      await assert.rejects(call(text), { code: 'EINVAL', errno: -22 });
    }
  }
  await receiver.nothing();
});

test('err: an argument of the wrong type', async () => {
  for (const call of [
    () => ready(5),
    () => ready(null),
    () => reloading({}),
    () => stopping(['x']),
    () => status(5),
    () => status(null),
    () => extendTimeout('5'),
    () => extendTimeout(-1),
    () => extendTimeout(null),
    () => mainPid('5'),
    () => mainPid(null),
    () => removeFds(5),
    () => storeFds(5, [0]),
    () => storeFds('http', 0),
    () => send(5),
    () => send(undefined),
    () => send(Buffer.from('READY=1')),
  ]) {
    await assert.rejects(call(), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }, call.toString());
  }
  await receiver.nothing();
});

test('err: an argument that is missing', async () => {
  // What a failed `spawn` has for a pid, say: not something to be silent about.
  for (const call of [
    () => status(undefined),
    () => extendTimeout(undefined),
    () => mainPid(undefined),
    () => removeFds(undefined),
    () => storeFds(undefined, [0]),
    () => storeFds('http', undefined),
    () => storeFds('http', []),
  ]) {
    await assert.rejects(call(), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }, call.toString());
  }
  await receiver.nothing();
});

test('ok: without a manager everything answers false', async () => {
  for (const value of [undefined, '']) {
    if (value === undefined) delete process.env.NOTIFY_SOCKET;
    else process.env.NOTIFY_SOCKET = value;
    for (const call of [
      () => ready('x'),
      () => status('x'),
      () => reloading('x'),
      () => stopping('x'),
      () => extendTimeout(1),
      () => mainPid(2),
      () => send('A=1'),
      () => storeFds('x', [0]),
      () => removeFds('x'),
    ]) {
      assert.equal(await call(), false, call.toString());
    }
  }
});

test('ok: a notifier reads its address once', async () => {
  const notifier = new Notifier();
  process.env.NOTIFY_SOCKET = '/nonexistent-directory/notify';
  await says(notifier.ready(), 'READY=1');
  delete process.env.NOTIFY_SOCKET;
  await says(notifier.status('x'), 'STATUS=x');
  assert.equal(await new Notifier().ready(), false);
  assert.equal(notifier.watchdog.ping(), true);
  assert.equal(await receiver.text(), 'WATCHDOG=1');
  assert.equal(await notifier.barrier(5000), true);
  assert.equal((await receiver.take(1))[0].kind, 'barrier');
});

test('ok: a notifier with an address of its own', async () => {
  const other = await Receiver.start();
  const notifier = new Notifier({ socket: other.address });
  assert.equal(await notifier.ready(), true);
  assert.equal(await other.text(), 'READY=1');
  await says(ready(), 'READY=1');
  assert.equal(await new Notifier({ socket: '' }).ready(), false);
  await says(new Notifier({ socket: undefined }).ready(), 'READY=1');
});

test('ok: unsetEnvironment, and it goes on working', async () => {
  const notifier = new Notifier({ unsetEnvironment: true });
  assert.equal('NOTIFY_SOCKET' in process.env, false);
  await says(notifier.ready(), 'READY=1');
  await says(notifier.stopping(), 'STOPPING=1');
  assert.equal(await ready(), false);
  new Notifier({ unsetEnvironment: true });
});

test('err: unsetEnvironment, whether or not it worked', () => {
  process.env.NOTIFY_SOCKET = 'relative/path';
  assert.throws(() => new Notifier({ unsetEnvironment: true }), { code: 'EINVAL' });
  assert.equal('NOTIFY_SOCKET' in process.env, false);
});

test('ok: a notifier that is closed', async () => {
  const before = descriptors();
  const notifier = new Notifier();
  assert.equal(notifier.watchdog.start({ interval: 3_600_000 }), true);
  assert.equal(await receiver.text(), 'WATCHDOG=1');
  assert.equal(descriptors(), before + 1);
  notifier.close();
  assert.equal(descriptors(), before);
  assert.equal(notifier.watchdog.running, false);
  assert.equal(await notifier.ready(), false);
  assert.equal(await notifier.reloading(), false);
  assert.equal(await notifier.barrier(1000), false);
  assert.equal(notifier.watchdog.ping(), false);
  notifier.close();
  new Notifier({ socket: '' }).close();
  new Notifier().close();
  await receiver.nothing();
});

test('ok: a notifier that is closed while messages wait, and a barrier', async () => {
  const before = descriptors();
  const notifier = new Notifier({ timeout: 60_000 });
  const filled = await receiver.fill();
  let settled = false;
  const answers = [notifier.status('waits'), notifier.barrier(60_000)];
  Promise.all(answers).then(() => (settled = true));
  notifier.close();
  // What comes after that is not sent.
  const late = [notifier.status('late'), notifier.barrier(1000), notifier.watchdog.ping()];
  await elapse(50);
  assert.equal(settled, false);
  receiver.resume();
  assert.deepEqual(await Promise.all(answers), [true, true]);
  assert.deepEqual(await Promise.all(late), [false, false, false]);
  const events = (await receiver.take(filled + 2)).slice(filled);
  assert.deepEqual([events[0].text, events[1].kind], ['STATUS=waits', 'barrier']);
  await receiver.nothing();
  // The receiver's own notifier that filled the queue has one, too.
  await until(() => descriptors() <= before + 1, 'the socket being closed');
});

test('ok: what nobody awaits ends no process', async () => {
  const source = `
    const { Notifier, barrier, ready, sd_notify, sd_notify_barrier, sd_pid_notify, status, storeFds } = require('readyup');
    for (const call of [
      () => ready(),
      () => ready(5),
      () => status('a\\nb'),
      () => storeFds('x', ['0']),
      () => barrier(1),
      () => sd_notify('A=1'),
      () => sd_notify(5),
      () => sd_pid_notify(-1, 'A=1'),
      () => sd_notify_barrier(1),
      () => sd_notify('A=1', { unsetEnvironment: true }),
    ]) {
      call();
      process.env.NOTIFY_SOCKET = '/nonexistent-directory/notify';
    }
    new Notifier().ready();
    process.env.NOTIFY_SOCKET = 'relative';
    ready();
    sd_notify('A=1');
    setTimeout(() => console.log('still here'), 50);
  `;
  assert.equal(await runScript(source, { env: { NOTIFY_SOCKET: '/nonexistent-directory/notify' } }), 'still here\n');
});

test('err: options that are none', () => {
  for (const timeout of [-1, NaN, '5', null]) {
    assert.throws(() => new Notifier({ timeout }), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
  }
  for (const socket of ['relative', '/', '@', 'vsock:']) {
    assert.throws(() => new Notifier({ socket }), { code: 'EINVAL', errno: -22 });
  }
  // Not to be taken for "no manager".
  for (const socket of [5, null, {}, new URL('file:///run/notify'), Buffer.from('/run/notify')]) {
    assert.throws(() => new Notifier({ socket }), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
  }
});

test('ok: the default time-out', () => {
  assert.equal(DEFAULT_TIMEOUT, 5000);
});

test('ok: said at the very end of the process', async () => {
  const env = { NOTIFY_SOCKET: receiver.address };
  // Nothing is awaited: what fits into the queue is sent by the call itself.
  await runScript(`const { stopping } = require('readyup'); stopping('Bye'); process.exit();`, { env });
  assert.equal(await receiver.text(), 'STOPPING=1\nSTATUS=Bye');
  await runScript(`const { stopping } = require('readyup'); process.on('exit', () => stopping('At exit'));`, { env });
  assert.equal(await receiver.text(), 'STOPPING=1\nSTATUS=At exit');
});
