// `readyup/testing`: a service and its manager in a test.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import * as readyup from 'readyup';
import { TestService, inProcess, start } from 'readyup/testing';
import { get } from './service.mjs';
import { packageDirectory, runScript } from './support.mjs';

const PATIENCE = Number(process.env['READYUP_PATIENCE'] ?? 1);
const within = 15_000 * PATIENCE;
const program = join(packageDirectory, 'test', 'testing-service.cjs');
/** Only Node tells a server's descriptor. */
const hasNoDescriptors = process.versions.bun !== undefined || process.versions.deno !== undefined;
const open = new Set();

/** The service that does so, and is closed at the end of the test. */
function service(way, options) {
  return watched(start(process.execPath, [program, way], options));
}

function watched(service) {
  open.add(service);
  return service;
}

/** A service in this process. */
const here = (options) => watched(inProcess(options));

afterEach(async () => {
  for (const service of open) await service.close();
  open.clear();
});

/** What a wait fails with. */
async function failure(promise) {
  const error = await promise.then(
    () => assert.fail('it should have failed'),
    (error) => error,
  );
  assert.equal(error.code, 'ERR_READYUP_EXPECTATION', error.stack);
  return error.message;
}

const soon = () => new Promise((resolve) => setTimeout(resolve, 5));

const isAlive = (pid) => {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
};

test('ok: from up to down', async () => {
  const it = service('good', { type: 'notify-reload', watchdog: 400 * PATIENCE });
  assert.ok(it instanceof TestService);
  assert.equal(it.activeState, 'activating');
  await it.ready({ within });
  assert.deepEqual([it.activeState, it.subState, it.mainPid], ['active', 'running', it.pid]);
  const message = await it.expect({ STATUS: /^Serving on :\d+$/ }, { within });
  assert.equal(it.statusText, message.fields['STATUS']);
  assert.deepEqual([message.pid, message.main, message.believed, message.ignored], [it.pid, true, true, []]);
  assert.equal(message.command, readFileSync(`/proc/${it.pid}/comm`, 'utf8').trim());
  await it.expectPings(2, { within });
  await it.reload({ within });
  assert.equal(it.statusText, 'Read');
  const ended = await it.stop({ within });
  assert.deepEqual({ ...ended, took: 0 }, { code: 0, signal: null, result: 'success', stopping: true, took: 0 });
  assert.ok(ended.took > 0 && ended.took < within, `${ended.took} ms`);
  assert.deepEqual(it.signals, ['SIGHUP', 'SIGTERM']);
  assert.deepEqual(it.ignored, []);
});

test('ok: messages are passed over until the one that is expected, and not twice', async () => {
  const it = service('good');
  await it.expect('READY=1', { within });
  assert.match(await failure(it.expect('READY=1', { within: 50 })), /^Expected READY=1: it has not come within 50 ms/);
  assert.equal(it.messages.filter(({ text }) => text.startsWith('READY=1')).length, 1);
  const stopped = it.stop({ within });
  const message = await it.expect((message) => message.text.includes('STOPPING'), { within });
  assert.equal(message.fields['STATUS'], 'Bye');
  await stopped;
  assert.match(await failure(it.expect('READY=1', { within })), /the service has ended/);
});

test('ok: pings that stop when it hangs, after which it is killed as systemd does it', async () => {
  const it = service('good', { watchdog: 400 * PATIENCE });
  await it.ready({ within });
  await it.expectPings(1, { within });
  const port = /\d+$/.exec(it.statusText)[0];
  get(port, '/hang').catch(() => {});
  await it.expectStall({ within });
  const { signal, result } = await it.ended({ within });
  assert.deepEqual([signal, result, it.activeState], ['SIGABRT', 'watchdog', 'failed']);
});

test('err: pings that go on while it hangs', async () => {
  const it = service('timer', { notifyAccess: 'all', watchdog: 1000 * PATIENCE });
  await it.expectPings(1, { within });
  await it.ready({ within });
  get(/\d+$/.exec(it.statusText)[0], '/hang').catch(() => {});
  const text = await failure(it.expectStall({ within: 1500 * PATIENCE }));
  assert.match(text, /^Expected the pings to stop: it has not come within .*; \d+ more came, the last one \d/);
});

test('err: a start that fails is told at once, with what it wrote', async () => {
  const before = Date.now();
  const text = await failure(service('fails').ready({ within: 60_000 }));
  assert.ok(Date.now() - before < 30_000);
  assert.match(text, /^Expected the service to be ready: it is not going to be\. The service is failed \(failed\)/);
  assert.match(text, /with the result "exit-code"/);
  assert.match(text, /ended with exit status 3/);
  assert.match(text, /What it wrote:\n {2}no configuration$/);
});

test('err: an end without READY=1 is a breach of the protocol', async () => {
  const it = service('gives-up');
  await failure(it.ready({ within }));
  assert.equal(it.result, 'protocol');
});

test('err: silence', async () => {
  const it = service('silent');
  const text = await failure(it.ready({ within: 200 }));
  assert.match(text, /it has not come within 200 ms\. The service is activating \(start\)\. What happened:\n/);
  assert.match(text, /started .*testing-service\.cjs silent \(process \d+\)/);
  assert.equal(it.activeState, 'activating');
});

test('ok: a start that takes longer than the unit allows', async () => {
  const it = service('silent', { timeoutStart: 100 });
  assert.match(await failure(it.ready({ within })), /SIGTERM to process/);
  const { signal, result } = await it.ended({ within });
  assert.deepEqual([signal, result], ['SIGTERM', 'timeout']);
});

test('err: READY=1 of a child, which systemd drops in silence', async () => {
  const it = service('child');
  const text = await failure(it.ready({ within: 2000 * PATIENCE }));
  assert.match(text, /READY=1\\nSTATUS=From a child \(ignored: a message of process \d+ is dropped: NotifyAccess=main/);
  const [message, ...more] = it.ignored;
  assert.deepEqual([message.believed, message.main, more.length], [false, false, 0]);
  assert.notEqual(message.pid, it.pid);
  // It is believed where the unit says so.
  await service('child', { notifyAccess: 'all' }).ready({ within });
});

test('err: lines that have no effect, each with its reason', async () => {
  const it = service('odd');
  await it.ready({ within });
  const { ignored } = await it.expect('ERRNO=much', { within });
  assert.match(ignored.join('\n'), /ERRNO= has a value that cannot be read/);
  assert.equal(it.mainPid, it.pid);
});

test('err: reloads that break the rules', async () => {
  const timeless = service('timeless', { type: 'notify-reload' });
  await timeless.ready({ within });
  assert.match(await failure(timeless.reload({ within: 300 })), /no MONOTONIC_USEC= in its message/);
  const never = service('never-reloads', { type: 'notify-reload', timeoutStart: 2000 * PATIENCE });
  await never.ready({ within });
  assert.match(await failure(never.reload({ within })), /its result is "timeout"/);
  const notify = service('good');
  await notify.ready({ within });
  await assert.rejects(notify.reload({ within }), { code: 'ERR_INVALID_ARG_TYPE', message: /needs .*notify-reload/ });
});

test('ok: ends of all kinds', async () => {
  const unsaid = service('unsaid');
  await unsaid.ready({ within });
  assert.equal((await unsaid.stop({ within })).stopping, false);
  const badly = service('ends-badly');
  await badly.ready({ within });
  const { code, result } = await badly.stop({ within });
  assert.deepEqual([code, result], [7, 'exit-code']);
  const well = service('ends-badly', { successExitStatus: [7] });
  await well.ready({ within });
  assert.equal((await well.stop({ within })).result, 'success');
  const stays = service('stays', { timeoutStop: 200 });
  await stays.ready({ within });
  const killed = await stays.stop({ within });
  assert.deepEqual([killed.signal, killed.result], ['SIGKILL', 'timeout']);
  assert.deepEqual(stays.signals, ['SIGTERM', 'SIGKILL']);
});

test('ok: the fd store', async () => {
  const it = service('stores', { fdStoreMax: 1 });
  await it.ready({ within });
  assert.deepEqual(it.storedFds, ['http']);
  const refused = service('stores');
  await refused.ready({ within });
  assert.deepEqual(refused.storedFds, []);
  assert.match(refused.ignored[0].ignored[0], /FileDescriptorStoreMax=0/);
});

test('ok: a main process that hands over', async () => {
  const it = service('hands-over');
  await it.ready({ within });
  const { mainPid } = it;
  assert.notEqual(mainPid, it.pid);
  while (isAlive(it.pid)) await soon();
  assert.deepEqual([it.activeState, it.mainPid, it.ignored], ['active', mainPid, []]);
  const { result } = await it.stop({ within });
  assert.equal(result, 'success');
  // A process that is not the manager's child gets no time, as systemd does it.
  while (isAlive(mainPid)) await soon();
  assert.match(it.timeline.map(({ what }) => what).join('\n'), new RegExp(`SIGTERM to process ${mainPid}`));
});

test('ok: more time for the start', async () => {
  const it = service('slow', { timeoutStart: 500 * PATIENCE });
  await it.ready({ within });
  assert.equal(it.result, 'success');
});

test('ok: the watchdog and the access change', async () => {
  const it = here({ watchdog: 10_000 });
  await readyup.send('READY=1\nWATCHDOG=1\nWATCHDOG_USEC=100000\nNOTIFYACCESS=none');
  await it.expectStall({ within });
  assert.deepEqual([it.watchdog, it.notifyAccess], [100, 'none']);
  await readyup.status('Unheard');
  assert.deepEqual([it.statusText, it.messages.at(-1).believed], ['', false]);
});

test('ok: rules of older versions', async () => {
  const older = here({ systemd: 252 });
  await readyup.send('STOPPING=1');
  await readyup.send('READY=1\nNOTIFYACCESS=all');
  assert.equal(older.activeState, 'active');
  assert.match(older.ignored[0].ignored.join(), /NOTIFYACCESS= is unknown before systemd 254/);
  await older.close();
  const newer = here();
  await readyup.send('STOPPING=1');
  await readyup.send('READY=1');
  assert.equal(newer.activeState, 'activating');
});

test('ok: nothing is left of a service that is closed, nor of its children', async () => {
  const it = watched(start('sh', ['-c', 'sleep 1000 & setsid sleep 1001 & wait']));
  const children = () =>
    readFileSync(`/proc/${it.pid}/task/${it.pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  while (children().length < 2) await soon();
  const all = [it.pid, ...children()];
  const before = readdirSync('/proc/self/fd').length;
  await it.close();
  await it.close();
  while (all.some(isAlive)) await soon();
  assert.ok(readdirSync('/proc/self/fd').length < before);
  assert.match(await failure(it.ready()), /it was closed/);
});

test('ok: nothing is left of a service whose test ends without closing it', async () => {
  const stdout = await runScript(
    `const { start } = require('readyup/testing');
     const service = start('sleep', ['1000']);
     console.log(service.pid);
     // Nobody waits any more: nor does the process.`,
  );
  assert.equal(isAlive(Number(stdout)), false);
});

test('ok: in the own process', async () => {
  const before = { ...process.env };
  const it = here({ type: 'notify-reload', watchdog: 300 * PATIENCE });
  assert.equal(process.env['NOTIFY_SOCKET'], it.address);
  const reload = async () => {
    await readyup.reloading();
    await readyup.ready('Read');
  };
  const stop = () => readyup.stopping();
  process.on('SIGHUP', reload).on('SIGTERM', stop);
  try {
    assert.equal(await readyup.ready('Here'), true);
    await it.ready();
    assert.deepEqual([it.statusText, it.mainPid], ['Here', process.pid]);
    readyup.watchdog.start();
    await it.expectPings(2, { within });
    assert.equal(await readyup.barrier(), true);
    await it.reload({ within });
    assert.equal(it.statusText, 'Read');
    const { result, stopping } = await it.stop({ within });
    assert.deepEqual([result, stopping], ['success', true]);
    assert.deepEqual(it.signals, ['SIGHUP', 'SIGTERM']);
  } finally {
    process.off('SIGHUP', reload).off('SIGTERM', stop);
    readyup.watchdog.stop();
    await it.close();
  }
  assert.deepEqual({ ...process.env }, before);
});

test('ok: a loop that hangs in the own process, seen afterwards', async () => {
  const it = here({ watchdog: 200 * PATIENCE });
  await readyup.ready();
  readyup.watchdog.start();
  await it.expectPings(1, { within });
  const end = Date.now() + 400 * PATIENCE;
  while (Date.now() < end);
  await it.expectStall({ within });
  assert.deepEqual(it.signals, ['SIGABRT']);
  readyup.watchdog.stop();
});

test('ok: signals go where the test wants them', async () => {
  const signals = [];
  const it = here({ type: 'notify-reload', onSignal: (signal) => signals.push(signal) });
  await readyup.ready();
  await it.ready();
  await failure(it.reload({ within: 50 }));
  assert.deepEqual(signals, ['SIGHUP']);
});

test('err: what the manager drops', async () => {
  const it = here();
  await readyup.send(`STATUS=${'x'.repeat(4080)}`);
  const { send } = createRequire(import.meta.url)('../native/linux-' + process.arch + '.node').open(it.address);
  assert.equal(typeof send, 'function');
  await readyup.send('BARRIER=1\nREADY=1').catch(() => {});
  assert.equal(it.activeState, 'activating');
  assert.match(it.ignored.at(-1).ignored[0], /BARRIER=1 must be alone in its message/);
  assert.equal(it.ignored.at(-1).believed, false);
});

test('err: arguments that are none', async () => {
  assert.throws(() => start('no-such-program'), { code: 'ENOENT', message: /no program "no-such-program" in PATH/ });
  assert.throws(() => start('./no-such-program'), { code: 'ENOENT' });
  assert.throws(() => start(packageDirectory), { code: 'EACCES', message: /is a directory/ });
  assert.throws(() => start(join(packageDirectory, 'package.json')), { code: 'EACCES', message: /chmod \+x/ });
  assert.throws(() => start('sh', [], { cwd: '/no-such-directory' }), { code: 'ENOENT', message: /no directory/ });
  assert.throws(() => start('sh', [], { watchdog: 0 }), { code: 'ERR_OUT_OF_RANGE' });
  for (const [name, options] of [
    ['watchDog', { watchDog: 500 }],
    ['successExitStatus', { successExitStatus: 143 }],
    ['successExitStatus', { successExitStatus: Array(5000).fill(1) }],
    ['watchdog', { watchdog: '500' }],
    ['type', { type: 'forking' }],
    ['type', { type: 'notify\nType=simple' }],
    ['SIGWHAT', { killSignal: 'SIGWHAT' }],
    ['stdio', { stdio: 'pipe' }],
    ['sockets?', { sockets: { 'a:b': {} } }],
    ['socket "http"', { sockets: { http: {} } }],
    ['options', null],
    ['options', 'x'],
  ]) {
    const expected = { code: 'ERR_INVALID_ARG_TYPE', message: new RegExp(`^readyup/testing: .*${name}`) };
    assert.throws(() => start('sh', [], options), expected, name);
  }
  assert.throws(() => start('sh', [], { systemd: 240 }), { code: 'ERR_OUT_OF_RANGE', message: /from 252 to/ });
  assert.throws(() => start(), { code: 'ERR_INVALID_ARG_TYPE', message: /which program/ });
  assert.throws(() => start('sh', ['-c', 5]), { code: 'ERR_INVALID_ARG_TYPE', message: /array of strings/ });
  const it = here();
  assert.throws(() => inProcess(), { code: 'EBUSY' });
  await assert.rejects(it.expectPings(), { code: 'ERR_INVALID_ARG_TYPE', message: /has no watchdog/ });
  for (const nothing of [{}, '', 'READY', { STATUS: 5 }, undefined, null, 5]) {
    await assert.rejects(it.expect(nothing), { code: 'ERR_INVALID_ARG_TYPE' }, String(nothing));
  }
  await assert.rejects(it.ready({ within: 0 }), { code: 'ERR_OUT_OF_RANGE' });
  await assert.rejects(it.ready({ within: '300' }), { code: 'ERR_INVALID_ARG_TYPE', message: /not "300"/ });
  await assert.rejects(it.ready({ timeout: 5 }), { code: 'ERR_INVALID_ARG_TYPE', message: /no option "timeout"/ });
  await assert.rejects(it.ready(500), { code: 'ERR_INVALID_ARG_TYPE', message: /must be an object, not 500/ });
  for (const count of [0, -1, 1.5, '2', NaN]) {
    await assert.rejects(it.expectPings(count), { code: 'ERR_INVALID_ARG_TYPE', message: /how many pings/ });
  }
});

test('ok: process.exit of a service in the own process is its end, and not the test’s', async () => {
  const { exit } = process;
  const it = here();
  const stop = async () => {
    await readyup.stopping();
    await readyup.status('Stopped');
    process.exit(7);
  };
  process.on('SIGTERM', stop);
  await readyup.ready();
  await it.ready();
  const { stopping } = await it.stop({ within });
  assert.equal(stopping, true);
  assert.equal((await it.ended({ within })).stopping, true);
  while (it.activeState === 'deactivating') await soon();
  assert.deepEqual([it.result, it.ignored], ['exit-code', []]);
  process.off('SIGTERM', stop);
  await it.close();
  assert.equal(process.exit, exit);
});

test('ok: a service ends with the test’s process, also when that is killed', async () => {
  const script = `const { start } = require('readyup/testing');
    const service = start('sh', ['-c', 'sleep 1000 & wait']);
    setTimeout(() => console.log(service.pid), 100);
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['-e', script], {
    cwd: packageDirectory,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [pid] = await once(child.stdout.setEncoding('utf8'), 'data');
  assert.equal(isAlive(Number(pid)), true);
  child.kill('SIGKILL');
  while (isAlive(Number(pid))) await soon();
});

test('ok: a test that blocks its own loop does not harm a service that pings', async () => {
  const it = service('good', { watchdog: 300 * PATIENCE });
  await it.ready({ within });
  await it.expectPings(1, { within });
  // So many pings that the socket has no room for them.
  spawnSync('sleep', [String(3 * PATIENCE)]);
  await it.expectPings(2, { within });
  assert.equal(it.result, 'success');
  assert.match(
    it.timeline.map(({ what }) => what).join('\n'),
    /nobody looked for .* the event loop of the test was blocked/,
  );
});

test('err: pings that never began cannot stop', async () => {
  const it = service('mute', { watchdog: 300 });
  await it.ready({ within });
  assert.match(await failure(it.expectStall({ within })), /there was no ping before/);
});

test('err: lines that a manager does not see', async () => {
  const it = here();
  for (const line of ['READY=true', 'READY=0', 'ready=1', 'READY = 1', 'FDSTORE=1', 'garbage', '=x']) {
    await readyup.send(`STATUS=x\n${line}`);
    const [reason] = it.ignored.at(-1).ignored;
    assert.ok(reason.startsWith(line), `${line}: ${reason}`);
  }
  assert.match(it.ignored[0].ignored[0], /^READY=true: only READY=1 has an effect$/);
  const { length } = it.ignored;
  await readyup.send('X_OWN=thing\nSTATUS=x\n');
  assert.equal(it.ignored.length, length);
});

test('ok: sockets are passed as those of socket units are', { skip: hasNoDescriptors }, async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  const it = watched(start(process.execPath, [program, 'passed'], { sockets: { http: server }, watchdog: 1000 }));
  await it.ready({ within });
  assert.equal(it.statusText, 'http');
  assert.equal((await get(port, '/')).body, 'hello\n');
  await it.expectPings(1, { within });
});

test('ok: signals of the test’s own', async () => {
  const it = service('good');
  await it.ready({ within });
  it.kill('SIGHUP');
  await it.expect('RELOADING=1', { within });
  await it.expect({ STATUS: 'Read' }, { within });
  assert.deepEqual(it.signals, ['SIGHUP']);
});

test('ok: timers that are not real ones do not matter', async (t) => {
  if (t.mock?.timers === undefined) return;
  t.mock.timers.enable();
  const it = service('good');
  await it.ready({ within });
  await it.stop({ within });
});

test('ok: many services at once', async () => {
  const warnings = [];
  const warn = (warning) => warnings.push(warning);
  process.on('warning', warn);
  const all = Array.from({ length: 14 }, () => watched(start('sleep', ['1000'], { type: 'exec' })));
  await Promise.all(all.map((it) => it.ready({ within })));
  await Promise.all(all.map((it) => it.close()));
  await soon();
  process.off('warning', warn);
  assert.deepEqual(warnings, []);
});

test('ok: who is believed by nobody is told of no manager', async () => {
  const it = watched(start('sh', ['-c', 'echo "<$NOTIFY_SOCKET>"'], { type: 'exec' }));
  await it.ended({ within });
  while (it.output === '') await soon();
  assert.equal(it.output, '<>\n');
});

test('ok: a program that does not speak, with a type that asks for nothing', async () => {
  const it = watched(start('sleep', ['1000'], { type: 'exec' }));
  await it.ready({ within });
  assert.equal((await it.stop({ within })).result, 'success');
});

test('ok: the watchdog is for the program that was started, not for its children', async () => {
  const script = 'sh -c \'echo "$WATCHDOG_PID of $PPID, $WATCHDOG_USEC"\'; systemd=1; exit 1';
  const it = watched(start('sh', ['-c', script], { watchdog: 1500 }));
  await failure(it.ready({ within }));
  while (it.output === '') await soon();
  assert.equal(it.output, `${it.pid} of ${it.pid}, 1500000\n`);
});

test('ok: what a function of the test throws comes out where it waits', async () => {
  const it = service('good');
  const wrong = it.expect(() => assert.fail('not this one'), { within });
  await assert.rejects(wrong, { code: 'ERR_ASSERTION', message: 'not this one' });
});

test('ok: a service that sends without end does not stop the test', async () => {
  const code = `const { sd_notify } = require(${JSON.stringify(packageDirectory)});
    (async () => { for (;;) await sd_notify('STATUS=more'); })();`;
  const it = watched(start(process.execPath, ['-e', code], { type: 'exec', notifyAccess: 'main' }));
  await it.expect('STATUS=more', { within });
  const before = it.messages.length;
  while (it.messages.length < before + 5000) await soon();
  assert.equal((await it.stop({ within })).signal, 'SIGTERM');
});

test('ok: the stack of a failure begins in the test', async () => {
  const it = service('silent');
  const error = await it.ready({ within: 20 }).catch((error) => error);
  assert.match(error.stack, /testing\.test\.mjs/);
  assert.equal(error.stack.split('What happened:').length, 2);
});

test('ok: with await using', { skip: Symbol.asyncDispose === undefined }, async () => {
  const it = start('sleep', ['1000']);
  await it[Symbol.asyncDispose]();
  assert.equal(isAlive(it.pid), false);
});

test('ok: hundreds of services leave no descriptor behind', async () => {
  const count = () => readdirSync('/proc/self/fd').length;
  const once = async () => {
    const it = inProcess();
    await readyup.ready();
    await it.ready();
    await it.close();
  };
  await once();
  const before = count();
  for (let round = 0; round < 200; round += 1) await once();
  assert.ok(count() <= before + 2, `${before} before, ${count()} after`);
});
