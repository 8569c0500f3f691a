// What the tests share: the environment, bounded waits and child processes. It tests nothing itself.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What a service manager sets. No test must see what the suite itself was started with. */
const VARIABLES = [
  'NOTIFY_SOCKET',
  'WATCHDOG_USEC',
  'WATCHDOG_PID',
  'LISTEN_FDS',
  'LISTEN_PID',
  'LISTEN_FDNAMES',
  'LISTEN_PIDFDID',
  'FDSTORE',
];

/** Takes all of them out of the environment. */
export function clearEnvironment() {
  for (const variable of VARIABLES) delete process.env[variable];
}
clearEnvironment();

/** The package's directory: from there, `require('readyup')` is the package itself. */
export const packageDirectory = fileURLToPath(new URL('..', import.meta.url));

/** The longest that anything here may take, in milliseconds, where nothing else is said. */
const LIMIT = 10_000;
/** How many times as long all of it may take: an emulated processor is slow. */
const PATIENCE = Number(process.env['READYUP_PATIENCE'] ?? 1);

// A test that waits for ever on the package itself fails too, with the file that it is in.
setTimeout(() => {
  console.error('not in time: the end of this file');
  process.exit(1);
}, 180_000 * PATIENCE).unref();

let temporary;

/** A directory that is removed at the end. */
export function temporaryDirectory() {
  if (temporary === undefined) {
    temporary = mkdtempSync(join(tmpdir(), 'readyup-test-'));
    process.once('exit', () => rmSync(temporary, { recursive: true, force: true }));
  }
  return temporary;
}

let counter = 0;

/** A path that nothing is at. */
export function freshPath(name = 'notify') {
  counter += 1;
  return join(temporaryDirectory(), `${name}-${counter}`);
}

/** Fails unless `promise` settles in time. */
export async function within(promise, what, limit = LIMIT) {
  let timer;
  const late = new Promise((_, reject) => {
    const ms = limit * PATIENCE;
    timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits until `condition` holds. */
export async function until(condition, what, limit = LIMIT) {
  const ms = limit * PATIENCE;
  const end = performance.now() + ms;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Lets `ms` milliseconds pass: for tests about time, not for waiting until something has happened. */
export const elapse = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Between which two values the clock of `MONOTONIC_USEC` is, in microseconds. Only Node's `hrtime` is that clock; what
 * other runtimes are measured by is one of hundredths of a second, which differs while a machine sleeps.
 */
export function monotonicTime() {
  if (process.versions.bun === undefined && process.versions.deno === undefined) {
    const now = process.hrtime.bigint() / 1000n;
    return [now, now];
  }
  const now = BigInt(Math.floor(parseFloat(readFileSync('/proc/uptime', 'utf8')) * 100)) * 10_000n;
  return [now - 10_000n, now + 20_000n];
}

/** How many descriptors this process has. */
export const descriptors = () => readdirSync('/proc/self/fd').length;

/** Whether the kernel lets this process speak in another one's name (CAP_SYS_ADMIN). */
export function maySpeakForOthers() {
  const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return ((BigInt(`0x${mask[1]}`) >> 21n) & 1n) === 1n;
}

const running = new Set();
// Also when the test file itself fails in the middle.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

/** Sees to it that `child` does not outlive the tests. */
export function guard(child) {
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** The environment of this process with none of the manager's variables, and then `more`. */
export function environment(more = {}) {
  const result = { ...process.env, ...more };
  for (const variable of VARIABLES) if (!(variable in more)) delete result[variable];
  // A child is no part of the test runner.
  delete result['NODE_TEST_CONTEXT'];
  return result;
}

/** Runs a command to its end: `{ code, signal, stdout, stderr }`. */
export async function run(command, parameters, { env, stdio = [], limit = 20_000 } = {}) {
  const child = guard(
    spawn(command, parameters, {
      cwd: packageDirectory,
      env: environment(env),
      stdio: ['ignore', 'pipe', 'pipe', ...stdio],
    }),
  );
  const result = { code: null, signal: null, stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => (result.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (result.stderr += text));
  const closed = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(Object.assign(result, { code, signal })));
  });
  try {
    return await within(closed, `the end of ${command}`, limit);
  } catch (error) {
    child.kill('SIGKILL');
    error.message += `\nstdout: ${result.stdout}\nstderr: ${result.stderr}`;
    throw error;
  }
}

/** Runs source text in a new Node, which must end with 0 and without a warning; answers with what it printed. */
export async function runScript(source, { flags = [], parameters = [], ...options } = {}) {
  const result = await run(process.execPath, [...flags, '-e', source, ...parameters], options);
  assert.deepEqual([result.code, result.signal, result.stderr], [0, null, ''], show(result));
  return result.stdout;
}

const show = ({ code, signal, stdout, stderr }) =>
  `status: ${code}, signal: ${signal}\nstdout: ${stdout}\nstderr: ${stderr}`;
