// Node's permission model: without the flag that allows addons an error says what to pass; with it, all is well.
import assert from 'node:assert/strict';
import { Receiver, checks, run } from './check.mjs';

const receiver = await Receiver.start();
const permission = ['--permission', '--experimental-permission'].find((flag) =>
  process.allowedNodeEnvironmentFlags.has(flag),
);
const program = `require('readyup').ready().then(
  (sent) => console.log('sent', sent), ({ code, message }) => console.log(code, message));`;
const start = (flags, env = { NOTIFY_SOCKET: receiver.address }) =>
  run(process.execPath, [permission, '--allow-fs-read=*', ...flags, '-e', program], env);

await checks({
  'addons are not allowed': async () => {
    const { code, output } = await start([]);
    assert.equal(code, 0, output);
    assert.match(output, /^ERR_DLOPEN_DISABLED .*start node with --allow-addons$/m);
    await receiver.nothing();
  },
  'addons are not allowed, and there is no manager': async () => {
    const { output } = await start([], { NOTIFY_SOCKET: '' });
    assert.match(output, /^sent false$/m);
  },
  'addons are allowed': async () => {
    const { output } = await start(['--allow-addons']);
    assert.match(output, /^sent true$/m);
    assert.equal(await receiver.text(), 'READY=1');
  },
});
