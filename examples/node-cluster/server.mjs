// A cluster as a service, without a process manager besides systemd: `systemctl reload` replaces the workers one by one.

import cluster from 'node:cluster';
import { createServer } from 'node:http';
import { availableParallelism } from 'node:os';
import { serve, serveCluster } from 'readyup/serve';

if (cluster.isPrimary) {
  const workers = Number(process.env.WORKERS ?? availableParallelism());
  const service = await serveCluster({ workers });
  console.log(`serving on http://${service.where}`);
} else {
  const server = createServer((request, response) => response.end(`hello from ${process.pid}\n`));
  await serve(server, { port: process.env.PORT ?? 8080, host: '127.0.0.1' });
}
