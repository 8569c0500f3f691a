// sd_listen_fds: descriptors that a manager passes. They can only be passed over exec, so each test has a process of
// its own, which a shell becomes after it has put its pid into LISTEN_PID.
import assert from 'node:assert/strict';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { release } from 'node:os';
import { test } from 'node:test';
import { listenFds, sd_listen_fds } from 'readyup';
import { Receiver } from './receiver.mjs';
import { freshPath, run, within } from './support.mjs';

/** Runs `source` in a Node to which `fds` are passed; answers with what it printed, as JSON. */
async function passTo(source, fds, env, options = {}) {
  const shell = 'test -n "$LISTEN_PID" || export LISTEN_PID=$$; exec "$0" -e "$1"';
  const result = await run('/bin/sh', ['-c', shell, process.execPath, source], { env, stdio: fds, ...options });
  assert.deepEqual([result.code, result.signal], [0, null], `${result.stdout}\n${result.stderr}`);
  return JSON.parse(result.stdout);
}

/** Prints what both functions answer, and which variables are left. */
const report = `
  const { listenFds, sd_listen_fds } = require('readyup');
  const attempt = (call) => {
    try {
      return call();
    } catch ({ code, errno, syscall, message }) {
      return { code, errno, syscall, message };
    }
  };
  const answer = attempt(sd_listen_fds);
  require('assert').deepStrictEqual(attempt(listenFds), answer);
  const kept = Object.keys(process.env).filter((name) => name.startsWith('LISTEN_')).length;
  require('assert').deepStrictEqual(attempt(() => sd_listen_fds({ unsetEnvironment: true })), answer);
  const left = Object.keys(process.env).filter((name) => name.startsWith('LISTEN_')).length;
  require('assert').deepStrictEqual(attempt(sd_listen_fds), []);
  console.log(JSON.stringify({ answer, kept, left }));
`;

/** Descriptors of files whose content is their own place in the row. */
async function withFiles(count, use) {
  const fds = Array.from({ length: count }, (_, index) => {
    const path = freshPath('passed');
    writeFileSync(path, String(index));
    return openSync(path);
  });
  try {
    return await use(fds);
  } finally {
    fds.forEach((fd) => closeSync(fd));
  }
}

test('ok: nothing is passed to this process', () => {
  assert.deepEqual(sd_listen_fds(), []);
  assert.deepEqual(listenFds(), []);
  assert.deepEqual(sd_listen_fds({ unsetEnvironment: true }), []);
});

for (const [what, env, expected] of [
  ['names', { LISTEN_FDS: '2', LISTEN_FDNAMES: 'http:admin' }, ['http', 'admin']],
  ['no names', { LISTEN_FDS: '2' }, ['unknown', 'unknown']],
  ['fewer than there are', { LISTEN_FDS: '1', LISTEN_FDNAMES: 'http' }, ['http']],
  ['the same name twice', { LISTEN_FDS: '2', LISTEN_FDNAMES: 'http:http' }, ['http', 'http']],
  ['empty names', { LISTEN_FDS: '2', LISTEN_FDNAMES: ':' }, ['', '']],
  ['one empty name', { LISTEN_FDS: '1', LISTEN_FDNAMES: '' }, ['']],
  ['names with spaces', { LISTEN_FDS: '2', LISTEN_FDNAMES: 'a b:~' }, ['a b', '~']],
  ['none', { LISTEN_FDS: '0' }, []],
  ['another process', { LISTEN_FDS: '2', LISTEN_FDNAMES: 'a:b', LISTEN_PID: '1' }, []],
  ['another process, and garbage', { LISTEN_FDS: 'garbage', LISTEN_PID: '1' }, []],
  ['no count', { LISTEN_FDNAMES: 'a:b' }, []],
]) {
  test(`ok: ${what}`, async () => {
    const { answer, kept, left } = await withFiles(2, (fds) => passTo(report, fds, env));
    assert.deepEqual(
      answer,
      expected.map((name, index) => ({ fd: 3 + index, name })),
    );
    assert.deepEqual([kept, left], [Object.keys({ LISTEN_PID: '', ...env }).length, 0]);
  });
}

for (const [what, env, code, text] of [
  ['a count that is no number', { LISTEN_FDS: 'two' }, 'EINVAL', '$LISTEN_FDS is "two", which is not a number'],
  ['an empty count', { LISTEN_FDS: '' }, 'EINVAL', '$LISTEN_FDS is "", which is not a number'],
  ['a negative count', { LISTEN_FDS: '-2' }, 'EINVAL', '$LISTEN_FDS is "-2", which is not a number'],
  ['too great a count', { LISTEN_FDS: '4294967298' }, 'EINVAL', '$LISTEN_FDS is "4294967298", which is out of range'],
  [
    'a pid that is no number',
    { LISTEN_FDS: '2', LISTEN_PID: 'me' },
    'EINVAL',
    '$LISTEN_PID is "me", which is not a number',
  ],
  ['the pid 0', { LISTEN_FDS: '2', LISTEN_PID: '0' }, 'EINVAL', '$LISTEN_PID is "0", which is out of range'],
  [
    'too few names',
    { LISTEN_FDS: '2', LISTEN_FDNAMES: 'a' },
    'EINVAL',
    '$LISTEN_FDNAMES is "a", which is 1 names for 2 descriptors',
  ],
  [
    'too many names',
    { LISTEN_FDS: '2', LISTEN_FDNAMES: 'a:b:c' },
    'EINVAL',
    '$LISTEN_FDNAMES is "a:b:c", which is 3 names for 2 descriptors',
  ],
  [
    'no name, but two descriptors',
    { LISTEN_FDS: '2', LISTEN_FDNAMES: '' },
    'EINVAL',
    '$LISTEN_FDNAMES is "", which is 0 names for 2 descriptors',
  ],
  ['descriptors that are not open', { LISTEN_FDS: '10000' }, 'EBADF', 'taking over a passed descriptor'],
]) {
  test(`err: ${what}`, async () => {
    const { answer, left } = await withFiles(2, (fds) => passTo(report, fds, env));
    assert.equal(answer.code, code);
    assert.equal(answer.errno, { EINVAL: -22, EBADF: -9 }[code]);
    assert.ok(answer.message.startsWith(text), answer.message);
    assert.equal(left, 0);
  });
}

test('ok: a process that only has the same pid is told apart, where the kernel can', async () => {
  // Since Linux 6.9 each pidfd has a number of its own, which is that of no process here.
  const [major, minor] = release().split('.').map(Number);
  const told = major > 6 || (major === 6 && minor >= 9);
  const env = { LISTEN_FDS: '1', LISTEN_FDNAMES: 'a' };
  const other = await withFiles(1, (fds) => passTo(report, fds, { ...env, LISTEN_PIDFDID: '1' }));
  assert.deepEqual(other.answer, told ? [] : [{ fd: 3, name: 'a' }]);
  assert.deepEqual([other.kept, other.left], [4, 0]);
  const garbage = await withFiles(1, (fds) => passTo(report, fds, { ...env, LISTEN_PIDFDID: 'garbage' }));
  assert.equal(garbage.answer.code, told ? 'EINVAL' : undefined);
});

test('ok: each name belongs to its descriptor', async () => {
  const source = `
    const passed = require('readyup').sd_listen_fds();
    const { readFileSync } = require('fs');
    console.log(JSON.stringify(passed.map(({ fd, name }) => [name, readFileSync(fd, 'utf8')])));
  `;
  const env = { LISTEN_FDS: '3', LISTEN_FDNAMES: 'zero:one:two' };
  const contents = await withFiles(3, (fds) => passTo(source, fds, env));
  assert.deepEqual(contents, [
    ['zero', '0'],
    ['one', '1'],
    ['two', '2'],
  ]);
});

test('ok: as many as a manager would pass at most', async () => {
  const names = Array.from({ length: 250 }, (_, index) => `${index}`.padEnd(255, '-'));
  const source = `console.log(JSON.stringify(require('readyup').sd_listen_fds()))`;
  const env = { LISTEN_FDS: '250', LISTEN_FDNAMES: names.join(':') };
  const passed = await withFiles(1, ([fd]) => passTo(source, Array(250).fill(fd), env));
  assert.deepEqual(
    passed,
    names.map((name, index) => ({ fd: 3 + index, name })),
  );
});

test('ok: in a worker', async () => {
  const source = `
    const { Worker } = require('worker_threads');
    const code = "require('worker_threads').parentPort.postMessage(require('readyup').sd_listen_fds())";
    new Worker(code, { eval: true }).on('message', (passed) => console.log(JSON.stringify(passed)));
  `;
  const passed = await withFiles(1, (fds) => passTo(source, fds, { LISTEN_FDS: '1', LISTEN_FDNAMES: 'a' }));
  assert.deepEqual(passed, [{ fd: 3, name: 'a' }]);
});

test('ok: a server on a passed socket', async () => {
  const receiver = await Receiver.start();
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  const source = `
    const { listenFds, ready } = require('readyup');
    const [{ fd, name }] = listenFds();
    const server = require('net').createServer((socket) => {
      socket.end('hello from ' + name);
      server.close();
    });
    server.listen({ fd }, async () => console.log(JSON.stringify(await ready('Serving'))));
  `;
  const env = { LISTEN_FDS: '1', LISTEN_FDNAMES: 'greeter', NOTIFY_SOCKET: receiver.address };
  const ended = passTo(source, [server._handle.fd], env);
  // From here on only the child listens.
  server.close();
  assert.equal(await receiver.text(), 'READY=1\nSTATUS=Serving');
  const greeting = new Promise((resolve, reject) => {
    let text = '';
    connect(port, '127.0.0.1')
      .setEncoding('utf8')
      .on('data', (piece) => (text += piece))
      .on('end', () => resolve(text))
      .on('error', reject);
  });
  assert.equal(await within(greeting, 'a greeting'), 'hello from greeter');
  assert.equal(await ended, true);
});
