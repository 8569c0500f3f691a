// The examples: each starts, answers, and ends as its manager wishes.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Receiver } from './receiver.mjs';
import { Program, get } from './service.mjs';
import { freshPath, run } from './support.mjs';

const receiver = await Receiver.start();
const workspace = fileURLToPath(new URL('../../..', import.meta.url));
const LIMIT = 30_000;
const [major] = process.versions.node.split('.').map(Number);

beforeEach(() => receiver.reset());

const start = (file, env = {}) =>
  Program.start('', { file, address: false, env: { NOTIFY_SOCKET: receiver.address, PORT: '0', ...env } });

/** The next message's text, of those that are no heartbeats. */
async function next() {
  for (;;) {
    const [{ text }] = await receiver.take(1, LIMIT);
    if (text !== 'WATCHDOG=1') return text;
  }
}

/** Waits until it is ready, and asks it; answers with the port and what it said. */
async function asked(more = '') {
  const [, port] = new RegExp(`^READY=1\nSTATUS=Serving on 127.0.0.1:(\\d+)${more}$`).exec(await next());
  return { port, body: (await get(port)).body };
}

async function stopped(program) {
  program.kill('SIGTERM');
  assert.deepEqual(await program.end(), { code: 0, signal: null }, program.stderr);
  assert.match(await next(), /^STOPPING=1\n/);
  assert.equal(await next(), 'STATUS=Stopped');
  // The barrier.
  assert.equal((await receiver.rest()).length, 1);
  assert.equal(program.stderr, '');
}

/** A directory in which modules are found as in the workspace. */
function newProject() {
  const project = freshPath('project');
  mkdirSync(project);
  symlinkSync(join(workspace, 'node_modules'), join(project, 'node_modules'));
  return project;
}

test('ok: node-express', async () => {
  const program = await start(join(workspace, 'examples/node-express/server.mjs'));
  assert.equal(await next(), 'FDSTORE=1\nFDNAME=listen');
  assert.equal((await asked()).body, 'hello\n');
  await stopped(program);
});

test('ok: node-fastify', { skip: major < 20 && 'Fastify 5 needs Node 20' }, async () => {
  const GREETING_FILE = freshPath('greeting');
  writeFileSync(GREETING_FILE, 'moin');
  const program = await start(join(workspace, 'examples/node-fastify/server.mjs'), { GREETING_FILE });
  const { port, body } = await asked();
  assert.equal(body, 'moin\n');
  writeFileSync(GREETING_FILE, 'servus');
  program.kill('SIGHUP');
  assert.match(await next(), /MONOTONIC_USEC=/);
  assert.match(await next(), /^READY=1\n/);
  assert.equal((await get(port)).body, 'servus\n');
  await stopped(program);
  assert.equal(program.lines.at(-1), 'closed');
});

test('ok: node-cluster', async () => {
  const program = await start(join(workspace, 'examples/node-cluster/server.mjs'), { WORKERS: '2' });
  const { body } = await asked(' with 2 workers');
  assert.match(body, /^hello from \d+\n$/);
  await stopped(program);
});

test('ok: node-typescript', async () => {
  const example = join(workspace, 'examples/node-typescript');
  // Beside the modules that it needs, as in a project of its own.
  const project = newProject();
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
  const tsc = join(workspace, 'node_modules/typescript/bin/tsc');
  const made = await run(process.execPath, [tsc, '-p', example, '--outDir', project], { limit: 60_000 });
  assert.deepEqual([made.code, made.stdout], [0, ''], made.stderr);
  const files = [join(project, 'server.js')];
  if (process.features.typescript) files.push(join(example, 'server.ts'));
  for (const file of files) {
    const program = await start(file);
    assert.equal((await asked()).body, 'hello\n');
    await stopped(program);
    assert.equal(program.lines.at(-1), 'closed');
  }
});

// The programs of the cookbook that say so.
const cookbook = readFileSync(join(workspace, 'docs/node-cookbook.md'), 'utf8');
const recipes = [...cookbook.matchAll(/<!-- tested: ([a-z-]+) -->\n\n```js\n(.*?)```/gs)];

test('ok: there are recipes', () => assert.ok(recipes.length >= 7));

for (const [, name, source] of recipes) {
  const skip = major < 20 && ['fastify', 'hono'].includes(name) && 'this needs Node 20';
  test(`ok: cookbook, ${name}`, { skip }, async () => {
    const file = join(newProject(), 'server.mjs');
    writeFileSync(file, source);
    const program = await start(file, { WORKERS: '2' });
    const { body } = await asked('(?: with 2 workers)?');
    assert.equal(body.trim(), 'hello');
    await stopped(program);
  });
}

test('ok: cookbook, a worker without a server', async () => {
  const [, source] = /<!-- without a server: worker -->\n\n```js\n(.*?)```/s.exec(cookbook);
  const file = join(newProject(), 'worker.mjs');
  // A connection that keeps the process alive, as that of a queue does.
  const queue = `
    const connection = setInterval(() => {}, 1000);
    const queue = { connect: async () => {}, ping: async () => true, close: async () => clearInterval(connection) };
  `;
  writeFileSync(file, `${queue}\n${source}`);
  const program = await start(file, { WATCHDOG_USEC: '200000' });
  assert.equal(await next(), 'READY=1\nSTATUS=Waiting for jobs');
  while ((await receiver.take(1, LIMIT))[0].text !== 'WATCHDOG=1');
  program.kill('SIGTERM');
  assert.equal(await next(), 'STOPPING=1\nSTATUS=Finishing the last job');
  assert.deepEqual(await program.end(), { code: 0, signal: null }, program.stderr);
  assert.equal(program.stderr, '');
});
