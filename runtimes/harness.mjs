// As much of node:test as the package's tests use, for runtimes whose own is not complete: what `test` is told runs one
// after the other, and a line at the end says how many passed.

const tests = [];
const before = [];

/** Registers a test; the first one starts them all, once the file has registered the others. */
export function test(name, options, body = options) {
  if (tests.length === 0) setTimeout(runAll, 0);
  tests.push({ name, body, skip: typeof options === 'object' && options.skip });
}

const afters = [];
export const beforeEach = (hook) => void before.push(hook);
export const afterEach = (hook) => void afters.push(hook);

async function runAll() {
  const counts = { pass: 0, fail: 0, skip: 0 };
  for (const { name, body, skip } of tests) {
    if (skip) {
      counts.skip += 1;
      continue;
    }
    const after = [];
    const context = { name, diagnostic() {}, after: (hook) => void after.push(hook), mock: undefined };
    try {
      for (const hook of before) await hook(context);
      await body(context);
      counts.pass += 1;
    } catch (error) {
      counts.fail += 1;
      console.log(`not ok: ${name}\n${error?.stack ?? error}`);
    }
    for (const hook of [...after, ...afters]) await hook();
  }
  console.log(`# pass ${counts.pass}\n# fail ${counts.fail}\n# skipped ${counts.skip}`);
  process.exit(counts.fail === 0 ? 0 : 1);
}
