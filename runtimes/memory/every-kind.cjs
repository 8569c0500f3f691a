// Calls everything that the addon has, in every way that it can end; then ends as a process does that has nothing left to
// do. A manager that hangs is stopped by its pid.
const assert = require('node:assert');
const { readFileSync, openSync, closeSync, unlinkSync } = require('node:fs');
const { Worker } = require('node:worker_threads');
const readyup = require('../../packages/readyup');

const { JOURNAL, MANAGER, NOTIFY_SOCKET } = process.env;
const failed = (promise) =>
  promise.then(
    () => assert.fail('sent'),
    (error) => error.code,
  );

async function sends() {
  const { ready, status, reloading, stopping, extendTimeout, mainPid, notify, send, storeFds, removeFds } = readyup;
  assert.equal(await ready('ready'), true);
  await Promise.all([
    status('ä'.repeat(1000)),
    reloading(),
    stopping('bye'),
    extendTimeout(5000),
    mainPid(process.pid),
  ]);
  await notify({ ready: true, status: 'x', watchdog: 'trigger', X_OWN: '1' });
  for (const length of [0, 1, 100, 4000]) await send(`X_A=${'x'.repeat(length)}`);
  await failed(send('x'.repeat(5000)));
  await failed(send('A=\0'));
  await failed(readyup.sd_notify(5));
  const fd = openSync(__filename);
  await storeFds('name', [fd, fd]);
  await removeFds('name');
  await readyup.sd_pid_notify_with_fds(0, 'FDSTORE=1', [fd]);
  closeSync(fd);
  await failed(readyup.sd_pid_notify_with_fds(0, 'FDSTORE=1', [fd]));
  assert.equal(await readyup.barrier(5000), true);
  assert.equal(await readyup.sd_notify_barrier(5000), true);
}

async function environment() {
  for (const address of ['relative', '/none/such', `/${'x'.repeat(200)}`, 'vsock:x', '@']) {
    process.env.NOTIFY_SOCKET = address;
    await readyup.status('x').catch(() => {});
  }
  delete process.env.NOTIFY_SOCKET;
  assert.equal(await readyup.status('x'), false);
  process.env.NOTIFY_SOCKET = NOTIFY_SOCKET;
  Object.assign(process.env, { LISTEN_FDS: '2', LISTEN_FDNAMES: 'a:b', LISTEN_PID: String(process.pid) });
  try {
    readyup.sd_listen_fds();
  } catch {
    // What 3 and 4 are is the runtime's business.
  }
  for (const name of ['LISTEN_FDS', 'LISTEN_FDNAMES', 'LISTEN_PID']) delete process.env[name];
  readyup.listenFds();
  process.env.WATCHDOG_USEC = '20000';
  assert.equal(readyup.sd_watchdog_enabled(), 20);
  readyup.watchdog.start({ check: () => true });
  await new Promise((resolve) => setTimeout(resolve, 200));
  readyup.watchdog.stop();
  readyup.sd_booted();
}

async function journal() {
  const journal = new readyup.Journal({ socket: JOURNAL });
  for (const text of ['x', 'two\nlines', 'x'.repeat(1 << 20)]) assert.equal(await journal.print('info', text), true);
  await journal.send({ A: [1, 'b', new Uint8Array([0, 255])], B: true });
  await failed(journal.send({ A: Array(1024).fill('x') }));
  await failed(journal.send({ _A: 'x' }));
  journal.close();
  assert.equal(await new readyup.Journal({ socket: '/none/such' }).print('info', 'x'), false);
}

function receiving() {
  const addon = require(`../../packages/readyup/native/linux-${process.arch}.node`);
  assert.throws(() => addon.listen('relative'));
  assert.throws(() => addon.listen('/none/such'));
  for (const address of [undefined, `@${process.pid}-${'x'.repeat(90)}`, `/tmp/readyup-memory-${process.pid}`]) {
    const socket = addon.listen(address);
    const handle = addon.open(socket.address());
    const fd = openSync(__filename);
    const buffer = Buffer.alloc(4096);
    assert.equal(socket.receive(buffer), undefined);
    handle.send('READY=1');
    handle.send('FDSTORE=1', 0, Array(253).fill(fd));
    handle.send(`STATUS=${'x'.repeat(4000)}`);
    handle.barrier();
    for (const room of [buffer, buffer, buffer.subarray(0, 10), undefined]) {
      const [length, pid, , usec, flags, ...fds] = socket.receive(room);
      assert.ok(length > 0 && pid === process.pid && usec <= socket.now() && flags === 0);
      fds.forEach((fd) => addon.closeFd(fd));
    }
    handle.send('FDSTORE=1', 0, [fd]);
    closeSync(fd);
    handle.close();
    if (address === undefined) continue;
    socket.close();
    assert.equal(socket.receive(buffer), undefined);
    if (address.startsWith('/')) unlinkSync(address);
  }
}

async function handles() {
  for (let round = 0; round < 20; round += 1) {
    const notifier = new readyup.Notifier();
    await notifier.status('x');
    if (round % 2 === 0) notifier.close();
    if (round % 5 === 0) global.gc();
  }
  global.gc();
  await new Promise((resolve) => setImmediate(resolve));
  global.gc();
}

async function stuck() {
  process.kill(MANAGER, 'SIGSTOP');
  const stopped = () => readFileSync(`/proc/${MANAGER}/stat`, 'utf8').split(') ')[1].startsWith('T');
  while (!stopped()) await new Promise((resolve) => setTimeout(resolve, 5));
  const notifier = new readyup.Notifier({ timeout: 100 });
  const outcomes = await Promise.allSettled(Array.from({ length: 800 }, () => notifier.status('waits')));
  assert.ok(outcomes.some(({ reason }) => reason?.code === 'EAGAIN'));
  const barrier = readyup.barrier(200).catch((error) => error.code);
  const patient = new readyup.Notifier({ timeout: 600_000 });
  const waits = patient.status('goes on waiting');
  assert.ok(['EAGAIN', 'ETIMEDOUT'].includes(await barrier));
  process.kill(MANAGER, 'SIGCONT');
  assert.equal(await waits, true);
  notifier.close();
  patient.close();
}

async function hangs() {
  const places = [];
  const onHang = ({ place }) => places.push(place);
  readyup.watchdog.start({ interval: 2000, hangAfter: 500, onHang });
  function busy() {
    const end = Date.now() + 3000;
    while (Date.now() < end) JSON.parse('{"a":[1,2,3]}');
  }
  const wait = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500);
  const exec = () => require('node:child_process').execSync('sleep 1.5');
  for (const hang of [busy, wait, exec]) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    hang();
  }
  while (places.length === 0) await new Promise((resolve) => setTimeout(resolve, 100));
  readyup.watchdog.stop();
  assert.match(places[0], /busy|wait|exec/);
}

async function workers() {
  const once = `const r = require(process.env.LIBRARY); new r.Notifier().ready(); r.barrier(5000);`;
  const endless = `const r = require(process.env.LIBRARY); const { parentPort } = require('worker_threads');
    r.status('first').then(() => parentPort.postMessage(0));
    (async () => { for (;;) { r.barrier(60_000); await Promise.all([r.status('x'), r.status('y')]); } })();`;
  const env = { ...process.env, LIBRARY: require.resolve('../../packages/readyup') };
  const start = (source) => new Worker(source, { eval: true, env });
  const ended = (worker) => new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject));
  assert.equal(await ended(start(once)), 0);
  const worker = start(endless);
  await new Promise((resolve) => worker.once('message', resolve));
  await worker.terminate();
}

(async () => {
  for (const part of [sends, environment, journal, receiving, handles, stuck, hangs, workers]) await part();
})();
