// A service as it is written with @dog-ai/sdnotify-wrapper.
const http = require('http');
const SdNotify = require('@dog-ai/sdnotify-wrapper');

const server = http.createServer((request, response) => response.end('hello\n'));

let timer;
server.listen(0, () => {
  SdNotify.notify(false, 'READY=1\nSTATUS=Listening on ' + server.address().port)
    .then(() => {
      const usec = Number(process.env.WATCHDOG_USEC);
      if (usec > 0) timer = setInterval(() => SdNotify.notify(false, 'WATCHDOG=1'), usec / 2000);
    })
    .catch((error) => {
      console.error(error);
      process.exit(1);
    });
});

process.on('SIGTERM', () => {
  clearInterval(timer);
  SdNotify.notify(true, 'STOPPING=1').then(() => server.close());
});
