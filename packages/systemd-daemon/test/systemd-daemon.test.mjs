import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterEach, before, beforeEach, test } from 'node:test';
import sd, * as namespace from '@readyup/systemd-daemon';
import { sd_booted } from 'readyup';
import { Receiver } from '../../readyup/test/receiver.mjs';
import { elapse, environment, freshPath, run, runScript } from '../../readyup/test/support.mjs';

let receiver;
before(async () => {
  receiver = await Receiver.start();
});
beforeEach(() => receiver.reset());
afterEach(() => sd.watchdog.stop());

test('the names are theirs, for import and require', () => {
  const require = createRequire(import.meta.url);
  const names = ['booted', 'listen_fds', 'notify', 'socket', 'watchdog'];
  assert.deepEqual(Object.keys(sd).sort(), names);
  assert.equal(require('@readyup/systemd-daemon'), sd);
  for (const name of names) assert.equal(namespace[name], sd[name]);
  assert.deepEqual(Object.keys(sd.watchdog).sort(), ['enabled', 'start', 'stop']);
  assert.equal(sd.listen_fds.start, 3);
  for (const name of names) {
    assert.equal(require(`@readyup/systemd-daemon/lib/${name.replace('_', '-')}`), sd[name]);
  }
});

test('a message is theirs to the byte', async () => {
  assert.equal(sd.notify('READY=1'), undefined);
  assert.equal(await receiver.text(), 'READY=1\n');
});

test('an error is printed, and nothing is without a manager', async (context) => {
  const printed = context.mock.method(console, 'error', () => {});
  delete process.env.NOTIFY_SOCKET;
  sd.notify('READY=1');
  process.env.NOTIFY_SOCKET = '';
  sd.notify('READY=1');
  await elapse(1);
  assert.equal(printed.mock.callCount(), 0);
  process.env.NOTIFY_SOCKET = freshPath();
  sd.notify('READY=1');
  await elapse(1);
  assert.deepEqual(
    printed.mock.calls.map((call) => call.arguments[0].code),
    ['ENOENT'],
  );
});

test('the watchdog', async () => {
  assert.equal(sd.watchdog.enabled(), 0);
  assert.equal(sd.watchdog.start(), undefined);
  process.env.WATCHDOG_USEC = '400500';
  process.env.WATCHDOG_PID = '1';
  assert.equal(sd.watchdog.enabled(), 0);
  sd.watchdog.start();
  await elapse(250);
  await receiver.nothing();

  process.env.WATCHDOG_PID = String(process.pid);
  assert.equal(sd.watchdog.enabled(), 400.5);
  sd.watchdog.start();
  sd.watchdog.start();
  await receiver.nothing();
  const beats = await receiver.take(3);
  assert.ok(beats.every(({ text }) => text === 'WATCHDOG=1'));
  const apart = beats[2].at - beats[0].at;
  assert.ok(apart > 300, `there is one timer: ${apart} ms`);
  assert.equal(sd.watchdog.stop(), undefined);
  await receiver.rest();
  await elapse(250);
  await receiver.nothing();
});

test('booted', async () => {
  assert.equal(sd.booted(), sd_booted());
  let answer;
  const answered = new Promise((resolve) => {
    assert.equal(
      sd.booted((booted) => {
        answer = booted;
        resolve();
      }),
      undefined,
    );
  });
  assert.equal(answer, undefined, 'not before the call has returned');
  await answered;
  assert.equal(answer, sd_booted());
});

test('garbage in the environment', () => {
  for (const [pid, fds, expected] of [
    [undefined, '1', 0],
    ['', '1', 0],
    ['1', '1', 0],
    [String(process.pid), undefined, 0],
    ['x', '1', -1],
    [String(process.pid), 'x', -1],
  ]) {
    for (const [name, value] of Object.entries({ LISTEN_PID: pid, LISTEN_FDS: fds })) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    assert.equal(sd.listen_fds(), expected, `${pid} ${fds}`);
    assert.equal(sd.socket(), null);
  }
});

test('passed descriptors', async () => {
  const source = `
    process.env.LISTEN_PID = String(process.pid);
    const sd = require('@readyup/systemd-daemon');
    console.log(JSON.stringify([sd.listen_fds(), sd.socket(), sd.socket(0), sd.socket(1), sd.socket(2),
      sd.socket('http'), sd.socket('no'), sd.socket(null)]));`;
  const fds = ['/dev/null', '/dev/zero'].map((path) => openSync(path));
  try {
    const { stdout, stderr } = await run(process.execPath, ['-e', source], {
      env: environment({ LISTEN_FDS: '2', LISTEN_FDNAMES: 'admin:http' }),
      stdio: fds,
    });
    const [first, second] = [{ fd: 3 }, { fd: 4 }];
    assert.deepEqual(JSON.parse(stdout || stderr), [2, first, first, second, null, second, null, first]);
  } finally {
    fds.forEach((fd) => closeSync(fd));
  }
});

test('a message is on its way before the call returns', async () => {
  await runScript(`require('@readyup/systemd-daemon').notify('READY=1'); process.exit()`, {
    env: { NOTIFY_SOCKET: receiver.address },
  });
  assert.equal(await receiver.text(), 'READY=1\n');
});
