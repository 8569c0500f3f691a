// The package as its users get it: both module systems, platforms without a manager, what is packed.
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { beforeEach, test } from 'node:test';
import readyup, * as namespace from 'readyup';
import { Receiver } from './receiver.mjs';
import { freshPath, packageDirectory, run, runScript } from './support.mjs';

const receiver = await Receiver.start();
const manifest = JSON.parse(readFileSync(join(packageDirectory, 'package.json'), 'utf8'));

beforeEach(() => receiver.reset());

const NAMES = [
  'DEFAULT_TIMEOUT',
  'Journal',
  'LoopMonitor',
  'Notifier',
  'barrier',
  'extendTimeout',
  'journal',
  'listenFds',
  'mainPid',
  'notify',
  'ready',
  'reloading',
  'removeFds',
  'sd_booted',
  'sd_listen_fds',
  'sd_notify',
  'sd_notify_barrier',
  'sd_pid_notify',
  'sd_pid_notify_with_fds',
  'sd_watchdog_enabled',
  'send',
  'status',
  'stopping',
  'storeFds',
  'watchdog',
];

test('ok: import and require give the same things', () => {
  const required = createRequire(import.meta.url)('readyup');
  assert.deepEqual(
    Object.keys(namespace)
      .filter((name) => name !== 'default')
      .sort(),
    NAMES,
  );
  assert.deepEqual(Object.keys(required).sort(), NAMES);
  assert.deepEqual(Object.keys(readyup).sort(), NAMES);
  for (const name of NAMES) {
    assert.notEqual(namespace[name], undefined, name);
    assert.equal(namespace[name], required[name], name);
    assert.equal(namespace[name], readyup[name], name);
  }
});

for (const [what, flags, source] of [
  ['import, named', ['--input-type=module'], `import { ready } from 'readyup'; await ready('x');`],
  ['import, default', ['--input-type=module'], `import readyup from 'readyup'; await readyup.ready('x');`],
  ['import, namespace', ['--input-type=module'], `import * as readyup from 'readyup'; await readyup.ready('x');`],
  ['import, later', [], `import('readyup').then(({ ready, default: other }) => ready === other.ready && ready('x'));`],
  ['require, named', [], `const { ready } = require('readyup'); ready('x');`],
  ['require, whole', [], `const readyup = require('readyup'); readyup.ready('x');`],
]) {
  test(`ok: ${what}`, async () => {
    await runScript(source, { flags, env: { NOTIFY_SOCKET: receiver.address } });
    assert.equal(await receiver.text(), 'READY=1\nSTATUS=x');
  });
}

test('ok: what bundlers are led to is the same, without a `require` that they could not follow', async () => {
  for (const entry of ['index', 'serve']) {
    const own = await import(join(packageDirectory, `dist/${entry}.mjs`));
    const file = join(packageDirectory, `dist/${entry}.bundled.mjs`);
    const bundled = await import(file);
    assert.deepEqual(Object.keys(bundled), Object.keys(own));
    for (const name of Object.keys(own)) assert.equal(bundled[name], own[name], name);
    assert.doesNotMatch(readFileSync(file, 'utf8'), /createRequire/);
  }
});

test('ok: nothing is loaded, opened or started before it is used', async () => {
  const source = `
    const { readdirSync, readFileSync } = require('fs');
    const before = readdirSync('/proc/self/fd').length;
    require('readyup');
    const loaded = readFileSync('/proc/self/maps', 'utf8').includes('/native/linux-');
    console.log(readdirSync('/proc/self/fd').length - before, loaded);
  `;
  assert.equal(
    await runScript(source, { env: { NOTIFY_SOCKET: receiver.address, WATCHDOG_USEC: '1000' } }),
    '0 false\n',
  );
  await receiver.nothing();
});

/** Everything, with what it answers where there is no manager. */
const everything = `
  const readyup = require('readyup');
  const notifier = new readyup.Notifier();
  (async () => {
    const answers = [];
    for (const { ready, status, reloading, stopping, extendTimeout, mainPid, notify, send, barrier } of [readyup, {
      ready: () => notifier.ready('x'),
      status: () => notifier.status('x'),
      reloading: () => notifier.reloading(),
      stopping: () => notifier.stopping(),
      extendTimeout: () => notifier.extendTimeout(1),
      mainPid: () => notifier.mainPid(2),
      notify: () => notifier.notify({ watchdog: 'trigger' }),
      send: () => notifier.send('A=1'),
      barrier: () => notifier.barrier(1),
    }]) {
      answers.push(await ready('x'), await status('x'), await reloading(), await stopping(), await extendTimeout(1));
      answers.push(await mainPid(2), await notify({ X_A: '1' }), await send('A=1'), await barrier(1));
    }
    answers.push(await readyup.storeFds('x', [0]), await readyup.removeFds('x'));
    answers.push(await readyup.sd_notify('A=1'), await readyup.sd_pid_notify(2, 'A=1'));
    answers.push(await readyup.sd_pid_notify_with_fds(0, 'A=1', [0]), await readyup.sd_notify_barrier(1));
    for (const watchdog of [readyup.watchdog, notifier.watchdog]) {
      answers.push(watchdog.start(), watchdog.running, watchdog.ping(), watchdog.dropped !== 0);
      answers.push(watchdog.interval !== undefined);
    }
    answers.push(readyup.sd_watchdog_enabled() !== 0, readyup.sd_listen_fds().length !== 0, readyup.listenFds().length !== 0);
    console.log(answers.length, answers.every((answer) => answer === false));
  })();
`;

test('ok: without a manager everything answers "no"', async () => {
  assert.equal(await runScript(everything), '37 true\n');
});

test('ok: on another platform everything answers "no", whatever the environment says', async () => {
  const env = {
    NOTIFY_SOCKET: receiver.address,
    WATCHDOG_USEC: '1000000',
    LISTEN_FDS: '1',
    LISTEN_PID: '1',
    LISTEN_FDNAMES: 'a:b',
  };
  for (const platform of ['darwin', 'win32', 'freebsd']) {
    const source = `
      Object.defineProperty(process, 'platform', { value: '${platform}' });
      ${everything}
      if (readyup.sd_booted()) throw new Error('booted');
      if (require('fs').readFileSync('/proc/self/maps', 'utf8').includes('/native/linux-')) throw new Error('loaded');
    `;
    assert.equal(await runScript(source, { env }), '37 true\n', platform);
  }
  await receiver.nothing();
});

test('err: addons are not allowed', async () => {
  const source = `
    const { ready, sd_notify, watchdog } = require('readyup');
    const code = ({ code, message }) => code + ' ' + message.includes('--allow-addons');
    (async () => {
      console.log(await ready().catch(code));
      console.log(await sd_notify('A=1').catch(code));
    })();
  `;
  const flags = ['--no-addons'];
  assert.equal(
    await runScript(source, { flags, env: { NOTIFY_SOCKET: receiver.address } }),
    'ERR_DLOPEN_DISABLED true\n'.repeat(2),
  );
  // Where there is no manager they are not needed.
  assert.equal(await runScript(source, { flags }), 'false\n'.repeat(2));
});

test('err: an addon that cannot be loaded', async () => {
  const copy = freshPath('copy');
  cpSync(join(packageDirectory, 'dist'), join(copy, 'dist'), { recursive: true });
  mkdirSync(join(copy, 'native'));
  writeFileSync(join(copy, `native/linux-${process.arch}.node`), 'no addon');
  const source = `
    const { ready, sd_notify } = require(${JSON.stringify(join(copy, 'dist/index.js'))});
    const code = ({ code }) => code;
    (async () => console.log(await ready().catch(code), await sd_notify('A=1').catch(code)))();
  `;
  const env = { NOTIFY_SOCKET: receiver.address };
  assert.equal(await runScript(source, { env }), 'ERR_DLOPEN_FAILED ERR_DLOPEN_FAILED\n');
  assert.equal(await runScript(source), 'false false\n');
});

test('err: there is no addon for the processor', async () => {
  const copy = freshPath('copy');
  cpSync(join(packageDirectory, 'dist'), join(copy, 'dist'), { recursive: true });
  const source = (path, arch) => `
    Object.defineProperty(process, 'arch', { value: '${arch}' });
    const { ready, sd_booted, sd_listen_fds, sd_notify, watchdog } = require(${JSON.stringify(path)});
    const told = ({ code, errno, syscall, message }) => [code, errno, syscall, message.includes('linux-${arch}')].join();
    (async () => console.log(
      await ready().catch(told), await sd_notify('A=1').catch(told), sd_booted(), watchdog.start(), sd_listen_fds().length,
    ))();
  `;
  const env = { NOTIFY_SOCKET: receiver.address };
  // Another processor, and a package that was bundled without its addons.
  for (const [path, arch] of [
    [packageDirectory, 'ppc64'],
    [copy + '/dist/index.js', 'x64'],
    [copy + '/dist/index.js', 'arm64'],
  ]) {
    const told = 'ENOSYS,-38,dlopen,true';
    assert.equal(await runScript(source(path, arch), { env }), `${told} ${told} false false 0\n`);
    // Where there is no manager nothing is missing.
    assert.equal(await runScript(source(path, arch)), 'false false false false 0\n');
  }
});

test('ok: what is packed', async () => {
  const { code, stdout, stderr } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    limit: 60_000,
  });
  assert.equal(code, 0, stderr);
  const parsed = JSON.parse(stdout);
  // Newer versions of npm answer with an object of packages.
  const [{ files }] = Array.isArray(parsed) ? parsed : Object.values(parsed);
  const paths = files.map(({ path }) => path);
  for (const path of [
    'package.json',
    'dist/index.js',
    'dist/index.mjs',
    'dist/index.d.ts',
    'dist/index.d.mts',
    `native/linux-${process.arch}.node`,
  ]) {
    assert.ok(paths.includes(path), `${path} is missing in ${paths.join(' ')}`);
  }
  const strangers = paths.filter((path) => !/^(dist|native)\/|^package\.json$|^(README|LICENSE|CHANGELOG)/.test(path));
  assert.deepEqual(strangers, []);
  // Everything that the modules load is in it.
  for (const path of paths.filter((path) => /^dist\/.*\.m?js$/.test(path))) {
    const text = readFileSync(join(packageDirectory, path), 'utf8');
    for (const [, name] of text.matchAll(/(?:require\(|from )["'](\.\/[^"']+)["']/g)) {
      assert.ok(paths.includes(`dist/${name.slice(2).replace(/(\.m?js)?$/, '.js')}`), `${path} needs ${name}`);
    }
  }
});

test('ok: nothing runs at installation, and nothing else is installed', () => {
  for (const script of ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish']) {
    assert.equal(manifest.scripts?.[script], undefined, script);
  }
  for (const kind of ['dependencies', 'optionalDependencies', 'peerDependencies', 'bundleDependencies']) {
    assert.deepEqual(Object.keys(manifest[kind] ?? {}), [], kind);
  }
  assert.equal(existsSync(join(packageDirectory, 'binding.gyp')), false);
});

test("ok: the manifest's paths are there", () => {
  const collect = (value) => (typeof value === 'string' ? [value] : Object.values(value).flatMap(collect));
  for (const path of [manifest.main, manifest.types, ...collect(manifest.exports)]) {
    assert.ok(existsSync(join(packageDirectory, path)), path);
  }
});
