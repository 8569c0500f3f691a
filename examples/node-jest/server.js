// A server that tells its manager how it is: for a program (main.js), and for a test that runs it in its own process.
const { createServer } = require('node:http');
const { ready, stopping, watchdog } = require('readyup');

exports.serve = async function serve(port = 0) {
  const server = createServer((request, response) => {
    // For seeing the watchdog at work: nothing else happens any more.
    if (request.url === '/hang') for (;;);
    response.end('hello\n');
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${server.address().port}`;
  process.once('SIGTERM', async () => {
    await stopping();
    watchdog.stop();
    server.close();
  });
  await ready(`Serving on ${address}`);
  watchdog.start({ check: () => server.listening });
  return address;
};
