import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { afterEach, before, beforeEach, test } from 'node:test';
import { journal } from 'readyup';
import notify, * as namespace from '@readyup/sd-notify';
import { Receiver } from '../../readyup/test/receiver.mjs';
import { elapse, freshPath, runScript } from '../../readyup/test/support.mjs';

let receiver;
before(async () => {
  receiver = await Receiver.start();
});
beforeEach(() => receiver.reset());
afterEach(() => notify.stopWatchdogMode());

const LEVELS = {
  emerg: 0,
  emergency: 0,
  alert: 1,
  crit: 2,
  critical: 2,
  err: 3,
  error: 3,
  warning: 4,
  warn: 4,
  notice: 5,
  info: 6,
  debug: 7,
};

test('the names are theirs, for import and require', () => {
  const names = [
    'journalPrint',
    'log',
    'ready',
    'sendState',
    'sendStatus',
    'startWatchdogMode',
    'stopWatchdogMode',
    'stopping',
    'watchdog',
    'watchdogInterval',
  ];
  const required = createRequire(import.meta.url)('@readyup/sd-notify');
  assert.deepEqual(Object.keys(required).sort(), names);
  assert.equal(notify, required);
  for (const name of names) assert.equal(namespace[name], required[name], name);
  assert.deepEqual(Object.keys(notify.log), Object.keys(LEVELS));
});

test('each message is theirs to the byte, and every call answers with nothing', async () => {
  const table = [
    [() => notify.ready(), 'READY=1'],
    [() => notify.stopping(), 'STOPPING=1'],
    [() => notify.stopping(process.pid), 'STOPPING=1'],
    [() => notify.watchdog(), 'WATCHDOG=1'],
    [() => notify.sendState('READY=1\nSTATUS=Up'), 'READY=1\nSTATUS=Up'],
    [() => notify.sendState(['STATUS=a', 'b']), 'STATUS=a,b'],
    [() => notify.sendStatus('on :8080'), 'STATUS=on :8080\n'],
    [() => notify.sendStatus(5), 'STATUS=5\n'],
  ];
  for (const [call, text] of table) {
    assert.equal(call(), undefined);
    assert.equal(await receiver.text(), text);
  }
});

test('a status is one line, and fits', async () => {
  notify.sendStatus('a\r\nREADY=1\n');
  assert.equal(await receiver.text(), 'STATUS=a READY=1 \n');
  for (const character of ['x', 'ä', '€', '😀']) {
    notify.sendStatus('.' + character.repeat(5000));
    const text = await receiver.text();
    const length = Buffer.byteLength(text);
    assert.ok(length <= 4096 && length > 4096 - Buffer.byteLength(character), `${length} bytes`);
    assert.match(text, new RegExp(`^STATUS=\\.(${character})+\n$`, 'u'));
  }
});

test('the period of the watchdog', () => {
  for (const [usec, pid, expected] of [
    [undefined, undefined, 0],
    ['2000000', undefined, 2000],
    ['2000999', String(process.pid), 2000],
    ['2000000', '1', 0],
    ['garbage', undefined, 0],
  ]) {
    for (const [name, value] of Object.entries({ WATCHDOG_USEC: usec, WATCHDOG_PID: pid })) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    assert.equal(notify.watchdogInterval(), expected, usec);
  }
});

test('watchdog mode', async () => {
  assert.equal(notify.startWatchdogMode(150), undefined);
  await receiver.nothing();
  await receiver.take(3);
  // Not one timer more.
  notify.startWatchdogMode('20');
  await receiver.take(2);
  assert.equal(notify.stopWatchdogMode(), undefined);
  await receiver.rest();
  await elapse(80);
  await receiver.nothing();
  notify.stopWatchdogMode();
});

test('an interval that is none', async () => {
  process.env.WATCHDOG_USEC = '400000';
  for (const interval of [undefined, null, NaN, 0, -1, Infinity, 'soon', {}]) {
    notify.startWatchdogMode(interval);
    await elapse(15);
    await receiver.nothing();
    assert.equal((await receiver.take(1))[0].text, 'WATCHDOG=1');
  }
});

test('watchdog mode keeps the process alive, as theirs', async () => {
  const script = (more) => `const notify = require('@readyup/sd-notify'); notify.startWatchdogMode(10); ${more}`;
  const [stopped, kept] = ['setTimeout(notify.stopWatchdogMode, 100)', 'setTimeout(() => process.exit(), 100).unref()'];
  await runScript(script(stopped), { env: { NOTIFY_SOCKET: receiver.address } });
  await runScript(script(kept), { env: { NOTIFY_SOCKET: receiver.address } });
  assert.ok((await receiver.rest()).length >= 2);
});

test('the journal', (context) => {
  const print = context.mock.method(journal, 'print', async () => true);
  for (const [name, level] of Object.entries(LEVELS)) {
    assert.equal(notify.log[name]('one', 2, null, ['a', 'b'], '%s'), undefined);
    assert.deepEqual(print.mock.calls.at(-1).arguments, [level, 'one 2  a,b %s']);
  }
  for (const [level, expected] of [
    [3, 3],
    ['3', 3],
    [24 + 3, 3],
    [undefined, 6],
    ['info', 6],
  ]) {
    assert.equal(notify.journalPrint(level, 'text', 'not theirs'), undefined);
    assert.deepEqual(print.mock.calls.at(-1).arguments, [expected, 'text']);
  }
});

test('nothing is ever thrown', async () => {
  for (const socket of [undefined, '', freshPath(), 'relative']) {
    if (socket === undefined) delete process.env.NOTIFY_SOCKET;
    else process.env.NOTIFY_SOCKET = socket;
    process.env.WATCHDOG_USEC = 'garbage';
    notify.ready();
    notify.stopping();
    notify.stopping(-1);
    notify.stopping(2 ** 40);
    notify.watchdog();
    notify.sendState('x'.repeat(10_000));
    notify.sendState(undefined);
    notify.sendStatus(Symbol('s'));
    notify.journalPrint(7, 'a test of readyup');
    notify.startWatchdogMode(1);
    await elapse(5);
    notify.stopWatchdogMode();
  }
});

test('a message is on its way before the call returns', async () => {
  await runScript(`require('@readyup/sd-notify').ready(); process.exit()`, {
    env: { NOTIFY_SOCKET: receiver.address },
  });
  assert.equal(await receiver.text(), 'READY=1');
});

test('it works in a worker thread', async () => {
  const inside = `require('@readyup/sd-notify').sendStatus('from a worker')`;
  await runScript(`new (require('node:worker_threads').Worker)(${JSON.stringify(inside)}, { eval: true })`, {
    env: { NOTIFY_SOCKET: receiver.address },
  });
  assert.equal(await receiver.text(), 'STATUS=from a worker\n');
});

test('a manager that hangs does not hold the event loop', async () => {
  await receiver.fill();
  const start = performance.now();
  notify.ready();
  notify.watchdog();
  assert.ok(performance.now() - start < 200);
  receiver.resume();
  let text;
  do [{ text }] = await receiver.take(1);
  while (text === 'X_FILL=1');
  assert.equal(text, 'READY=1');
});
