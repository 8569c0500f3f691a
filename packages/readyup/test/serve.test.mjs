// serve: what is said, and when; what fails; what is left behind.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { connect, createServer as createNetServer } from 'node:net';
import { beforeEach, test } from 'node:test';
import { createRequire } from 'node:module';
import { Notifier } from 'readyup';
import { serve } from 'readyup/serve';
import { Receiver } from './receiver.mjs';
import { GET, Program, client, get } from './service.mjs';
import { freshPath, until, within } from './support.mjs';

const receiver = await Receiver.start();
const HERE = { port: 0, host: '127.0.0.1' };
const EVENTS = ['SIGTERM', 'SIGINT', 'SIGHUP'];
const listeners = () => EVENTS.map((event) => process.listenerCount(event));

beforeEach(() => receiver.reset());

const hello = (request, response) => response.end('hello');

/** The texts of the next `count` messages. */
const texts = async (count) => (await receiver.take(count)).map(({ text }) => text);

test('ok: import and require give the same', async () => {
  assert.equal(createRequire(import.meta.url)('readyup/serve').serve, serve);
});

test('ok: the life of a service, in order', async () => {
  const calls = [];
  const service = await serve(createServer(hello), {
    ...HERE,
    onReady: () => calls.push('onReady'),
    onStopping: () => calls.push('onStopping'),
    close: async () => calls.push('close'),
  });
  const { port } = service.address;
  assert.equal(service.where, `127.0.0.1:${port}`);
  assert.equal((await get(port)).body, 'hello');
  const stopping = service.stop();
  assert.equal(service.stop(), stopping);
  await stopping;
  await service.stopped;
  assert.deepEqual(calls, ['onReady', 'onStopping', 'close']);
  const events = await receiver.take(4);
  assert.deepEqual(
    events.map(({ kind, text }) => (kind === 'message' ? text : kind)),
    [`READY=1\nSTATUS=Serving on 127.0.0.1:${port}`, 'STOPPING=1\nSTATUS=Stopping', 'STATUS=Stopped', 'barrier'],
  );
});

test('ok: it can be connected to as soon as it is ready', async () => {
  const program = Program.start(
    `const server = createServer((request, response) => response.end('hello'));
     await serve(server, { port: 0, host: '127.0.0.1', onReady: () => console.log('port ' + server.address().port) });`,
    { env: { NOTIFY_SOCKET: receiver.address } },
  );
  const [{ text }] = await receiver.take(1);
  const [, port] = /^READY=1\nSTATUS=Serving on 127.0.0.1:(\d+)$/.exec(text);
  assert.equal((await get(port)).body, 'hello');
  (await program).kill('SIGTERM');
  assert.deepEqual(await (await program).end(), { code: 0, signal: null });
});

test('ok: what serves, by its shape', async () => {
  const express = Object.assign((request, response) => response.end('express'), { handle() {}, listen() {} });
  const koa = { callback: () => (request, response) => response.end('koa'), listen() {} };
  const calls = [];
  const fastify = {
    server: createServer((request, response) => response.end('fastify')),
    ready: async () => calls.push('ready'),
    close: async () => calls.push('close'),
  };
  const nestServer = createServer((request, response) => response.end('nest'));
  const nest = {
    init: async () => calls.push('init'),
    getHttpServer: () => nestServer,
    getHttpAdapter: () => ({ getInstance: () => ({ ready: async () => calls.push('inner') }) }),
    close: async () => calls.push('closed'),
  };
  for (const [target, name] of [
    [express, 'express'],
    [koa, 'koa'],
    [fastify, 'fastify'],
    [nest, 'nest'],
  ]) {
    const service = await serve(target, HERE);
    assert.equal((await get(service.address.port)).body, name);
    await service.stop();
  }
  assert.deepEqual(calls, ['ready', 'close', 'init', 'inner', 'closed']);
  for (const target of [undefined, null, 5, 'app', {}, { server: {}, ready() {}, close() {} }]) {
    await assert.rejects(serve(target, HERE), { code: 'ERR_INVALID_ARG_TYPE' });
  }
});

test('ok: a server that listens already, and one at a path', async () => {
  const server = createServer(hello).listen(0, '127.0.0.1');
  await within(new Promise((resolve) => server.once('listening', resolve)), 'listening');
  const service = await serve(server);
  assert.equal((await get(service.address.port)).body, 'hello');
  await service.stop();
  await receiver.rest();

  const path = freshPath('socket');
  const other = await serve(createServer(hello), { path });
  assert.equal((await get(undefined, '/', { socketPath: path })).body, 'hello');
  assert.deepEqual(await texts(1), [`READY=1\nSTATUS=Serving on ${path}`]);
  await other.stop();
});

test('ok: everything can be left out', async () => {
  process.env.WATCHDOG_USEC = '20000';
  const before = listeners();
  const service = await serve(createServer(hello), { ...HERE, status: false, watchdog: false, signals: false });
  assert.deepEqual(listeners(), before);
  await service.stop();
  assert.deepEqual(await texts(3), ['READY=1', 'STOPPING=1', String(process.pid)]);

  const own = await serve(createServer(hello), { ...HERE, status: (where) => `Here: ${where}` });
  assert.deepEqual(await texts(1 + 1), [`READY=1\nSTATUS=Here: ${own.where}`, 'WATCHDOG=1']);
  await own.stop();
});

test('ok: heartbeats from being ready to having stopped', async () => {
  process.env.WATCHDOG_USEC = '20000';
  let asked = 0;
  const service = await serve(createServer(hello), { ...HERE, watchdog: { check: () => (asked += 1) } });
  const [first, ...beats] = await texts(4);
  assert.match(first, /^READY=1\n/);
  assert.deepEqual(beats, Array(3).fill('WATCHDOG=1'));
  assert.ok(asked >= 3);
  await service.stop();
  await receiver.rest();
  const after = asked;
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.equal(asked, after);
  await receiver.nothing();
});

test("ok: a notifier of one's own", async () => {
  const notifier = new Notifier({ unsetEnvironment: true });
  const service = await serve(createServer(hello), { ...HERE, notifier });
  assert.match(await receiver.text(), /^READY=1\n/);
  await service.stop();
  notifier.close();
});

test('ok: nothing is left behind', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => /Timeout|TCP|Immediate/.test(name)).length;
  const signals = listeners();
  process.env.WATCHDOG_USEC = '1000000';
  const server = createServer(hello);
  const events = ['request', 'connection', 'session', 'listening', 'error'];
  const count = () => events.map((event) => server.listenerCount(event));
  const before = [timers(), count()];
  const service = await serve(server, { ...HERE, reload: () => {} });
  assert.deepEqual(
    listeners(),
    signals.map((number) => number + 1),
  );
  await get(service.address.port);
  await service.stop();
  assert.deepEqual(listeners(), signals);
  await until(() => timers() <= before[0], `${before[0]} active resources: ${process.getActiveResourcesInfo()}`);
  assert.deepEqual(count(), before[1]);
});

test('ok: no handler for the reload signal where there is nothing to reload', async () => {
  const before = process.listenerCount('SIGHUP');
  const service = await serve(createServer(hello), HERE);
  assert.equal(process.listenerCount('SIGHUP'), before);
  await service.reload();
  await service.stop();
});

test('ok: without a manager it is the same', async () => {
  delete process.env.NOTIFY_SOCKET;
  const service = await serve(createServer(hello), { ...HERE, reload: () => {} });
  assert.equal((await get(service.address.port)).body, 'hello');
  await service.reload();
  await service.stop();
  await receiver.nothing();
});

test('err: the port is taken', async () => {
  const taken = createNetServer().listen(0, '127.0.0.1');
  await within(new Promise((resolve) => taken.once('listening', resolve)), 'listening');
  const { port } = taken.address();
  const before = listeners();
  let closed = false;
  await assert.rejects(serve(createServer(hello), { ...HERE, port, close: () => (closed = true) }), {
    code: 'EADDRINUSE',
  });
  assert.deepEqual(listeners(), before);
  assert.equal(closed, false);
  const [text, barrier] = await texts(2);
  assert.match(text, new RegExp(`^STATUS=.*${port}.*\nERRNO=98$`));
  assert.equal(barrier, String(process.pid));
  // Nobody awaits it: the process ends, and says why.
  const program = await Program.start(`serve(createServer(), { port: ${port}, host: '127.0.0.1' });`, {
    address: false,
  });
  assert.deepEqual(await program.end(), { code: 1, signal: null });
  assert.match(program.stderr, / in use/);
  taken.close();
});

test('err: nothing to listen on, and options that are none', async () => {
  await assert.rejects(serve(createServer(hello)), /nothing to listen on: none of the manager's sockets/);
  await assert.rejects(serve(createServer(hello), { name: 'http' }), /none named "http"/);
  await assert.rejects(serve(createServer(hello), { path: '/x', store: true }), /use a socket unit/);
  for (const options of [null, 5, { close: 5 }]) {
    await assert.rejects(serve(createServer(hello), options), { code: 'ERR_INVALID_ARG_TYPE' });
  }
  for (const options of [{ drainTimeout: -1 }, { keepAliveGrace: 'x' }, { drainTimeout: NaN }]) {
    await assert.rejects(serve(createServer(hello), options), { code: 'ERR_OUT_OF_RANGE' });
  }
  await assert.rejects(serve(createServer(hello), { port: 65_536 }), RangeError);
});

test('err: nothing at all is thrown', async () => {
  const failing = serve(createServer(hello), { ...HERE, onReady: () => Promise.reject() });
  assert.equal(await failing.catch((error) => error), undefined);
  assert.equal((await texts(3))[1], 'STATUS=undefined');
});

test('err: onReady fails', async () => {
  const server = createServer(hello);
  const failing = serve(server, { ...HERE, onReady: () => Promise.reject(new Error('no\nluck')) });
  await assert.rejects(failing, /no\nluck/);
  assert.equal(server.listening, false);
  assert.deepEqual((await texts(3)).slice(1), ['STATUS=no luck', String(process.pid)]);
});

test('err: hooks that fail or hang while it stops', async () => {
  const service = await serve(createServer(hello), {
    ...HERE,
    drainTimeout: 50,
    onStopping: () => new Promise(() => {}),
    close: () => Promise.reject(new Error('still open')),
  });
  await assert.rejects(service.stop(), /onStopping took longer than 50 ms/);
  await assert.rejects(service.stopped, /onStopping took longer than 50 ms/);
  assert.match((await texts(4))[2], /^STATUS=onStopping took longer/);
});

for (const [what, ready] of [
  ['long before it is ready', 'new Promise(() => {})'],
  ['and ready only then', `new Promise((resolve) => process.once('SIGTERM', resolve))`],
]) {
  test(`ok: stopped by a signal while it starts, ${what}`, async () => {
    const program = await Program.start(
      `const server = createServer();
       const starting = ${ready};
       const app = { server, close: async () => console.log('closed ' + server.listening), ready: () => {
         // As anything does that one waits for.
         setTimeout(() => {}, 60_000);
         console.log('starting');
         return starting;
       } };
       const onStopping = () => new Promise((resolve) => setTimeout(resolve, 100));
       await serve(app, { port: 0, onStopping });`,
      { address: false, env: { NOTIFY_SOCKET: receiver.address } },
    );
    await program.line(/starting/);
    program.kill('SIGTERM');
    assert.deepEqual(await program.end(), { code: 0, signal: null });
    assert.deepEqual([program.lines.at(-1), program.stderr], ['closed false', '']);
    assert.deepEqual((await texts(3)).slice(0, 2), ['STOPPING=1\nSTATUS=Stopping', 'STATUS=Stopped']);
  });
}

test('ok: clients that were there are no secret', async () => {
  const service = await serve(createServer(hello), { ...HERE, keepAliveGrace: 0 });
  const socket = await client(service.address.port, GET());
  await until(() => socket.text.includes('hello'), 'the answer');
  await receiver.rest();
  await service.stop();
  await socket.gone;
  assert.equal((await texts(3))[0], 'STOPPING=1\nSTATUS=Stopping: 1 connection to finish');
  await assert.rejects(
    new Promise((resolve, reject) => connect(service.address.port, '127.0.0.1', resolve).once('error', reject)),
    { code: 'ECONNREFUSED' },
  );
});
