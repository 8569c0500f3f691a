// How the service speaks to its manager: as a program of its own, and in this very process.
const { inProcess, start } = require('readyup/testing');
const { serve } = require('./server.js');

let service;

afterEach(() => service?.close());

function startProgram() {
  service = start('node', ['main.js'], { cwd: __dirname, env: { ...process.env, PORT: '0' }, watchdog: 500 });
}

test('a life without a mistake', async () => {
  startProgram();
  await service.ready();
  expect(service.statusText).toMatch(/^Serving on http:/);
  await service.expectPings(2);
  expect(await service.stop()).toMatchObject({ code: 0, result: 'success', stopping: true });
  // What systemd would have ignored, most of it in silence.
  expect(service.ignored).toEqual([]);
});

test('the watchdog sees that it hangs', async () => {
  startProgram();
  await service.ready();
  await service.expectPings(1);
  const [address] = /http:.*/.exec(service.statusText);
  fetch(`${address}/hang`).catch(() => {});
  await service.expectStall();
  expect(await service.ended()).toMatchObject({ signal: 'SIGABRT', result: 'watchdog' });
});

test('in this process', async () => {
  service = inProcess({ watchdog: 500 });
  const address = await serve();
  await service.ready();
  expect(await (await fetch(address)).text()).toBe('hello\n');
  await service.expectPings(1);
  expect(await service.stop()).toMatchObject({ result: 'success', stopping: true });
});
