// serve: how it comes to an end, with connections that are idle, busy, slow and stuck, and by which signals.
import assert from 'node:assert/strict';
import { Agent, createServer } from 'node:http';
import { createServer as createSecureServer, request as secureRequest } from 'node:https';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { createServer as createNetServer } from 'node:net';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { serve } from 'readyup/serve';
import { Receiver } from './receiver.mjs';
import { GET, Program, client, get } from './service.mjs';
import { elapse, temporaryDirectory, until, within } from './support.mjs';

const receiver = await Receiver.start();
const HERE = { port: 0, host: '127.0.0.1', signals: false };
/** Longer than anything here takes. */
const LONG = 60_000;

beforeEach(() => receiver.reset());

/** A server of which the test decides when it answers: `/slow` waits for `answer()`. */
function slowly() {
  const waiting = [];
  const server = createServer((request, response) => {
    if (request.url === '/slow') waiting.push(response);
    else if (request.url === '/begun')
      waiting.push(response.writeHead(200, { 'Content-Length': 4 }).write('sl') && response);
    else response.end('quick');
  });
  const answer = (text = 'slow') => waiting.splice(0).forEach((response) => response.end(text));
  const asked = (count) => until(() => waiting.length >= count, `${count} requests`);
  return { server, answer, asked };
}

const seconds = (from) => (performance.now() - from) / 1000;

test('ok: what is under way is answered, with Connection: close', async () => {
  const { server, answer, asked } = slowly();
  const service = await serve(server, HERE);
  const agent = new Agent({ keepAlive: true });
  const answers = [1, 2, 3].map(() => get(service.address.port, '/slow', { agent }));
  await asked(3);
  const stopped = service.stop();
  let over = false;
  stopped.then(() => (over = true));
  await until(() => !server.listening, 'no longer listening');
  assert.equal(over, false);
  answer();
  for (const { status, body, connection } of await Promise.all(answers)) {
    assert.deepEqual([status, body, connection], [200, 'slow', 'close']);
  }
  await within(stopped, 'the end');
  agent.destroy();
});

test('ok: idle connections are closed at once', async () => {
  const { server, answer, asked } = slowly();
  const service = await serve(server, { ...HERE, keepAliveGrace: 40, drainTimeout: LONG });
  const idle = await client(service.address.port, GET());
  const silent = await client(service.address.port);
  const busy = await client(service.address.port, GET('/slow'));
  await until(() => idle.text.includes('quick'), 'the answer');
  await asked(1);
  await elapse(60);
  const stopped = service.stop();
  await within(Promise.all([idle.gone, silent.gone]), 'the end of those that are idle');
  assert.equal(busy.text, '');
  answer();
  await within(Promise.all([busy.gone, stopped]), 'the end');
  assert.match(busy.text, /connection: close/i);
  for (const { failure } of [idle, silent, busy]) assert.equal(failure, undefined);
});

test('ok: one that was used just now may bring one more request', async () => {
  const { server } = slowly();
  const service = await serve(server, { ...HERE, keepAliveGrace: 2000, drainTimeout: LONG });
  const used = await client(service.address.port, GET());
  const fresh = await client(service.address.port);
  await until(() => used.text.includes('quick'), 'the answer');
  const start = performance.now();
  const stopped = service.stop();
  await until(() => !server.listening, 'no longer listening');
  used.write(GET());
  fresh.write(GET());
  await within(Promise.all([used.gone, fresh.gone]), 'the end');
  // It was not the end of the grace that closed them.
  assert.ok(seconds(start) < 1.9, `${seconds(start)} s`);
  assert.match(used.text, /quick.*connection: close.*quick$/is);
  assert.match(fresh.text, /connection: close.*quick$/is);
  await within(stopped, 'the end');
});

test('ok: a request that is being received is no idle connection', async () => {
  const { server } = slowly();
  const service = await serve(server, { ...HERE, keepAliveGrace: 0, drainTimeout: LONG });
  const socket = await client(service.address.port, GET());
  await until(() => socket.text.includes('quick'), 'the answer');
  const [first, rest] = [GET().slice(0, 20), GET().slice(20)];
  const accepted = new Promise((resolve) => server.once('connection', resolve));
  const other = await client(service.address.port, first);
  const { bytesRead } = await within(accepted, 'the connection').then(async (peer) => {
    await until(() => peer.bytesRead > 0, 'the first half');
    return peer;
  });
  assert.equal(bytesRead, 20);
  const stopped = service.stop();
  await within(socket.gone, 'the end of the idle one');
  other.write(rest);
  await within(Promise.all([other.gone, stopped]), 'the end');
  assert.match(other.text, /connection: close.*quick$/is);
});

test('ok: an answer that has begun comes to its end', async () => {
  const { server, answer, asked } = slowly();
  const service = await serve(server, { ...HERE, keepAliveGrace: 0 });
  const socket = await client(service.address.port, GET('/begun'));
  await asked(1);
  await until(() => socket.text.endsWith('sl'), 'the beginning');
  const stopped = service.stop();
  await until(() => !server.listening, 'no longer listening');
  answer('ow');
  await within(Promise.all([socket.gone, stopped]), 'the end');
  assert.ok(socket.text.endsWith('slow'));
  assert.equal(socket.failure, undefined);
});

test('ok: the rest is cut off at the deadline', async () => {
  const { server, asked } = slowly();
  const service = await serve(server, { ...HERE, drainTimeout: 100 });
  const sockets = await Promise.all([1, 2].map(() => client(service.address.port, GET('/slow'))));
  await asked(2);
  await receiver.rest();
  const start = performance.now();
  await within(service.stop(), 'the end');
  assert.ok(seconds(start) >= 0.099, `${seconds(start)} s`);
  await Promise.all(sockets.map(({ gone }) => gone));
  const [stopping, stopped] = await receiver.take(3);
  assert.equal(stopping.text, 'STOPPING=1\nSTATUS=Stopping: 2 connections to finish');
  assert.equal(stopped.text, 'STATUS=Stopped; cut off 2 connections');
});

test('ok: more time is asked for, as long as there is progress', async () => {
  const { server, answer, asked } = slowly();
  const service = await serve(server, { ...HERE, drainTimeout: LONG });
  const stuck = await client(service.address.port, GET('/slow'));
  await asked(1);
  await receiver.rest();
  const stopped = service.stop();
  await receiver.take(1);
  // Nothing moves, and nothing is asked for.
  await elapse(1200);
  await receiver.nothing();
  stuck.write(GET('/slow').slice(0, 10));
  const [{ text }] = await receiver.take(1);
  assert.equal(text, 'EXTEND_TIMEOUT_USEC=10000000');
  answer();
  await within(stopped, 'the end');
  await receiver.rest();
  await elapse(1100);
  await receiver.nothing();
});

test('ok: upgraded connections are left alone until the deadline', async () => {
  const server = createServer().on('upgrade', (request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    socket.pipe(socket);
  });
  const service = await serve(server, { ...HERE, keepAliveGrace: 0, drainTimeout: LONG });
  const socket = await client(
    service.address.port,
    'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n',
  );
  await until(() => socket.text.endsWith('\r\n\r\n'), 'the upgrade');
  const stopped = service.stop();
  await until(() => !server.listening, 'no longer listening');
  socket.write('still there');
  await until(() => socket.text.endsWith('still there'), 'the echo');
  socket.end();
  await within(stopped, 'the end');
});

test('ok: net sockets', async () => {
  const server = createNetServer((socket) => socket.pipe(socket));
  const service = await serve(server, { ...HERE, keepAliveGrace: 0, drainTimeout: LONG });
  const socket = await client(service.address.port, 'one');
  await until(() => socket.text === 'one', 'the echo');
  const stopped = service.stop();
  await until(() => !server.listening, 'no longer listening');
  socket.write('two');
  await until(() => socket.text === 'onetwo', 'the echo');
  socket.end();
  await within(stopped, 'the end');
});

test('ok: HTTP/2 sessions end once their streams have', async () => {
  const waiting = [];
  const server = createHttp2Server((request, response) => {
    if (request.url === '/slow') waiting.push(response);
    else response.end('quick');
  });
  const service = await serve(server, { ...HERE, keepAliveGrace: 100, drainTimeout: LONG });
  const url = `http://127.0.0.1:${service.address.port}`;
  const open = () => {
    const session = connectHttp2(url);
    session.gone = new Promise((resolve, reject) => session.once('close', resolve).once('error', reject));
    return session;
  };
  const ask = (session, path) =>
    within(
      new Promise((resolve, reject) => {
        const stream = session.request({ ':path': path });
        let text = '';
        stream.setEncoding('utf8').on('data', (chunk) => (text += chunk));
        stream.once('end', () => resolve(text)).once('error', reject);
      }),
      path,
    );
  const [idle, busy] = [open(), open()];
  assert.equal(await ask(idle, '/'), 'quick');
  const answer = ask(busy, '/slow');
  await until(() => waiting.length === 1, 'the request');
  const stopped = service.stop();
  await within(idle.gone, 'the end of the idle session');
  assert.equal(busy.destroyed, false);
  waiting[0].end('slow');
  assert.equal(await answer, 'slow');
  await within(Promise.all([busy.gone, stopped]), 'the end');
});

test('ok: HTTPS, also before the handshake is over', async () => {
  const [key, cert] = ['key', 'cert'].map((name) => join(temporaryDirectory(), `${name}.pem`));
  const parameters = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  execFileSync('openssl', [...parameters, '-subj', '/CN=test', '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const server = createSecureServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) =>
    response.end('hello'),
  );
  const service = await serve(server, { ...HERE, keepAliveGrace: 20, drainTimeout: 300 });
  const { port } = service.address;
  const agent = new (await import('node:https')).Agent({ keepAlive: true, rejectUnauthorized: false });
  const body = await within(
    new Promise((resolve, reject) => {
      const asked = secureRequest({ port, host: '127.0.0.1', agent }, (response) => {
        response.setEncoding('utf8').once('data', resolve).resume();
      });
      asked.once('error', reject).end();
    }),
    'an answer',
  );
  assert.equal(body, 'hello');
  const mute = await client(port);
  await receiver.rest();
  await within(service.stop(), 'the end');
  await within(mute.gone, 'the end of the one without a handshake');
  assert.equal((await receiver.take(3))[1].text, 'STATUS=Stopped; cut off 1 connection');
  agent.destroy();
});

test('ok: Ctrl-C drains and ends with 0', async () => {
  for (const signal of ['SIGINT', 'SIGTERM']) {
    const program = await Program.start(
      `const server = createServer((request, response) => {
         console.log('asked');
         setTimeout(() => response.end('slow'), 200);
       });
       told(await serve(server, { port: 0, host: '127.0.0.1', close: () => console.log('closed') }));`,
    );
    const answer = get(program.port);
    await program.line(/asked/);
    program.kill(signal);
    assert.deepEqual(await answer, { status: 200, body: 'slow', connection: 'close' });
    assert.deepEqual(await program.end(), { code: 0, signal: null });
    assert.deepEqual(program.lines.slice(1), ['asked', 'closed']);
  }
});

test('ok: a second signal ends it at once', async () => {
  for (const [more, outcome] of [
    ['', { code: null, signal: 'SIGTERM' }],
    [`process.on('SIGTERM', () => {});`, { code: 143, signal: null }],
  ]) {
    const program = await Program.start(
      `${more}
       const server = createServer(() => console.log('asked'));
       told(await serve(server, { port: 0, host: '127.0.0.1', drainTimeout: ${LONG} }));`,
      { env: { NOTIFY_SOCKET: receiver.address } },
    );
    const socket = await client(program.port, GET());
    await program.line(/asked/);
    program.kill('SIGTERM');
    assert.match((await receiver.take(2))[1].text, /^STOPPING=1/);
    // Two that come together, from a terminal and from npm, are one.
    program.kill('SIGTERM');
    await elapse(100);
    assert.equal(program.outcome, undefined);
    await elapse(400);
    program.kill('SIGTERM');
    const ended = await program.end();
    // Deno lets go of a signal a moment after its last handler, so that the status may come first.
    if (process.versions.deno === undefined || ended.code !== 143) assert.deepEqual(ended, outcome);
    await socket.gone;
  }
});

test('ok: a process that is not to end goes on', async () => {
  const program = await Program.start(
    `const service = told(await serve(createServer(), { port: 0, host: '127.0.0.1', exit: false }));
     service.stopped.then(() => console.log('stopped ' + process.listenerCount('SIGTERM')));`,
  );
  program.kill('SIGTERM');
  await program.line(/^stopped 0$/);
  // There is nothing left to do for it.
  assert.deepEqual(await program.end(), { code: 0, signal: null });
});
