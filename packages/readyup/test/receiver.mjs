// A service manager for the tests: a process of its own, since Node cannot open such a socket. It tests nothing itself.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Notifier } from 'readyup';
import { clearEnvironment, freshPath, guard, until, within } from './support.mjs';

let marks = 0;

function listenCommand() {
  const command =
    process.env['READYUP_LISTEN'] ?? fileURLToPath(new URL('../../../target/debug/examples/listen', import.meta.url));
  if (!existsSync(command)) {
    throw new Error(
      `there is no receiver at ${command}: build it with "cargo build -p readyup --example listen", or set READYUP_LISTEN`,
    );
  }
  return command;
}

/** Turns what the receiver printed back into text. */
function unescape(text) {
  const bytes = [];
  const short = { t: 9, r: 13, n: 10 };
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] !== '\\') {
      bytes.push(text.charCodeAt(at));
      continue;
    }
    at += 1;
    if (text[at] === 'x') {
      bytes.push(parseInt(text.slice(at + 1, at + 3), 16));
      at += 2;
    } else {
      bytes.push(short[text[at]] ?? text.charCodeAt(at));
    }
  }
  return Buffer.from(bytes).toString();
}

/** One such manager. */
export class Receiver {
  /** What came in and was not taken yet: `{ kind, pid, fds, text, at }`. */
  incoming = [];
  #child;
  #mark;
  #filler;
  #changed = () => {};
  #ended = false;
  #exit;

  /** Starts one, at a path of its own if none is given. With `hold` it reads barriers, but answers none. */
  static async start(address = freshPath(), { hold = false } = {}) {
    const receiver = new Receiver();
    await receiver.#start(address, hold ? ['hold'] : []);
    return receiver;
  }

  async #start(address, options) {
    const child = guard(spawn(listenCommand(), [address, ...options], { stdio: ['pipe', 'pipe', 'inherit'] }));
    this.#child = child;
    // None of it keeps the test file's process alive; at its end the receiver goes, stopped or not.
    for (const handle of [child, child.stdin, child.stdout]) handle.unref?.();
    this.#exit = new Promise((resolve) => child.once('close', resolve));
    this.#exit.then(() => {
      this.#ended = true;
      this.#changed();
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (this.address === undefined) {
        this.address = line;
      } else {
        const [kind, ...fields] = line.split('\t');
        const [pid, fds, text] = kind === 'message' ? fields : [fields[0], 0, fields[0]];
        this.incoming.push({ kind, pid: Number(pid), fds: Number(fds), text: unescape(text), at: performance.now() });
      }
      this.#changed();
    });
    await this.#wait(() => this.address !== undefined, 'the receiver');
    this.#mark = new Notifier({ socket: this.address });
  }

  get pid() {
    return this.#child.pid;
  }

  async #wait(condition, what, limit) {
    const arrived = new Promise((resolve, reject) => {
      this.#changed = () => {
        if (condition()) resolve();
        else if (this.#ended) reject(new Error(`the receiver has ended before there was ${what}`));
      };
      this.#changed();
    });
    await within(arrived, what, limit);
  }

  /** The next `count` events, which are all heartbeats. */
  async heartbeats(count) {
    const events = await this.take(count);
    assert.deepEqual(
      events.map(({ text }) => text),
      Array(count).fill('WATCHDOG=1'),
    );
    return events;
  }

  /** The next `count` of what came in. */
  async take(count, limit) {
    try {
      await this.#wait(() => this.incoming.length >= count, `message ${count}`, limit);
    } catch (error) {
      const last = this.incoming.slice(-3).map(({ text }) => JSON.stringify(text.slice(0, 100)));
      error.message += `; there are ${this.incoming.length}, and the last ones are ${last}`;
      throw error;
    }
    return this.incoming.splice(0, count);
  }

  /** The text of the next message, of which there must be no other one yet. */
  async text() {
    const [message] = await this.take(1);
    assert.equal(message.kind, 'message', message.text);
    assert.deepEqual(this.incoming, []);
    return message.text;
  }

  /** The texts of everything that came in, and was sent before this was called. */
  async rest() {
    const text = `X_REST=${(marks += 1)}`;
    assert.equal(await this.#mark.send(text), true);
    const position = () => this.incoming.findIndex((event) => event.text === text);
    await this.#wait(() => position() !== -1, 'the rest');
    const events = this.incoming.splice(0, position() + 1);
    return events.slice(0, -1).map((event) => event.text);
  }

  /** Fails unless nothing came in, of what was sent before this was called. */
  async nothing() {
    assert.deepEqual(await this.rest(), []);
  }

  /** The beginning of a test: nothing came in, and this receiver is what the environment names. */
  async reset() {
    clearEnvironment();
    // A test that failed may have left it stopped, and messages that it did not take.
    this.resume();
    await this.rest();
    process.env.NOTIFY_SOCKET = this.address;
  }

  /** Stops it, as a manager that hangs. Once this resolves it reads nothing more. */
  async stop() {
    this.#signal('SIGSTOP');
    // The state is the first thing after the name, which is in parentheses.
    const stopped = () => readFileSync(`/proc/${this.pid}/stat`, 'utf8').split(') ')[1].startsWith('T');
    await until(stopped, 'the receiver being stopped');
  }

  resume() {
    this.#signal('SIGCONT');
  }

  /** Not through the child's `kill`, with which Deno closes the child's pipes, whatever the signal. */
  #signal(signal) {
    if (!this.#ended) process.kill(this.pid, signal);
  }

  /** Stops it with a full queue; answers with how many messages that took. */
  async fill() {
    await this.stop();
    this.#filler ??= new Notifier({ socket: this.address, timeout: 0 });
    for (let count = 0; ; count += 1) {
      try {
        await this.#filler.send('X_FILL=1');
      } catch (error) {
        assert.equal(error.code, 'EAGAIN');
        return count;
      }
    }
  }

  /** Ends it at once, so that its socket's file stays, or at the end of its input, so that it does not. */
  async end({ kill = false } = {}) {
    if (kill) this.#signal('SIGKILL');
    else this.#child.stdin.end();
    await within(this.#exit, 'the end of the receiver');
  }
}
