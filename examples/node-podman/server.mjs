// A service in a container, of which systemd knows when it is ready: see Containerfile and node-podman.service.

import { createServer } from 'node:http';
import { serve } from 'readyup/serve';

const server = createServer((request, response) => response.end('hello from a container\n'));
await serve(server, {
  port: process.env.PORT ?? 8080,
  reload: () => console.log('reading the configuration anew'),
});
