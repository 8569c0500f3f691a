// For the tests of `serve`: services in processes of their own, and clients. It tests nothing itself.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { environment, freshPath, guard, packageDirectory, until, within } from './support.mjs';

/** Programs that run as a service do: source text, the signals it gets, what it prints, how it ends. */
export class Program {
  lines = [];
  stderr = '';
  outcome;

  /** Runs `source`, an ES module that prints its address first, or what is in `file`; `fds` are passed as a manager passes them. */
  static async start(source, { env = {}, fds = [], address = true, prelude = PRELUDE, file } = {}) {
    const program = new Program();
    const shell = '[ -z "$LISTEN_FDS" ] || export LISTEN_PID=$$; exec "$0" "$@"';
    if (file === undefined) {
      file = `${freshPath('service')}.mjs`;
      writeFileSync(file, `${prelude}\n${source}`);
    }
    const child = guard(
      spawn('/bin/sh', ['-c', shell, process.execPath, file], {
        cwd: packageDirectory,
        env: environment(env),
        stdio: ['ignore', 'pipe', 'pipe', ...fds],
      }),
    );
    program.child = child;
    createInterface({ input: child.stdout }).on('line', (line) => program.lines.push(line));
    child.stderr.setEncoding('utf8').on('data', (text) => (program.stderr += text));
    program.ended = new Promise((resolve) => {
      child.once('close', (code, signal) => resolve((program.outcome = { code, signal })));
    });
    if (address) program.port = Number((await program.line(/^port (\d+)$/))[1]);
    return program;
  }

  get pid() {
    return this.child.pid;
  }

  /** Not through the child's `kill`, after which Deno says that the signal ended it, whatever did. */
  kill(signal) {
    if (this.outcome === undefined) process.kill(this.pid, signal);
  }

  /** Waits for a line that matches. */
  async line(pattern) {
    let found;
    const ready = () => (found = this.lines.map((line) => pattern.exec(line)).find(Boolean)) || this.outcome;
    await until(ready, `a line ${pattern}`, 20_000).catch((error) => {
      throw new Error(`${error.message}\n${this.lines.join('\n')}\n${this.stderr}`);
    });
    if (!found) throw new Error(`ended before there was a line ${pattern}:\n${this.lines.join('\n')}\n${this.stderr}`);
    return found;
  }

  /** Waits for its end: `{ code, signal }`. */
  async end() {
    return within(this.ended, 'the end of the service', 20_000);
  }
}

/** Where a program that is no part of the package finds it. */
export const library = JSON.stringify(pathToFileURL(`${packageDirectory}dist/serve.mjs`));

const PRELUDE = `
  import { createServer } from 'node:http';
  import { serve } from ${library};
  const told = (service) => {
    console.log('port ' + service.address.port);
    return service;
  };
`;

/** One request, on a connection of its own or on that of an agent: `{ status, body, connection }`. */
export function get(port, path = '/', options = {}) {
  const answer = new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, agent: false, ...options }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text) => (body += text));
      response.once('end', () => {
        resolve({ status: response.statusCode, body, connection: response.headers.connection });
      });
      response.once('error', reject);
    });
    asked.once('error', reject);
    asked.end();
  });
  return within(answer, `an answer to ${path}`);
}

/** A client that sees what goes over the wire: `text` is what has come, `gone` resolves at the end. */
export async function client(port, greeting = '') {
  const socket = connect(port, '127.0.0.1');
  socket.text = '';
  socket.setEncoding('utf8').on('data', (text) => (socket.text += text));
  socket.on('error', (error) => (socket.failure = error));
  socket.gone = new Promise((resolve) => socket.once('close', () => resolve(performance.now())));
  await within(new Promise((resolve) => socket.once('connect', resolve)), 'a connection');
  if (greeting !== '') socket.write(greeting);
  return socket;
}

/** A request as `client` sends it, on a connection that is to be kept. */
export const GET = (path = '/') => `GET ${path} HTTP/1.1\r\nHost: test\r\n\r\n`;
