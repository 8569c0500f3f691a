// Answers with its pid, now and then slowly. Where it listens is the unit's business.
import { createServer } from 'node:http';
import { serve } from 'readyup/serve';

let count = 0;
const server = createServer((request, response) => {
  count += 1;
  const answer = () => response.end(String(process.pid));
  if (count % 10 === 0) setTimeout(answer, 20);
  else answer();
});
await serve(server, { port: 0, host: '127.0.0.1', name: process.env.NAME, store: process.env.STORE === '1' });
