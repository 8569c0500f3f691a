// A service's signals: reload on SIGHUP, stop on SIGTERM, with the messages in their order, and no timer that keeps the
// process alive.
import assert from 'node:assert/strict';
import { ready, reloading, stopping, watchdog } from 'readyup';
import { Receiver, checks, within } from './check.mjs';

const receiver = await Receiver.start();
process.env.NOTIFY_SOCKET = receiver.address;
// The tests' own, which end the process.
process.removeAllListeners('SIGTERM');

/** Sends this process a signal, and waits for what its handler does. */
function handled(signal, handler) {
  const done = new Promise((resolve, reject) => process.once(signal, () => handler().then(resolve, reject)));
  process.kill(process.pid, signal);
  return within(done, signal);
}

await checks({
  'reload and stop': async () => {
    await ready();
    await handled('SIGHUP', async () => {
      await reloading();
      await ready('Reloaded');
    });
    await handled('SIGTERM', () => stopping('Good bye'));
    const texts = (await receiver.take(4)).map(({ text }) => text.replace(/\d{3,}/, 'N'));
    assert.deepEqual(texts, [
      'READY=1',
      'RELOADING=1\nMONOTONIC_USEC=N',
      'READY=1\nSTATUS=Reloaded',
      'STOPPING=1\nSTATUS=Good bye',
    ]);
  },
  'heartbeats until it is stopped': async () => {
    assert.equal(watchdog.start({ interval: 20 }), true);
    await receiver.take(5);
    watchdog.stop();
    await receiver.rest();
    await new Promise((resolve) => setTimeout(resolve, 100));
    await receiver.nothing();
  },
});
