import { type EventLoopUtilization } from 'node:perf_hooks';
import { builtin } from './builtin';

/** How often to look at the loop, in milliseconds, unless told otherwise. */
const RESOLUTION = 20;

/** How the event loop was, since it was last asked. */
export interface LoopState {
  /** The longest that anything had to wait for its turn, in milliseconds, give or take the resolution. */
  maxDelay: number;
  /** How long things had to wait on average, in milliseconds. */
  meanDelay: number;
  /** The part of the time, from 0 to 1, in which the loop was busy; `NaN` in Bun and Deno, which do not tell. */
  utilization: number;
}

/**
 * Looks at the event loop: how late it is, and how busy. It does not keep the process alive.
 *
 * @example
 * const loop = new LoopMonitor();
 * setInterval(() => {
 *   const { maxDelay, utilization } = loop.read();
 *   status(`busy ${(100 * utilization).toFixed(0)} %, late by ${maxDelay.toFixed(0)} ms at most`);
 * }, 10_000).unref();
 */
export class LoopMonitor {
  // Not by `monitorEventLoopDelay`: a delay right after its `reset` goes unseen, and without it, it remembers for ever.
  readonly #clock = builtin('node:perf_hooks').performance;
  readonly #resolution: number;
  readonly #timer: NodeJS.Timeout;
  #last = this.#clock.now();
  #max = 0;
  #sum = 0;
  #count = 0;
  #before: EventLoopUtilization = this.#clock.eventLoopUtilization();

  /** Begins to look, every `resolution` milliseconds. */
  constructor(resolution: number = RESOLUTION) {
    this.#resolution = Math.max(1, Math.round(resolution));
    this.#timer = setInterval(() => this.#look(), this.#resolution).unref();
  }

  /** How the loop was since the last time that this was asked, or since the beginning. */
  read(): LoopState {
    // A delay that is just over, and which the timer is about to see.
    if (this.#clock.now() - this.#last > this.#resolution) this.#look();
    const before = this.#before;
    this.#before = this.#clock.eventLoopUtilization();
    const { idle, active } = this.#clock.eventLoopUtilization(this.#before, before);
    const meanDelay = this.#count === 0 ? 0 : this.#sum / this.#count;
    const state = { maxDelay: this.#max, meanDelay, utilization: active / (idle + active) };
    this.#max = this.#sum = this.#count = 0;
    return state;
  }

  /** Looks no more. */
  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = this.#clock.now();
    const delay = Math.max(0, now - this.#last - this.#resolution);
    this.#last = now;
    this.#max = Math.max(this.#max, delay);
    this.#sum += delay;
    this.#count += 1;
  }
}

/**
 * One that is good enough to see delays of `maxDelay` milliseconds.
 * @internal
 */
export function monitorFor(maxDelay: number): LoopMonitor {
  return new LoopMonitor(Math.min(100, Math.max(5, maxDelay / 5)));
}
