// Where does it hang? Looks after the event loop from outside of it. Internal, but for the types.

import { builtin } from './builtin';
import { native } from './native';
import { spoken } from './spoken';

/** A time in which the event loop answered nobody. */
export interface Hang {
  /** How long it was, in milliseconds. */
  duration: number;
  /**
   * Where the program was: `in parseRow (/srv/app/import.js:41:13)`, `in read() of /run/fifo`. Empty where that cannot be
   * known.
   */
  place: string;
}

/** How the event loop is looked after. */
export interface HangOptions {
  /**
   * Who finds out where the event loop hangs: a `thread` without JavaScript, which costs next to nothing; or a `worker`,
   * which asks Node's inspector and takes some 15 MB. `false`: nobody. Default: `thread`.
   *
   * `READYUP_DIAGNOSE=thread`, `worker` or `off` in the environment has the last word.
   */
  diagnose?: boolean | 'thread' | 'worker';
  /**
   * For how long the event loop must not have answered before that is reported, in milliseconds. Default: a quarter of
   * the watchdog's period, at most 5000.
   */
  hangAfter?: number;
  /** Told of a hang once it is over. */
  onHang?: (hang: Hang) => void;
}

/**
 * What a watch needs to know of the one who wants it.
 * @internal
 */
export interface HangWatcher extends HangOptions {
  /** The watchdog's period, in milliseconds. */
  period: number;
  /** The manager's address. */
  address: string | undefined;
  /** Tells the manager how things are again, after the status told of a hang. */
  recovered: (text: string) => void;
}

const STACKS = 1;
const JOURNAL = 2;

/** How often in `hangAfter` the loop gives a sign of life. */
const BEATS = 10;

/**
 * Starts to look after this thread's event loop. Returns what ends it.
 * @internal
 */
export function watchForHangs(watcher: HangWatcher): (() => void) | undefined {
  const way = wanted(watcher.diagnose);
  if (way === undefined) return undefined;
  const after = Math.round(Math.max(20, watcher.hangAfter ?? Math.min(5000, Math.max(100, watcher.period / 4))));
  try {
    return way === 'worker' && builtin('node:worker_threads').isMainThread
      ? byWorker(watcher, after)
      : byThread(watcher, after);
  } catch {
    // A service that works is not to fail for want of a diagnosis.
    return undefined;
  }
}

function wanted(diagnose: HangOptions['diagnose'] = true): 'thread' | 'worker' | undefined {
  const { READYUP_DIAGNOSE: said } = process.env;
  if (said === 'off') return undefined;
  if (said === 'thread' || said === 'worker') return said;
  return diagnose === true ? 'thread' : diagnose === false ? undefined : diagnose;
}

function byThread(watcher: HangWatcher, after: number): (() => void) | undefined {
  // Only Node's V8 is known; other runtimes have functions of the same names.
  const { bun, deno, electron } = process.versions;
  const flags = (bun || deno || electron ? 0 : STACKS) | (inJournal() ? JOURNAL : 0);
  const watch = native()?.watchLoop(watcher.address, after, flags);
  if (watch === undefined) return undefined;
  const { readyupBeat } = {
    // By this name the thread knows that it is not the program's.
    readyupBeat(): void {
      if (watch.beat()) over(watcher, watch.take());
    },
  };
  const timer = setInterval(readyupBeat, after / BEATS).unref();
  return () => {
    clearInterval(timer);
    watch.stop();
  };
}

/**
 * What the worker is told at its beginning.
 * @internal
 */
export interface WorkerSettings {
  /** A counter of the signs of life. */
  beats: Int32Array;
  after: number;
  address: string | undefined;
  prefix: string;
}

function byWorker(watcher: HangWatcher, after: number): () => void {
  const beats = new Int32Array(new SharedArrayBuffer(4));
  const settings: WorkerSettings = { beats, after, address: watcher.address, prefix: prefix() };
  // Without the program's own flags (`--require` and the like), which are none of its business.
  const { Worker } = builtin('node:worker_threads');
  const worker = new Worker(builtin('node:path').join(__dirname, 'hang-worker.js'), {
    workerData: settings,
    execArgv: [],
  });
  worker.on('error', () => {});
  worker.on('message', (hang: [number, string]) => over(watcher, hang));
  // Last, as `on` makes it hold the process.
  worker.unref();
  const timer = setInterval(() => Atomics.add(beats, 0, 1), after / BEATS).unref();
  return () => {
    clearInterval(timer);
    void worker.terminate();
  };
}

/** The hang is over: says so, and where it was. */
function over(watcher: HangWatcher, report: readonly [number, string] | readonly []): void {
  if (report.length === 0) return;
  const [duration, place] = report;
  const text = `event loop blocked for ${spoken(duration)}${place && (place.startsWith('in ') ? ' ' : ', ')}${place}`;
  watcher.recovered(text);
  process.stderr.write(`${prefix()}${text}; it answers again\n`);
  watcher.onHang?.({ duration, place });
}

/** What a line of standard error begins with: a priority, if it is the journal. */
const prefix = (): string => (inJournal() ? '<4>' : '');

/** Whether standard error is the journal, which knows priorities: systemd.exec(5). */
function inJournal(): boolean {
  try {
    const { dev, ino } = builtin('node:fs').fstatSync(2);
    return process.env['JOURNAL_STREAM'] === `${dev}:${ino}`;
  } catch {
    return false;
  }
}
