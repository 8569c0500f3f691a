// Asks 127.0.0.1 on the given port again and again, at least 10,000 times and until the given file is there. No request
// is tried twice. Half of the clients keep their connections, half make one for each request.
import { existsSync } from 'node:fs';
import { Agent, request } from 'node:http';

const [port, end] = process.argv.slice(2);
const kept = new Agent({ keepAlive: true });
const pids = new Set();
const failures = [];
let requests = 0;
let reused = 0;
let longest = 0;

const ask = (agent) =>
  new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, agent }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text) => (body += text));
      response.once('error', reject);
      response.once('end', () => {
        if (response.statusCode !== 200 || !/^\d+$/.test(body)) reject(new Error(`${response.statusCode} ${body}`));
        if (asked.reusedSocket) reused += 1;
        pids.add(body);
        resolve();
      });
    });
    asked.once('error', reject);
    asked.end();
  });

async function client(agent) {
  while (requests < 10_000 || !existsSync(end)) {
    requests += 1;
    if (requests === 100) console.log('under way');
    const start = performance.now();
    await ask(agent).catch((error) => failures.push(`${error.code} ${error.message}`));
    longest = Math.max(longest, performance.now() - start);
  }
}

await Promise.all(Array.from({ length: 16 }, (_, index) => client(index % 2 === 0 ? kept : false)));
kept.destroy();
console.log(`requests ${requests}, failed ${failures.length}, processes ${pids.size}`);
console.log(`reused ${reused}, the longest took ${longest.toFixed(0)} ms`);
for (const failure of failures.slice(0, 10)) console.log(failure);
