// Fastify as a service, on the socket of node-fastify.socket; without a manager, on port 8080. It reloads its greeting.

import { readFile } from 'node:fs/promises';
import Fastify from 'fastify';
import { serve } from 'readyup/serve';

let greeting = 'hello';

async function reload() {
  if (process.env.GREETING_FILE) greeting = (await readFile(process.env.GREETING_FILE, 'utf8')).trim();
}

const app = Fastify();
app.get('/', async () => `${greeting}\n`);
app.addHook('onClose', async () => console.log('closed'));

await reload();
// Fastify's own hooks run as ever: `onReady` before it listens, `onClose` once everything is answered.
const service = await serve(app, {
  name: 'http',
  port: process.env.PORT ?? 8080,
  host: '127.0.0.1',
  reload,
});
console.log(`serving on http://${service.where}`);
