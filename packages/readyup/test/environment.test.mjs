// sd_watchdog_enabled, sd_booted, and garbage in every variable.
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { beforeEach, test } from 'node:test';
import { sd_booted, sd_watchdog_enabled, watchdog } from 'readyup';
import { Receiver } from './receiver.mjs';
import { clearEnvironment, freshPath, run, runScript } from './support.mjs';

beforeEach(clearEnvironment);

const own = String(process.pid);
const other = String(process.ppid);
const EINVAL = { code: 'EINVAL', errno: -22 };

function setWatchdog(usec, pid) {
  clearEnvironment();
  if (usec !== undefined) process.env.WATCHDOG_USEC = usec;
  if (pid !== undefined) process.env.WATCHDOG_PID = pid;
}

test('ok: sd_watchdog_enabled', () => {
  for (const [usec, pid, expected] of [
    [undefined, undefined, 0],
    [undefined, own, 0],
    [undefined, 'garbage', 0],
    ['30000000', undefined, 30_000],
    ['30000000', own, 30_000],
    ['30000000', other, 0],
    ['1500', own, 1.5],
    ['1', undefined, 0.001],
    ['007000', own, 7],
    ['2000500', own, 2000.5],
    ['18446744073709551614', own, 18446744073709551.614],
  ]) {
    setWatchdog(usec, pid);
    const what = `${usec} ${pid}`;
    assert.equal(sd_watchdog_enabled(), expected, what);
    assert.equal(watchdog.interval, expected === 0 ? undefined : expected / 2, what);
    // It leaves the variables alone,
    assert.equal(process.env.WATCHDOG_USEC, usec, what);
    assert.equal(process.env.WATCHDOG_PID, pid, what);
    // unless told otherwise.
    assert.equal(sd_watchdog_enabled({ unsetEnvironment: true }), expected, what);
    assert.deepEqual(['WATCHDOG_USEC' in process.env, 'WATCHDOG_PID' in process.env], [false, false], what);
    assert.equal(sd_watchdog_enabled(), 0, what);
  }
});

test('err: sd_watchdog_enabled', () => {
  for (const [usec, pid, text] of [
    ['', undefined, '$WATCHDOG_USEC is "", which is not a number'],
    ['0', undefined, '$WATCHDOG_USEC is "0", which is out of range'],
    ['18446744073709551615', undefined, '$WATCHDOG_USEC is "18446744073709551615", which is out of range'],
    ['18446744073709551616', own, '$WATCHDOG_USEC is "18446744073709551616", which is not a number'],
    ['infinity', own, '$WATCHDOG_USEC is "infinity", which is not a number'],
    ['-1', own, '$WATCHDOG_USEC is "-1", which is not a number'],
    [' 1', own, '$WATCHDOG_USEC is " 1", which is not a number'],
    ['30s', other, '$WATCHDOG_USEC is "30s", which is not a number'],
    ['1e6', own, '$WATCHDOG_USEC is "1e6", which is not a number'],
    ['1000', '', '$WATCHDOG_PID is "", which is not a number'],
    ['1000', '0', '$WATCHDOG_PID is "0", which is out of range'],
    ['1000', `${own}x`, `$WATCHDOG_PID is "${own}x", which is not a number`],
    ['1000', '4294967296', '$WATCHDOG_PID is "4294967296", which is out of range'],
  ]) {
    for (const call of [() => sd_watchdog_enabled(), () => watchdog.interval, () => watchdog.start()]) {
      setWatchdog(usec, pid);
      assert.throws(call, (error) => {
        assert.equal(error.message.split(';')[0], text);
        assert.deepEqual({ code: error.code, errno: error.errno }, EINVAL);
        return true;
      });
      assert.equal(watchdog.running, false);
    }
    assert.throws(() => sd_watchdog_enabled({ unsetEnvironment: true }), EINVAL);
    assert.deepEqual(['WATCHDOG_USEC' in process.env, 'WATCHDOG_PID' in process.env], [false, false]);
  }
});

test('ok: sd_booted', () => {
  assert.equal(sd_booted(), existsSync('/run/systemd/system/'));
});

const numbers = [
  '',
  '0',
  '1',
  '-1',
  '+1',
  ' 1',
  '1 ',
  '1.5',
  '1e3',
  '0x10',
  '१',
  'NaN',
  'infinity',
  'null',
  '99999999999999999999',
];
const texts = [
  '\n',
  '\t',
  '\u{1f600}',
  '\u00e4',
  '\ufffd',
  ':',
  '::::',
  '%s%n',
  '../..',
  'A=B',
  'x'.repeat(5000),
  '9'.repeat(70_000),
];
const addresses = [
  '/',
  '@',
  '//',
  '/dev/null',
  '/proc/self/mem',
  '@\u{1f600}',
  'vsock:',
  'vsock:1:',
  'vsock:x:y',
  `vsock:1:${'9'.repeat(99)}`,
];

// Everything that looks at the environment is tried under every value. Nothing but answers and Node-like errors may
// come out of it; a crash shows in the exit status.
const tryEverything = `
  const readyup = require('readyup');
  const calls = {
    ready: () => readyup.ready('x'),
    reloading: () => readyup.reloading(),
    send: () => readyup.send('A=1'),
    barrier: () => readyup.barrier(1),
    storeFds: () => readyup.storeFds('name', [0]),
    sd_notify: () => readyup.sd_notify('A=1', { timeout: 1 }),
    sd_notify_unset: () => readyup.sd_notify('A=1', { timeout: 1, unsetEnvironment: true }),
    sd_pid_notify: () => readyup.sd_pid_notify(1, 'A=1', { timeout: 1 }),
    sd_notify_barrier: () => readyup.sd_notify_barrier(1),
    sd_watchdog_enabled: () => readyup.sd_watchdog_enabled(),
    interval: () => readyup.watchdog.interval,
    ping: () => readyup.watchdog.ping(),
    start: () => readyup.watchdog.start(),
    stop: () => readyup.watchdog.stop(),
    sd_listen_fds: () => readyup.sd_listen_fds(),
    listenFds: () => readyup.listenFds(),
    Notifier: () => new readyup.Notifier({ timeout: 1 }).ready(),
  };
  async function everything(what) {
    const environment = { ...process.env };
    for (const [name, call] of Object.entries(calls)) {
      try {
        await call();
      } catch (error) {
        if (!(error instanceof Error) || typeof error.code !== 'string' || typeof error.errno !== 'number') {
          console.error(what, name, error);
          process.exitCode = 1;
        }
      }
      Object.assign(process.env, environment);
    }
  }
`;

test('ok: garbage in every variable is an error or not for us', async () => {
  const { address } = await Receiver.start();
  // What else has to be there for the value to be looked at.
  const table = {
    NOTIFY_SOCKET: [{}, [...numbers, ...texts, ...addresses]],
    WATCHDOG_USEC: [{ NOTIFY_SOCKET: address }, [...numbers, ...texts]],
    WATCHDOG_PID: [{ NOTIFY_SOCKET: address, WATCHDOG_USEC: '1000000' }, [...numbers, ...texts]],
    LISTEN_PID: [{ LISTEN_FDS: '1' }, [...numbers, ...texts]],
    LISTEN_FDS: [{ LISTEN_PID: 'own' }, [...numbers, ...texts, '1073741825', '1073741824', '2147483647', '4294967295']],
    LISTEN_FDNAMES: [{ LISTEN_PID: 'own', LISTEN_FDS: '1' }, [...numbers, ...texts]],
    LISTEN_PIDFDID: [{ LISTEN_PID: 'own', LISTEN_FDS: '1' }, [...numbers, ...texts]],
    FDSTORE: [{ NOTIFY_SOCKET: address }, [...numbers, ...texts]],
  };
  // Too much for a command line.
  const path = freshPath('table');
  writeFileSync(path, JSON.stringify(table));
  const source = `${tryEverything}
    (async () => {
      let count = 0;
      const table = JSON.parse(require('fs').readFileSync(process.argv[1], 'utf8'));
      for (const [variable, [others, values]] of Object.entries(table)) {
        for (const value of values) {
          for (const name of Object.keys(process.env)) if (/^(NOTIFY|WATCHDOG|LISTEN)_/.test(name)) delete process.env[name];
          Object.assign(process.env, others, { [variable]: value });
          if (others.LISTEN_PID) process.env.LISTEN_PID = String(process.pid);
          await everything(variable + '=' + value.slice(0, 50));
          count += 1;
        }
      }
      console.log(count);
    })();
  `;
  const output = await runScript(source, { parameters: [path] });
  assert.equal(
    Number(output),
    Object.values(table).reduce((sum, [, values]) => sum + values.length, 0),
  );
});

test('ok: bytes that are no text', async () => {
  // Such values cannot be made within Node; a shell can.
  for (const [variable, others] of [
    ['NOTIFY_SOCKET', 'A=1'],
    ['WATCHDOG_USEC', 'A=1'],
    ['WATCHDOG_PID', 'WATCHDOG_USEC=1000000'],
    ['LISTEN_PID', 'LISTEN_FDS=1'],
    ['LISTEN_FDS', 'LISTEN_PID=$$'],
    ['LISTEN_FDNAMES', 'LISTEN_PID=$$ LISTEN_FDS=1'],
  ]) {
    const shell = `bytes=$(printf '/\\377\\376\\200\\001'); export ${others} ${variable}="$bytes"; exec "$0" -e "$1"`;
    const script = `${tryEverything} everything('bytes').then(() => console.log('done'));`;
    const { code, signal, stdout, stderr } = await run('/bin/sh', ['-c', shell, process.execPath, script]);
    assert.deepEqual([code, signal, stdout], [0, null, 'done\n'], `${variable}: ${stderr}`);
  }
});
