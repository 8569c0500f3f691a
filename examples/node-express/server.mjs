// Express as a service. Try it by hand, or under `readyup trace -- node examples/node-express/server.mjs`.

import express from 'express';
import { serve } from 'readyup/serve';

const app = express();
app.get('/', (request, response) => response.send('hello\n'));
// For seeing how a slow answer is waited for: ask for it, and stop the service.
app.get('/slow', (request, response) => setTimeout(() => response.send('at last\n'), 2000));

const service = await serve(app, {
  port: process.env.PORT ?? 8080,
  host: '127.0.0.1',
  // Over a restart the manager keeps the socket, so that no client is turned away.
  store: true,
  // No heartbeat when anything had to wait this long for its turn; if that goes on, systemd restarts the service.
  watchdog: { maxLoopDelay: 1000 },
});
console.log(`serving on http://${service.where}`);
