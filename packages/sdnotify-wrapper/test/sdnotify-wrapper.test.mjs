import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { before, beforeEach, test } from 'node:test';
import wrapper from '@readyup/sdnotify-wrapper';
import { Receiver } from '../../readyup/test/receiver.mjs';
import { freshPath, runScript } from '../../readyup/test/support.mjs';

let receiver;
before(async () => {
  receiver = await Receiver.start();
});
beforeEach(() => receiver.reset());

test('the one name, for import and require', () => {
  assert.equal(createRequire(import.meta.url)('@readyup/sdnotify-wrapper'), wrapper);
  assert.equal(wrapper.constructor.name, 'SdNotifyWrapper');
  assert.equal(typeof wrapper.notify, 'function');
});

test('a message is theirs to the byte, and resolves to nothing', async () => {
  const { notify } = wrapper;
  assert.equal(await notify(false, 'READY=1'), undefined);
  assert.equal(await receiver.text(), 'READY=1');
  assert.equal(process.env.NOTIFY_SOCKET, receiver.address);
  assert.equal(await wrapper.notify(true, 'READY=1'), undefined);
  assert.equal(await receiver.text(), 'READY=1');
  assert.equal(process.env.NOTIFY_SOCKET, undefined);
  assert.equal(await wrapper.notify(true, 'READY=1'), undefined);
});

test('an error rejects', async () => {
  process.env.NOTIFY_SOCKET = freshPath();
  await assert.rejects(wrapper.notify(1, 'READY=1'), { code: 'ENOENT' });
  assert.equal(process.env.NOTIFY_SOCKET, undefined);
  process.env.NOTIFY_SOCKET = receiver.address;
  await assert.rejects(wrapper.notify(0), { code: 'ERR_INVALID_ARG_TYPE' });
});

test('an error that nobody looks at does not end the process', async () => {
  const source = `require('@readyup/sdnotify-wrapper').notify(false, 'READY=1'); setTimeout(() => {}, 50)`;
  await runScript(source, { env: { NOTIFY_SOCKET: freshPath() } });
});
