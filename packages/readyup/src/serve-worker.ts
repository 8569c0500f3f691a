// What the primary of a cluster and its workers tell each other, and the worker's side of it. Internal.

import cluster from 'node:cluster';
import { errnoOf } from './errors';
import { type LoopMonitor, monitorFor } from './loop';
import { type Report, oneLine } from './serve-report';
import { type WatchdogOptions } from './watchdog';

/** Set by the primary for its workers: without it a worker speaks for itself. */
export const UNDER_PRIMARY = 'READYUP_CLUSTER';

/** How long a worker waits at its end for a primary that may be busy. */
const FAREWELL = 2000;

/** Under this key each message has its text, so that those of the program are not mistaken for ours. */
export interface Message {
  readyup: string;
  /** Which question this is, or which one it answers. */
  id?: number;
  where?: string;
  /** A status, or what went wrong. */
  text?: string;
  errno?: number;
}

/** Whether this process is the worker of such a primary. */
export function underPrimary(): boolean {
  return cluster.isWorker && process.env[UNDER_PRIMARY] !== undefined;
}

/** One of our messages; undefined for one of the program's. */
export function ours(message: unknown): Message | undefined {
  const candidate = message as Message | null | undefined;
  return typeof candidate?.readyup === 'string' ? candidate : undefined;
}

/** What the primary may ask a worker for. */
export interface Orders {
  stop(): void;
  reload(): Promise<void>;
}

/** Tells the primary. */
export class WorkerReport implements Report {
  readonly told = true;
  readonly #where: () => string;
  readonly #listener = (message: unknown): void => this.#told(ours(message));
  #orders: Orders | undefined;
  #watchdog: WatchdogOptions = {};
  #loop: LoopMonitor | undefined;
  /** How often in a row the event loop was late. */
  #late = 0;

  constructor(where: () => string) {
    this.#where = where;
  }

  /** Obeys from now on. */
  obey(orders: Orders): void {
    this.#orders = orders;
    process.on('message', this.#listener);
    // Whoever lost the primary has nobody left to serve for.
    process.once('disconnect', orders.stop);
  }

  ready(): Promise<void> {
    return tell({ readyup: 'listening', where: this.#where() });
  }

  async reloading(): Promise<void> {}

  stopping(): Promise<void> {
    return tell({ readyup: 'stopping' });
  }

  async status(): Promise<void> {}

  failed(error: unknown): Promise<void> {
    const errno = errnoOf(error);
    return tell({ readyup: 'failed', text: oneLine(error), ...(errno === undefined ? {} : { errno: -errno }) });
  }

  extend(): Promise<void> {
    return tell({ readyup: 'progress' });
  }

  /**
   * Waits until the primary knows that nothing is listening here any more. A connection that it has passed on until then
   * has come in before its answer, and is sent back; it would be lost if this process just ended.
   */
  async flush(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, FAREWELL);
      process.once('disconnect', resolve);
      process.on('message', function listener(message) {
        if (ours(message)?.readyup !== 'farewell') return;
        process.off('message', listener);
        process.off('disconnect', resolve);
        resolve();
      });
      void tell({ readyup: 'farewell' });
    });
    clearTimeout(timer);
    // What was sent back is before this.
    await tell({ readyup: 'gone' });
  }

  watch(options: WatchdogOptions): void {
    this.#watchdog = options;
    if (options.maxLoopDelay !== undefined) this.#loop = monitorFor(options.maxLoopDelay);
  }

  close(): void {
    this.#loop?.stop();
    process.off('message', this.#listener);
    if (this.#orders !== undefined) process.off('disconnect', this.#orders.stop);
  }

  #told(message: Message | undefined): void {
    const answer = (outcome: PromiseLike<unknown>): void => {
      const head = { readyup: 'answer', ...(message?.id === undefined ? {} : { id: message.id }) };
      outcome.then(
        () => tell(head),
        (error) => tell({ ...head, text: oneLine(error) }),
      );
    };
    switch (message?.readyup) {
      case 'stop':
        this.#orders?.stop();
        break;
      case 'reload':
        answer(this.#orders?.reload() ?? Promise.resolve());
        break;
      case 'ping':
        answer(this.#check());
        break;
    }
  }

  /** Whether this worker is healthy, by its own lights. */
  async #check(): Promise<void> {
    const { maxDelay } = this.#loop?.read() ?? { maxDelay: 0 };
    this.#late = maxDelay > (this.#watchdog.maxLoopDelay ?? Infinity) ? this.#late + 1 : 0;
    // A manager that misses one heartbeat does nothing either.
    if (this.#late > 1) throw new Error(`the event loop was late by ${maxDelay.toFixed(0)} ms`);
    if ((await this.#watchdog.check?.()) === false) throw new Error('the check failed');
  }
}

/** Resolves once the message is on its way; a primary that is gone is told nothing. */
function tell(message: Message): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    else process.send(message, undefined, undefined, () => resolve());
  });
}
