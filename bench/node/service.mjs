// A service that notes when it listens, in nanoseconds of the clock that systemd goes by, and then says so in the way that
// it is told. Started by src/groups/restart.rs.

import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [, , way, file] = process.argv;
const ready = way === 'readyup' ? (await import('readyup')).ready : undefined;

const server = createServer((request, response) => response.end('hello\n'));
server.listen(0, '127.0.0.1', () => {
  const time = process.hrtime.bigint();
  if (way === 'readyup') ready();
  if (way === 'systemd-notify') spawn('systemd-notify', ['--ready'], { stdio: 'ignore' });
  writeFileSync(file, `${time}\n`);
});
process.on('SIGTERM', () => process.exit(0));
