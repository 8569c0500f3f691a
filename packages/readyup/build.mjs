// Finishes what the compiler made: writes the ES module beside the CommonJS one, and copies the licences.

import { createRequire } from 'node:module';
import { copyFileSync, writeFileSync } from 'node:fs';

const require = createRequire(import.meta.url);
const write = (name, lines) => writeFileSync(new URL(`dist/${name}`, import.meta.url), [...lines, ''].join('\n'));

// One for each entry of the manifest's "exports". It only passes the names on, so that a program that loads both (a
// dependency requires what the program imports) has one package with one socket, not two.
for (const entry of ['index', 'serve']) {
  const names = Object.keys(require(`./dist/${entry}.js`));
  write(`${entry}.mjs`, [
    `import readyup from './${entry}.js';`,
    `export const { ${names.join(', ')} } = readyup;`,
    'export default readyup;',
  ]);
  write(`${entry}.d.mts`, [
    `import * as readyup from './${entry}.js';`,
    `export * from './${entry}.js';`,
    'export default readyup;',
  ]);
}

for (const licence of ['LICENSE-APACHE', 'LICENSE-MIT']) {
  copyFileSync(new URL(`../../${licence}`, import.meta.url), new URL(licence, import.meta.url));
}
