// A service as it is written with systemd-daemon.
const http = require('http');
const sd = require('systemd-daemon');

const server = http.createServer((request, response) => response.end('hello\n'));

sd.watchdog.start();
server.listen(sd.socket() || 0, () => {
  sd.notify('READY=1\nSTATUS=Listening on ' + server.address().port);
});

process.on('SIGTERM', () => {
  sd.notify('STOPPING=1');
  sd.watchdog.stop();
  server.close();
});
