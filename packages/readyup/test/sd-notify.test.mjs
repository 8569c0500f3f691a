// sd_notify: what it answers, what it refuses, and how it treats the environment.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { sd_notify } from 'readyup';
import { Receiver } from './receiver.mjs';
import { freshPath, temporaryDirectory, within } from './support.mjs';

const receiver = await Receiver.start();

beforeEach(() => receiver.reset());

test('ok: true once it was sent', async () => {
  const answer = sd_notify('READY=1\nSTATUS=Up');
  assert.ok(answer instanceof Promise);
  assert.equal(await answer, true);
  const [message] = await receiver.take(1);
  assert.deepEqual(
    { kind: message.kind, pid: message.pid, fds: message.fds, text: message.text },
    { kind: 'message', pid: process.pid, fds: 0, text: 'READY=1\nSTATUS=Up' },
  );
});

test('ok: false when NOTIFY_SOCKET is unset or empty', async () => {
  delete process.env.NOTIFY_SOCKET;
  assert.equal(await sd_notify('READY=1'), false);
  assert.equal(await sd_notify('READY=1', { unsetEnvironment: true }), false);
  assert.equal('NOTIFY_SOCKET' in process.env, false);

  process.env.NOTIFY_SOCKET = '';
  assert.equal(await sd_notify('READY=1'), false);
  process.env.NOTIFY_SOCKET = receiver.address;
  await receiver.nothing();
});

test('ok: the environment is looked at on each call', async () => {
  const other = await Receiver.start();
  for (const [index, destination] of [receiver, other, receiver, undefined, other].entries()) {
    if (destination === undefined) delete process.env.NOTIFY_SOCKET;
    else process.env.NOTIFY_SOCKET = destination.address;
    assert.equal(await sd_notify(`X_INDEX=${index}`), destination !== undefined);
    if (destination !== undefined) assert.equal(await destination.text(), `X_INDEX=${index}`);
  }
});

test('ok: unsetEnvironment deletes the variable whether or not it worked', async () => {
  for (const [address, state, expected] of [
    [receiver.address, 'X_A=1', true],
    ['', 'X_A=1', false],
    ['relative/path', 'X_A=1', 'EINVAL'],
    [freshPath('missing'), 'X_A=1', 'ENOENT'],
    [receiver.address, 'X_A=\0', 'EINVAL'],
    [receiver.address, 42, 'ERR_INVALID_ARG_TYPE'],
  ]) {
    process.env.NOTIFY_SOCKET = address;
    const answer = sd_notify(state, { unsetEnvironment: true });
    // At once, so that a child started in the same turn does not find it.
    assert.equal('NOTIFY_SOCKET' in process.env, false, address);
    const result = await answer.catch((error) => error.code);
    assert.equal(result, expected, address);
    assert.equal(await sd_notify('X_LATER=1'), false);
  }
  assert.equal(await receiver.text(), 'X_A=1');

  process.env.NOTIFY_SOCKET = receiver.address;
  await sd_notify('X_KEPT=1', { unsetEnvironment: false });
  assert.equal(await receiver.text(), 'X_KEPT=1');
  assert.equal(process.env.NOTIFY_SOCKET, receiver.address);
});

const EINVAL = { code: 'EINVAL', errno: -22, syscall: 'sd_notify' };
const ENAMETOOLONG = { code: 'ENAMETOOLONG', errno: -36, syscall: 'sd_notify' };

for (const [what, address, expected] of [
  ['a relative path', 'run/notify', EINVAL],
  ['a dot', '.', EINVAL],
  ['a space before the path', ' /run/notify', EINVAL],
  ['a lone slash', '/', EINVAL],
  ['a lone @', '@', EINVAL],
  ['another scheme', 'unix:/run/notify', EINVAL],
  ['vsock without a colon', 'vsock', EINVAL],
  ['vsock with nothing', 'vsock:', EINVAL],
  ['vsock without CID', 'vsock::5', EINVAL],
  ['vsock without port', 'vsock:2', EINVAL],
  ['vsock with an empty port', 'vsock:2:', EINVAL],
  ['vsock with a word for CID', 'vsock:guest:5', EINVAL],
  ['vsock to any CID', 'vsock:4294967295:5', EINVAL],
  ['vsock to any port', 'vsock:2:4294967295', EINVAL],
  ['vsock with a sign', 'vsock:-1:5', EINVAL],
  ['vsock with too much', 'vsock-stream:2:5:6', EINVAL],
  ['vsock of an unknown type', 'vsock-raw:2:5', EINVAL],
  ['a path that is too long', `/${'x'.repeat(107)}`, ENAMETOOLONG],
  ['a name that is far too long', `@${'x'.repeat(5000)}`, ENAMETOOLONG],
  ['no such socket', '/nonexistent-directory/notify', { code: 'ENOENT', errno: -2, syscall: 'connect' }],
  ['below a file', `${process.execPath}/x`, { code: 'ENOTDIR', errno: -20, syscall: 'connect' }],
  ['a directory', temporaryDirectory(), { code: 'ECONNREFUSED', errno: -111, syscall: 'connect' }],
  ['nobody there', `@readyup-test/${process.pid}`, { code: 'ECONNREFUSED', errno: -111, syscall: 'connect' }],
]) {
  test(`err: NOTIFY_SOCKET: ${what}`, async () => {
    process.env.NOTIFY_SOCKET = address;
    await assert.rejects(sd_notify('READY=1'), (error) => {
      assert.ok(error instanceof Error);
      const { code, errno, syscall } = error;
      assert.deepEqual({ code, errno, syscall }, expected);
      assert.match(error.message, /NOTIFY_SOCKET|notify socket/);
      return true;
    });
    // Nothing of it is left behind.
    process.env.NOTIFY_SOCKET = receiver.address;
    await receiver.nothing();
  });
}

test('ok: UTF-8', async () => {
  for (const text of ['größer', '日本語', '😀'.repeat(3), 'e\u0301', '\u{10ffff}', '\ufeffx']) {
    assert.equal(await sd_notify(`STATUS=${text}`), true);
    assert.equal(await receiver.text(), `STATUS=${text}`);
  }
  // Half a surrogate pair is no text; what arrives is UTF-8 all the same.
  assert.equal(await sd_notify('STATUS=\ud800!'), true);
  assert.equal(await receiver.text(), 'STATUS=\ufffd!');
});

test('ok: an abstract socket', async () => {
  const named = await Receiver.start(`@readyup-test/größe/${process.pid}`);
  process.env.NOTIFY_SOCKET = named.address;
  assert.equal(await sd_notify('READY=1'), true);
  assert.equal(await named.text(), 'READY=1');
});

test('ok: a path of the greatest length', async () => {
  const room = 107 - Buffer.byteLength(temporaryDirectory()) - 1;
  const longest = await Receiver.start(`${temporaryDirectory()}/${'x'.repeat(room)}`);
  process.env.NOTIFY_SOCKET = longest.address;
  assert.equal(await sd_notify('READY=1'), true);
  assert.equal(await longest.text(), 'READY=1');
});

test('ok: 4096 bytes, of characters of every width', async () => {
  for (const character of ['x', 'ä', '日', '😀']) {
    const width = Buffer.byteLength(character);
    const count = Math.floor((4096 - 'STATUS='.length) / width);
    const state = 'STATUS='.padEnd(4096 - count * width, '-') + character.repeat(count);
    assert.equal(Buffer.byteLength(state), 4096);
    assert.equal(await sd_notify(state), true);
    assert.equal(await receiver.text(), state);
  }
});

test('err: more than 4096 bytes', async () => {
  for (const state of [
    'x'.repeat(4097),
    'x'.repeat(4095) + 'ä',
    'x'.repeat(4094) + '日',
    'x'.repeat(4093) + '😀',
    'x'.repeat(4096) + '😀',
    '😀'.repeat(1025),
    'ä'.repeat(4096),
    'x'.repeat(1 << 20),
  ]) {
    await assert.rejects(sd_notify(state), (error) => {
      assert.deepEqual({ code: error.code, errno: error.errno }, { code: 'EMSGSIZE', errno: -90 });
      assert.match(error.message, new RegExp(`has ${Buffer.byteLength(state)} bytes.* at most 4096`));
      return true;
    });
  }
  await receiver.nothing();
});

test('err: a NUL', async () => {
  for (const state of ['\0', 'READY=1\0', 'READY=1\0STATUS=a', '\0READY=1']) {
    await assert.rejects(sd_notify(state), { code: 'EINVAL', errno: -22 });
  }
  await receiver.nothing();
});

test('err: no string', async () => {
  for (const state of [undefined, null, 0, 42n, true, {}, [], ['READY=1'], Buffer.from('READY=1'), Symbol('x')]) {
    await assert.rejects(sd_notify(state), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
  }
  // A String object is none either, as everywhere in Node.
  await assert.rejects(sd_notify(new String('READY=1')), { code: 'ERR_INVALID_ARG_TYPE' });
  await receiver.nothing();
});

test('err: a timeout that is none', async () => {
  for (const timeout of [-1, NaN, '5', {}, 5n]) {
    await assert.rejects(sd_notify('X_A=1', { timeout }), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
  }
  await receiver.nothing();
  for (const timeout of [0, 0.5, 1e9, Infinity, undefined]) {
    assert.equal(await sd_notify('X_A=1', { timeout }), true);
    assert.equal(await receiver.text(), 'X_A=1');
  }
});

test('ok: everything that sd_notify lets through is passed on as it is', async () => {
  // It takes a finished state string; what is in it is the caller's business.
  for (const state of ['', '\n', 'READY=1\n', 'no assignment', 'STATUS=a\tb\\c"\'', 'A=1\r\nB=2', 'X=\x01\x7f']) {
    assert.equal(await sd_notify(state), true);
    assert.equal(await receiver.text(), state);
  }
});

test('ok: many at once arrive in the order of the calls', async () => {
  const calls = [];
  for (let index = 0; index < 1000; index += 1) calls.push(sd_notify(`X_INDEX=${index}`));
  assert.deepEqual(new Set(await Promise.all(calls)), new Set([true]));
  const messages = await receiver.take(1000);
  assert.deepEqual(
    messages.map(({ text }) => text),
    Array.from({ length: 1000 }, (_, index) => `X_INDEX=${index}`),
  );
});

test('err: a vsock that nobody listens on', async () => {
  // Which error it is depends on what the kernel has; that it is one, and comes in time, does not.
  for (const address of [
    'vsock:local:999',
    'vsock-stream:local:999',
    'vsock-seqpacket:local:999',
    'vsock-dgram:local:999',
  ]) {
    process.env.NOTIFY_SOCKET = address;
    const failed = assert.rejects(sd_notify('READY=1', { timeout: 300 }), (error) => {
      assert.match(error.code, /^E[A-Z]+$/);
      assert.ok(error.errno < 0);
      assert.match(error.syscall, /^(socket|connect|sendmsg)$/);
      return true;
    });
    await within(failed, address, 5000);
  }
});
