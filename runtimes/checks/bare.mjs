// The packages installed and loaded where there is nothing but Node and npm: a root directory that has no compiler, no
// Python, no shell and no libsystemd. It runs in the Node of the machine; the parameter is the Node that is tested.
import assert from 'node:assert/strict';
import { cpSync, linkSync, mkdirSync, readdirSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Receiver, checks, directory, run } from './check.mjs';

const node = process.argv[2];
const root = directory();
// An abstract socket is there in every root.
const receiver = await Receiver.start(`@readyup-bare-${process.pid}`);

/** Puts a file into the root, under the path that it has outside. */
function bring(path, copy) {
  mkdirSync(join(root, dirname(path)), { recursive: true });
  copy(realpathSync(path), join(root, path));
}

const { output: named } = await run('patchelf', ['--print-interpreter', node]);
const interpreter = named.trim();
const { output: libraries } = await run(interpreter, ['--list', node]);
bring(node, linkSync);
const loaded = [...new Set([interpreter, ...libraries.match(/\/\S+(?= \()/g)])];
for (const path of loaded) bring(path, cpSync);
const npm = join(process.cwd(), '../../npm/node_modules/npm');
cpSync(npm, join(root, 'npm'), { recursive: true });
const packed = join(process.cwd(), '../packed');
const tarballs = readdirSync(packed);
mkdirSync(join(root, 'service'));
for (const name of tarballs) cpSync(join(packed, name), join(root, 'service', name));

/** Runs Node in that root, with nothing of this environment. */
async function inside(parameters) {
  const user = process.getuid() === 0 ? [] : ['--map-root-user'];
  // Where a program is, musl knows from /proc.
  const paths = `LD_LIBRARY_PATH=${loaded.map(dirname).join(':')}`;
  const env = [paths, `PATH=${process.env.PATH}`, 'HOME=/service', `NOTIFY_SOCKET=${receiver.address}`];
  const start = ['-i', ...env, 'unshare', ...user, `--root=${root}`, '--wd=/service', '--', node, ...parameters];
  const { code, output } = await run('env', start);
  assert.equal(code, 0, output);
  return output;
}

await checks({
  'nothing else is there': () => {
    const names = readdirSync(root, { recursive: true }).map((path) => basename(path));
    const strangers = /^(cc|c\+\+|gcc|g\+\+|clang|make|python[\d.]*|sh|bash|libsystemd.*)$/;
    assert.deepEqual(
      names.filter((name) => strangers.test(name)),
      [],
    );
    assert.ok(names.includes('node'));
  },
  install: async () => {
    await inside(['/npm/bin/npm-cli.js', 'install', '--ignore-scripts', '--offline', ...tarballs.map((t) => `./${t}`)]);
    const installed = ['readyup', ...readdirSync(join(root, 'service/node_modules/@readyup')).sort()];
    assert.deepEqual(installed, ['readyup', 'sd-notify', 'sdnotify-wrapper', 'systemd-daemon']);
  },
  require: async () => {
    const source = `const { ready, sd_notify } = require('readyup');
      ready('required').then(() => sd_notify('X_A=1')).then(console.log);`;
    assert.equal(await inside(['-e', source]), 'true\n');
    assert.deepEqual(
      (await receiver.take(2)).map(({ text }) => text),
      ['READY=1\nSTATUS=required', 'X_A=1'],
    );
  },
  import: async () => {
    const source = `import { ready } from 'readyup'; import { serve } from 'readyup/serve';
      console.log(await ready('imported'), typeof serve);`;
    assert.equal(await inside(['--input-type=module', '-e', source]), 'true function\n');
    assert.equal(await receiver.text(), 'READY=1\nSTATUS=imported');
  },
  'no systemd, and no journal': async () => {
    const source = `const { journal, sd_booted } = require('readyup');
      Promise.all(['x', 'x'.repeat(1 << 20)].map((text) => journal.print('info', text)))
        .then((sent) => console.log(sent.join(), sd_booted()));`;
    assert.equal(await inside(['-e', source]), 'false,false false\n');
  },
  'those that stand in for others, required': async () => {
    await inside(['-e', `require('@readyup/sd-notify').ready()`]);
    assert.equal(await receiver.text(), 'READY=1');
    await inside(['-e', `require('@readyup/systemd-daemon').notify('STATUS=here')`]);
    assert.equal(await receiver.text(), 'STATUS=here\n');
    await inside(['-e', `require('@readyup/sdnotify-wrapper').notify(false, 'STATUS=there')`]);
    assert.equal(await receiver.text(), 'STATUS=there');
  },
  'those that stand in for others, imported': async () => {
    const source = `import sd from '@readyup/sd-notify'; import daemon from '@readyup/systemd-daemon';
      import wrapper from '@readyup/sdnotify-wrapper';
      sd.sendStatus('one'); daemon.notify('STATUS=two'); await wrapper.notify(true, 'STATUS=three');
      console.log('NOTIFY_SOCKET' in process.env);`;
    assert.equal(await inside(['--input-type=module', '-e', source]), 'false\n');
    assert.deepEqual(
      (await receiver.take(3)).map(({ text }) => text),
      ['STATUS=one\n', 'STATUS=two\n', 'STATUS=three'],
    );
  },
});
