// Finishes what the compiler made, which is the types: bundles the code, writes the ES modules beside the CommonJS ones, and
// copies the licences.

import { build } from 'esbuild';
import { createRequire } from 'node:module';
import { copyFileSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const dist = (name) => new URL(`dist/${name}`, import.meta.url);
const write = (name, lines) => writeFileSync(dist(name), [...lines, ''].join('\n'));

/** The manifest's "exports". */
const ENTRIES = ['index', 'serve', 'testing'];
/** What is loaded from a file of its own. */
const WORKERS = ['hang-worker'];

// A program that loads both has one package with one socket, not two: what serves takes the rest from beside it.
const besides = {
  name: 'besides',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/index$/ }, () => ({ path: './index.js', external: true }));
  },
};

// A file for each, since a service waits at its start for every single one. Names stay, for stacks that can be read.
for (const entry of [...ENTRIES, ...WORKERS]) {
  await build({
    absWorkingDir: fileURLToPath(new URL('.', import.meta.url)),
    entryPoints: [`src/${entry}.ts`],
    outfile: `dist/${entry}.js`,
    bundle: true,
    platform: 'node',
    target: 'node18',
    format: 'cjs',
    external: ['*.node'],
    plugins: [besides],
    minifyWhitespace: true,
    minifySyntax: true,
    // Node shows the whole line that throws.
    lineLimit: 200,
    logLevel: 'warning',
  });
}

// It only passes the names on, for the same reason. Node takes several times as long for an import of CommonJS as for its own
// `require`, which is the same module; bundlers are led past that, as they follow imports only.
for (const entry of ENTRIES) {
  const names = Object.keys(require(`./dist/${entry}.js`));
  const rest = [`export const { ${names.join(', ')} } = readyup;`, 'export default readyup;'];
  write(`${entry}.mjs`, [
    "import { createRequire } from 'node:module';",
    `const readyup = createRequire(import.meta.url)('./${entry}.js');`,
    ...rest,
  ]);
  write(`${entry}.bundled.mjs`, [`import readyup from './${entry}.js';`, ...rest]);
  write(`${entry}.d.mts`, [
    `import * as readyup from './${entry}.js';`,
    `export * from './${entry}.js';`,
    'export default readyup;',
  ]);
}

// What the entries' types don't lead to is internal, as is what is left of an older build.
const kept = new Set();
function keep(name) {
  if (kept.has(name)) return;
  kept.add(name);
  for (const [, other] of readFileSync(dist(`${name}.d.ts`), 'utf8').matchAll(/from '\.\/([^']+)'/g)) keep(other);
}
ENTRIES.forEach(keep);
for (const file of readdirSync(dist(''))) {
  const name = basename(file).replace(/\.((d|bundled)\.)?m?[jt]s$/, '');
  const code = [...ENTRIES, ...WORKERS].includes(name);
  if (file.endsWith('.js') ? !code : !kept.has(name)) rmSync(dist(file));
}

for (const licence of ['LICENSE-APACHE', 'LICENSE-MIT']) {
  copyFileSync(new URL(`../../${licence}`, import.meta.url), new URL(licence, import.meta.url));
}
