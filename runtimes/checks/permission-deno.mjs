// Deno's permissions: which ones the package needs, and what is said without them.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Receiver, checks, directory, run } from './check.mjs';

const receiver = await Receiver.start();
const path = join(directory(), 'program.mjs');
writeFileSync(
  path,
  `import { ready } from 'readyup';
  await ready().then((sent) => console.log('sent', sent), (error) => console.log(error.name, error.message));`,
);
const start = (flags) =>
  run(process.execPath, ['run', '--no-prompt', '--no-check', ...flags, path], { NOTIFY_SOCKET: receiver.address });

await checks({
  'what it needs': async () => {
    const { output } = await start(['--allow-env', '--allow-read', '--allow-ffi']);
    assert.match(output, /^sent true$/m);
    assert.equal(await receiver.text(), 'READY=1');
  },
  'native code is not allowed': async () => {
    const { output } = await start(['--allow-env', '--allow-read']);
    assert.match(output, /--allow-ffi/);
    await receiver.nothing();
  },
  'the environment is not allowed': async () => {
    const { output } = await start(['--allow-read', '--allow-ffi']);
    assert.match(output, /--allow-env/);
    await receiver.nothing();
  },
});
