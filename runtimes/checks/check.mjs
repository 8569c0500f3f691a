// What the checks share: a manager to tell, and a line at the end that says how many passed.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const tests = join(process.cwd(), 'node_modules/readyup/test');
export const { Receiver } = await import(pathToFileURL(join(tests, 'receiver.mjs')).href);
export const { until, within } = await import(pathToFileURL(join(tests, 'support.mjs')).href);

/** Runs one check after the other: functions by what they check. */
export async function checks(list) {
  const counts = { pass: 0, fail: 0 };
  for (const [name, body] of Object.entries(list)) {
    try {
      await body();
      counts.pass += 1;
    } catch (error) {
      counts.fail += 1;
      console.log(`not ok - ${name}\n${error?.stack ?? error}`);
    }
  }
  console.log(`# pass ${counts.pass}\n# fail ${counts.fail}`);
  process.exit(counts.fail === 0 ? 0 : 1);
}

/** Runs a program to its end: `{ code, output }`. */
export async function run(program, parameters, env = {}) {
  const child = spawn(program, parameters, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  const closed = new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  try {
    return { code: await within(closed, `the end of ${program}`, 60_000), output };
  } finally {
    if (child.exitCode === null) process.kill(child.pid, 'SIGKILL');
  }
}

/** A directory beside the installed package, removed at the end. */
export function directory() {
  const path = mkdtempSync(join(process.cwd(), 'made-'));
  process.once('exit', () => rmSync(path, { recursive: true, force: true }));
  return path;
}
