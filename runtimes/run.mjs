// Runs the npm package, packed and installed as a user has it, on every runtime that is promised: the package's own tests,
// and the checks in `checks`. At the end a table says what was run.
import { spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const runtimes = join(root, 'target/runtimes');
const work = join(runtimes, 'work');
const binaries = join(runtimes, 'npm/node_modules');
/** As many as there are cores on a small machine. */
const AT_ONCE = 2;
/** No single program takes this long, in milliseconds. */
const LIMIT = 240_000;

const receiver = join(root, 'target/debug/examples/listen');
const journal = join(root, 'target/debug/examples/entries');
const emulator = 'qemu-aarch64-static -L /usr/aarch64-linux-gnu';

/** Runs a program to its end; answers with its status and everything it printed. */
function run(command, { cwd = work, env = {} } = {}) {
  return new Promise((resolve) => {
    const [program, ...parameters] = command;
    const child = spawn(program, parameters, {
      cwd,
      env: { ...process.env, READYUP_LISTEN: receiver, READYUP_ENTRIES: journal, NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT);
    const end = (status) => {
      clearTimeout(timer);
      resolve({ status, output });
    };
    child.once('error', (error) => end(error.message));
    child.once('close', (code, signal) => end(code ?? signal));
  });
}

async function must(command, options) {
  const { status, output } = await run(command, options);
  if (status !== 0) throw new Error(`${command.join(' ')}: ${status}\n${output}`);
  return output.trim();
}

/** What a run's lines `# pass 3` (or `ℹ pass 3`) say, summed up. */
function counts(output) {
  const sum = (what) =>
    [...output.matchAll(new RegExp(`^(?:#|ℹ) ${what} (\\d+)$`, 'gm'))].reduce((n, m) => n + Number(m[1]), 0);
  return { pass: sum('pass'), fail: sum('fail'), skipped: sum('skipped') };
}

// The examples are tried where they are, with what they depend on.
const suite = readdirSync(join(root, 'packages/readyup/test')).filter(
  (name) => name.endsWith('.test.mjs') && name !== 'examples.test.mjs',
);

/** The package's tests beside the installed package, twice: with Node's own test runner, and with `harness.mjs`. */
async function prepare() {
  rmSync(work, { recursive: true, force: true });
  const packed = join(work, 'packed');
  mkdirSync(packed, { recursive: true });
  await must(['npm', 'pack', '--workspaces', '--ignore-scripts', '--silent', '--pack-destination', packed], {
    cwd: root,
  });
  const tarball = join(
    packed,
    readdirSync(packed).find((name) => /^readyup-\d/.test(name)),
  );
  for (const kind of ['node', 'other']) {
    const directory = join(work, kind);
    mkdirSync(directory);
    writeFileSync(join(directory, 'package.json'), '{ "private": true }\n');
    await must(['npm', 'install', '--ignore-scripts', '--offline', '--silent', tarball], { cwd: directory });
    const tests = join(directory, 'node_modules/readyup/test');
    cpSync(join(root, 'packages/readyup/test'), tests, { recursive: true });
    cpSync(join(root, 'runtimes/checks'), join(directory, 'checks'), { recursive: true });
    if (kind === 'node') continue;
    for (const name of ['harness.mjs', 'exceptions.mjs']) cpSync(join(root, 'runtimes', name), join(tests, name));
    for (const name of suite) {
      const path = join(tests, name);
      writeFileSync(path, readFileSync(path, 'utf8').replace("'node:test'", "'./harness.mjs'"));
    }
  }
}

/** Node for arm64 as a program that is started as any other, by the tests and by itself: the emulator starts no other. */
function prepareEmulated() {
  mkdirSync(emulated);
  const preload = join(emulated, 'path.cjs');
  writeFileSync(preload, `process.execPath = ${JSON.stringify(join(emulated, 'node'))};\n`);
  const script = `#!/bin/sh\nexec ${emulator} '${arm}' --require '${preload}' "$@"\n`;
  writeFileSync(join(emulated, 'node'), script);
  chmodSync(join(emulated, 'node'), 0o755);
}

/** One program after the other, each with its share of the counts. */
async function each(commands, options) {
  const results = [];
  for (const command of commands) {
    const result = await run(command, options);
    const failed = result.status !== 0 && counts(result.output).fail === 0 ? `# fail 1\n` : '';
    results.push(`${result.output}\n${failed && `${command.join(' ')}: ended with ${result.status}\n${failed}`}`);
  }
  return results.join('\n');
}

const check = (name) => join('checks', `${name}.mjs`);

/** A Node: the whole suite under its own test runner, and the checks. */
function node(title, directory, checks) {
  const program = join(directory, 'node');
  const options = { env: { PATH: `${directory}:${process.env.PATH}` } };
  return {
    title,
    program: [program],
    version: [program, '-p', 'process.versions.node'],
    run: async () => [
      await each([[program, '--test', ...suite.map((name) => `test/${name}`)]], {
        ...options,
        cwd: join(work, 'node/node_modules/readyup'),
      }),
      await each(
        ['ends', 'watch', ...checks].map((name) => [program, check(name)]),
        { ...options, cwd: join(work, 'node') },
      ),
      await each([[process.execPath, check('bare'), program]], { cwd: join(work, 'node') }),
    ],
  };
}

/** Another runtime: each file of the suite with the harness, and the checks. */
function other(
  title,
  { command, version, needs = [command[0]], files = suite, env = {}, note = '', checks, hosted = [] },
) {
  return {
    title,
    note,
    program: needs,
    version,
    run: async () => [
      await each(
        files.map((name) => [...command, `test/${name}`]),
        { cwd: join(work, 'other/node_modules/readyup'), env },
      ),
      await each(
        checks.map((name) => [...command, check(name)]),
        { cwd: join(work, 'other'), env },
      ),
      // By this Node, of the other runtime.
      await each(
        hosted.map((name) => [process.execPath, check(name), ...command]),
        { cwd: join(work, 'other') },
      ),
    ],
  };
}

const bun = join(binaries, 'bun/bin/bun');
const deno = join(binaries, 'deno/deno');
const arm = join(binaries, 'node24-arm64/bin/node');
const emulated = join(work, 'arm64');
/** Slow when they are emulated, and of nothing that is different there. */
const SLOW = [
  'descriptors',
  'environment',
  'package',
  'sd-listen-fds',
  'serve-cluster',
  'stuck',
  'testing-life',
  'workers',
];

const jobs = [
  // The one that takes the longest, first.
  other('Node 24, arm64', {
    command: [join(emulated, 'node')],
    version: [join(emulated, 'node'), '-p', 'process.versions.node'],
    needs: [arm, '/usr/aarch64-linux-gnu/lib/libstdc++.so.6'],
    files: suite.filter((name) => !SLOW.includes(name.replace('.test.mjs', ''))),
    env: { READYUP_EMULATED: '1', READYUP_PATIENCE: '5' },
    note: `emulated, without ${SLOW.length} files of the suite`,
    checks: ['environment', 'signals'],
  }),
  ...[18, 20, 22, 24, 26].map((major) =>
    node(`Node ${major}`, join(binaries, `node${major}/bin`), [
      ...(major >= 20 ? ['permission'] : []),
      'bundled',
      // An application's assets came with 20.12.
      ...(major >= 20 ? ['single'] : []),
    ]),
  ),
  node('Node 24, musl', join(runtimes, 'musl-node/bin'), ['permission']),
  other('Bun', {
    command: [bun],
    version: [bun, '--version'],
    checks: ['environment', 'signals', 'workers', 'bundled'],
    hosted: ['passed'],
  }),
  other('Deno', {
    command: [deno, 'run', '-A', '--no-check'],
    version: [deno, 'eval', 'console.log(Deno.version.deno)'],
    checks: ['environment', 'signals', 'workers', 'permission-deno'],
    hosted: ['passed'],
  }),
  {
    title: 'TypeScript',
    program: [join(root, 'node_modules/.bin/tsc')],
    version: [join(root, 'node_modules/.bin/tsc'), '--version'],
    run: async () => [await each([[process.execPath, check('types'), root]], { cwd: join(work, 'node') })],
  },
];

const rows = [];
let failed = false;

async function attempt(job) {
  const output = (await job.run()).join('\n');
  return { ...counts(output), output };
}

async function perform(job) {
  const missing = job.program.find((program) => program.includes('/') && !existsSync(program));
  let version = missing === undefined ? await run(job.version) : { status: `${missing} is not there`, output: '' };
  if (version.status !== 0) {
    console.log(`test-runtimes: ${job.title}: SKIPPED: ${version.status} ${version.output}`);
    rows.push([job.title, '-', 'skipped', '-', '']);
    // What CI does not run, nobody does.
    if (process.env.CI === 'true') failed = true;
    return;
  }
  const start = performance.now();
  let { pass, fail, skipped, output } = await attempt(job);
  let again = '';
  if (fail > 0 || pass === 0) {
    // Hundreds of programs on two processors, two of them emulated or not Node: what is chance comes once, and is told.
    console.log(`\n-- ${job.title}: failed; once more\n${output}`);
    again = `failed once (${fail})`;
    ({ pass, fail, skipped, output } = await attempt(job));
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  if (fail > 0 || pass === 0) {
    failed = true;
    console.log(`\n-- ${job.title}: FAILED\n${output}`);
  }
  const note = [skipped > 0 ? `${skipped} do not apply` : '', job.note ?? '', again].filter(Boolean).join('; ');
  rows.push([job.title, version.output.trim().replace(/^\D*/, ''), `${pass} of ${pass + fail}`, seconds, note]);
  console.log(`   ${job.title}: ${pass} of ${pass + fail} in ${seconds} s`);
}

await prepare();
prepareEmulated();
const chosen = process.argv.slice(2);
const queue = jobs.filter(({ title }) => chosen.length === 0 || chosen.some((part) => title.includes(part)));
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) await perform(job);
  }),
);

const header = ['runtime', 'version', 'passed', 'seconds', ''];
rows.sort(
  (one, other) => jobs.findIndex((job) => job.title === one[0]) - jobs.findIndex((job) => job.title === other[0]),
);
const widths = header.map((title, column) => Math.max(...[header, ...rows].map((row) => row[column].length)));
console.log();
for (const row of [header, ...rows])
  console.log(
    row
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('  ')
      .trimEnd(),
  );
rmSync(work, { recursive: true, force: true });
process.exit(failed ? 1 : 0);
