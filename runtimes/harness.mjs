// As much of node:test as the package's tests use, for runtimes whose own is not complete: what `test` is told runs one
// after the other, and lines at the end say how many passed.
import { basename } from 'node:path';
import { exceptions } from './exceptions.mjs';

const file = basename(process.argv[1]);
// An emulated event loop is late by itself, which only the tests of that are to hear of.
if (process.env.READYUP_EMULATED !== undefined && file !== 'hang.test.mjs') process.env.READYUP_DIAGNOSE = 'off';

const tests = [];
const hooks = { first: [], before: [], after: [] };

/** Registers a test; the first one starts them all, once the file has registered the others. */
export function test(name, ...rest) {
  if (tests.length === 0) setTimeout(runAll, 0);
  const [{ skip }, body] = rest.length === 1 ? [{}, rest[0]] : rest;
  tests.push({ name, body, skip });
}

export const before = (hook) => void hooks.first.push(hook);
export const beforeEach = (hook) => void hooks.before.push(hook);
export const afterEach = (hook) => void hooks.after.push(hook);

async function runAll() {
  const counts = { pass: 0, fail: 0, skipped: 0 };
  const excepted = exceptions(file);
  for (const hook of hooks.first) await hook();
  for (const { name, body, skip } of tests) {
    if (skip || excepted.some((pattern) => pattern.test(name))) {
      counts.skipped += 1;
      continue;
    }
    try {
      for (const hook of hooks.before) await hook();
      await body({ name, diagnostic() {} });
      counts.pass += 1;
    } catch (error) {
      counts.fail += 1;
      console.log(`not ok - ${name}\n${error?.stack ?? error}`);
    }
    for (const hook of hooks.after) await hook();
  }
  for (const [what, count] of Object.entries(counts)) console.log(`# ${what} ${count}`);
  process.exit(counts.fail === 0 ? 0 : 1);
}
