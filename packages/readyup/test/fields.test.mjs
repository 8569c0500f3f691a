// notify(): every field, its spelling on the wire, and what is refused.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { notify, status } from 'readyup';
import { Receiver } from './receiver.mjs';
import { monotonicTime } from './support.mjs';

const receiver = await Receiver.start();

beforeEach(() => receiver.reset());

for (const [fields, expected] of [
  [{ ready: true }, 'READY=1'],
  [{ stopping: true }, 'STOPPING=1'],
  [{ status: 'Serving on :8080' }, 'STATUS=Serving on :8080'],
  [{ status: '' }, 'STATUS='],
  [{ status: 'a=b=c\t"ü"' }, 'STATUS=a=b=c\t"ü"'],
  [{ errno: 2 }, 'ERRNO=2'],
  [{ errno: 0 }, 'ERRNO=0'],
  [{ errno: 4095 }, 'ERRNO=4095'],
  [{ errno: 'ENOENT' }, 'ERRNO=ENOENT'],
  [{ errno: '2' }, 'ERRNO=2'],
  [{ busError: 'org.freedesktop.DBus.Error.TimedOut' }, 'BUSERROR=org.freedesktop.DBus.Error.TimedOut'],
  [{ varlinkError: 'org.varlink.service.InvalidParameter' }, 'VARLINKERROR=org.varlink.service.InvalidParameter'],
  [{ mainPid: 4242 }, 'MAINPID=4242'],
  [{ mainPid: 0x7fffffff }, 'MAINPID=2147483647'],
  [{ mainPidFdId: 77 }, 'MAINPIDFDID=77'],
  [{ mainPidFdId: 2n ** 64n - 1n }, 'MAINPIDFDID=18446744073709551615'],
  [{ mainPidFd: true }, 'MAINPIDFD=1'],
  [{ watchdog: true }, 'WATCHDOG=1'],
  [{ watchdog: 'trigger' }, 'WATCHDOG=trigger'],
  [{ watchdogPeriod: 30_000 }, 'WATCHDOG_USEC=30000000'],
  [{ watchdogPeriod: 0 }, 'WATCHDOG_USEC=0'],
  [{ watchdogPeriod: 0.0015 }, 'WATCHDOG_USEC=2'],
  [{ extendTimeout: 1500 }, 'EXTEND_TIMEOUT_USEC=1500000'],
  [{ extendTimeout: 0.001 }, 'EXTEND_TIMEOUT_USEC=1'],
  [{ extendTimeout: 1e12 }, 'EXTEND_TIMEOUT_USEC=1000000000000000'],
  [{ notifyAccess: 'none' }, 'NOTIFYACCESS=none'],
  [{ notifyAccess: 'main' }, 'NOTIFYACCESS=main'],
  [{ notifyAccess: 'exec' }, 'NOTIFYACCESS=exec'],
  [{ notifyAccess: 'all' }, 'NOTIFYACCESS=all'],
  [{ restartReset: true }, 'RESTART_RESET=1'],
  [{ exitStatus: 0 }, 'EXIT_STATUS=0'],
  [{ exitStatus: 255 }, 'EXIT_STATUS=255'],
  [{ fdStore: true }, 'FDSTORE=1'],
  [{ fdStore: true, fdName: 'http', fdPoll: false }, 'FDSTORE=1\nFDNAME=http\nFDPOLL=0'],
  [{ fdStoreRemove: true, fdName: 'http' }, 'FDSTOREREMOVE=1\nFDNAME=http'],
  [{ X_ACME_VERSION: '1.2' }, 'X_ACME_VERSION=1.2'],
  [{ X_ACME_EMPTY: '' }, 'X_ACME_EMPTY='],
  [{ X_: 'x' }, 'X_=x'],
  [{ [`X_${'A'.repeat(200)}`]: 'v' }, `X_${'A'.repeat(200)}=v`],
  [{ X_SYSTEMD_HOSTNAME: 'guest' }, 'X_SYSTEMD_HOSTNAME=guest'],
  // In the order in which they are given, which is that of the object.
  [{ ready: true, status: 'Up', X_A: '1', mainPid: 42 }, 'READY=1\nSTATUS=Up\nX_A=1\nMAINPID=42'],
  [{ status: 'Up', ready: true }, 'STATUS=Up\nREADY=1'],
  // What is false or undefined is left out.
  [{ ready: false, stopping: true, status: undefined }, 'STOPPING=1'],
  [{ watchdog: false, mainPidFd: false, restartReset: false, fdStore: false, status: 'x' }, 'STATUS=x'],
]) {
  test(`ok: ${JSON.stringify(fields, (_, value) => (typeof value === 'bigint' ? `${value}n` : value)).slice(0, 60)}`, async () => {
    assert.equal(await notify(fields), true);
    assert.equal(await receiver.text(), expected);
  });
}

test('ok: a message of 4096 bytes, and no more', async () => {
  const text = 'ü'.repeat((4096 - 'STATUS=x'.length) / 2);
  assert.equal(await notify({ status: `x${text}` }), true);
  assert.equal(await receiver.text(), `STATUS=x${text}`);
  for (const fields of [
    { status: `xx${text}` },
    { status: `x${text}`, ready: true },
    { ready: true, status: text, X_A: 'long enough' },
    { status: 'x'.repeat(100_000) },
    { X_A: 'x'.repeat(4093) },
  ]) {
    await assert.rejects(notify(fields), { code: 'EMSGSIZE', errno: -90 });
  }
  await receiver.nothing();
});

const reload = /^RELOADING=1\nMONOTONIC_USEC=(\d+)(.*)$/s;

test('ok: a reload carries the time, whatever else is with it', async () => {
  for (const [fields, rest] of [
    [{ reloading: true }, ''],
    [{ reloading: true, status: 'Reading' }, '\nSTATUS=Reading'],
    [{ status: 'Reading', reloading: true, X_A: '1' }, '\nSTATUS=Reading\nX_A=1'],
  ]) {
    const [before] = monotonicTime();
    assert.equal(await notify(fields), true);
    const [, after] = monotonicTime();
    const [, time, actual] = reload.exec(await receiver.text());
    assert.ok(before <= BigInt(time) && BigInt(time) <= after, `${before} ${time} ${after}`);
    assert.equal(actual, rest);
  }
  assert.equal(await notify({ reloading: false, ready: true }), true);
  assert.equal(await receiver.text(), 'READY=1');
});

test('err: a reload in the name of another process, or with descriptors', async () => {
  for (const attachments of [{ pid: process.pid }, { fds: [0] }, { fds: [] }]) {
    await assert.rejects(notify({ reloading: true }, attachments), { code: 'ERR_INVALID_ARG_TYPE' });
  }
  await receiver.nothing();
});

test('err: the wrong type', async () => {
  const flags = ['ready', 'reloading', 'stopping', 'mainPidFd', 'restartReset', 'fdStore', 'fdStoreRemove', 'watchdog'];
  const texts = ['status', 'busError', 'varlinkError', 'notifyAccess', 'fdName', 'X_ACME'];
  const numbers = ['mainPid', 'mainPidFdId', 'exitStatus'];
  const times = ['watchdogPeriod', 'extendTimeout'];
  const cases = [
    ...flags.flatMap((name) => [1, 0, '1', 'true', null, {}].map((value) => [name, value])),
    ...texts.flatMap((name) => [1, true, null, {}, ['x'], new String('x'), Symbol('x')].map((value) => [name, value])),
    ...numbers.flatMap((name) => ['1', -1, -1n, 1.5, NaN, Infinity, 2 ** 53, null, true].map((value) => [name, value])),
    ...times.flatMap((name) => ['1', -1, NaN, Infinity, 5n, null, true].map((value) => [name, value])),
    ...[true, null, {}, -1, 1.5, NaN].map((value) => ['errno', value]),
    ...[true, 0, null, '0'].map((value) => ['fdPoll', value]),
  ];
  for (const [name, value] of cases) {
    await assert.rejects(
      notify({ [name]: value }),
      (error) =>
        error instanceof TypeError && error.code === 'ERR_INVALID_ARG_TYPE' && error.message.includes(`"${name}"`),
      `${name}: ${String(value)}`,
    );
  }
  await receiver.nothing();
});

test('err: a field that there is none of', async () => {
  for (const name of ['Ready', 'READY', 'constructor', '__proto__x', 'toString', 'x_acme', 'X', 'FDNAME', '', '0']) {
    await assert.rejects(notify({ [name]: true }), {
      name: 'TypeError',
      code: 'ERR_INVALID_ARG_TYPE',
      message: `there is no field "${name}"`,
    });
  }
  await assert.rejects(notify(JSON.parse('{"__proto__": true}')), { code: 'ERR_INVALID_ARG_TYPE' });
  for (const fields of [undefined, null, 'READY=1', 5]) {
    await assert.rejects(notify(fields), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
  }
  await receiver.nothing();
});

for (const [fields, text] of [
  [{ status: 'a\nREADY=1' }, 'STATUS holds a newline, which would begin another assignment'],
  [{ status: 'a\rREADY=1' }, 'STATUS holds a carriage return, which would begin another assignment'],
  [{ status: '\n' }, 'STATUS holds a newline, which would begin another assignment'],
  [{ status: 'a\0' }, 'STATUS holds a NUL byte, for which a manager drops the whole message'],
  [{ busError: 'a\n' }, 'BUSERROR holds a newline, which would begin another assignment'],
  [{ varlinkError: 'a\n' }, 'VARLINKERROR holds a newline, which would begin another assignment'],
  [{ X_A: 'a\nREADY=1' }, 'X_A holds a newline, which would begin another assignment'],
  [{ 'X_A=1\nREADY': '1' }, "X_A=1?READY is no key: it must be printable ASCII without spaces and '='"],
  [{ 'X_A=B': '1' }, "X_A=B is no key: it must be printable ASCII without spaces and '='"],
  [{ 'X_A B': '1' }, "X_A B is no key: it must be printable ASCII without spaces and '='"],
  [{ X_Ä: '1' }, "X_?? is no key: it must be printable ASCII without spaces and '='"],
  [{ errno: 4096 }, 'ERRNO is neither a number up to 4095 nor a name such as ENOENT'],
  [{ errno: 'not found' }, 'ERRNO is neither a number up to 4095 nor a name such as ENOENT'],
  [{ errno: 'E\nREADY=1' }, 'ERRNO is neither a number up to 4095 nor a name such as ENOENT'],
  [{ mainPid: 0 }, 'MAINPID has a value out of range'],
  [{ mainPid: 1 }, 'MAINPID has a value out of range'],
  [{ mainPid: 2 ** 31 }, 'MAINPID has a value out of range'],
  [{ exitStatus: 256 }, 'EXIT_STATUS has a value out of range'],
  [{ mainPidFdId: 2n ** 64n }, 'MAINPIDFDID is not a number'],
  [{ notifyAccess: 'some' }, 'NOTIFYACCESS is none of the words that it may be'],
  [{ notifyAccess: '' }, 'NOTIFYACCESS is none of the words that it may be'],
  [{ fdStoreRemove: true }, 'FDSTOREREMOVE needs FDNAME= in the same message'],
  [{ fdName: 'http' }, 'FDNAME needs FDSTORE=1 or FDSTOREREMOVE=1 in the same message'],
  [{ fdPoll: false }, 'FDPOLL needs FDSTORE=1 in the same message'],
  [{ fdStore: true, fdName: 'a:b' }, "FDNAME holds a ':', which separates names in $LISTEN_FDNAMES"],
  [{ fdStore: true, fdName: '' }, 'FDNAME is empty; give the descriptor a name of 1 to 255 characters'],
  [{ fdStore: true, fdName: 'x'.repeat(256) }, 'FDNAME is longer than 255 bytes, the most a manager keeps'],
  [{ fdStore: true, fdName: 'ü' }, 'FDNAME holds a character that is not printable ASCII'],
]) {
  test(`err: ${text}`, async () => {
    await assert.rejects(notify(fields), (error) => {
      assert.deepEqual([error.message, error.code, error.errno], [text, 'EINVAL', -22]);
      return true;
    });
    // Nothing is sent of a message of which a part is no good.
    await assert.rejects(notify({ ready: true, ...fields }), { code: 'EINVAL' });
    await receiver.nothing();
  });
}

test('err: status with a second assignment in it, manager or not', async () => {
  await assert.rejects(status('a\nREADY=1'), { code: 'EINVAL' });
  await receiver.nothing();
  delete process.env.NOTIFY_SOCKET;
  await assert.rejects(status('a\nREADY=1'), { code: 'EINVAL' });
});
