// Whom a service tells about itself: the manager, or, in a worker of a cluster, the primary. Internal.

import { errnoOf } from './errors';
import { type Notifier } from './notifier';
import { type Settled } from './serve-options';
import { type WatchdogOptions } from './watchdog';

/** Whoever is told. None of it fails: that somebody cannot be told is no reason not to serve. */
export interface Report {
  /** Whether the service ends when it is told to, and not only on a signal. */
  readonly told: boolean;
  ready(status: string | undefined): Promise<void>;
  reloading(status: string | undefined): Promise<void>;
  stopping(status: string | undefined): Promise<void>;
  status(text: string): Promise<void>;
  failed(error: unknown): Promise<void>;
  extend(ms: number): Promise<void>;
  /** Resolves once all of it was read. */
  flush(): Promise<void>;
  /** Begins to give signs of life, if somebody wants them. */
  watch(options: WatchdogOptions): void;
  /** Ends them. */
  close(): void;
}

/** Tells the manager. */
export class ManagerReport implements Report {
  readonly told = false;
  readonly #notifier: Notifier;
  readonly #failed: (error: unknown) => void;
  #watching = false;

  constructor({ notifier, onError }: Settled) {
    this.#notifier = notifier;
    this.#failed = onError;
  }

  ready(status: string | undefined): Promise<void> {
    return this.#tell(this.#notifier.ready(status));
  }

  reloading(status: string | undefined): Promise<void> {
    return this.#tell(this.#notifier.reloading(status));
  }

  stopping(status: string | undefined): Promise<void> {
    return this.#tell(this.#notifier.stopping(status));
  }

  status(text: string): Promise<void> {
    return this.#tell(this.#notifier.status(text));
  }

  failed(error: unknown): Promise<void> {
    const errno = errnoOf(error);
    return this.#tell(this.#notifier.notify({ status: oneLine(error), ...(errno === undefined ? {} : { errno }) }));
  }

  extend(ms: number): Promise<void> {
    return this.#tell(this.#notifier.extendTimeout(ms));
  }

  flush(): Promise<void> {
    // A manager that answers nobody has been told all the same.
    return this.#notifier.barrier(1000).then(
      () => {},
      () => {},
    );
  }

  watch(options: WatchdogOptions): void {
    try {
      this.#watching = this.#notifier.watchdog.start(options);
    } catch (error) {
      this.#failed(error);
    }
  }

  close(): void {
    if (this.#watching) this.#notifier.watchdog.stop();
    this.#watching = false;
  }

  #tell(sent: Promise<boolean>): Promise<void> {
    return sent.then(() => {}, this.#failed);
  }
}

/** What went wrong, as a status can hold it. It may be anything at all. */
export function oneLine(error: unknown): string {
  let text: string;
  try {
    text = String((error as Error | null | undefined)?.message ?? error);
  } catch {
    text = 'something that is no text';
  }
  return text.replace(/[\r\n\0]+/g, ' ').slice(0, 500);
}
