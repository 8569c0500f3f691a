// A journal for the tests: a process of its own, as the manager is. It tests nothing itself.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { freshPath, guard, until } from './support.mjs';

const command =
  process.env['READYUP_ENTRIES'] ?? fileURLToPath(new URL('../../../target/debug/examples/entries', import.meta.url));

/** One such journal. */
export class FakeJournal {
  address = freshPath('journal');
  /** What came in and was not taken yet. */
  #lines = [];
  #child;

  static async start() {
    const journal = new FakeJournal();
    await journal.#start();
    return journal;
  }

  async #start() {
    this.#child = guard(spawn(command, [this.address], { stdio: ['pipe', 'pipe', 'inherit'] }));
    for (const handle of [this.#child, this.#child.stdin, this.#child.stdout]) handle.unref?.();
    const lines = createInterface({ input: this.#child.stdout });
    lines.on('line', (line) => this.#lines.push(line));
    await until(() => this.#lines.length > 0, `the journal: is ${command} built?`);
    this.#lines.shift();
  }

  /** The next entry: `{ kind, text }`, the text with what is not printable escaped. */
  async take() {
    await until(() => this.#lines.length > 0, 'an entry');
    const [kind, text] = this.#lines.shift().split('\t');
    return { kind, text };
  }

  /** Stops it, as a journal that hangs. Once this resolves it reads nothing more. */
  async stop() {
    process.kill(this.#child.pid, 'SIGSTOP');
    const stat = () => readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8').split(') ')[1];
    await until(() => stat().startsWith('T'), 'the journal being stopped');
  }

  resume() {
    process.kill(this.#child.pid, 'SIGCONT');
  }
}
