// How the service speaks to its manager: as a program of its own, and in this very process.
import { afterEach, expect, test } from 'vitest';
import { inProcess, start } from 'readyup/testing';
import { serve } from './server.js';

const unit = { type: 'notify-reload', watchdog: 500 };
let service;

afterEach(() => service?.close());

test('a life without a mistake', async () => {
  service = start('node', ['main.js'], { ...unit, cwd: import.meta.dirname, env: { ...process.env, PORT: '0' } });
  await service.ready();
  expect(service.statusText).toMatch(/^Serving on http:/);
  await service.expectPings(2);
  await service.reload();
  expect(await service.stop()).toMatchObject({ code: 0, result: 'success', stopping: true });
  // What systemd would have ignored, most of it in silence.
  expect(service.ignored).toEqual([]);
});

test('the watchdog sees that it hangs', async () => {
  service = start('node', ['main.js'], { ...unit, cwd: import.meta.dirname, env: { ...process.env, PORT: '0' } });
  await service.ready();
  await service.expectPings(1);
  const [address] = /http:.*/.exec(service.statusText);
  fetch(`${address}/hang`).catch(() => {});
  await service.expectStall();
  expect(await service.ended()).toMatchObject({ signal: 'SIGABRT', result: 'watchdog' });
});

test('in this process: a reload that fails keeps the old greeting', async () => {
  service = inProcess(unit);
  let readGreeting = async () => 'hello';
  const { address } = await serve({ readGreeting: () => readGreeting() });
  await service.ready();
  readGreeting = async () => {
    throw new Error('no greeting');
  };
  await service.reload();
  expect(service.statusText).toBe('Reload failed: no greeting');
  expect(await (await fetch(address)).text()).toBe('hello\n');
  expect(await service.stop()).toMatchObject({ result: 'success' });
});
