// Finishes what the compiler made: writes the ES module beside the CommonJS one, and copies the licences.

import { createRequire } from 'node:module';
import { copyFileSync, writeFileSync } from 'node:fs';

const names = Object.keys(createRequire(import.meta.url)('./dist/index.js'));
const write = (name, lines) => writeFileSync(new URL(`dist/${name}`, import.meta.url), [...lines, ''].join('\n'));

// It only passes the names on, so that a program that loads both (a dependency requires what the program imports) has
// one package with one socket, not two.
write('index.mjs', [
  "import readyup from './index.js';",
  `export const { ${names.join(', ')} } = readyup;`,
  'export default readyup;',
]);
write('index.d.mts', [
  "import * as readyup from './index.js';",
  "export * from './index.js';",
  'export default readyup;',
]);

for (const licence of ['LICENSE-APACHE', 'LICENSE-MIT']) {
  copyFileSync(new URL(`../../${licence}`, import.meta.url), new URL(licence, import.meta.url));
}
