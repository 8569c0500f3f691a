// The signals that stop and reload a service. Internal.

import { constants } from 'node:os';
import { type Settled } from './serve-options';

/**
 * A second signal within this many milliseconds is the first one again: with `npm start`, Ctrl-C reaches the service
 * from the terminal and from npm.
 */
const SAME = 250;

/** What signals do. */
export interface Actions {
  stop: () => void;
  reload?: () => void;
}

/** Handlers of signals, from `start` to `stop`. */
export class Signals {
  readonly #listeners: [NodeJS.Signals, () => void][] = [];
  readonly #wanted: [NodeJS.Signals, () => void][] = [];
  #first: number | undefined;

  constructor({ signals, stopSignals, reloadSignal }: Settled, { stop, reload }: Actions) {
    if (!signals) return;
    for (const signal of new Set(stopSignals)) this.#wanted.push([signal, () => this.#stop(signal, stop)]);
    if (reload !== undefined && reloadSignal !== undefined) this.#wanted.push([reloadSignal, reload]);
  }

  start(): void {
    for (const [signal, listener] of this.#wanted) {
      process.on(signal, listener);
      this.#listeners.push([signal, listener]);
    }
  }

  stop(): void {
    for (const [signal, listener] of this.#listeners.splice(0)) process.off(signal, listener);
  }

  #stop(signal: NodeJS.Signals, stop: () => void): void {
    const now = performance.now();
    if (this.#first === undefined) {
      this.#first = now;
      stop();
    } else if (now - this.#first >= SAME) {
      this.stop();
      // By the signal, so that whoever sent it sees that; where others handle it, or it means nothing to a process with
      // number 1, by the status that a shell has for it.
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
      process.exit(128 + constants.signals[signal]);
    }
  }
}
