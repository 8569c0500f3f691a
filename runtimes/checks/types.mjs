// The types, as a program in TypeScript sees them: both of Node's module systems, and a bundler's.
import assert from 'node:assert/strict';
import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checks, directory, run } from './check.mjs';

const root = process.argv[2];
const made = directory();
const named = `import { Notifier, type Fields, ready, watchdog } from 'readyup';
const fields: Fields = { status: 'x', ready: true };
const sent: Promise<boolean> = new Notifier({ timeout: 1 }).notify(fields);
const started: boolean = watchdog.start({ check: async () => true });
// @ts-expect-error: a status is a string
ready(1);
export { sent, started };
export { type Service, serve } from 'readyup/serve';
`;
const testing = `import { type Ended, TestService, inProcess, start } from 'readyup/testing';
const service: TestService = start('node', ['server.js'], { type: 'notify-reload', watchdog: 1000, cwd: '/' });
export const ended: Promise<Ended> = service.stop({ within: 1000 });
export const text: Promise<string> = service.expect({ STATUS: /up/ }).then((message) => message.text);
// @ts-expect-error: signals have names
inProcess({ killSignal: 15 });
`;
const whole = `import readyup from 'readyup';\nexport const sent: Promise<boolean> = readyup.ready();\n`;
const required = `import readyup = require('readyup');\nexport const sent: Promise<boolean> = readyup.ready();\n`;
for (const [name, text] of [
  ['named.mts', named],
  ['whole.mts', whole],
  ['named.cts', named],
  ['required.cts', required],
  ['bundled.ts', named],
  ['testing.mts', testing],
  ['testing.cts', testing],
]) {
  writeFileSync(join(made, name), text);
}
// The types that the package's own are made of.
const types = join(process.cwd(), 'node_modules/@types');
rmSync(types, { recursive: true, force: true });
symlinkSync(join(root, 'node_modules/@types'), types);

const compile = (module, moduleResolution, files) => async () => {
  const { code, output } = await run(join(root, 'node_modules/.bin/tsc'), [
    ...['--noEmit', '--strict', '--target', 'es2022', '--types', 'node', '--module', module],
    ...['--moduleResolution', moduleResolution],
    ...files.map((name) => join(made, name)),
  ]);
  assert.equal(code, 0, output);
};

await checks({
  node16: compile('node16', 'node16', [
    'named.mts',
    'whole.mts',
    'named.cts',
    'required.cts',
    'testing.mts',
    'testing.cts',
  ]),
  nodenext: compile('nodenext', 'nodenext', [
    'named.mts',
    'whole.mts',
    'named.cts',
    'required.cts',
    'testing.mts',
    'testing.cts',
  ]),
  bundler: compile('esnext', 'bundler', ['named.mts', 'bundled.ts', 'testing.mts']),
});
