// serveCluster: the primary speaks for its workers.
import assert from 'node:assert/strict';
import { createServer as createNetServer } from 'node:net';
import { beforeEach, test } from 'node:test';
import { Receiver } from './receiver.mjs';
import { Program, get, library } from './service.mjs';
import { until, within } from './support.mjs';

const receiver = await Receiver.start();
const LIMIT = 30_000;

beforeEach(() => receiver.reset());

/** Bun's workers have nothing in common but the port, which each opens by itself: it must be a certain one. */
async function port() {
  if (process.versions.bun === undefined) return 0;
  const server = createNetServer().listen(0, '127.0.0.1');
  await within(new Promise((resolve) => server.once('listening', resolve)), 'listening');
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A cluster of which each worker answers with its pid, or does what `worker` says before it serves. */
async function start({ primary = '', worker = '', serve = '', fds, env = {} } = {}) {
  return Program.start(
    `import cluster from 'node:cluster';
     import { createServer } from 'node:http';
     import { serve, serveCluster } from ${library};
     if (cluster.isPrimary) {
       await serveCluster({ workers: 2, ${primary} });
     } else {
       ${worker}
       const server = createServer((request, response) => {
         if (request.url === '/hang') for (;;);
         if (request.url === '/crash') process.exit(3);
         if (request.url === '/slow') {
           console.log('asked');
           setTimeout(() => response.end('slow'), 300);
         } else {
           response.end(String(process.pid));
         }
       });
       await serve(server, { port: ${await port()}, host: '127.0.0.1', ${serve} });
     }`,
    { prelude: '', address: false, env: { NOTIFY_SOCKET: receiver.address, ...env }, fds },
  );
}

/** Takes the message that says that it is ready; answers with the port. */
async function ready(program, workers = 2) {
  const [{ text, pid }] = await receiver.take(1, LIMIT);
  const [, port, number] = /^READY=1\nSTATUS=Serving on 127.0.0.1:(\d+)(?:, a passed socket)? with (\d) workers?$/.exec(
    text,
  );
  assert.deepEqual([pid, Number(number)], [program.pid, workers]);
  return Number(port);
}

/** The pids of all workers that answer, until there are `number` of them. */
async function workers(port, number, known = new Set()) {
  const pids = new Set();
  await within(
    (async () => {
      while (pids.size < number) {
        const { body } = await get(port);
        if (!known.has(body)) pids.add(body);
      }
    })(),
    `${number} workers`,
    LIMIT,
  );
  return pids;
}

test('ok: the life of a cluster', async () => {
  const program = await start({ primary: `close: () => console.log('closed')` });
  const port = await ready(program);
  assert.equal((await workers(port, 2)).size, 2);
  const answer = get(port, '/slow');
  await program.line(/asked/);
  program.kill('SIGTERM');
  assert.equal((await answer).body, 'slow');
  assert.deepEqual(await program.end(), { code: 0, signal: null });
  assert.deepEqual(program.lines, ['asked', 'closed']);
  assert.equal(program.stderr, '');
  const events = await receiver.take(3);
  assert.deepEqual(
    events.map(({ kind, text }) => (kind === 'message' ? text : kind)),
    ['STOPPING=1\nSTATUS=Stopping: 2 workers to finish', 'STATUS=Stopped', 'barrier'],
  );
  assert.deepEqual(new Set(events.map(({ pid }) => pid)), new Set([program.pid]));
});

test('ok: a signal to all of them is one stop', async () => {
  const program = await start();
  const port = await ready(program);
  const pids = await workers(port, 2);
  for (const pid of [...pids].map(Number)) process.kill(pid, 'SIGINT');
  program.kill('SIGINT');
  assert.deepEqual(await program.end(), { code: 0, signal: null });
  const said = (await receiver.take(3)).map(({ text }) => text);
  assert.match(said[0], /^STOPPING=1\n/);
  assert.equal(said[1], 'STATUS=Stopped');
});

test('ok: a worker that ends is replaced', async () => {
  const program = await start();
  const port = await ready(program);
  const before = await workers(port, 2);
  await assert.rejects(get(port, '/crash'));
  const [fresh] = await workers(port, 1, before);
  assert.equal(before.has(fresh), false);
  program.kill('SIGTERM');
  assert.deepEqual(await program.end(), { code: 0, signal: null });
  assert.match(program.stderr, /ended with exit status 3/);
});

test('ok: a reload replaces all workers, and loses no request', async () => {
  const program = await start();
  const port = await ready(program);
  const before = await workers(port, 2);
  program.kill('SIGHUP');
  let asked = 0;
  let over = false;
  const asking = (async () => {
    while (!over) {
      assert.equal((await get(port)).status, 200);
      asked += 1;
    }
  })();
  const [reloading, again] = await receiver.take(2, LIMIT);
  assert.match(reloading.text, /MONOTONIC_USEC=/);
  assert.match(again.text, /^READY=1\nSTATUS=Serving .* with 2 workers$/);
  over = true;
  await asking;
  assert.ok(asked > 0);
  const after = await workers(port, 2, before);
  assert.equal(
    [...after].some((pid) => before.has(pid)),
    false,
  );
  program.kill('SIGTERM');
  assert.deepEqual(await program.end(), { code: 0, signal: null });
});

test('ok: a reload that tells the workers, and one of them fails', async () => {
  const program = await start({
    primary: `reloadWorkers: 'tell', onError: () => {}`,
    serve: `reload: () => { if (cluster.worker.id === 2) throw new Error('no luck'); }`,
  });
  const port = await ready(program);
  const before = await workers(port, 2);
  program.kill('SIGHUP');
  const [, again] = await receiver.take(2, LIMIT);
  assert.match(again.text, /^READY=1\nSTATUS=Reload failed: worker \d+: no luck$/);
  assert.deepEqual(await workers(port, 2), before);
  program.kill('SIGTERM');
  assert.deepEqual(await program.end(), { code: 0, signal: null });
});

test('err: a worker that hangs ends the heartbeats', async () => {
  // Far longer than a worker takes that is only busy.
  const program = await start({
    env: { WATCHDOG_USEC: '200000' },
    primary: `watchdog: { checkTimeout: 3000 }, drainTimeout: 100`,
  });
  const port = await ready(program);
  assert.deepEqual(new Set((await receiver.take(5)).map(({ text }) => text)), new Set(['WATCHDOG=1']));
  const hung = get(port, '/hang').catch(() => {});
  const failed = () => receiver.incoming.some(({ text }) => text.startsWith('STATUS=watchdog: the check took longer'));
  await until(failed, 'the end of the heartbeats', LIMIT);
  program.kill('SIGTERM');
  assert.deepEqual(await program.end(), { code: 0, signal: null });
  const last = (await receiver.rest()).filter((text) => text.startsWith('STATUS=Stopped'));
  // The other one may be too slow for so short a time.
  assert.match(last.join(), /^STATUS=Stopped; cut off (?:1 worker|2 workers)$/);
  await hung;
});

test('err: the port is taken', async () => {
  const taken = createNetServer().listen(0, '127.0.0.1');
  await within(new Promise((resolve) => taken.once('listening', resolve)), 'listening');
  const program = await start({ serve: `port: ${taken.address().port}` });
  assert.equal((await program.end()).code, 1);
  const [{ text, pid }] = await receiver.take(1);
  assert.match(text, /^STATUS=.*(?:EADDRINUSE| in use).*\nERRNO=98$/);
  assert.equal(pid, program.pid);
  taken.close();
});

test('err: a worker that ends before it listens; workers that are no number', async () => {
  const program = await start({ worker: 'process.exit(4);' });
  assert.equal((await program.end()).code, 1);
  assert.match((await receiver.take(1))[0].text, /^STATUS=worker \d+ ended with exit status 4$/);
  const other = await start({ primary: 'workers: 0' });
  assert.equal((await other.end()).code, 1);
  assert.match(other.stderr, /"workers" must be/);
});

test('ok: workers serve the socket that was passed to the primary', async () => {
  const socket = createNetServer().listen(0, '127.0.0.1');
  await within(new Promise((resolve) => socket.once('listening', resolve)), 'listening');
  const program = await start({
    fds: [socket._handle.fd],
    env: { LISTEN_FDS: '1', LISTEN_FDNAMES: 'http' },
    serve: `name: 'http'`,
  });
  assert.equal(await ready(program), socket.address().port);
  program.kill('SIGTERM');
  assert.deepEqual(await program.end(), { code: 0, signal: null });
  socket.close();
});
