// The package in a bundle of esbuild's: left outside, and taken in with the addon copied beside it.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Receiver, checks, directory, run } from './check.mjs';
import { build } from './esbuild.mjs';

const receiver = await Receiver.start();
const made = directory();
const source = join(made, 'service.ts');
writeFileSync(
  source,
  `import { ready } from 'readyup';\nready('bundled').then((sent) => console.log('sent', sent));\n`,
);

/** Runs the bundle from a place where there is no package to be found. */
async function start(outfile) {
  const { output } = await run(process.execPath, [outfile], { NOTIFY_SOCKET: receiver.address });
  assert.match(output, /^sent true$/m, output);
  assert.equal(await receiver.text(), 'READY=1\nSTATUS=bundled');
}

await checks({
  'left outside': async () => {
    const outfile = join(made, 'external.mjs');
    await build([source, '--bundle', '--platform=node', '--format=esm', '--packages=external', `--outfile=${outfile}`]);
    await start(outfile);
  },
  'taken in, CommonJS': async () => {
    const outfile = join(made, 'cjs/service.cjs');
    await build([source, '--bundle', '--platform=node', '--loader:.node=copy', `--outfile=${outfile}`]);
    assert.equal(readdirSync(join(made, 'cjs')).filter((name) => name.endsWith('.node')).length, 2);
    await start(outfile);
  },
  'taken in, ES module': async () => {
    const outfile = join(made, 'esm/service.mjs');
    const banner = `--banner:js=import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`;
    await build([
      source,
      '--bundle',
      '--platform=node',
      '--format=esm',
      '--loader:.node=copy',
      banner,
      `--outfile=${outfile}`,
    ]);
    await start(outfile);
  },
  'taken in, with `native` beside the directory of the bundle': async () => {
    const outfile = join(made, 'kept/dist/service.cjs');
    await build([source, '--bundle', '--platform=node', '--external:*.node', `--outfile=${outfile}`]);
    mkdirSync(join(made, 'kept/native'));
    cpSync(join(process.cwd(), 'node_modules/readyup/native'), join(made, 'kept/native'), { recursive: true });
    await start(outfile);
  },
});
