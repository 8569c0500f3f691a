// A single executable application: the addon is an asset of it.
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Receiver, checks, directory, run } from './check.mjs';
import { build } from './esbuild.mjs';

const receiver = await Receiver.start();
const made = directory();
const path = (name) => join(made, name);
writeFileSync(
  path('service.js'),
  `require('readyup').ready('single').then((sent) => console.log('sent', sent), console.log);`,
);

async function must(...command) {
  const { code, output } = await run(...command);
  assert.equal(code, 0, output);
}

/** Makes the program, with these assets. */
async function make(name, assets) {
  await build([
    path('service.js'),
    '--bundle',
    '--platform=node',
    '--external:*.node',
    `--outfile=${path('main.cjs')}`,
  ]);
  const config = { main: path('main.cjs'), output: path('blob'), disableExperimentalSEAWarning: true, assets };
  writeFileSync(path('config.json'), JSON.stringify(config));
  await must(process.execPath, ['--experimental-sea-config', path('config.json')]);
  copyFileSync(process.execPath, path(name));
  chmodSync(path(name), 0o755);
  const postject = join(process.cwd(), '../../npm/node_modules/postject/dist/cli.js');
  const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';
  await must(process.execPath, [postject, path(name), 'NODE_SEA_BLOB', path('blob'), '--sentinel-fuse', fuse]);
}

await checks({
  'with the addon as an asset': async () => {
    const addon = `linux-${process.arch}.node`;
    await make('service', { [addon]: join(process.cwd(), 'node_modules/readyup/native', addon) });
    const { output } = await run(path('service'), [], { NOTIFY_SOCKET: receiver.address });
    assert.match(output, /^sent true$/m, output);
    assert.equal(await receiver.text(), 'READY=1\nSTATUS=single');
  },
  'without it': async () => {
    await make('without', {});
    const { output } = await run(path('without'), [], { NOTIFY_SOCKET: receiver.address });
    assert.match(output, /ENOSYS/, output);
    const { output: alone } = await run(path('without'), [], { NOTIFY_SOCKET: '' });
    assert.match(alone, /^sent false$/m, alone);
  },
});
