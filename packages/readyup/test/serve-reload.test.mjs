// serve: reloads, and sockets that the manager passes.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { createServer as createNetServer } from 'node:net';
import { beforeEach, test } from 'node:test';
import { serve } from 'readyup/serve';
import { Receiver } from './receiver.mjs';
import { Program, get } from './service.mjs';
import { until, within } from './support.mjs';

const receiver = await Receiver.start();
const HERE = { port: 0, host: '127.0.0.1', signals: false };
const hello = (request, response) => response.end('hello');
const RELOADING = /^MONOTONIC_USEC=\d+\nSTATUS=Reloading$|^RELOADING=1\nMONOTONIC_USEC=\d+\nSTATUS=Reloading$/;

beforeEach(() => receiver.reset());

const texts = async (count) => (await receiver.take(count)).map(({ text }) => text);

/** A hook of which the test says when and how it ends. */
function controlled() {
  const calls = [];
  const reload = () => new Promise((resolve, reject) => calls.push({ resolve, reject }));
  return { calls, reload, called: (count) => until(() => calls.length === count, `${count} reloads`) };
}

test('ok: a reload, and one that fails', async () => {
  const answers = [
    () => {},
    async () => {},
    () => Promise.reject(new Error('no such\nfile')),
    () => assert.fail('thrown'),
  ];
  let at = 0;
  const service = await serve(createServer(hello), { ...HERE, reload: () => answers[at++]() });
  await receiver.rest();
  for (let round = 0; round < 2; round += 1) {
    await service.reload();
    const [reloading, ready] = await texts(2);
    assert.match(reloading, RELOADING);
    assert.equal(ready, `READY=1\nSTATUS=Serving on ${service.where}`);
  }
  await assert.rejects(service.reload(), /no such\nfile/);
  assert.equal((await texts(2))[1], 'READY=1\nSTATUS=Reload failed: no such file');
  await assert.rejects(service.reload(), /thrown/);
  assert.equal((await texts(2))[1], 'READY=1\nSTATUS=Reload failed: thrown');
  // It serves on.
  assert.equal((await get(service.address.port)).body, 'hello');
  await service.stop();
});

test('ok: reloads that overlap are two at most', async () => {
  const { calls, reload, called } = controlled();
  const service = await serve(createServer(hello), { ...HERE, reload });
  await receiver.rest();
  const reloads = [service.reload()];
  await called(1);
  for (let count = 0; count < 5; count += 1) reloads.push(service.reload());
  await texts(1);
  calls[0].resolve();
  await called(2);
  // It is told anew, with a new time, and not ready in between.
  assert.match((await texts(1))[0], RELOADING);
  reloads.push(service.reload());
  calls[1].resolve();
  await called(3);
  calls[2].resolve();
  await within(Promise.all(reloads), 'the end of all reloads');
  const [third, ready] = await texts(2);
  assert.match(third, RELOADING);
  assert.match(ready, /^READY=1\n/);
  assert.equal(calls.length, 3);
  await receiver.nothing();
  await service.stop();
});

test('ok: the first of two fails, the second does not', async () => {
  const { calls, reload, called } = controlled();
  const service = await serve(createServer(hello), { ...HERE, reload });
  await receiver.rest();
  const [first, second] = [service.reload(), service.reload()];
  await called(1);
  calls[0].reject(new Error('broken'));
  await assert.rejects(first, /broken/);
  await called(2);
  calls[1].resolve();
  await second;
  const [begun, failed, again, ready] = await texts(4);
  assert.match(begun, RELOADING);
  assert.equal(failed, 'READY=1\nSTATUS=Reload failed: broken');
  assert.match(again, RELOADING);
  assert.equal(ready, `READY=1\nSTATUS=Serving on ${service.where}`);
  await service.stop();
});

test('ok: stopped in the middle of a reload, it is not ready again', async () => {
  const { calls, reload, called } = controlled();
  const service = await serve(createServer(hello), { ...HERE, reload });
  await receiver.rest();
  const reloading = service.reload();
  await called(1);
  const stopped = service.stop();
  calls[0].resolve();
  await within(Promise.all([reloading, stopped, service.reload()]), 'the end');
  const [begun, stopping, end] = await texts(3);
  assert.match(begun, RELOADING);
  assert.match(stopping, /^STOPPING=1\n/);
  assert.equal(end, 'STATUS=Stopped');
});

test('ok: by signal, also one that came before it was ready', async () => {
  const program = await Program.start(
    `const server = createServer();
     let rounds = 0;
     const app = { server, close: async () => {}, ready: async () => {
       console.log('starting');
       while (rounds === 0 && !globalThis.hup) await new Promise((resolve) => setTimeout(resolve, 5));
     } };
     process.once('SIGHUP', () => (globalThis.hup = true));
     told(await serve(app, { port: 0, host: '127.0.0.1', reload: () => {
       rounds += 1;
       console.log('reload ' + rounds);
       if (rounds === 2) throw new Error('second');
     } }));`,
    { address: false, env: { NOTIFY_SOCKET: receiver.address } },
  );
  await program.line(/starting/);
  program.kill('SIGHUP');
  await program.line(/reload 1/);
  const [ready, reloading, again] = await texts(3);
  assert.match(ready, /^READY=1\n/);
  assert.match(reloading, RELOADING);
  assert.match(again, /^READY=1\nSTATUS=Serving/);
  program.kill('SIGHUP');
  await program.line(/reload 2/);
  assert.equal((await texts(2))[1], 'READY=1\nSTATUS=Reload failed: second');
  program.kill('SIGTERM');
  assert.deepEqual(await program.end(), { code: 0, signal: null });
  assert.match(program.stderr, /error: second/i);
});

/** A socket that listens, and its descriptor, as a manager has it. */
async function listening() {
  const server = createNetServer().listen(0, '127.0.0.1');
  await within(new Promise((resolve) => server.once('listening', resolve)), 'listening');
  const { port } = server.address();
  return { port, fd: server._handle.fd, close: () => server.close() };
}

test('ok: the socket of a name, and the only one', async () => {
  const sockets = await Promise.all([listening(), listening()]);
  const fds = sockets.map(({ fd }) => fd);
  const source = (options) => `
    const server = createServer((request, response) => response.end(String(process.pid)));
    told(await serve(server, ${JSON.stringify(options)}));`;
  // In the shell, whose descriptors they are, they are 3 and 4.
  for (const [options, env, used] of [
    [{ name: 'http' }, { LISTEN_FDS: '2', LISTEN_FDNAMES: 'admin:http' }, 1],
    [{ name: 'admin', port: 0 }, { LISTEN_FDS: '2', LISTEN_FDNAMES: 'admin:http' }, 0],
    [{ port: 0 }, { LISTEN_FDS: '1' }, 0],
  ]) {
    // The parent's copy would take connections as well, so that it is asked for who answers.
    const program = await Program.start(source(options), { env: { ...env, NOTIFY_SOCKET: receiver.address }, fds });
    assert.equal(program.port, sockets[used].port);
    const [{ text }] = await receiver.take(1);
    assert.equal(text, `READY=1\nSTATUS=Serving on 127.0.0.1:${program.port}, a passed socket`);
    program.kill('SIGTERM');
    assert.deepEqual(await program.end(), { code: 0, signal: null });
    await receiver.rest();
  }
  for (const [options, env, message] of [
    [{ port: 0 }, { LISTEN_FDS: '2', LISTEN_FDNAMES: 'admin:http' }, /2 descriptors .*"admin", "http"/],
    [{ name: 'x' }, { LISTEN_FDS: '1', LISTEN_FDNAMES: 'http' }, /none named "x"/],
    [{ name: false }, { LISTEN_FDS: '1' }, /neither a port nor a path/],
  ]) {
    const program = await Program.start(source(options), { env, fds, address: false });
    assert.equal((await program.end()).code, 1);
    assert.match(program.stderr, message);
  }
  sockets.forEach(({ close }) => close());
});

test('ok: a socket is stored, found again, and dropped when it is another one that is wanted', async () => {
  const first = await serve(createServer(hello), { ...HERE, store: true });
  const [stored, ready] = await receiver.take(2);
  assert.deepEqual([stored.text, stored.fds], ['FDSTORE=1\nFDNAME=listen', 1]);
  assert.match(ready.text, /^READY=1/);
  await first.stop();
  await receiver.rest();

  const socket = await listening();
  const env = { LISTEN_FDS: '1', LISTEN_FDNAMES: 'listen', NOTIFY_SOCKET: receiver.address };
  const run = async (port) => {
    const source = `told(await serve(createServer(), { store: true, host: '127.0.0.1', port: ${port} }));`;
    const program = await Program.start(source, { env, fds: [socket.fd] });
    program.kill('SIGTERM');
    await program.end();
    return [program.port, (await receiver.rest()).filter((text) => /FDNAME|READY/.test(text))];
  };
  for (const port of [0, socket.port]) {
    const [used, said] = await run(port);
    assert.equal(used, socket.port);
    assert.deepEqual(said, [`READY=1\nSTATUS=Serving on 127.0.0.1:${socket.port}, a passed socket`]);
  }
  const free = await listening();
  free.close();
  const [used, said] = await run(free.port);
  assert.equal(used, free.port);
  assert.deepEqual(said, [
    'FDSTOREREMOVE=1\nFDNAME=listen',
    'FDSTORE=1\nFDNAME=listen',
    `READY=1\nSTATUS=Serving on 127.0.0.1:${free.port}`,
  ]);
  socket.close();
});
