// Listening as a manager does, through the addon: what was sent comes out as it was, and nothing stays open.
import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, readdirSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { Notifier } from 'readyup';
import {
  descriptors,
  elapse,
  freshPath,
  monotonicTime,
  packageDirectory,
  run,
  runScript,
  until,
  within,
} from './support.mjs';

const addonPath = `${packageDirectory}native/linux-${process.arch}.node`;
const addon = createRequire(import.meta.url)(addonPath);

const SENT = 1;
const QUEUE_FULL = 0;

const buffer = Buffer.alloc(4097);

/** What came, taken apart; undefined when nothing did. */
function receive(socket, room = buffer) {
  const received = socket.receive(room);
  if (received === undefined) return undefined;
  const [length, pid, uid, usec, flags, ...fds] = received;
  return { length, pid, uid, usec, flags, fds, text: room.toString('utf8', 0, Math.min(length, room.length)) };
}

/** Listens, and talks to it, for as long as `use` takes. */
async function talk(use, address) {
  const socket = addon.listen(address);
  const handle = addon.open(socket.address());
  try {
    await use(socket, handle);
  } finally {
    handle.close();
    socket.close();
  }
}

/** Bun and Deno open and close some of their own in between. */
const FOREIGN = process.versions.bun === undefined && process.versions.deno === undefined ? 0 : 8;

function assertDescriptors(expected) {
  const count = descriptors();
  assert.ok(Math.abs(count - expected) <= FOREIGN, `${count} descriptors, and not ${expected}`);
}

/** Datagrams of any bytes: fields of the journal, each as `NAME=value\n`, go to whoever listens. */
function sendEntry(address, value) {
  const journal = addon.openJournal(address);
  try {
    assert.equal(journal.send([Buffer.from('A'), value]), SENT);
  } finally {
    journal.close();
  }
}

test('ok: a message and who sent it', async () => {
  await talk((socket, handle) => {
    assert.match(socket.address(), /^@[0-9a-f]{5}$/);
    assert.equal(receive(socket), undefined);
    assert.equal(handle.send('READY=1\nSTATUS=Grüße'), SENT);
    const { usec, ...rest } = receive(socket);
    assert.deepEqual(rest, {
      length: 22,
      pid: process.pid,
      uid: process.getuid(),
      flags: 0,
      fds: [],
      text: 'READY=1\nSTATUS=Grüße',
    });
    assert.ok(Number.isSafeInteger(usec), `${usec}`);
    assert.equal(receive(socket), undefined);
  });
});

test('ok: a message of another process', async () => {
  const socket = addon.listen();
  const child = `
    require('readyup').status('child').then((sent) => console.log(process.pid, sent));
  `;
  const printed = await runScript(child, { env: { NOTIFY_SOCKET: socket.address() } });
  const { pid, text } = receive(socket);
  assert.deepEqual([printed, text], [`${pid} true\n`, 'STATUS=child']);
  socket.close();
});

test('ok: at a path, which only this user may send to, and at an abstract name', async () => {
  const path = freshPath();
  const longest = `@${process.pid}-${'x'.repeat(106 - `${process.pid}-`.length)}`;
  for (const address of [path, longest]) {
    await talk((socket, handle) => {
      assert.equal(socket.address(), address);
      assert.equal(handle.watchdog(), SENT);
      assert.equal(receive(socket).text, 'WATCHDOG=1');
    }, address);
  }
  assert.equal(statSync(path).mode & 0o777, 0o600);
  // The file is left, and so in the way.
  assert.throws(() => addon.listen(path), { errno: -98, syscall: 'bind', message: /address in use/ });
  unlinkSync(path);
});

test('ok: datagrams come in the order in which they were sent', async () => {
  await talk((socket, handle) => {
    let [sent, received] = [0, 0];
    while (received < 2000) {
      while (sent < 2000 && handle.send(`X_INDEX=${sent}`) === SENT) sent += 1;
      for (let next; (next = receive(socket)) !== undefined; received += 1) {
        assert.equal(next.text, `X_INDEX=${received}`);
      }
      assert.equal(received, sent);
    }
  });
});

test('ok: the time is when it was sent, not when it was received', async () => {
  await talk(async (socket, handle) => {
    const times = [];
    for (let count = 0; count < 5; count += 1) {
      const before = socket.now();
      assert.equal(handle.watchdog(), SENT);
      times.push([before, socket.now()]);
      await elapse(10);
    }
    const late = times.map(([before, after]) => {
      const { usec } = receive(socket);
      assert.ok(usec >= before, `${usec} >= ${before}`);
      return usec - after;
    });
    // The kernel tells it by another clock, so that what happens between looking at the two comes on top.
    assert.ok(Math.min(...late) < 5000, `${late.join(', ')} µs`);
  });
});

test('ok: times do not go back, and are never after now', async () => {
  await talk((socket, handle) => {
    let last = 0;
    for (let count = 0; count < 5000; count += 1) {
      handle.watchdog();
      if (count % 3 === 0) continue;
      const { usec } = receive(socket);
      const now = socket.now();
      assert.ok(last <= usec && usec <= now, `${last} <= ${usec} <= ${now}`);
      last = usec;
      while (count % 9 === 8 && receive(socket) !== undefined);
    }
  });
});

test('ok: the clock is that of MONOTONIC_USEC', async () => {
  await talk((socket, handle) => {
    const [earliest] = monotonicTime();
    const now = BigInt(socket.now());
    const [, latest] = monotonicTime();
    assert.ok(earliest <= now && now <= latest, `${earliest} <= ${now} <= ${latest}`);
    assert.equal(handle.reloading([]), SENT);
    const { text, usec } = receive(socket);
    const told = Number(/^MONOTONIC_USEC=(\d+)$/m.exec(text)[1]);
    assert.ok(Number(now) <= told && told <= usec, `${now} <= ${told} <= ${usec}`);
  });
});

test('ok: descriptors come along, close-on-exec, and are the receiver’s', async () => {
  await talk((socket, handle) => {
    const path = freshPath('file');
    writeFileSync(path, 'content');
    const file = openSync(path);
    handle.watchdog();
    receive(socket);
    const before = descriptors();
    assert.equal(handle.notify(['FDSTORE', '1'], undefined, [file, file]), SENT);
    const { fds, flags } = receive(socket);
    assert.deepEqual([fds.length, new Set([...fds, file]).size, flags], [2, 3, 0]);
    assertDescriptors(before + 2);
    closeSync(file);
    for (const fd of fds) {
      assert.match(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'), /^flags:\s+0?2\d{6}$/m);
      assert.equal(readFileSync(`/proc/self/fd/${fd}`, 'utf8'), 'content');
      addon.closeFd(fd);
    }
    unlinkSync(path);
    assertDescriptors(before - 1);
  });
});

test('ok: as many descriptors as a message can carry', async () => {
  await talk((socket, handle) => {
    const file = openSync('/dev/null');
    handle.watchdog();
    receive(socket);
    const before = descriptors();
    assert.equal(handle.send('FDSTORE=1', undefined, Array(253).fill(file)), SENT);
    const { fds, flags, text } = receive(socket);
    assert.deepEqual([new Set(fds).size, flags, text], [253, 0, 'FDSTORE=1']);
    for (const fd of fds) addon.closeFd(fd);
    closeSync(file);
    assertDescriptors(before - 1);
  });
});

test('ok: closing its descriptor answers a barrier', async () => {
  await talk((socket, handle) => {
    const number = handle.barrier();
    const { text, fds } = receive(socket);
    assert.deepEqual([text, fds.length, handle.barrierDone(number)], ['BARRIER=1', 1, false]);
    addon.closeFd(fds[0]);
    assert.equal(handle.barrierDone(number), true);
  });
});

test('ok: what does not fit is cut, and its length told', async () => {
  await talk((socket, handle) => {
    for (const [text, room] of [
      ['STATUS=0123456789', 10],
      ['STATUS=0123456789', 17],
      [`STATUS=${'x'.repeat(4089)}`, 1],
      ['READY=1', 0],
    ]) {
      const bytes = Buffer.alloc(room + 10, '#');
      assert.equal(handle.send(text), SENT);
      const [length] = socket.receive(bytes.subarray(0, room));
      assert.deepEqual([length, bytes.toString()], [text.length, text.slice(0, room) + '#'.repeat(10)]);
    }
    // Nowhere to put it at all.
    assert.equal(handle.send('READY=1'), SENT);
    assert.equal(socket.receive('no buffer')[0], 7);
    sendEntry(socket.address(), Buffer.alloc(20_000, 'x'));
    assert.equal(receive(socket).length, 20_003);
  });
});

test('ok: NULs, and bytes that are no text', async () => {
  await talk((socket) => {
    const bytes = Buffer.from([0, 1, 0xff, 0xc3, 0, 0x80]);
    sendEntry(socket.address(), bytes);
    const { length } = receive(socket);
    assert.deepEqual(buffer.subarray(0, length), Buffer.concat([Buffer.from('A='), bytes, Buffer.from('\n')]));
  });
});

test('ok: nothing but a descriptor', async () => {
  await talk((socket) => {
    // An entry that no datagram can carry: an empty one, with a file.
    const before = descriptors();
    sendEntry(socket.address(), Buffer.alloc(5 << 20));
    const empty = receive(socket);
    assert.deepEqual([empty.length, empty.pid, empty.flags, empty.fds.length], [0, process.pid, 0, 1]);
    assertDescriptors(before + 1);
    addon.closeFd(empty.fds[0]);
  });
});

test('ok: a sender waits while the queue is full', async () => {
  const socket = addon.listen();
  const notifier = new Notifier({ socket: socket.address() });
  const handle = addon.open(socket.address());
  let filled = 0;
  for (let answer; (answer = handle.watchdog()) !== QUEUE_FULL; filled += 1) assert.equal(answer, SENT);
  let settled = false;
  const sent = notifier.status('waits').finally(() => (settled = true));
  await new Promise(setImmediate);
  assert.equal(settled, false);
  for (let count = 0; count < filled; count += 1) assert.equal(receive(socket).text, 'WATCHDOG=1');
  assert.equal(await within(sent, 'the message that waits'), true);
  assert.equal(receive(socket).text, 'STATUS=waits');
  notifier.close();
  handle.close();
  socket.close();
});

test('ok: after close nothing is received, and nobody listens', async () => {
  const before = descriptors();
  const socket = addon.listen();
  const address = socket.address();
  const handle = addon.open(address);
  const file = openSync('/dev/null');
  assert.equal(handle.send('FDSTORE=1', undefined, [file]), SENT);
  closeSync(file);
  socket.close();
  assert.equal(socket.receive(buffer), undefined);
  assert.equal(socket.address(), '');
  assert.ok(socket.now() > 0);
  socket.close();
  assert.throws(() => handle.watchdog(), { errno: -111 });
  handle.close();
  assertDescriptors(before);
  // The name is free again.
  addon.listen(address).close();
});

test('ok: hundreds of sockets at once', async () => {
  const before = descriptors();
  const sockets = Array.from({ length: 300 }, () => addon.listen());
  assert.equal(new Set(sockets.map((socket) => socket.address())).size, 300);
  assertDescriptors(before + 300);
  for (const [index, socket] of sockets.entries()) {
    const handle = addon.open(socket.address());
    assert.equal(handle.send(`X_INDEX=${index}`), SENT);
    handle.close();
  }
  for (const [index, socket] of sockets.entries()) {
    assert.equal(receive(socket).text, `X_INDEX=${index}`);
    assert.equal(receive(socket), undefined);
    socket.close();
  }
  assertDescriptors(before);
});

test('ok: sockets that are dropped give their descriptors back', async () => {
  const source = `
    const { readdirSync } = require('fs');
    const { listen } = require(${JSON.stringify(addonPath)});
    const count = () => readdirSync('/proc/self/fd').length;
    (async () => {
      const before = count();
      for (let index = 0; index < 300; index += 1) listen();
      const after = count();
      for (let round = 0; round < 100 && count() > before + 1; round += 1) {
        gc();
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      console.log(JSON.stringify([after - before, count() - before]));
    })();
  `;
  const [opened, left] = JSON.parse(await runScript(source, { flags: ['--expose-gc'] }));
  assert.ok(opened >= 100, `${opened} were opened`);
  assert.ok(left <= 5, `${left} are left`);
});

const inWorker = `
  const { parentPort, workerData } = require('worker_threads');
  const { closeFd, listen } = require(workerData);
  const socket = listen();
  const buffer = Buffer.alloc(4096);
  parentPort.postMessage(socket.address());
  setInterval(() => {
    for (let next; (next = socket.receive(buffer)) !== undefined; ) {
      for (const fd of next.slice(5)) closeFd(fd);
      parentPort.postMessage(buffer.toString('utf8', 0, next[0]));
    }
  }, 1);
`;

/** Whether nobody listens there. */
function isRefused(address) {
  const handle = addon.open(address);
  try {
    handle.watchdog();
    return false;
  } catch ({ errno }) {
    assert.equal(errno, -111);
    return true;
  } finally {
    handle.close();
  }
}

/** Workers that listen, and what each said last. */
async function startWorkers(count) {
  const start = async () => {
    const worker = new Worker(inWorker, { eval: true, workerData: addonPath });
    const said = (what) => within(new Promise((resolve) => worker.once('message', resolve)), what);
    return { worker, said, address: await said('its address') };
  };
  return Promise.all(Array.from({ length: count }, start));
}

test('ok: a worker listens, and its end closes the socket', async () => {
  const file = openSync('/dev/null');
  const workers = await startWorkers(8);
  for (const [index, { address, said }] of workers.entries()) {
    const handle = addon.open(address);
    const text = said('the message');
    assert.equal(handle.send(`X_INDEX=${index}`, undefined, [file]), SENT);
    assert.equal(await text, `X_INDEX=${index}`);
    handle.close();
  }
  await within(Promise.all(workers.map(({ worker }) => worker.terminate())), 'the end of all workers');
  for (const { address } of workers) await until(() => isRefused(address), `nobody listens at ${address}`);
  closeSync(file);
});

test('ok: what is no descriptor is not closed', () => {
  for (const fd of [-1, undefined, null, '0', {}, 1 << 30]) assert.equal(addon.closeFd(fd), undefined);
  assert.ok(readdirSync('/proc/self/fd').includes('0'));
});

test('err: what is no address, and where nobody can listen', () => {
  const before = descriptors();
  const cases = [
    ['', -22, undefined],
    ['relative', -22, undefined],
    [`@${'x'.repeat(107)}`, -36, undefined],
    ['vsock:2:1234', -95, undefined],
    ['/nonexistent-directory/notify', -2, 'bind'],
    [packageDirectory.slice(0, -1), -98, 'bind'],
  ];
  for (const [address, errno, syscall] of Array(100).fill(cases).flat()) {
    assert.throws(
      () => addon.listen(address),
      (error) => {
        assert.deepEqual([error.errno, error.syscall], [errno, syscall], `${address}: ${error.message}`);
        return true;
      },
    );
  }
  assertDescriptors(before);
});

test('err: descriptors that there is no room for', async () => {
  // With the process's limit reached, the kernel hands over none, or some, and says so.
  const source = `
    const { closeSync, openSync } = require('fs');
    const addon = require(${JSON.stringify(addonPath)});
    const socket = addon.listen();
    const handle = addon.open(socket.address());
    handle.send('FDSTORE=1', undefined, [0, 1, 2]);
    handle.send('FDSTORE=1', undefined, [0, 1, 2]);
    const open = [];
    try {
      for (;;) open.push(openSync('/dev/null'));
    } catch (error) {
      if (error.code !== 'EMFILE') throw error;
    }
    const buffer = Buffer.alloc(100);
    const none = socket.receive(buffer);
    closeSync(open.pop());
    const some = socket.receive(buffer);
    const full = [none, some].map(([length, pid, , , flags, ...fds]) => [length, pid === process.pid, flags, fds.length]);
    console.log(JSON.stringify(full));
    let failed;
    try {
      addon.listen();
    } catch ({ errno, syscall }) {
      failed = [errno, syscall];
    }
    console.log(JSON.stringify(failed));
  `;
  const { code, stdout, stderr } = await run('/bin/sh', [
    '-c',
    'ulimit -n 100 && exec "$0" "$@"',
    process.execPath,
    '-e',
    source,
  ]);
  assert.deepEqual([code, stderr], [0, '']);
  assert.deepEqual(stdout.trim().split('\n').map(JSON.parse), [
    [
      [9, true, 1, 0],
      [9, true, 1, 1],
    ],
    [-24, 'socket'],
  ]);
});
