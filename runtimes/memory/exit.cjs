// Ends the process while a worker and the main thread send, wait for room and wait for barriers.
const { Worker } = require('node:worker_threads');
const { Journal, Notifier, barrier, watchdog } = require('../../packages/readyup');

/** Nothing is to be given up, however slow this is. */
const LONG = 600_000;
const source = `const r = require(${JSON.stringify(require.resolve('../../packages/readyup'))});
  const { parentPort } = require('worker_threads');
  const notifier = new r.Notifier({ timeout: ${LONG} });
  notifier.status('first').then(() => parentPort.postMessage(0));
  (async () => { for (;;) { notifier.barrier(${LONG}); await notifier.status('x'); } })();`;
const notifier = new Notifier({ timeout: LONG });
const journal = new Journal({ socket: process.env.JOURNAL });
watchdog.start({ interval: 1 });
new Worker(source, { eval: true }).once('message', async () => {
  for (let count = 0; count < 100; count += 1) await Promise.all([notifier.ready(), journal.print('info', 'x')]);
  process.kill(process.env.MANAGER, 'SIGSTOP');
  for (let count = 0; count < 1000; count += 1) notifier.ready();
  barrier(LONG);
  setTimeout(() => process.exit(7), 100);
});
