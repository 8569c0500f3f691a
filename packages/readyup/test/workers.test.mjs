// Worker threads, clusters and forks: each thread has an environment and a socket of its own, each process its pid.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { beforeEach, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { ready, sd_notify } from 'readyup';
import { Receiver } from './receiver.mjs';
import {
  descriptors,
  environment,
  freshPath,
  guard,
  packageDirectory,
  run,
  runScript,
  until,
  within,
} from './support.mjs';

const receiver = await Receiver.start();
const COUNT = 20;

beforeEach(() => receiver.reset());
// `require('readyup')` in source text that is no file is looked up from here.
process.chdir(packageDirectory);

function startWorker(source, options = {}) {
  const worker = new Worker(source, { eval: true, ...options });
  worker.ended = new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject));
  return worker;
}

const oneByOne = `
  const { workerData } = require('worker_threads');
  const { sd_notify } = require('readyup');
  (async () => {
    for (let index = 0; index < 50; index += 1) {
      if ((await sd_notify('X_FROM=' + workerData + ':' + index)) !== true) throw new Error('not sent');
    }
  })();
`;

test('ok: workers send, each in its own order, and leave nothing behind', async () => {
  await ready();
  await receiver.text();
  // Node itself keeps a few descriptors from its first workers on.
  await startWorker(oneByOne, { workerData: 'first' }).ended;
  await receiver.take(50);
  const before = descriptors();

  const workers = Array.from({ length: COUNT }, (_, workerData) => startWorker(oneByOne, { workerData }));
  const codes = await within(Promise.all(workers.map(({ ended }) => ended)), 'the end of all workers', 30_000);
  assert.deepEqual(codes, Array(COUNT).fill(0));
  const messages = await receiver.take(COUNT * 50);
  for (let worker = 0; worker < COUNT; worker += 1) {
    const own = messages.map(({ text }) => text).filter((text) => text.startsWith(`X_FROM=${worker}:`));
    assert.deepEqual(
      own,
      Array.from({ length: 50 }, (_, index) => `X_FROM=${worker}:${index}`),
    );
  }
  assert.deepEqual(new Set(messages.map(({ pid }) => pid)), new Set([process.pid]));
  await until(() => descriptors() <= before, `${before} descriptors`);
});

const withoutEnd = `
  const { Notifier, sd_notify, sd_notify_barrier, watchdog } = require('readyup');
  watchdog.start({ interval: 1, check: async () => true });
  const notifier = new Notifier();
  (async () => {
    for (;;) {
      const calls = [sd_notify_barrier(60_000)];
      for (let count = 0; count < 100; count += 1) calls.push(sd_notify('X_A=1'), notifier.status('x'));
      await Promise.race(calls);
    }
  })();
`;

test('ok: workers that are terminated in the middle of it leave nothing behind', async () => {
  // The receiver is too slow for all of them, so that messages wait at any time; then it is stopped.
  await startWorker(oneByOne, { workerData: 'first' }).ended;
  await receiver.take(50);
  const before = descriptors();
  const workers = Array.from({ length: COUNT }, () => startWorker(withoutEnd));
  try {
    await receiver.take(2000, 30_000);
    await Promise.all(workers.slice(0, COUNT / 2).map((worker) => worker.terminate()));
    await receiver.stop();
  } finally {
    await within(Promise.all(workers.map((worker) => worker.terminate())), 'the end of all workers');
    receiver.resume();
  }
  await until(() => descriptors() <= before, `${before} descriptors`);
  // This thread is not disturbed.
  await receiver.reset();
  assert.equal(await ready(), true);
  assert.equal(await receiver.text(), 'READY=1');
});

test('ok: a worker has an environment of its own', async () => {
  const other = await Receiver.start();
  const send = `
    const { parentPort } = require('worker_threads');
    const { sd_notify } = require('readyup');
    sd_notify('X_WORKER=1', { unsetEnvironment: true }).then(
      (answer) => parentPort.postMessage([answer, 'NOTIFY_SOCKET' in process.env]),
    );
  `;
  const answerOf = (worker) => within(new Promise((resolve) => worker.once('message', resolve)), 'an answer');
  assert.deepEqual(await answerOf(startWorker(send)), [true, false]);
  assert.equal(await receiver.text(), 'X_WORKER=1');
  // What it unset is unset there only.
  assert.equal(await sd_notify('X_MAIN=1'), true);
  assert.equal(await receiver.text(), 'X_MAIN=1');

  assert.deepEqual(await answerOf(startWorker(send, { env: { NOTIFY_SOCKET: other.address } })), [true, false]);
  assert.equal(await other.text(), 'X_WORKER=1');
  assert.deepEqual(await answerOf(startWorker(send, { env: {} })), [false, false]);

  const set = `
    const { parentPort, workerData } = require('worker_threads');
    process.env.NOTIFY_SOCKET = workerData;
    require('readyup').sd_notify('X_WORKER=2').then((answer) => parentPort.postMessage(answer));
  `;
  assert.equal(await answerOf(startWorker(set, { workerData: other.address })), true);
  assert.equal(await other.text(), 'X_WORKER=2');
  assert.equal(await ready(), true);
  assert.equal(await receiver.text(), 'READY=1');
});

test('ok: first loaded by workers, which are gone before the main thread loads it', async () => {
  const source = `
    const { Worker } = require('worker_threads');
    const { readFileSync } = require('fs');
    const loaded = () => readFileSync('/proc/self/maps', 'utf8').includes('/native/linux-');
    const worker = (end) => new Promise((resolve, reject) => {
      const source = "require('readyup').ready('worker').then(() => " + end + ")";
      const worker = new Worker(source, { eval: true });
      worker.on('error', reject).on('exit', resolve).on('message', () => worker.terminate());
    });
    (async () => {
      if (loaded()) throw new Error('loaded already');
      for (let round = 0; round < 5; round += 1) {
        await Promise.all(Array.from({ length: 3 }, () => worker('process.exit(0)')));
        await worker("{ require('worker_threads').parentPort.postMessage(0); setInterval(() => {}, 1000); }");
      }
      if (!loaded()) throw new Error('not loaded');
      await require('readyup').ready('main');
    })();
  `;
  await runScript(source, { env: { NOTIFY_SOCKET: receiver.address } });
  const texts = (await receiver.take(21)).map(({ text }) => text);
  assert.deepEqual(texts, [...Array(20).fill('READY=1\nSTATUS=worker'), 'READY=1\nSTATUS=main']);
});

test('ok: the workers of a cluster send under their own pids', async () => {
  const path = freshPath('cluster.cjs');
  writeFileSync(
    path,
    `const cluster = require('cluster');
    const { status } = require(${JSON.stringify(packageDirectory)});
    if (cluster.isPrimary) {
      cluster.on('exit', (worker, code) => {
        if (code !== 0) process.exitCode = 1;
      });
      for (let count = 0; count < 4; count += 1) cluster.fork();
      status('primary ' + process.pid);
    } else {
      status('worker ' + process.pid).then(() => process.disconnect());
    }`,
  );
  const result = await run(process.execPath, [path], { env: { NOTIFY_SOCKET: receiver.address } });
  assert.deepEqual([result.code, result.signal], [0, null], result.stderr);
  const messages = await receiver.take(5);
  assert.equal(new Set(messages.map(({ pid }) => pid)).size, 5);
  for (const { pid, text } of messages) assert.match(text, new RegExp(`^STATUS=(primary|worker) ${pid}$`));
  assert.equal(messages.filter(({ text }) => text.includes('primary')).length, 1);
});

test('ok: a forked process sends under its own pid', async () => {
  const path = freshPath('fork.cjs');
  writeFileSync(
    path,
    `require(${JSON.stringify(packageDirectory)}).status('child').then((sent) => process.send(sent));`,
  );
  const child = guard(fork(path, { env: environment({ NOTIFY_SOCKET: receiver.address }) }));
  assert.equal(await within(new Promise((resolve) => child.once('message', resolve)), 'an answer'), true);
  const [{ pid, text }] = await receiver.take(1);
  assert.deepEqual([pid, text], [child.pid, 'STATUS=child']);
  if (child.connected) child.disconnect();
});
