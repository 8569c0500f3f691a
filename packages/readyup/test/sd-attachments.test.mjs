// sd_pid_notify and sd_pid_notify_with_fds: speaking for others, and passing descriptors.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { beforeEach, test } from 'node:test';
import { notify, send, sd_pid_notify, sd_pid_notify_with_fds } from 'readyup';
import { Receiver } from './receiver.mjs';
import { descriptors, guard, maySpeakForOthers } from './support.mjs';

const receiver = await Receiver.start();

beforeEach(() => receiver.reset());

/** Runs `use` with the pid of a process that lives as long. */
async function withProcess(use) {
  const child = guard(
    spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'inherit'] }),
  );
  try {
    await use(child.pid);
  } finally {
    child.kill('SIGKILL');
  }
}

/** Runs `use` with an open descriptor. */
async function withDescriptor(use) {
  const fd = openSync('/dev/null');
  try {
    await use(fd);
  } finally {
    closeSync(fd);
  }
}

test('ok: in the name of this process', async () => {
  for (const pid of [process.pid, 0]) {
    assert.equal(await sd_pid_notify(pid, 'READY=1'), true);
    const [message] = await receiver.take(1);
    assert.deepEqual([message.pid, message.text], [process.pid, 'READY=1']);
  }
});

test('ok: in the name of another process, where the kernel lets us', async () => {
  await withProcess(async (pid) => {
    const expected = maySpeakForOthers() ? pid : process.pid;
    for (const call of [
      () => sd_pid_notify(pid, 'READY=1'),
      () => sd_pid_notify_with_fds(pid, 'READY=1', []),
      () => send('READY=1', { pid }),
      () => notify({ ready: true }, { pid }),
    ]) {
      assert.equal(await call(), true);
      const [message] = await receiver.take(1);
      assert.deepEqual([message.pid, message.text], [expected, 'READY=1']);
    }
  });
});

test('ok: in the name of nobody, it is said as ourselves', async () => {
  assert.equal(await sd_pid_notify(0x7fffffff, 'READY=1'), true);
  const [message] = await receiver.take(1);
  assert.deepEqual([message.pid, message.text], [process.pid, 'READY=1']);
});

test('err: what is no pid', async () => {
  for (const call of [
    // What a failed `spawn` has for a pid, say.
    () => sd_pid_notify(undefined, 'X_A=1'),
    () => sd_pid_notify_with_fds(undefined, 'X_A=1', []),
    () => sd_pid_notify_with_fds(0, 'X_A=1', undefined),
  ]) {
    await assert.rejects(call(), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
  }
  for (const pid of [-1, 1.5, NaN, 2 ** 31, '1', null, {}, 1n]) {
    for (const call of [
      () => sd_pid_notify(pid, 'X_A=1'),
      () => sd_pid_notify_with_fds(pid, 'X_A=1', []),
      () => send('X_A=1', { pid }),
      () => notify({ ready: true }, { pid }),
    ]) {
      await assert.rejects(call(), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }, String(pid));
    }
  }
  await receiver.nothing();
});

test('ok: descriptors go along and stay ours', async () => {
  await withDescriptor(async (fd) => {
    const before = descriptors();
    for (const count of [0, 1, 2, 100, 253]) {
      assert.equal(await sd_pid_notify_with_fds(0, `FDSTORE=1\nFDNAME=n${count}`, Array(count).fill(fd)), true);
      const [message] = await receiver.take(1);
      assert.deepEqual(
        { pid: message.pid, fds: message.fds, text: message.text },
        { pid: process.pid, fds: count, text: `FDSTORE=1\nFDNAME=n${count}` },
      );
    }
    assert.ok(fstatSync(fd).isCharacterDevice());
    assert.equal(descriptors(), before);
  });
});

test('ok: descriptors in the name of another process', async () => {
  await withProcess((pid) =>
    withDescriptor(async (fd) => {
      assert.equal(await sd_pid_notify_with_fds(pid, 'FDSTORE=1', Array(253).fill(fd)), true);
      const [message] = await receiver.take(1);
      assert.deepEqual([message.pid, message.fds], [maySpeakForOthers() ? pid : process.pid, 253]);
    }),
  );
});

test('ok: descriptors are those given at the time of the call', async () => {
  await withDescriptor(async (fd) => {
    const filled = await receiver.fill();
    const fds = [fd, fd];
    const answer = sd_pid_notify_with_fds(0, 'FDSTORE=1', fds);
    fds.push(fd, fd);
    fds[0] = 1 << 20;
    receiver.resume();
    assert.equal(await answer, true);
    assert.equal((await receiver.take(filled + 1)).pop().fds, 2);
  });
});

test('err: more descriptors than one message can carry', async () => {
  await withDescriptor(async (fd) => {
    for (const count of [254, 255, 1000, 100_000]) {
      const fds = Array(count).fill(fd);
      for (const call of [
        () => sd_pid_notify_with_fds(0, 'FDSTORE=1', fds),
        () => send('FDSTORE=1', { fds }),
        () => notify({ fdStore: true }, { fds }),
      ]) {
        await assert.rejects(call(), (error) => {
          assert.deepEqual([error.code, error.errno, error.syscall], ['E2BIG', -7, 'sendmsg']);
          assert.match(error.message, new RegExp(`^${count} descriptors .* at most 253`));
          return true;
        });
      }
    }
  });
  await receiver.nothing();
});

test('err: a descriptor that is not open', async () => {
  await withDescriptor(async (fd) => {
    for (const fds of [[1 << 20], [fd, 1 << 20], [0x7fffffff], [1 << 20, fd]]) {
      await assert.rejects(sd_pid_notify_with_fds(0, 'FDSTORE=1', fds), {
        code: 'EBADF',
        errno: -9,
        syscall: 'sendmsg',
      });
    }
  });
  await receiver.nothing();
});

test('err: what are no descriptors', async () => {
  for (const fds of [
    null,
    3,
    '3',
    {},
    [-1],
    ['0'],
    [0.5],
    [NaN],
    [undefined],
    [2 ** 31],
    [[0]],
    new Set([0]),
    new Array(3),
  ]) {
    await assert.rejects(
      sd_pid_notify_with_fds(0, 'FDSTORE=1', fds),
      { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' },
      String(fds),
    );
  }
  await receiver.nothing();
});

test('ok: without a manager all of it answers false', async () => {
  delete process.env.NOTIFY_SOCKET;
  assert.equal(await sd_pid_notify(process.pid, 'READY=1'), false);
  assert.equal(await sd_pid_notify_with_fds(0, 'FDSTORE=1', [0]), false);
});

test('ok: unsetEnvironment', async () => {
  for (const call of [
    () => sd_pid_notify(0, 'X_A=1', { unsetEnvironment: true }),
    () => sd_pid_notify_with_fds(0, 'X_A=1', [0], { unsetEnvironment: true }),
    () => sd_pid_notify_with_fds(0, 'X_A=1', [1 << 20], { unsetEnvironment: true }).catch(() => {}),
    () => sd_pid_notify(-1, 'X_A=1', { unsetEnvironment: true }).catch(() => {}),
  ]) {
    process.env.NOTIFY_SOCKET = receiver.address;
    const answer = call();
    assert.equal('NOTIFY_SOCKET' in process.env, false);
    await answer;
  }
  assert.deepEqual(
    (await receiver.take(2)).map(({ fds }) => fds),
    [0, 1],
  );
});
