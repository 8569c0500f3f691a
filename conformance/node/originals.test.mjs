// The originals' own tests, and the examples of their READMEs and repositories, with our packages in their place.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Receiver } from '../../packages/readyup/test/receiver.mjs';
import { environment, guard, run } from '../../packages/readyup/test/support.mjs';
import { examples, install, originals, project, transplant } from './project.mjs';

const preload = fileURLToPath(new URL('preload.cjs', import.meta.url));
const directory = await project();

// They are somebody else's, and not kept here: without a network there is nothing to test.
const { found, why } = await originals()
  .then(async (found) => {
    // What the examples serve with.
    await install(directory, 'express@4');
    return { found };
  })
  .catch((why) => ({ why }));
if (why !== undefined) {
  if (process.env['CI'] === 'true') throw why;
  console.error(`SKIPPED: the originals cannot be fetched, and their tests were not run: ${why.message}`);
}
const skip = why === undefined ? false : 'the originals cannot be fetched';

/** Runs a program of theirs under a manager until every one of `expected` came in, in this order. */
async function expectMessages(file, expected, variables = {}) {
  const receiver = await Receiver.start();
  const child = guard(
    spawn(process.execPath, ['--require', preload, file], {
      cwd: directory,
      env: environment({ NOTIFY_SOCKET: receiver.address, ...variables }),
      stdio: ['ignore', 'ignore', 'inherit'],
    }),
  );
  try {
    const missing = [...expected];
    while (missing.length > 0) {
      const [{ text }] = await receiver.take(1);
      if (text === missing[0]) missing.shift();
      else assert.ok(['WATCHDOG=1', ...expected].includes(text), `${file}: ${text}, and not ${missing[0]}`);
    }
  } finally {
    child.kill('SIGKILL');
    await receiver.end();
  }
}

const WATCHDOG = { WATCHDOG_USEC: '100000' };

test("sd-notify's own tests", { skip }, async () => {
  const stand_in = transplant(directory, found['sd-notify'], 'sd-notify', 'test', 'examples');
  const result = await run(process.execPath, [
    '--test-reporter=tap',
    '--require',
    preload,
    join(stand_in, 'test', 'test.js'),
  ]);
  assert.equal(result.code, 0, result.stdout + result.stderr);
  assert.match(result.stdout, /^# pass [1-9]/m);
  assert.match(result.stdout, /^# fail 0/m);
  await expectMessages(join(stand_in, 'test', 'test.js'), ['READY=1']);
});

test("sd-notify's examples", { skip }, async () => {
  const stand_in = transplant(directory, found['sd-notify'], 'sd-notify', 'examples');
  const example = (name) => join(stand_in, 'examples', name, 'server.js');
  await expectMessages(example('watchdog'), ['READY=1', 'WATCHDOG=1', 'WATCHDOG=1'], WATCHDOG);
  await expectMessages(example('status'), ['test 1 after 1000 ms', 'test 2 after 2000 ms']);
});

const READMES = {
  'sd-notify': [
    [['READY=1']],
    [['READY=1', 'WATCHDOG=1']],
    [['READY=1', 'WATCHDOG=1', 'WATCHDOG=1'], WATCHDOG],
    [['STATUS=send some status to systemd\n']],
  ],
  'systemd-daemon': [[['READY=1\n', 'WATCHDOG=1'], { ...WATCHDOG, WATCHDOG_PID: undefined }]],
  '@dog-ai/sdnotify-wrapper': [[['READY=1']]],
};

for (const [name, expected] of Object.entries(READMES)) {
  test(`the examples in the README of ${name}`, { skip }, async () => {
    const pieces = examples(found[name]);
    assert.equal(pieces.length, expected.length);
    for (const [index, code] of pieces.entries()) {
      const file = join(directory, `readme-${name.replace('/', '-')}-${index}.js`);
      writeFileSync(file, code);
      await expectMessages(file, ...expected[index]);
    }
  });
}

test('systemd-daemon answers as the original does', { skip }, async () => {
  const ask = (from) => `
    process.env.LISTEN_PID ??= String(process.pid);
    process.env.WATCHDOG_PID ??= String(process.pid);
    console.log = () => {};
    const sd = require(${JSON.stringify(from)});
    process.stdout.write(JSON.stringify([
      sd.listen_fds(), sd.listen_fds.start, sd.socket(), sd.socket(1), sd.watchdog.enabled(), sd.booted(),
    ]));`;
  for (const variables of [
    {},
    { LISTEN_FDS: '0' },
    { LISTEN_FDS: '1' },
    { LISTEN_FDS: '2' },
    { LISTEN_FDS: '2', LISTEN_PID: '1' },
    { LISTEN_FDS: '2', LISTEN_PID: '' },
    { LISTEN_FDS: 'x' },
    { LISTEN_FDS: '1', LISTEN_PID: 'x' },
    { WATCHDOG_USEC: '2000500' },
    { WATCHDOG_USEC: '2000500', WATCHDOG_PID: '1' },
    { WATCHDOG_USEC: 'x' },
    { WATCHDOG_USEC: '0' },
  ]) {
    const answers = [];
    for (const from of [found['systemd-daemon'], join(directory, 'node_modules', 'systemd-daemon')]) {
      const { stdout, stderr } = await run(process.execPath, ['-e', ask(from)], {
        env: environment(variables),
        stdio: ['ignore', 'ignore'],
      });
      answers.push(stdout || stderr);
    }
    assert.equal(answers[1], answers[0], JSON.stringify(variables));
  }
});
