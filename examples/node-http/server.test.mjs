// How the service speaks to its manager. Run it with `node --test`.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { start } from 'readyup/testing';

const directory = new URL('.', import.meta.url).pathname;
const unit = { type: 'notify-reload', watchdog: 500, fdStoreMax: 4 };
let service;

/** Starts it as a program, on a port that is free. */
function startProgram(env = {}) {
  service = start('node', ['server.mjs'], { ...unit, cwd: directory, env: { ...process.env, PORT: '0', ...env } });
}

afterEach(() => service?.close());

test('a life without a mistake', async () => {
  startProgram();
  await service.ready();
  assert.match(service.statusText, /^Serving on 127\.0\.0\.1:\d+$/);
  assert.deepEqual(service.storedFds, ['http']);
  await service.expectPings(2);
  await service.reload();
  const { code, result, stopping } = await service.stop();
  assert.deepEqual({ code, result, stopping }, { code: 0, result: 'success', stopping: true });
  // What systemd would have ignored, most of it in silence.
  assert.deepEqual(service.ignored, []);
});

test('the watchdog sees that it hangs', async () => {
  startProgram();
  await service.ready();
  await service.expectPings(1);
  const [address] = /[\d.]+:\d+/.exec(service.statusText);
  fetch(`http://${address}/hang`).catch(() => {});
  await service.expectStall();
  const { signal, result } = await service.ended();
  assert.deepEqual({ signal, result }, { signal: 'SIGABRT', result: 'watchdog' });
});

test('a reload that fails says so, and is over', async () => {
  const home = mkdtempSync(join(tmpdir(), 'node-http-'));
  const file = join(home, 'greeting');
  writeFileSync(file, 'good day\n');
  startProgram({ GREETING_FILE: file });
  await service.ready();
  rmSync(home, { recursive: true });
  await service.reload();
  assert.equal(service.statusText, 'Reload failed: ENOENT');
});
