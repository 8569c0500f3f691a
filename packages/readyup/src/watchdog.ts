import { type Channel, type Channels } from './channel';
import { watchdogPeriod } from './environment';
import { errorFrom } from './errors';
import { type HangOptions, watchForHangs } from './hang';
import { type LoopMonitor, monitorFor } from './loop';

/** How `watchdog.start` is to work. */
export interface WatchdogOptions extends HangOptions {
  /**
   * Whether the service is healthy, asked before each heartbeat. It is not if this returns or resolves to `false`,
   * throws or rejects, or takes longer than `checkTimeout`. Then the heartbeats stop, the reason goes into the status,
   * and the manager does what its unit file says.
   */
  check?: () => unknown;
  /** How long the check may take, in milliseconds. Default: `interval`. */
  checkTimeout?: number;
  /** The time between heartbeats, in milliseconds. Default: half of the period that the manager set. */
  interval?: number;
  /**
   * A heartbeat is withheld when anything had to wait for its turn in the event loop for longer than this, in
   * milliseconds, since the one before. It is not for good: the next one is sent if the loop is quick again.
   */
  maxLoopDelay?: number;
  /** Told why, when a check has failed and the heartbeats have stopped. */
  onFailure?: (reason: Error) => void;
}

/**
 * What the heartbeats need of the notifier that they belong to.
 * @internal
 */
export interface Voice {
  /** The manager's address. */
  address(): string | undefined;
  /** The last status that the program has sent. */
  lastStatus(): string | undefined;
  /** Sends one, which is none of the program's. */
  status(text: string): Promise<boolean>;
}

/**
 * The heartbeats that a unit with `WatchdogSec=` wants.
 *
 * They come from the event loop itself, so that a loop that hangs stops them. Their timers don't keep the process
 * alive. While they are sent, a thread of its own looks after the event loop; when that hangs, it says where, on standard
 * error and in the status, before the manager acts.
 */
export class Watchdog {
  readonly #channels: Channels;
  readonly #voice: Voice;
  #timer: NodeJS.Timeout | undefined;
  /** The heartbeats since the last `start`. */
  #run: Run | undefined;
  #dropped = 0;
  #withheld = 0;

  /** @internal */
  constructor(channels: Channels, voice: Voice) {
    this.#channels = channels;
    this.#voice = voice;
  }

  /**
   * How often to send a heartbeat, in milliseconds: half of the period that the manager set, or undefined when it set
   * none on this process. Throws when `WATCHDOG_USEC` or `WATCHDOG_PID` is garbage.
   *
   * @example
   * if (watchdog.interval !== undefined) console.log(`a heartbeat is due every ${watchdog.interval} ms`);
   */
  get interval(): number | undefined {
    const period = watchdogPeriod();
    return period === undefined ? undefined : period / 2;
  }

  /** Whether heartbeats are being sent. */
  get running(): boolean {
    return this.#run !== undefined;
  }

  /** How many heartbeats were not sent, because the manager's queue was full. */
  get dropped(): number {
    return this.#dropped;
  }

  /** How many heartbeats were not sent, because the event loop was late: see `maxLoopDelay`. */
  get withheld(): number {
    return this.#withheld;
  }

  /**
   * Sends a heartbeat now, and then one every `interval`. Without a watchdog (or an `interval` of your own) it does
   * nothing and returns false. Starting it again begins anew, with the new options.
   *
   * @example
   * watchdog.start({ check: () => database.isConnected() });
   */
  start(options: WatchdogOptions = {}): boolean {
    const interval = options.interval ?? this.interval;
    this.stop();
    if (interval === undefined) return false;
    positive('interval', interval);
    if (options.checkTimeout !== undefined) positive('checkTimeout', options.checkTimeout);
    if (options.maxLoopDelay !== undefined) positive('maxLoopDelay', options.maxLoopDelay);
    if (options.hangAfter !== undefined) positive('hangAfter', options.hangAfter);
    // Looked up now, and kept: that the variable is unset later, so that children don't find it, is no reason to stop.
    const channel = this.#channels.kept();
    const run: Run = { channel, checking: false };
    if (options.maxLoopDelay !== undefined) run.loop = monitorFor(options.maxLoopDelay);
    this.#run = run;
    let due = performance.now();
    const beat = (): void => {
      // From when it was due, so that the heartbeats don't drift; what was missed is not made up for.
      const now = performance.now();
      due += interval;
      if (due <= now) due = now + interval;
      this.#timer = setTimeout(beat, delay(due - now)).unref();
      if (run.loop !== undefined && run.loop.read().maxDelay > (options.maxLoopDelay ?? Infinity)) {
        this.#withheld += 1;
        return;
      }
      if (options.check === undefined) {
        this.#beat(run);
      } else if (!run.checking) {
        this.#checkThenPing(run, options.check, options.checkTimeout ?? interval, options.onFailure);
      }
    };
    beat();
    run.endWatch = this.#watch(options, interval);
    return true;
  }

  /** Looks after the event loop. */
  #watch(options: WatchdogOptions, interval: number): (() => void) | undefined {
    const voice = this.#voice;
    return watchForHangs({
      ...options,
      period: Math.min(interval * 2, (this.interval ?? interval) * 2),
      address: voice.address(),
      recovered: (text) => void voice.status(voice.lastStatus() ?? text).catch(() => {}),
    });
  }

  /** Stops the heartbeats. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#run?.loop?.stop();
    this.#run?.endWatch?.();
    this.#run = undefined;
  }

  /**
   * Sends one heartbeat, at once: true when it was sent. False when there is no manager; or when its queue is full,
   * and then it is counted in `dropped`. Throws when it cannot be sent.
   *
   * It keeps to the manager that was used last; a changed `NOTIFY_SOCKET` is seen by `start` and by every other call.
   *
   * @example
   * while (more()) {
   *   work();
   *   watchdog.ping();
   * }
   */
  ping(): boolean {
    let sent: boolean | null;
    try {
      sent = this.#channels.last().ping();
      if (sent === false) sent = this.#channels.now().ping();
    } catch {
      // The manager that was used last is gone. There may be another one by now.
      sent = this.#channels.now().ping();
    }
    if (sent === null) this.#dropped += 1;
    return sent === true;
  }

  #beat(run: Run): void {
    try {
      let sent: boolean | null = false;
      try {
        sent = run.channel.ping();
      } catch {
        // Gone. There may be another one by now.
      }
      if (sent === false) {
        run.channel = this.#channels.kept();
        sent = run.channel.ping();
      }
      if (sent === null) this.#dropped += 1;
    } catch {
      // Gone for the moment, or being replaced. The next heartbeat may get through in time, and if none does, the
      // manager acts: an exception out of a timer would only end a service that works.
    }
  }

  #checkThenPing(run: Run, check: () => unknown, timeout: number, onFailure?: (reason: Error) => void): void {
    run.checking = true;
    const settle = (failure: Error | undefined): void => {
      if (!run.checking) return;
      run.checking = false;
      clearTimeout(deadline);
      // Stopped, or started anew, in the meantime.
      if (this.#run !== run) return;
      if (failure === undefined) {
        this.#beat(run);
        return;
      }
      this.stop();
      this.#voice.status(`watchdog: ${oneLine(failure.message)}`).catch(() => {});
      onFailure?.(failure);
    };
    const deadline = setTimeout(() => {
      settle(new Error(`the check took longer than ${timeout} ms`));
    }, delay(timeout)).unref();
    let result: unknown;
    try {
      result = check();
    } catch (error) {
      settle(asError(error));
      return;
    }
    if (isThenable(result)) {
      result.then(
        (value) => settle(verdict(value)),
        (error) => settle(asError(error)),
      );
    } else {
      settle(verdict(result));
    }
  }
}

/** The heartbeats since one `start`. */
interface Run {
  channel: Channel;
  /** A check is under way. */
  checking: boolean;
  /** Looks at the event loop, if somebody wants to know. */
  loop?: LoopMonitor;
  /** Ends the watch over the event loop, if there is one. */
  endWatch?: (() => void) | undefined;
}

function verdict(value: unknown): Error | undefined {
  return value === false ? new Error('the check failed') : undefined;
}

/** What was thrown, as an error with a text. It may be anything at all. */
function asError(thrown: unknown): Error {
  try {
    if (thrown instanceof Error && typeof thrown.message === 'string') return thrown;
    return new Error(String(thrown), { cause: thrown });
  } catch {
    return new Error('the check failed with something that is no text', { cause: thrown });
  }
}

/** A time as a timer can have it: a longer one would be taken for none at all. */
function delay(ms: number): number {
  return Math.min(ms, 0x7fffffff);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}

/** A text as a status can hold it: one line, and not a long one. */
function oneLine(text: string): string {
  return text.replace(/[\r\n\0]+/g, ' ').slice(0, 500);
}

function positive(name: string, value: number): void {
  if (typeof value !== 'number' || !(value > 0) || !Number.isFinite(value)) {
    throw errorFrom(new RangeError(`"${name}" must be a number of milliseconds above 0`), 'ERR_OUT_OF_RANGE');
  }
}
