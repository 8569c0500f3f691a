// A service as it is written with sd_notify_promise, with its calls changed as docs/migration.md says.
const http = require('http');
const { sd_notify } = require('readyup');

const server = http.createServer((request, response) => response.end('hello\n'));

let timer;
server.listen(0, async () => {
  if (!(await sd_notify('READY=1\nSTATUS=Listening on ' + server.address().port))) return;
  const usec = Number(process.env.WATCHDOG_USEC);
  if (usec > 0) timer = setInterval(() => sd_notify('WATCHDOG=1'), usec / 2000);
});

process.on('SIGTERM', async () => {
  clearInterval(timer);
  await sd_notify('STOPPING=1', { unsetEnvironment: true });
  server.close();
});
