// Writes the ES module beside the CommonJS one that the compiler made. It only passes the names on, so that a program
// that loads both (a dependency requires what the program imports) has one package with one socket, not two.
import { createRequire } from 'node:module';
import { writeFileSync } from 'node:fs';

const dist = new URL('dist/', import.meta.url);
const names = Object.keys(createRequire(import.meta.url)('./dist/index.js')).filter((name) => name !== 'default');
const lines = [
  "import readyup from './index.js';",
  `export const { ${names.join(', ')} } = readyup;`,
  'export default readyup;',
  '',
];
writeFileSync(new URL('index.mjs', dist), lines.join('\n'));
// `export *` of the types alone would leave the default export out.
writeFileSync(
  new URL('index.d.mts', dist),
  "import * as readyup from './index.js';\nexport * from './index.js';\nexport default readyup;\n",
);
