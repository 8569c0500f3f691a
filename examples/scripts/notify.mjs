// A service in Node that tells systemd how it is by a command. The npm package `readyup` does it without a process for each
// message, and can do more: see ../node-http.

import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';

const readyup = (...words) => execFileSync('readyup', words, { stdio: 'inherit' });

const server = createServer((request, response) => response.end('hello\n'));

process.on('SIGHUP', () => {
  readyup('reloading');
  // … read the configuration …
  readyup('ready', '--status=Reloaded');
});
process.on('SIGTERM', () => {
  readyup('stopping');
  server.close();
});
server.listen(8080, '127.0.0.1', () => readyup('ready', '--status=Serving on :8080'));
