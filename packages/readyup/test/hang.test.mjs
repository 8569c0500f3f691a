// Where the event loop hangs: what the thread finds out, and whom it tells.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { Receiver } from './receiver.mjs';
import { freshPath, packageDirectory, run, runScript } from './support.mjs';

const receiver = await Receiver.start();
beforeEach(() => receiver.reset());

/** Only V8 as Node has it tells where it is. */
const knowsStacks = process.versions.bun === undefined && process.versions.deno === undefined;
const service = join(packageDirectory, 'test', 'hanging.cjs');
const lines = readFileSync(service, 'utf8').split('\n');
const lineOf = (way) => 1 + lines.findIndex((line) => line.endsWith(`// ${way}`));

/** Lets the service hang: `{ hang, statuses, stderr }`. */
async function hang(way, { seconds = 1, env = {}, ...options } = {}) {
  const fifo = freshPath('fifo');
  if (way === 'read') execFileSync('mkfifo', [fifo]);
  const { code, stdout, stderr } = await run(
    process.execPath,
    [service, way, String(seconds), JSON.stringify({ interval: 400, ...options })],
    { env: { NOTIFY_SOCKET: receiver.address, FIFO: fifo, ...env } },
  );
  const statuses = (await receiver.rest())
    .map((text) => /^STATUS=(.*)$/.exec(text)?.[1])
    .filter((status) => status !== undefined);
  return { code, hang: stdout === '' ? undefined : JSON.parse(stdout), statuses, stderr, fifo };
}

const told = (place) => new RegExp(`^event loop blocked for (\\d+ ms|\\d+\\.\\d s)${place}$`);

test('ok: says where, while it hangs and afterwards, and then tells the status that was before', async () => {
  const { code, hang: found, statuses, stderr } = await hang('loop');
  assert.equal(code, 0, stderr);
  assert.ok(found.duration >= 900 && found.duration < 10_000, `${found.duration} ms`);
  assert.equal(statuses.shift(), 'As it should be');
  assert.equal(statuses.pop(), 'As it should be');
  assert.ok(statuses.length >= 1);
  const written = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('    at '));
  assert.match(written.pop(), /^event loop blocked for .*; it answers again$/);
  assert.deepEqual(written, statuses);
  // Where V8 is slow to answer, as on a busy machine, it is taken for native code; the line is the same.
  const line = `in loop \\(${service}:${lineOf('loop')}:\\d+\\)`;
  const place = knowsStacks ? `( ${line}|, probably ${line}: native code)` : '.*';
  for (const status of statuses) assert.match(status, told(place));
  if (knowsStacks) {
    assert.match(found.place, new RegExp(`^(probably )?${line}`));
    if (!stderr.includes('probably')) assert.match(stderr, new RegExp(`\n {4}at loop \\(${service}:\\d+:\\d+\\)\n`));
  }
});

test('ok: the first word is there when half of the period is left', async () => {
  const { statuses, stderr } = await hang('loop', { seconds: 1.5, interval: 500 });
  const [, ms] = /for (\d+) ms/.exec(statuses[1]) ?? [];
  assert.ok(Number(ms) < 500, stderr);
});

/** Lets the service hang until it is told where, at most three times: in which moment the thread looks is chance. */
async function located(way, place) {
  const all = [];
  for (let time = 0; time < 3; time += 1) {
    const { hang: found, stderr } = await hang(way);
    assert.notEqual(found, undefined, stderr);
    // Where V8 answers in a function that is called there, the stack below has the line.
    if (place.test(found.place) || place.test(stderr)) return;
    all.push(stderr);
  }
  assert.fail(`${place}\n${all.join('\nand then\n')}`);
}

for (const way of ['helper', 'expression', 'sort', 'parse', 'read', 'exec', 'wait']) {
  test(`ok: the line of a hang: ${way}`, { skip: !knowsStacks && 'only Node knows the line' }, async () => {
    await located(way, new RegExp(`(in|at) \\S+ \\(${service}:${lineOf(way)}:\\d+\\)`));
  });
}

test(
  'ok: the function of a hang that never leaves its microtasks',
  { skip: !knowsStacks && 'only Node knows it' },
  async () => {
    await located('microtasks', new RegExp(`in microtasks( \\(${service}:\\d+:\\d+\\))?`));
  },
);

test('ok: a system call is named while it hangs, and its file', async () => {
  const { statuses, stderr, fifo } = await hang('read');
  assert.match(statuses[1], told(` in read\\(\\) of ${fifo}`), stderr);
});

test('ok: a child process that is waited for is named while it hangs', async () => {
  const { statuses, stderr } = await hang('exec', { seconds: 1.25 });
  assert.match(statuses[1], told(' in \\w+\\(\\) for process \\d+ \\(.*sleep 1.25\\)'), stderr);
});

/** What the scripts below share. A thread that starts has no name yet, and one that ends is there for a moment. */
const threads = `
  const { readFileSync, readdirSync } = require('fs');
  const ofThread = (task, file) => readFileSync('/proc/self/task/' + task + '/' + file, 'utf8');
  const sentinels = async () => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    return readdirSync('/proc/self/task').filter((task) => ofThread(task, 'comm') === 'readyup-hang\\n');
  };
`;

test('ok: there is a thread while there are heartbeats, and it leaves signals to the program', async () => {
  const source = `
    ${threads}
    const { watchdog } = require('readyup');
    (async () => {
      const counts = [(await sentinels()).length];
      watchdog.start({ interval: 1000 });
      const [sentinel] = await sentinels();
      const blocked = /^SigBlk:\\s*(\\w+)/m.exec(ofThread(sentinel, 'status'))[1];
      watchdog.start({ interval: 1000 });
      counts.push((await sentinels()).length);
      watchdog.stop();
      counts.push((await sentinels()).length);
      console.log(counts.join(), blocked);
    })();
  `;
  // All but SIGKILL and SIGSTOP, and the three with which a libc has all threads change the user.
  assert.equal(await runScript(source), '0,1,0 fffffffc7ffbfeff\n');
});

test('ok: nobody looks after the event loop if that is not wanted', async () => {
  const source = (options) => `
    ${threads}
    const { watchdog } = require('readyup');
    watchdog.start(${options});
    sentinels().then(({ length }) => console.log(length));
  `;
  assert.equal(await runScript(source('{ interval: 1000, diagnose: false }')), '0\n');
  assert.equal(await runScript(source('{ interval: 1000 }'), { env: { READYUP_DIAGNOSE: 'off' } }), '0\n');
  assert.equal(
    await runScript(source('{ interval: 1000, diagnose: false }'), { env: { READYUP_DIAGNOSE: 'thread' } }),
    '1\n',
  );
  assert.equal(await runScript(source('{}')), '0\n');
});

test('ok: a worker can look after it instead', { skip: !knowsStacks && 'no such inspector' }, async () => {
  const { code, hang: found, statuses, stderr } = await hang('loop', { diagnose: 'worker', seconds: 2 });
  assert.equal(code, 0, stderr);
  const place = new RegExp(`in (\\w+\\.)?loop \\(${service}:${lineOf('loop')}:\\d+\\)`);
  assert.match(found.place, place, stderr);
  assert.match(statuses[1], place);
  assert.equal(statuses.pop(), 'As it should be');
});

test(
  'ok: a worker’s own event loop is looked after',
  { skip: !knowsStacks && 'only Node knows the line' },
  async () => {
    const source = `
    const { Worker } = require('worker_threads');
    const worker = new Worker(\`
      const { parentPort } = require('worker_threads');
      const { watchdog } = require('readyup');
      watchdog.start({ interval: 400, onHang: ({ place }) => parentPort.postMessage(place) });
      function busy() {
        for (const end = Date.now() + 700; Date.now() < end; );
      }
      setTimeout(busy, 100);
      setTimeout(() => {}, 10_000);
    \`, { eval: true });
    worker.on('message', (place) => {
      console.log(place);
      worker.terminate();
    });
  `;
    const { stdout, stderr } = await run(process.execPath, ['-e', source]);
    assert.match(stdout, /^in busy \(/, stderr);
  },
);

test('err: a time that is none', async () => {
  const { watchdog } = await import('readyup');
  for (const hangAfter of [0, -1, NaN, '5']) {
    assert.throws(() => watchdog.start({ interval: 10, hangAfter }), { code: 'ERR_OUT_OF_RANGE' });
  }
});

test(
  'ok: looking at the stack again and again disturbs nothing',
  { skip: !knowsStacks && 'there is none' },
  async (t) => {
    // Hangs of some milliseconds, in whatever a program may do: calls, garbage, exceptions, native code, promises, code
    // that is being optimized.
    const source = `
    const { watchLoop } = require('./native/linux-' + process.arch + '.node');
    const until = performance.now() + 1000 * Number(process.argv[1]);
    const watch = watchLoop(undefined, 5, 1);
    const text = JSON.stringify(Array.from({ length: 500 }, (_, index) => ({ index, text: 'x'.repeat(index % 50) })));
    const work = [
      (n) => JSON.parse(text).length + n,
      (n) => Array.from({ length: 2000 }, (_, i) => (i * 7919 + n) % 1009).sort((a, b) => a - b)[0],
      (n) => { try { throw new Error('x' + n); } catch (error) { return error.stack.length; } },
      (n) => text.replace(/\\d+/g, (digits) => digits + n).length,
      (n) => { let s = ''; for (let i = 0; i < 2000; i += 1) s += i ^ n; return s.length; },
      (n) => new Map(Array.from({ length: 500 }, (_, i) => [i + n, { i }])).size,
      (n) => (function fib(k) { return k < 2 ? k : fib(k - 1) + fib(k - 2); })(15 + (n % 5)),
      (n) => structuredClone({ n, list: [1, 2, 3] }).n,
      (n) => { class A { #n = n; get n() { return this.#n; } } return new A().n; },
      (n) => [...(function* () { for (let i = 0; i < 100; i += 1) yield i + n; })()].length,
    ];
    async function some(n) {
      for (const end = performance.now() + 10; performance.now() < end; ) {
        work[n % work.length](n);
        if (n % 3 === 0) await undefined;
      }
    }
    (async () => {
      for (let n = 0; performance.now() < until; n += 1) {
        await some(n);
        watch.beat();
      }
      watch.stop();
      console.log('stopped');
    })();
  `;
    const seconds = process.env.READYUP_SECONDS ?? '5';
    const { code, signal, stdout, stderr } = await run(process.execPath, ['-e', source, seconds], { limit: 170_000 });
    assert.deepEqual([code, signal, stdout], [0, null, 'stopped\n'], stderr.slice(-2000));
    const looks = stderr.match(/^event loop blocked for .* in .*\(.*:\d+:\d+\)/gm)?.length ?? 0;
    t.diagnostic(`${looks} stacks were seen`);
    assert.ok(looks > 0, stderr.slice(-2000));
  },
);
