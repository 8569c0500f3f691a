// A service from its start to its end: what is said, when, and which hook is called. Internal.

import { type AddressInfo } from 'node:net';
import { looseEnd, systemError } from './errors';
import { type Service, type Settled } from './serve-options';
import { type Report, oneLine } from './serve-report';
import { Signals } from './serve-signals';

/** How often to look whether there is progress while the service stops. */
const TICK = 1000;
/** What to ask for if there is: long enough for a machine that is busy. */
const EXTENSION = 10_000;

/** What serves: a server, or a cluster of workers. */
export interface Body {
  readonly address: AddressInfo | string | null;
  readonly where: string;
  /** Begins to serve. */
  start(): Promise<void>;
  /** Whether there is anything to reload. */
  readonly reloads: boolean;
  reload(): Promise<void>;
  /** Stops accepting, and resolves when everything is answered, or cut off. */
  drain(): Promise<void>;
  /** A number that changes with everything that is done. */
  progress(): number;
  /** How much is left to do, for humans. */
  left(): string;
  /** Cuts off what is left, and tells what that was. */
  cut(): string;
  /** After the end of the last connection. */
  close(): Promise<void>;
  /** Ends what `start` began, as far as it came. */
  abort(): Promise<void>;
}

/** A service, from its start to its end. */
export class Lifecycle implements Service {
  readonly stopped: Promise<void>;
  readonly #body: Body;
  readonly #options: Settled;
  readonly #report: Report;
  readonly #signals: Signals;
  #settle!: { resolve: () => void; reject: (error: unknown) => void };
  #ready = false;
  /** A reload was asked for before it was ready. */
  #early = false;
  #stopping: Promise<void> | undefined;
  /** The reload under way, and the one that comes after it. */
  #reloads: { now: Promise<void>; next?: Promise<void> } | undefined;

  constructor(body: Body, options: Settled, report: Report) {
    this.#body = body;
    this.#options = options;
    this.#report = report;
    this.stopped = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    looseEnd(this.stopped);
    this.#signals = new Signals(options, {
      stop: () => this.end(),
      ...(body.reloads ? { reload: () => void this.reload().catch(options.onError) } : {}),
    });
  }

  get address(): AddressInfo | string | null {
    return this.#body.address;
  }

  get where(): string {
    return this.#body.where;
  }

  async start(): Promise<this> {
    this.#signals.start();
    try {
      await this.#body.start();
      this.#begun();
      await this.#report.ready(this.#serving());
      this.#ready = true;
      this.#begun();
      const { watchdog } = this.#options;
      if (watchdog !== false) this.#report.watch(watchdog === true ? {} : watchdog);
      await this.#options.onReady?.();
      if (this.#early) void this.reload().catch(this.#options.onError);
      return this;
    } catch (error) {
      // One that a signal has stopped in the middle of it says what it has to say by itself, and ends the process.
      if (this.#stopping === undefined) await this.#giveUp(error);
      else await this.#stopping.catch(() => {});
      throw error;
    }
  }

  reload(): Promise<void> {
    if (this.#stopping !== undefined) return Promise.resolve();
    if (!this.#ready) {
      // What was read while starting may be out of date by now; but nothing can be said about it before it is ready.
      this.#early = true;
      return Promise.resolve();
    }
    if (this.#reloads === undefined) {
      const reloads: { now: Promise<void>; next?: Promise<void> } = { now: this.#reload() };
      this.#reloads = reloads;
      return reloads.now;
    }
    // What was read by the one under way may be out of date. One more is enough for all who ask while it is.
    const reloads = this.#reloads;
    return (reloads.next ??= reloads.now.then(
      () => this.#reload(),
      () => this.#reload(),
    ));
  }

  stop(): Promise<void> {
    return (this.#stopping ??= this.#stop().then(this.#settle.resolve, (error) => {
      this.#settle.reject(error);
      throw error;
    }));
  }

  /** Stops it, and ends the process if it is to end by itself. */
  end(): void {
    const { exit, onError } = this.#options;
    const stopped = this.stop().then(
      () => 0,
      (error) => {
        onError(error);
        return 1;
      },
    );
    // What the program has set is what it wants.
    void stopped.then((code) => {
      if (exit) process.exit(code || (process.exitCode ?? 0));
      else if (this.#report.told && process.connected) process.disconnect();
    });
  }

  async #reload(): Promise<void> {
    const report = this.#report;
    const text = this.#options.status === false ? undefined : 'Reloading';
    await report.reloading(text);
    let failure: { error: unknown } | undefined;
    try {
      await this.#body.reload();
    } catch (error) {
      failure = { error };
    }
    const reloads = this.#reloads;
    if (reloads?.next === undefined) {
      this.#reloads = undefined;
    } else {
      // What comes next says when everything is over.
      this.#reloads = { now: reloads.next };
    }
    if (this.#stopping === undefined && (reloads?.next === undefined || failure !== undefined)) {
      // Also if it has failed, it is over.
      await report.ready(failure === undefined ? this.#serving() : `Reload failed: ${oneLine(failure.error)}`);
    }
    if (failure !== undefined) throw failure.error;
  }

  async #stop(): Promise<void> {
    const { drainTimeout, onStopping, close, status } = this.#options;
    const body = this.#body;
    const report = this.#report;
    const left = body.left();
    void report.stopping(status === false ? undefined : left === '' ? 'Stopping' : `Stopping: ${left} to finish`);
    let cut: string | undefined;
    const failures: unknown[] = [];
    const hook = async (name: string, run: (() => unknown) | undefined): Promise<void> => {
      try {
        if (run !== undefined) await bounded(name, run, drainTimeout);
      } catch (error) {
        failures.push(error);
      }
    };
    const extensions = this.#extend();
    const deadline = setTimeout(() => (cut = body.cut()), drainTimeout);
    await hook('onStopping', onStopping);
    const drained = body.drain();
    // The time may have been up before there was anything to cut.
    if (cut !== undefined) cut = body.cut();
    await drained;
    clearTimeout(deadline);
    await hook("the application's close", () => body.close());
    await hook('close', close);
    clearInterval(extensions);
    report.close();
    const [failure] = failures;
    if (failure !== undefined) await report.failed(failure);
    else if (status !== false) await report.status(cut ? `Stopped; cut off ${cut}` : 'Stopped');
    await report.flush();
    this.#signals.stop();
    if (failures.length > 0) throw failure;
  }

  /** Asks the manager for more time, as long as there is progress. */
  #extend(): NodeJS.Timeout {
    let before = this.#body.progress();
    return setInterval(() => {
      const now = this.#body.progress();
      if (now !== before) void this.#report.extend(EXTENSION);
      before = now;
    }, TICK);
  }

  async #giveUp(error: unknown): Promise<void> {
    this.#stopping = looseEnd(Promise.reject(error));
    this.#settle.reject(error);
    this.#report.close();
    await this.#report.failed(error);
    await this.#body.abort();
    await this.#report.flush();
    this.#signals.stop();
  }

  /** Fails if it was stopped in the meantime. */
  #begun(): void {
    if (this.#stopping === undefined) return;
    throw Object.assign(new Error('the service was stopped before it was ready'), { code: 'ABORT_ERR' });
  }

  #serving(): string | undefined {
    const { status } = this.#options;
    if (status === false) return undefined;
    return status === true ? `Serving on ${this.where}` : status(this.where);
  }
}

/** Waits for a hook, but not for ever. */
async function bounded(name: string, hook: () => unknown, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(systemError(-110, name, `${name} took longer than ${ms} ms`)), ms);
  });
  try {
    await Promise.race([hook(), late]);
  } finally {
    clearTimeout(timer);
  }
}
