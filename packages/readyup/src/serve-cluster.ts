// The primary of a cluster, as what serves: its workers. Internal, but for the options.

import cluster, { type Worker } from 'node:cluster';
import { type AddressInfo } from 'node:net';
import { systemError } from './errors';
import { type Body } from './serve-lifecycle';
import { type LifecycleOptions, type Settled } from './serve-options';
import { type Message, UNDER_PRIMARY, ours } from './serve-worker';

/** How long to wait before a worker that has failed is replaced: twice as long each time, between these. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 10_000;

/** How to run a cluster. */
export interface ClusterOptions extends LifecycleOptions {
  /** How many workers there are. */
  workers: number;
  /** Variables for the workers, besides those that there are. */
  env?: NodeJS.ProcessEnv;
  /**
   * What a reload does with the workers, after the `reload` hook of the primary: `replace` starts a new one for each, with
   * the program and configuration of now, and stops the old one when the new one listens; `tell` has each call the `reload`
   * hook that it gave to `serve`. Default: `replace`.
   */
  reloadWorkers?: 'replace' | 'tell';
}

/** One worker, and what it has told. */
interface Member {
  worker: Worker;
  state: 'starting' | 'listening' | 'stopping' | 'gone';
  where: string;
  failure: NodeJS.ErrnoException | undefined;
  /** Resolves when it listens, rejects when it ends before. */
  listening: Promise<void>;
  gone: Promise<void>;
  answers: Map<number, { resolve: () => void; reject: (error: Error) => void }>;
}

/**
 * The workers of this primary.
 * @internal
 */
export class ClusterBody implements Body {
  readonly address: AddressInfo | string | null = null;
  readonly reloads = true;
  readonly #options: Omit<ClusterOptions, 'reloadSignal'> & Settled;
  readonly #members = new Set<Member>();
  /** Waits for workers to be replaced. */
  readonly #pauses = new Set<NodeJS.Timeout>();
  #pause = FIRST_PAUSE;
  #question = 0;
  #progress = 0;
  /** Whether workers that end are replaced. */
  #running = false;
  #where = '';

  constructor(options: Omit<ClusterOptions, 'reloadSignal'> & Settled) {
    this.#options = options;
  }

  get where(): string {
    const count = this.#listening().length;
    return `${this.#where} with ${count === 1 ? '1 worker' : `${count} workers`}`;
  }

  async start(): Promise<void> {
    // So that what is passed to this process is closed in those that it starts.
    this.#options.notifier.listenFds();
    const members = Array.from({ length: this.#options.workers }, () => this.#fork());
    await Promise.all(members.map(({ listening }) => listening));
    this.#running = true;
    // One may be gone already.
    for (const member of members) if (member.state === 'gone') this.#replaceLater();
  }

  async reload(): Promise<void> {
    await this.#options.reload?.();
    const replace = this.#options.reloadWorkers !== 'tell';
    // One after the other, so that there are always enough of them.
    for (const member of this.#listening()) {
      if (!this.#running) return;
      if (!replace) {
        await this.#ask(member, 'reload');
        continue;
      }
      await this.#fork().listening;
      this.#dismiss(member);
    }
  }

  /** Fails unless each worker answers, and finds itself healthy. */
  async check(): Promise<void> {
    await Promise.all(
      this.#listening().map((member) =>
        this.#ask(member, 'ping').catch((error) => {
          // One that has ended is replaced, and no reason to end the others.
          if (member.state !== 'gone') throw error;
        }),
      ),
    );
  }

  async drain(): Promise<void> {
    this.#running = false;
    for (const pause of this.#pauses) clearTimeout(pause);
    this.#pauses.clear();
    for (const member of this.#members) this.#dismiss(member);
    while (this.#members.size > 0) await Promise.all([...this.#members].map(({ gone }) => gone));
  }

  progress(): number {
    return this.#progress;
  }

  left(): string {
    return count(this.#members.size);
  }

  cut(): string {
    const left = count(this.#members.size);
    for (const { worker } of this.#members) worker.process.kill('SIGKILL');
    return left;
  }

  async close(): Promise<void> {}

  async abort(): Promise<void> {
    const deadline = setTimeout(() => this.cut(), this.#options.drainTimeout);
    await this.drain();
    clearTimeout(deadline);
  }

  #listening(): Member[] {
    return [...this.#members].filter(({ state }) => state === 'listening');
  }

  #fork(): Member {
    const worker = cluster.fork({ ...this.#options.env, [UNDER_PRIMARY]: '1' });
    const answers: Member['answers'] = new Map();
    const member: Member = {
      worker,
      state: 'starting',
      where: '',
      failure: undefined,
      listening: Promise.resolve(),
      gone: new Promise((resolve) => worker.once('exit', () => resolve())),
      answers,
    };
    this.#members.add(member);
    member.listening = new Promise((resolve, reject) => {
      worker.on('message', (message: unknown) => {
        const told = ours(message);
        if (told === undefined) return;
        this.#told(member, told);
        if (told.readyup === 'listening') resolve();
      });
      worker.once('exit', (code: number | null, signal: string | null) => {
        const why = signal ?? `exit status ${code}`;
        const failure = member.failure ?? new Error(`worker ${worker.process.pid} ended with ${why}`);
        const before = member.state;
        member.state = 'gone';
        this.#members.delete(member);
        this.#progress += 1;
        for (const { reject } of answers.values()) reject(failure);
        reject(failure);
        if (this.#running && before === 'listening') {
          this.#options.onError(failure);
          this.#replaceLater();
        }
      });
      // It says itself what is wrong with it, by its end.
      worker.on('error', () => {});
    });
    member.listening.catch(() => {});
    return member;
  }

  #told(member: Member, { readyup, id, where, text, errno }: Message): void {
    this.#progress += 1;
    switch (readyup) {
      case 'listening':
        if (member.state !== 'starting') break;
        member.state = 'listening';
        this.#where = where ?? '';
        break;
      case 'stopping':
        // By itself, too: by a signal that all processes of the service get.
        if (this.#running && member.state === 'listening') this.#replaceLater();
        member.state = 'stopping';
        break;
      case 'farewell':
        send(member.worker, { readyup: 'farewell' });
        break;
      case 'failed':
        member.failure = errno === undefined ? new Error(text) : systemError(errno, 'listen', text ?? '');
        break;
      case 'answer': {
        const asked = member.answers.get(id ?? 0);
        member.answers.delete(id ?? 0);
        if (text === undefined) asked?.resolve();
        else asked?.reject(new Error(`worker ${member.worker.process.pid}: ${text}`));
        break;
      }
    }
  }

  /** Waits for its answer; for its being too late, whoever asks has a clock. */
  #ask(member: Member, question: string): Promise<void> {
    const id = (this.#question += 1);
    return new Promise((resolve, reject) => {
      member.answers.set(id, { resolve, reject });
      send(member.worker, { readyup: question, id });
    });
  }

  #dismiss(member: Member): void {
    if (member.state === 'stopping') return;
    const starting = member.state === 'starting';
    member.state = 'stopping';
    // One that has not yet come to listening to us is told by the signal.
    if (starting) member.worker.process.kill('SIGTERM');
    else send(member.worker, { readyup: 'stop' });
  }

  #replaceLater(): void {
    const pause = setTimeout(() => {
      this.#pauses.delete(pause);
      this.#fork().listening.then(
        () => (this.#pause = FIRST_PAUSE),
        (error) => {
          if (!this.#running) return;
          this.#options.onError(error);
          this.#replaceLater();
        },
      );
    }, this.#pause);
    this.#pauses.add(pause);
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
  }
}

function send(worker: Worker, message: Message): void {
  // One that is about to end is told nothing, and that is no error.
  if (worker.isConnected()) worker.send(message, () => {});
}

function count(workers: number): string {
  return workers === 0 ? '' : workers === 1 ? '1 worker' : `${workers} workers`;
}
