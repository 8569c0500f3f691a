// A listening socket that is passed as a manager passes it, to a service in the runtime that the parameters start. It runs
// in Node, as others have no descriptors to pass.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Receiver, checks, directory, within } from './check.mjs';

const command = process.argv.slice(2);
const bun = /bun$/.test(command[0]);
const receiver = await Receiver.start();
const made = directory();
const socket = createServer().listen(0, '127.0.0.1');
await within(new Promise((resolve) => socket.once('listening', resolve)), 'listening');
const { port } = socket.address();

/** Starts a service on the socket, which ends once it has said what is to be said; answers with what it said. */
async function serve(name, module, count) {
  const path = join(made, `${name}.mjs`);
  writeFileSync(
    path,
    `import { createServer } from '${module}';
    import { serve } from 'readyup/serve';
    const service = await serve(createServer(), { port: 0 });
    await service.stop();
    process.exit();`,
  );
  const shell = 'LISTEN_PID=$$ exec "$0" "$@"';
  const env = { ...process.env, LISTEN_FDS: '1', NOTIFY_SOCKET: receiver.address };
  const child = spawn('/bin/sh', ['-c', shell, ...command, path], {
    env,
    stdio: ['ignore', 'ignore', 'ignore', socket._handle.fd],
  });
  try {
    await within(new Promise((resolve) => child.once('close', resolve)), 'its end');
    return (await receiver.take(count))[0].text;
  } finally {
    if (child.exitCode === null) process.kill(child.pid, 'SIGKILL');
  }
}

await checks({
  'an HTTP server': async () => {
    const text = await serve('http', 'node:http', bun ? 2 : 4);
    // Bun would open a port of its own instead.
    if (bun) assert.equal(text, "STATUS=a server of Bun's node:http cannot listen on a passed socket\nERRNO=95");
    else assert.equal(text, `READY=1\nSTATUS=Serving on 127.0.0.1:${port}, a passed socket`);
  },
  'a server of plain connections': async () => {
    const text = await serve('net', 'node:net', 4);
    assert.equal(text, `READY=1\nSTATUS=Serving on 127.0.0.1:${port}, a passed socket`);
  },
});
