// Applications written for the originals, with our packages under the originals' names: unchanged, but for the one whose
// original has no name on npm.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Receiver } from '../../packages/readyup/test/receiver.mjs';
import { environment, guard, within } from '../../packages/readyup/test/support.mjs';
import { project } from './project.mjs';

let directory;
before(async () => {
  directory = await project();
});

for (const name of ['sd-notify', 'systemd-daemon', 'sdnotify-wrapper', 'sd_notify_promise']) {
  test(`an application of ${name} starts, lives and stops`, async () => {
    const receiver = await Receiver.start();
    const application = join(directory, `${name}.cjs`);
    copyFileSync(fileURLToPath(new URL(`applications/${name}.cjs`, import.meta.url)), application);
    const service = guard(
      spawn(process.execPath, [application], {
        cwd: directory,
        env: environment({ NOTIFY_SOCKET: receiver.address, WATCHDOG_USEC: '100000' }),
        stdio: ['ignore', 'inherit', 'inherit'],
      }),
    );
    const exited = new Promise((resolve) => service.once('exit', (code, signal) => resolve({ code, signal })));
    const taken = [];
    const takeUntil = async (wanted) => {
      do taken.push((await receiver.take(1))[0].text);
      while (!wanted(taken.at(-1)));
    };
    await takeUntil((text) => /^READY=1$/m.test(text));
    await takeUntil((text) => text === 'WATCHDOG=1');
    await takeUntil((text) => text === 'WATCHDOG=1');
    const port = /^STATUS=Listening on (\d+)$/m.exec(taken.join('\n'))[1];
    assert.equal(await fetchText(port), 'hello\n');
    service.kill('SIGTERM');
    await takeUntil((text) => /^STOPPING=1\n?$/.test(text));
    assert.deepEqual(await within(exited, `the end of ${name}`), { code: 0, signal: null });
    assert.ok(!(await receiver.rest()).includes('READY=1'));
    await receiver.end();
  });
}

function fetchText(port) {
  const answer = new Promise((resolve, reject) => {
    get({ port, agent: false }, async (response) =>
      resolve((await response.setEncoding('utf8').toArray()).join('')),
    ).once('error', reject);
  });
  return within(answer, 'an answer');
}
