// `node --watch`: the service is started anew with each change of its file, says that it stops and that it is ready, and
// leaves nothing behind.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Receiver, checks, directory, until } from './check.mjs';

const ROUNDS = 5;
const receiver = await Receiver.start();
const path = join(directory(), 'service.mjs');

/** Changes the file; the service says which version it is. */
function write(version) {
  writeFileSync(
    path,
    `import { createServer } from 'node:http';
    import { serve } from 'readyup/serve';
    await serve(createServer(), {
      port: 0,
      host: '127.0.0.1',
      watchdog: { interval: 60_000 },
      status: () => 'version ${version}',
    });`,
  );
}

/** Takes messages up to the one that says that it is ready: which one it is, and what was before it. */
async function started() {
  const before = [];
  for (;;) {
    const [message] = await receiver.take(1, 20_000);
    const [, version] = /^READY=1\nSTATUS=version (\d+)$/.exec(message.text) ?? [];
    if (version !== undefined) return { version: Number(version), pid: message.pid, before };
    before.push(message.text);
  }
}

await checks({
  [`${ROUNDS} changes`]: async () => {
    write(0);
    const watcher = spawn(process.execPath, ['--watch', path], {
      env: { ...process.env, NOTIFY_SOCKET: receiver.address },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const open = (pid) => readdirSync(`/proc/${pid}/fd`).length;
    const pids = [];
    try {
      const first = await started();
      pids.push(first.pid);
      const served = open(first.pid);
      let watched;
      for (let version = 1; version <= ROUNDS; version += 1) {
        write(version);
        const next = await started();
        assert.equal(next.version, version);
        assert.ok(!pids.includes(next.pid));
        // The one before was asked to stop, and did it in good order.
        assert.ok(next.before.includes('STOPPING=1\nSTATUS=Stopping'), JSON.stringify(next.before));
        // What is open only for a moment may be seen; what is left over from those before does not go away.
        await until(() => open(next.pid) <= served, `${served} descriptors`);
        pids.push(next.pid);
        // Node itself opens a few with the first change.
        watched ??= open(watcher.pid);
      }
      await until(() => open(watcher.pid) <= watched, `${watched} descriptors`);
    } finally {
      process.kill(watcher.pid, 'SIGTERM');
    }
    await until(() => !pids.some((pid) => existsSync(`/proc/${pid}`)), 'the end of all services');
    await until(() => (watcher.exitCode ?? watcher.signalCode) !== null, 'the end of the watcher');
  },
});
