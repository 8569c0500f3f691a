// A service as it is written with sd-notify.
const http = require('http');
const notify = require('sd-notify');

const server = http.createServer((request, response) => response.end('hello\n'));

server.listen(0, () => {
  notify.log.info('listening on', server.address().port);
  notify.sendStatus('Listening on ' + server.address().port);
  notify.ready();

  const watchdogInterval = notify.watchdogInterval();
  if (watchdogInterval > 0) {
    notify.startWatchdogMode(Math.floor(watchdogInterval / 2));
  }
});

process.on('SIGTERM', () => {
  notify.stopping(process.pid);
  notify.stopWatchdogMode();
  server.close();
});
