// Workers that used the package leave no socket open when they end, also where the runtime calls no finalizers.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { Receiver, checks, within } from './check.mjs';

const receiver = await Receiver.start();
process.env.NOTIFY_SOCKET = receiver.address;

/** How many datagram sockets this process has open. */
function sockets() {
  // Num RefCount Protocol Flags Type St Inode Path
  const rows = readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .map((line) => line.split(/\s+/));
  const datagram = new Set(rows.filter((row) => row[4] === '0002').map((row) => `socket:[${row[6]}]`));
  const link = (fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ''; // that of the directory itself
    }
  };
  return readdirSync('/proc/self/fd').filter((fd) => datagram.has(link(fd))).length;
}

const source = `
  const { parentPort } = require('node:worker_threads');
  const { Notifier, ready, sd_notify_barrier } = require('readyup');
  const notifier = new Notifier();
  Promise.all([ready(), notifier.ready(), sd_notify_barrier(5000)]).then(() => {
    parentPort.postMessage('done');
    setInterval(() => {}, 1000);
  });
`;

async function once() {
  const worker = new Worker(source, { eval: true });
  const done = new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  await within(done, 'the work');
  await worker.terminate();
  await receiver.take(3);
}

await checks({
  'no socket is left': async () => {
    await once();
    const before = sockets();
    for (let round = 0; round < 20; round += 1) await once();
    const end = performance.now() + 5000;
    while (sockets() > before && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 50));
    assert.ok(sockets() <= before, `${before} sockets before, ${sockets()} after`);
  },
});
