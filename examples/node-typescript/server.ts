// A service in TypeScript. Node 22.18 and newer runs it as it is; for older ones there is `tsc -p .`.

import { createServer, type Server } from 'node:http';
import { serve, type ServeOptions, type Service } from 'readyup/serve';

const server: Server = createServer((_request, response) => {
  response.end('hello\n');
});

const options: ServeOptions = {
  port: process.env['PORT'] ?? 8080,
  host: '127.0.0.1',
  close: async () => console.log('closed'),
};

const service: Service = await serve(server, options);
console.log(`serving on http://${service.where}`);
