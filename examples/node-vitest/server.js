// A server that tells its manager how it is: for a program (main.js), and for a test that runs it in its own process.
import { createServer } from 'node:http';
import { ready, reloading, stopping, watchdog } from 'readyup';

export async function serve({ port = 0, readGreeting = async () => 'hello' } = {}) {
  let greeting = await readGreeting();
  const server = createServer((request, response) => {
    // For seeing the watchdog at work: nothing else happens any more.
    if (request.url === '/hang') for (;;);
    response.end(`${greeting}\n`);
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${server.address().port}`;
  const reload = async () => {
    await reloading();
    try {
      greeting = await readGreeting();
      await ready(`The greeting is ${greeting}`);
    } catch (error) {
      // Also after a reload that failed: it is over, and the old greeting stays.
      await ready(`Reload failed: ${error.message}`);
    }
  };
  const stop = async () => {
    await stopping();
    process.off('SIGHUP', reload).off('SIGTERM', stop);
    watchdog.stop();
    server.close();
  };
  // Before READY=1: from systemd 262 on, a service that does not handle the reload signal by then has failed.
  process.on('SIGHUP', reload).on('SIGTERM', stop);
  await ready(`Serving on ${address}`);
  watchdog.start({ check: () => server.listening });
  return { address, stop };
}
