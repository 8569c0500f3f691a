// The tables of docs/migration.md: what stands in one row says the same to the manager.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Receiver } from '../../packages/readyup/test/receiver.mjs';
import { environment, run } from '../../packages/readyup/test/support.mjs';
import readyup from 'readyup';
import { project } from './project.mjs';

const workspace = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(`${workspace}/docs/migration.md`, 'utf8');
const directory = await project();
const receiver = await Receiver.start();
beforeEach(() => receiver.reset());

/** The rows of the table under a heading: of each cell, what is code in it. */
function rows(heading) {
  const [, section] = page.split(`\n## ${heading}\n`);
  const lines = section
    .split('\n## ')[0]
    .split('\n')
    .filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) =>
    line
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => [...cell.matchAll(/(`+)(.+?)\1/g)].map(([, , code]) => code.replaceAll('\\|', '|'))),
  );
}

/** What the rows take for granted. */
const GIVEN = `
  const text = 'Up "and" $running';
`;
const STAND_INS = `
  const notify = require('sd-notify');
  const sd = require('systemd-daemon');
`;

/** What came in: without what only tells how it was sent. */
async function said() {
  const texts = (await receiver.rest()).map((text) => text.trimEnd().replace(/(?<=MONOTONIC_USEC=)\d+/, ''));
  // A barrier is told by the number of its process.
  return [...new Set(texts.filter((text) => text !== '' && !/^\d+$/.test(text)))];
}

const env = () =>
  environment({
    NOTIFY_SOCKET: receiver.address,
    WATCHDOG_USEC: '200000',
    PATH: `${workspace}/target/debug:${process.env.PATH}`,
  });

/** Runs JavaScript; answers with what its value was and what the manager was told. */
async function script(code, given) {
  // A heartbeat takes time.
  const patience = /watchdog/i.test(code) ? 300 : 0;
  // The scripts are CommonJS, in which a promise is waited for at the end.
  const source = `
    ${GIVEN}
    ${given}
    const value = (${code.replace(/^await /, '')});
    Promise.resolve(value).then((value) => setTimeout(() => {
      process.stdout.write(JSON.stringify(typeof value) + JSON.stringify(value ?? null));
      process.exit();
    }, ${patience}));`;
  const result = await run(process.execPath, ['-e', source], {
    env: { ...env(), NODE_PATH: `${directory}/node_modules` },
  });
  assert.deepEqual([result.code, result.stderr], [0, ''], code);
  return { value: result.stdout, said: await said() };
}

const NAMES = Object.keys(readyup).join(', ');
const ours = (code) => script(code, `const { ${NAMES} } = require('readyup');`);

async function shell(code) {
  const given = `text='Up "and" $running'\n`;
  const result = await run('/bin/sh', ['-c', given + code], { env: env() });
  // `--booted` answers with its status.
  assert.ok(result.code === 0 || code.includes('--booted'), `${code}: ${result.stderr}`);
  assert.equal(result.stderr, '', code);
  return said();
}

for (const [, [theirs], [code]] of rows('From a stand-in to readyup itself')) {
  test(`ok: ${code} for ${theirs}`, async () => {
    // Two packages are called `notify` in the table; this one is a function.
    const given = theirs.startsWith('notify(') ? "const { notify } = require('@dog-ai/sdnotify-wrapper');" : STAND_INS;
    const before = await script(theirs, given);
    const after = await ours(code);
    assert.deepEqual(after.said, before.said);
    if (/socket|booted|listen_fds/.test(theirs)) assert.equal(after.value, before.value);
    else if (!/log|stop/.test(theirs)) assert.notDeepEqual(after.said, []);
  });
}

for (const code of rows('Packages that are not on npm').flatMap(([, , codes]) => codes)) {
  if (!code.includes('(')) continue;
  test(`ok: ${code}`, async () => {
    const { said } = await ours(code);
    if (!code.includes('.stop(')) assert.notDeepEqual(said, []);
  });
}

for (const [[theirs], [code], [command]] of rows('Programs that are called for it')) {
  test(`ok: ${code} for ${theirs}`, async () => {
    const { said } = await ours(code);
    if (command !== undefined) assert.deepEqual(await shell(command), said);
  });
}
