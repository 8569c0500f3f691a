// What is opened is closed again, however long the process lives.
import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { beforeEach, test } from 'node:test';
import { Notifier, ready, sd_notify, sd_notify_barrier, sd_pid_notify_with_fds } from 'readyup';
import { Receiver } from './receiver.mjs';
import { descriptors, freshPath, runScript } from './support.mjs';

const receiver = await Receiver.start();

beforeEach(() => receiver.reset());

test('ok: 100,000 messages take one descriptor', async (t) => {
  await ready();
  await receiver.take(1);
  const before = descriptors();
  const start = performance.now();
  let received = 0;
  for (let sent = 0; sent < 100_000; sent += 1000) {
    for (let index = sent; index < sent + 1000; index += 1) {
      // Rather than to wait for room, which takes a millisecond each time: tried again in the next turn.
      for (;;) {
        const error = await sd_notify(`X_INDEX=${index}`, { timeout: 0 }).then(assert.ok, (error) => error);
        if (error === undefined) break;
        assert.equal(error.code, 'EAGAIN');
        await new Promise(setImmediate);
      }
    }
    for (const { text } of await receiver.take(1000)) assert.equal(text, `X_INDEX=${received++}`);
  }
  t.diagnostic(`100,000 messages in ${(performance.now() - start).toFixed(0)} ms`);
  assert.equal(received, 100_000);
  assert.equal(descriptors(), before);
});

test('ok: barriers and passed descriptors leave none behind', async () => {
  await ready();
  const before = descriptors();
  for (let round = 0; round < 200; round += 1) {
    const sent = sd_pid_notify_with_fds(0, 'FDSTORE=1', [0, 1, 2]);
    assert.deepEqual(await Promise.all([sent, sd_notify_barrier(5000)]), [true, true]);
  }
  assert.equal(descriptors(), before);
  await receiver.take(401);
});

test('ok: messages that fail leave none behind', async () => {
  process.env.NOTIFY_SOCKET = '/nonexistent-directory/notify';
  await assert.rejects(ready(), { code: 'ENOENT' });
  const before = descriptors();
  for (let round = 0; round < 500; round += 1) {
    process.env.NOTIFY_SOCKET = `/nonexistent-directory/${round}`;
    await assert.rejects(ready(), { code: 'ENOENT' });
    await assert.rejects(sd_notify_barrier(10), { code: 'ENOENT' });
  }
  assert.equal(descriptors(), before);
});

test('ok: 200 values of NOTIFY_SOCKET, one after the other', async () => {
  // All of them lead to the same receiver, and are different addresses all the same.
  const addresses = Array.from({ length: 200 }, () => {
    const path = freshPath('link');
    symlinkSync(receiver.address, path);
    return path;
  });
  await ready();
  await receiver.take(1);
  const before = descriptors();
  let most = 0;
  for (let round = 0; round < 2; round += 1) {
    for (const address of addresses) {
      process.env.NOTIFY_SOCKET = address;
      assert.equal(await sd_notify('X_A=1'), true);
      most = Math.max(most, descriptors());
    }
  }
  assert.equal((await receiver.take(400)).length, 400);
  assert.equal(most, before);
});

test('ok: an address that is no good does not cost the one in use', async () => {
  await ready();
  const before = descriptors();
  for (let round = 0; round < 100; round += 1) {
    process.env.NOTIFY_SOCKET = 'relative/path';
    await assert.rejects(ready(), { code: 'EINVAL' });
    process.env.NOTIFY_SOCKET = receiver.address;
    assert.equal(await ready(), true);
  }
  assert.equal(descriptors(), before);
  await receiver.take(101);
});

test('ok: a notifier that is made and not used takes none', () => {
  const before = descriptors();
  const notifiers = Array.from({ length: 100 }, () => new Notifier());
  assert.equal(descriptors(), before);
  assert.equal(notifiers.length, 100);
});

test('ok: notifiers that are dropped give theirs back', async () => {
  const source = `
    const { readdirSync } = require('fs');
    const { Notifier } = require('readyup');
    const count = () => readdirSync('/proc/self/fd').length;
    (async () => {
      const before = count();
      for (let index = 0; index < 300; index += 1) await new Notifier().status('x');
      const after = count();
      for (let round = 0; round < 100 && count() > before + 1; round += 1) {
        gc();
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      console.log(JSON.stringify([after - before, count() - before]));
    })();
  `;
  const env = { NOTIFY_SOCKET: receiver.address };
  const [opened, left] = JSON.parse(await runScript(source, { flags: ['--expose-gc'], env }));
  assert.ok(opened >= 100, `${opened} were opened`);
  // A runtime may have opened one or the other for itself; of what was opened here, hundreds would be left.
  assert.ok(left <= 5, `${left} are left`);
  await receiver.take(300);
});
