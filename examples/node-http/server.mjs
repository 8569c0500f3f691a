// A service that tells its manager everything there is to tell. Try it without one:
//
//   readyup trace -- node examples/node-http/server.mjs
//
// and see node-http.service for the unit.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { barrier, listenFds, ready, reloading, stopping, storeFds, watchdog } from 'readyup';

const configurationFile = process.env.GREETING_FILE;
let greeting = 'hello';

async function readConfiguration() {
  if (configurationFile !== undefined) greeting = (await readFile(configurationFile, 'utf8')).trim();
}

const server = createServer((request, response) => {
  // For seeing the watchdog at work: this never answers, and nothing else does any more either.
  if (request.url === '/hang') for (;;);
  response.end(`${greeting}\n`);
});

await readConfiguration();

// A socket from a socket unit, or the one that an earlier run of this service left in the manager's fd store.
const passed = listenFds().find(({ name }) => name === 'http');
server.listen(passed ? { fd: passed.fd } : { port: Number(process.env.PORT ?? 8080), host: '127.0.0.1' }, async () => {
  const { address, port } = server.address();
  // Over a restart the manager keeps it open, so that no client is turned away. (Node has no public name for a
  // server's descriptor.)
  if (!passed) await storeFds('http', [server._handle.fd]);
  await ready(`Serving on ${address}:${port}${passed ? ', a passed socket' : ''}`);
  // A heartbeat at half of WatchdogSec=, if the unit has it. It comes from the event loop: if that hangs, it stops.
  watchdog.start({ check: () => server.listening });
  console.log(`serving on http://${address}:${port}`);
});

process.on('SIGHUP', async () => {
  await reloading('Reading the greeting');
  try {
    await readConfiguration();
    await ready(`The greeting is ${greeting}`);
  } catch (error) {
    // Also after a failed reload: it is over, and the old configuration serves on.
    await ready(`Reload failed: ${error.code}`);
  }
});

process.on('SIGTERM', async () => {
  await stopping('Finishing what is open');
  server.closeIdleConnections();
  server.close(async () => {
    await barrier(1000).catch(() => {});
    process.exit(0);
  });
});
