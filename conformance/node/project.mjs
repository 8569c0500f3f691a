// A program's directory, into which our packages are installed under the names of those that they stand in for; and the
// originals, fetched for as long as the tests run. It tests nothing itself.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freshPath, run, temporaryDirectory } from '../../packages/readyup/test/support.mjs';

const packages = fileURLToPath(new URL('../../packages', import.meta.url));

/** Which package stands in for which. */
export const STAND_INS = {
  'sd-notify': 'sd-notify',
  'systemd-daemon': 'systemd-daemon',
  '@dog-ai/sdnotify-wrapper': 'sdnotify-wrapper',
};

/** The versions that are stood in for. */
const ORIGINALS = ['sd-notify@2.8.0', 'systemd-daemon@1.1.2', '@dog-ai/sdnotify-wrapper@1.0.11'];

/** How long npm may take, in milliseconds. */
const LIMIT = 120_000;

async function npm(directory, ...parameters) {
  const settings = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'];
  // Without a network nobody wants to wait for it.
  settings.push('--fetch-retries=1', '--fetch-retry-mintimeout=1000');
  const result = await run('npm', ['--prefix', directory, ...parameters, ...settings], { limit: LIMIT });
  if (result.code !== 0) throw new Error(`npm ${parameters.join(' ')}: ${result.code}\n${result.stderr}`);
  return result.stdout;
}

/** Packs a directory or a published package; answers with the files. */
async function pack(...what) {
  const out = await npm(packages, 'pack', '--json', '--pack-destination', temporaryDirectory(), ...what);
  return JSON.parse(out).map(({ filename }) =>
    join(temporaryDirectory(), filename.replace(/^@/, '').replace('/', '-')),
  );
}

/** A new project with our packages as its dependencies: `"sd-notify": "npm:@readyup/sd-notify"`, from here. */
export async function project() {
  const directory = freshPath('project');
  mkdirSync(directory);
  const names = ['readyup', ...Object.keys(STAND_INS)];
  const files = await pack(...names.map((name) => join(packages, STAND_INS[name] ?? name)));
  const dependencies = Object.fromEntries(names.map((name, index) => [name, `file:${files[index]}`]));
  // The name by which its own README has it.
  dependencies['sdnotify-wrapper'] = dependencies['@dog-ai/sdnotify-wrapper'];
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ private: true, dependencies }));
  // Whatever they need is here: nothing comes from elsewhere, and nothing is compiled.
  await npm(directory, 'install', '--offline');
  for (const [name, stand_in] of Object.entries(STAND_INS)) {
    const installed = JSON.parse(readFileSync(join(directory, 'node_modules', name, 'package.json'), 'utf8'));
    assert.equal(installed.name, `@readyup/${stand_in}`);
  }
  return directory;
}

/** Installs what an example of theirs needs besides. */
export const install = (directory, ...what) => npm(directory, 'install', ...what);

/** Fetches the originals: the directory of each, by name. */
export async function originals() {
  const files = await pack(...ORIGINALS);
  const found = {};
  for (const file of files) {
    const directory = freshPath(basename(file, '.tgz'));
    mkdirSync(directory);
    const { code, stderr } = await run('tar', ['-xzf', file, '-C', directory, '--strip-components=1']);
    assert.equal(code, 0, stderr);
    found[JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')).name] = directory;
  }
  return found;
}

/** Puts an original's files into the package that stands in for it, where `require('../')` finds ours. */
export function transplant(directory, original, name, ...files) {
  const stand_in = join(directory, 'node_modules', name);
  for (const file of files) cpSync(join(original, file), join(stand_in, file), { recursive: true });
  return stand_in;
}

/** The pieces of JavaScript in a README, the last of which may lack its end. */
export function examples(directory) {
  const text = readFileSync(join(directory, 'README.md'), 'utf8');
  return [...text.matchAll(/^```(?:javascript|js)\n(.*?)(?:^```$|(?![^]))/gms)].map(([, code]) => code);
}
