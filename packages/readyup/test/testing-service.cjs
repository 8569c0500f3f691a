// A service for the tests of the testing module: what it does wrong its argument says.
const { createServer } = require('node:http');
const { spawn, spawnSync } = require('node:child_process');
const { openSync } = require('node:fs');
const readyup = require('..');

const [way] = process.argv.slice(2);
// As a file of this directory it is run as a test, too.
if (way === undefined) process.exit(0);
const child = (code) =>
  spawnSync(process.execPath, ['-e', `const readyup = require(${JSON.stringify(require.resolve('..'))}); ${code}`], {
    stdio: 'inherit',
  });

if (way === 'fails') {
  console.error('no configuration');
  process.exit(3);
} else if (way === 'gives-up') {
  process.exit(0);
} else if (way === 'silent') {
  setInterval(() => {}, 1000);
} else if (way === 'child') {
  child("readyup.ready('From a child')");
  setInterval(() => {}, 1000);
} else if (way === 'hands-over') {
  const { pid } = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
  readyup.notify({ mainPid: pid, ready: true }).then(() => process.exit(0));
} else if (way === 'passed') {
  const [{ fd, name }] = readyup.listenFds();
  createServer((request, response) => response.end('hello\n')).listen({ fd }, () => readyup.ready(name));
  readyup.watchdog.start();
} else if (way === 'slow') {
  // Longer than the unit allows, and it says so.
  readyup.extendTimeout(5000).then(() => setTimeout(() => readyup.ready(), 600));
  setInterval(() => {}, 1000);
} else {
  const server = createServer((request, response) => {
    // It hangs: the rest of its life it does nothing else.
    if (request.url === '/hang') for (;;);
    response.end('hello\n');
  });
  server.listen(0, '127.0.0.1', async () => {
    if (way === 'stores') await readyup.storeFds('http', [openSync('/dev/null')]);
    if (way === 'odd') await readyup.send('READY=1\nUNHEARD-OF\nERRNO=much\nMAINPID=999999999');
    await readyup.ready(`Serving on :${server.address().port}`);
    if (way === 'mute') return;
    if (way === 'timer') new Worker();
    readyup.watchdog.start();
  });
  process.on('SIGHUP', async () => {
    if (way === 'never-reloads') return;
    // Without the time, which belongs into the same message.
    if (way === 'timeless') await readyup.send('RELOADING=1');
    else await readyup.reloading('Reading');
    await readyup.ready('Read');
  });
  process.on('SIGTERM', async () => {
    if (way === 'stays') return;
    if (way !== 'unsaid') await readyup.stopping('Bye');
    process.exit(way === 'ends-badly' ? 7 : 0);
  });
}

// Pings that tell nothing of the event loop.
function Worker() {
  const { Worker } = require('node:worker_threads');
  const code = `const { send } = require(${JSON.stringify(require.resolve('..'))}); setInterval(() => send('WATCHDOG=1'), 50)`;
  return new Worker(code, { eval: true });
}
