// The examples with large frameworks, as `scripts/test-examples` builds them: each starts, answers, lives and ends as its
// manager wishes.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Receiver } from '../packages/readyup/test/receiver.mjs';
import { Program, get } from '../packages/readyup/test/service.mjs';
import { freshPath, within } from '../packages/readyup/test/support.mjs';

const receiver = await Receiver.start();
const built = fileURLToPath(new URL('../target/examples', import.meta.url));
const LIMIT = 60_000;

beforeEach(() => receiver.reset());

const start = (file, env = {}) =>
  Program.start('', {
    file: join(built, file),
    address: false,
    env: { NOTIFY_SOCKET: receiver.address, WATCHDOG_USEC: '1000000', PORT: '0', ...env },
  });

/** The next message's text, of those that come at their own times. */
async function next() {
  for (;;) {
    const [{ text }] = await receiver.take(1, LIMIT);
    if (text !== 'WATCHDOG=1' && !text.startsWith('EXTEND_TIMEOUT_USEC=')) return text;
  }
}

/** Waits until it is ready, and says where. */
async function ready() {
  return /^READY=1\nSTATUS=Serving on 127.0.0.1:(\d+)$/.exec(await next())[1];
}

async function lives() {
  for (let beats = 0; beats < 3;) if ((await receiver.take(1, LIMIT))[0].text === 'WATCHDOG=1') beats += 1;
}

async function stopped(program) {
  program.kill('SIGTERM');
  assert.deepEqual(await program.end(), { code: 0, signal: null }, program.stderr);
  assert.match(await next(), /^STOPPING=1\n/);
  assert.equal(await next(), 'STATUS=Stopped');
}

for (const platform of ['main', 'fastify']) {
  test(`ok: NestJS, ${platform}`, async () => {
    const GREETING_FILE = freshPath('greeting');
    writeFileSync(GREETING_FILE, 'moin');
    const program = await start(`node-nest/dist/${platform}.js`, { GREETING_FILE });
    const port = await ready();
    assert.equal((await get(port)).body, 'moin\n');
    await lives();
    writeFileSync(GREETING_FILE, 'servus');
    program.kill('SIGHUP');
    assert.match(await next(), /MONOTONIC_USEC=/);
    assert.match(await next(), /^READY=1\n/);
    assert.equal((await get(port)).body, 'servus\n');
    // What is under way is answered, and then Nest closes what it has.
    const answer = await asked(port, '/slow');
    await stopped(program);
    assert.equal(await within(answer.text, 'the answer'), 'at last\n');
    assert.equal(program.lines.at(-1), 'closed');
    assert.equal(program.stderr, '');
  });
}

test('err: NestJS that fails to start tells why', async () => {
  const program = await start('node-nest/dist/main.js', { GREETING_FILE: '/nonexistent' });
  assert.match(await next(), /ENOENT/);
  assert.notEqual((await program.end()).code, 0);
});

test('ok: Next.js with a server of its own', async () => {
  const program = await start('node-next-own/server.mjs');
  assert.match((await get(await ready())).body, /hello from Next\.js/);
  await lives();
  await stopped(program);
});

test('ok: Next.js, standalone', async () => {
  const PORT = await freePort();
  const env = { PORT, HOSTNAME: '127.0.0.1' };
  const program = await start('node-next/.next/standalone/server.js', env);
  assert.equal(await next(), 'READY=1\nSTATUS=Serving');
  assert.match((await get(PORT)).body, /hello from Next\.js/);
  await lives();
  program.kill('SIGTERM');
  // What the unit calls a success.
  assert.deepEqual(await program.end(), { code: 143, signal: null }, program.stderr);
  assert.equal(await next(), 'STOPPING=1');
});

/** Asks, and waits until the server has the question; the answer comes when it comes. */
function asked(port, path) {
  return new Promise((resolve, reject) => {
    const question = request({ host: '127.0.0.1', port, path, agent: false, headers: { Expect: '100-continue' } });
    const text = new Promise((answered) => {
      question.once('response', async (response) => {
        answered((await response.setEncoding('utf8').toArray()).join(''));
      });
    });
    question.once('continue', () => resolve({ text }));
    question.once('error', reject);
    question.end();
  });
}

/** A port for a server that does not say which one it got. */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(String(port)));
    });
  });
}
