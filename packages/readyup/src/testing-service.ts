// A service under test, and its manager. Internal, but for the class.

import { type ChildProcess } from 'node:child_process';
import { builtin } from './builtin';
import { errorFrom, typeError } from './errors';
import { type Listening, native } from './native';
import { INPUT_SIZE, type Life, type Line, type Named, type Step } from './testing-life';
import { handles, isAlive, isOfService, membersOf, nameOf, processOfPidFd } from './testing-processes';
import {
  type Ended,
  type ReceivedMessage,
  type TimelineEvent,
  describe,
  duration,
  inOrder,
  printable,
} from './testing-timeline';
import { type Unit, known, milliseconds, signalName, signalNumber } from './testing-unit';
import { onExit, watchOver } from './testing-watcher';

// Those of the runtime: a test may put others in their place.
const { clearInterval, clearTimeout, setInterval, setTimeout } = builtin('node:timers');

/** How often to look for what came, in milliseconds. When it came the kernel tells. */
const LOOK_EVERY = 5;
/** How often to look for processes, whose ends nobody tells. */
const COUNT_EVERY = 50;
/** How long to wait, unless told otherwise: less than the limit of a test in vitest and jest, so that ours speaks first. */
const WITHIN = 4000;
/** From when on nobody has looked for too long, in microseconds: the test's own event loop was blocked. */
const UNSEEN = 100_000;
/** How much of a program's output is kept, in characters. */
const OUTPUT_MAX = 65_536;
/** How many messages are taken in at once, so that a service that never stops does not stop the test. */
const AT_ONCE = 1000;
/** How many messages are kept: a service that sends without end must not take all memory. */
const MESSAGES_MAX = 100_000;

/** How long to wait. */
export interface Within {
  /** The limit in milliseconds: 4 seconds, unless told otherwise. */
  within?: number;
}

/** A message as it is expected: a line of it, lines by their keys, or a function that says whether it is the one. */
export type Expected = string | Readonly<Record<string, string | RegExp>> | ((message: ReceivedMessage) => boolean);

/** Somebody waits for something. */
interface Waiter {
  /** True once it is there; a text if it cannot come any more. */
  look(): boolean | string;
  settle(failure?: string | Error): void;
}

/**
 * What the two kinds of a service's main process differ in.
 * @internal
 */
export interface Main {
  readonly pid: number;
  /** The `INVOCATION_ID` by which its processes are known. */
  readonly invocation: string;
  /** The program, for what is started. */
  readonly child?: ChildProcess;
  /** What the process is, for the timeline. */
  readonly description: string;
  /** Whether the main process handles a signal. */
  handles?(signal: number): boolean;
  /** Sends a signal in place of the system; whether somebody hears it. */
  signal?(name: NodeJS.Signals, number: number): boolean;
  /** Called at the end. */
  restore?(): void;
}

/**
 * A service under test, and what its manager makes of it. {@link start} and {@link inProcess} make one.
 *
 * All that it waits for fails with everything that has happened, and at once when it cannot come any more.
 */
export class TestService {
  readonly #unit: Unit;
  readonly #life: Life;
  readonly #inbox: Listening;
  readonly #main: Main;
  readonly #address: string;
  readonly #origin: number;
  readonly #buffer = new Uint8Array(INPUT_SIZE);
  readonly #decoder = new (builtin('node:util').TextDecoder)();
  readonly #messages: ReceivedMessage[] = [];
  readonly #events: TimelineEvent[] = [];
  readonly #signals: NodeJS.Signals[] = [];
  readonly #waiters = new Set<Waiter>();
  /** The kept descriptors by their keys. */
  readonly #stored = new Map<number, number>();
  readonly #timer: NodeJS.Timeout;
  /** The message that `expect` goes on from. */
  #next = 0;
  #nextKey = 1;
  #output = '';
  #counted = 0;
  #ended: { code: number | null; signal: NodeJS.Signals | null } | undefined;
  #endedAt = 0;
  /** When it was asked to stop, or was sent its first signal at the end. */
  #ending: number | undefined;
  #closed: Promise<void> | undefined;
  /** When it was last looked for what came, and how long nobody has in all, in microseconds. */
  #looked: number;
  #unseen = 0;
  /** How many messages came from processes that are not believed. */
  #notBelieved = 0;
  /** Up to when the judge knows. */
  #judged = 0;
  readonly #onExit = (code: number | null, signal: NodeJS.Signals | null): void => this.#childEnded(code, signal);
  /** Whoever ends this process without closing the service leaves none behind. */
  readonly #offExit: () => void;
  readonly #watcher: ChildProcess | undefined;

  /** @internal */
  constructor(unit: Unit, life: Life, inbox: Listening, main: Main) {
    this.#unit = unit;
    this.#life = life;
    this.#inbox = inbox;
    this.#main = main;
    this.#address = inbox.address();
    this.#origin = this.#looked = inbox.now();
    this.#step('start');
    this.#record(`started ${printable(main.description)} (process ${main.pid})`);
    this.#apply(life.spawned(main.pid, this.#now()));
    const { child } = main;
    if (child !== undefined) {
      child.on('exit', this.#onExit);
      for (const stream of [child.stdout, child.stderr]) {
        stream?.setEncoding('utf8').on('data', (text: string) => {
          this.#output = (this.#output + text).slice(-OUTPUT_MAX);
        });
        // Whether the test goes on is up to whoever waits.
        (stream as unknown as { unref?(): void } | null)?.unref?.();
      }
      child.unref();
    }
    this.#watcher = child === undefined ? undefined : watchOver(main.pid);
    this.#offExit = onExit(() => this.#kill());
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY).unref();
  }

  /** The value of `NOTIFY_SOCKET` of this service. */
  get address(): string {
    return this.#address;
  }

  /** The process that was started, or this one. */
  get pid(): number {
    return this.#main.pid;
  }

  /** `ActiveState`, as `systemctl show` has it: `activating`, `active`, `reloading`, `deactivating`, `inactive` or `failed`. */
  get activeState(): string {
    return this.#property('ActiveState');
  }

  /** `SubState`, as `systemctl show` has it: `start`, `running`, `reload-notify`, `stop-sigterm`, … */
  get subState(): string {
    return this.#property('SubState');
  }

  /** `Result`: `success`, or why the service has failed: `protocol`, `timeout`, `watchdog`, `exit-code`, `signal`, … */
  get result(): string {
    return this.#property('Result');
  }

  /** `StatusText`: the last `STATUS`. */
  get statusText(): string {
    return this.#property('StatusText');
  }

  /** `StatusErrno`: the last `ERRNO`. */
  get statusErrno(): number {
    return Number(this.#property('StatusErrno'));
  }

  /** `MainPID`, which a service can change; 0 if there is none. */
  get mainPid(): number {
    return Number(this.#property('MainPID'));
  }

  /** `NotifyAccess`, as it holds now. */
  get notifyAccess(): string {
    return this.#property('NotifyAccess');
  }

  /** The watchdog's period in milliseconds, which a service can change; undefined if there is none. */
  get watchdog(): number | undefined {
    const usec = this.#property('WatchdogUSec');
    return usec === '' ? undefined : Number(usec) / 1000;
  }

  /** The names of the descriptors in the fd store. */
  get storedFds(): readonly string[] {
    this.#look();
    return this.#life.stored;
  }

  /** Everything that came in, in order: the first 100,000 messages. */
  get messages(): readonly ReceivedMessage[] {
    this.#look();
    return this.#messages.slice();
  }

  /** What a real manager ignores, most of it in silence. Of a service that does all well it is empty. */
  get ignored(): readonly ReceivedMessage[] {
    return this.messages.filter(({ ignored }) => ignored.length > 0);
  }

  /** The signals that the service was sent, or, in the test's own process, would have been sent. */
  get signals(): readonly NodeJS.Signals[] {
    this.#look();
    return this.#signals.slice();
  }

  /** Everything that happened, in words. */
  get timeline(): readonly TimelineEvent[] {
    this.#look();
    return inOrder(this.#events);
  }

  /** What the program wrote to standard output and standard error, or the last 64 KiB of it. */
  get output(): string {
    return this.#output;
  }

  /** Waits until the manager believes that the service is up. Fails as soon as it has ended, too. */
  async ready(options: Within = {}): Promise<void> {
    const within = limit(options);
    await this.#until('the service to be ready', within, () => {
      const state = this.#active;
      return state === 'active' || state === 'reloading' || (state !== 'activating' && 'it is not going to be');
    });
  }

  /**
   * Waits for a message that is believed, and returns it. Messages before it are passed over; the next call goes on after
   * it.
   *
   * @example
   * await service.expect('READY=1');
   * await service.expect({ STATUS: /^Serving on :\d+$/ });
   */
  async expect(expected: Expected, options: Within = {}): Promise<ReceivedMessage> {
    const [what, matches] = matcher(expected);
    const within = limit(options);
    const passed = this.#next;
    let found: ReceivedMessage | undefined;
    const look = (): boolean | string => {
      while (found === undefined && this.#next < this.#messages.length) {
        const message = this.#messages[this.#next++] as ReceivedMessage;
        if (message.believed && matches(message)) found = message;
      }
      return found !== undefined || (this.#isOver() && 'the service has ended');
    };
    await this.#until(what, within, look, () => {
      const before = this.#messages.slice(0, passed).find((message) => message.believed && matches(message));
      return before && `one came at ${(before.at / 1000).toFixed(3)} s, before the last that was expected`;
    });
    return found as unknown as ReceivedMessage;
  }

  /** Waits for that many pings (`WATCHDOG=1`) from now on. */
  async expectPings(count = 1, options: Within = {}): Promise<void> {
    if (!Number.isInteger(count) || count < 1) throw typeError('readyup/testing: how many pings? 2, for example');
    const within = limit(options, (count + 1) * this.#needsWatchdog());
    this.#look();
    const before = this.#pings().length;
    await this.#until(count === 1 ? 'a ping' : `${count} pings`, within, () => {
      if (this.#pings().length - before >= count) return true;
      return this.#active === 'deactivating' || this.#isOver() ? 'there will not be more' : false;
    });
  }

  /**
   * Waits until the watchdog's limit has passed without a ping, as it must when the service hangs. Await a ping before
   * ({@link expectPings}), then make it hang. A program is then killed with the watchdog's signal, as systemd does it.
   */
  async expectStall(options: Within = {}): Promise<void> {
    const within = limit(options, 2 * this.#needsWatchdog());
    this.#look();
    const before = this.#pings().length;
    await this.#until(
      'the pings to stop',
      within,
      () => {
        // What never began cannot stop: that says nothing of a service that forgot its pings.
        if (before === 0) return 'there was no ping before';
        return (
          this.#life.property('Result') === 'watchdog' || (this.#isOver() && 'the service has ended for another reason')
        );
      },
      () => {
        if (before === 0) return undefined;
        const pings = this.#pings().slice(before);
        const last = pings.length === 0 ? '' : `, the last one ${duration(this.#at() - (pings.at(-1)?.at ?? 0))} ago`;
        return `${pings.length} more came${last}`;
      },
    );
  }

  /**
   * Asks the service to reload, as `systemctl reload` does with `Type=notify-reload`, and waits until it has: `RELOADING=1`
   * with the time in the same message, then `READY=1`.
   */
  async reload(options: Within = {}): Promise<void> {
    const within = limit(options);
    if (this.#unit.type !== 'notify-reload') {
      throw typeError(
        "readyup/testing: reload() needs { type: 'notify-reload' }; what ExecReload= would do is up to the test: service.kill('SIGHUP')",
      );
    }
    this.#look();
    this.#record('asked to reload');
    const effects = this.#step('reload');
    const refused = effects.find(([name]) => name === 'refused')?.[1];
    await this.#until('the reload to end', within, () => {
      if (refused !== undefined) return `it cannot be asked to: ${refused}`;
      if (this.#active === 'reloading') return false;
      if (this.#active !== 'active') return 'the service does not run any more';
      const result = this.#life.property('ReloadResult');
      return result === 'success' || `its result is "${result}"`;
    });
  }

  /**
   * Sends a signal to the main process, as `systemctl kill --kill-whom=main` does.
   *
   * @example
   * service.kill('SIGHUP');
   * await service.expect('RELOADING=1');
   */
  kill(signal: NodeJS.Signals): void {
    const number = signalNumber(signal);
    this.#look();
    const pid = this.#mainPid;
    if (pid === 0) throw typeError('readyup/testing: the service has no main process to be sent a signal');
    this.#signal(number, pid, this.#at());
  }

  /**
   * Stops the service, as `systemctl stop` does, and waits for its end. In the test's own process that is `STOPPING=1`, or a
   * call of `process.exit`.
   */
  async stop(options: Within = {}): Promise<Ended> {
    const within = limit(options);
    this.#look();
    if (!this.#isOver() && this.#active !== 'deactivating') {
      this.#record('asked to stop');
      this.#ending = this.#at();
      this.#step('stop');
    }
    return this.#end('the service to end', within);
  }

  /** Waits for the service to end by itself. */
  async ended(options: Within = {}): Promise<Ended> {
    return this.#end('the service to end by itself', limit(options));
  }

  /**
   * Ends everything that belongs to the service, and its manager. Should the test's process end without it, in whatever way,
   * the service ends, too.
   */
  async close(): Promise<void> {
    this.#closed ??= this.#close();
    await this.#closed;
  }

  /** {@inheritDoc close} */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const { child } = this.#main;
    const isRunning = (): boolean => child !== undefined && child.exitCode === null && child.signalCode === null;
    for (const waiter of [...this.#waiters]) waiter.settle('it was closed');
    this.#kill();
    if (isRunning()) {
      child?.ref();
      await new Promise<void>((resolve) => {
        child?.once('exit', () => resolve());
        // It may have ended in between.
        if (!isRunning()) resolve();
      });
      // Whoever was started in the very moment in which the others were counted.
      this.#kill();
    }
    clearInterval(this.#timer);
    child?.off('exit', this.#onExit);
    this.#offExit();
    this.#watcher?.kill('SIGKILL');
    this.#inbox.close();
    for (const fd of this.#stored.values()) closeFd(fd);
    this.#stored.clear();
    this.#main.restore?.();
  }

  async #end(what: string, within: number): Promise<Ended> {
    await this.#until(what, within, () => {
      if (this.#isOver()) return true;
      // There is no process that would end. It stays the main process, for what it may say until it is closed.
      const isDone = this.#main.child === undefined && this.#ending !== undefined && this.#said('STOPPING=1');
      if (isDone && this.#endedAt === 0) this.#endedAt = this.#at();
      return isDone;
    });
    const { code = null, signal = null } = this.#ended ?? {};
    const stopping = this.#said('STOPPING=1');
    const took = Math.round((this.#endedAt - (this.#ending ?? this.#endedAt)) * 1000) / 1000;
    return { code, signal, result: this.#life.property('Result'), stopping, took };
  }

  #said(line: string): boolean {
    return this.#messages.some(({ believed, text }) => believed && text.split('\n').includes(line));
  }

  #pings(): ReceivedMessage[] {
    return this.#messages.filter(({ believed, fields }) => believed && fields['WATCHDOG'] === '1');
  }

  #needsWatchdog(): number {
    const period = this.watchdog ?? this.#unit.watchdog;
    if (period === undefined)
      throw typeError('readyup/testing: the service has no watchdog: give it one, { watchdog: 1000 }');
    return period;
  }

  /** A property, as it is by now. */
  #property(name: string): string {
    this.#look();
    return this.#life.property(name);
  }

  get #active(): string {
    return this.#life.property('ActiveState');
  }

  get #mainPid(): number {
    return Number(this.#life.property('MainPID'));
  }

  #at(): number {
    return this.#since(this.#inbox.now());
  }

  /** A moment as the judge counts time: without that in which nobody looked, and never before the last one. */
  #now(at = this.#inbox.now()): number {
    this.#judged = Math.max(this.#judged, at - this.#unseen);
    return this.#judged;
  }

  #since(usec: number): number {
    return Math.max(0, usec - this.#origin) / 1000;
  }

  #isOver(): boolean {
    return this.#active === 'inactive' || this.#active === 'failed';
  }

  #record(what: string, at = this.#at()): void {
    this.#events.push({ at, what });
  }

  /** Waits until something is the case. Rejects with a stack that begins where the test called. */
  async #until(
    what: string,
    within: number,
    look: () => boolean | string,
    more?: () => string | undefined,
  ): Promise<void> {
    const error = new Error();
    // Now, as its first line is made when it is read.
    const frames = (error.stack ?? '').split('\n').slice(1);
    const failed = (why: string): Error => {
      const [subState, result] = ['SubState', 'Result'].map((name) => this.#life.property(name));
      const state = `${this.#active} (${subState})${result === 'success' ? '' : `, with the result "${result}"`}`;
      const tail = [why, more?.(), this.#hint()].filter((part) => part !== undefined).join('; ');
      const message = describe(`Expected ${what}: ${tail}`, state, this.#events, this.#output);
      error.message = message;
      error.stack = [`Error: ${message}`, ...frames].join('\n');
      return errorFrom(error, 'ERR_READYUP_EXPECTATION');
    };
    if (this.#closed !== undefined) throw failed('it was closed');
    await new Promise<void>((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined = undefined;
      const waiter: Waiter = {
        look,
        settle: (failure) => {
          clearTimeout(timer);
          this.#waiters.delete(waiter);
          if (this.#waiters.size === 0) this.#timer.unref();
          if (failure === undefined) resolve();
          else reject(typeof failure === 'string' ? failed(failure) : failure);
        },
      };
      // Timers cannot be longer.
      timer = setTimeout(
        () => {
          this.#look();
          if (this.#waiters.has(waiter)) waiter.settle(`it has not come within ${duration(within)}`);
        },
        Math.min(within, 0x7fff_ffff),
      );
      this.#waiters.add(waiter);
      this.#timer.ref();
      this.#look();
      this.#tell();
    });
  }

  /** What to do about messages that were not believed. */
  #hint(): string | undefined {
    if (this.#main.child === undefined || this.#notBelieved === 0) return undefined;
    return "some messages are not believed: start the program that sends them itself, or give the unit { notifyAccess: 'all' }";
  }

  #tell(): void {
    for (const waiter of [...this.#waiters]) {
      try {
        const result = waiter.look();
        if (result === true) waiter.settle();
        else if (typeof result === 'string') waiter.settle(result);
      } catch (error) {
        // The test's own function.
        waiter.settle(error as Error);
      }
    }
  }

  /** Takes in everything that came, and does what is due. */
  #look(): void {
    if (this.#closed !== undefined) return;
    const before = this.#events.length;
    const inbox = this.#inbox;
    this.#notice(inbox.now());
    for (let left = AT_ONCE; left > 0; left -= 1) {
      const got = inbox.receive(this.#buffer);
      if (got === undefined) break;
      const [length, pid, uid, at, flags, ...fds] = got;
      this.#pass(this.#now(at));
      this.#receive(length, pid, uid, at, (flags & 1) !== 0, fds);
    }
    this.#pass(this.#now());
    this.#count();
    if (this.#events.length > before) this.#tell();
  }

  /**
   * Notices that nobody has looked for long, as the test's own event loop was blocked. What a service sent in that time may
   * be lost, as the socket's queue is short: it is time that does not count. In the test's own process it is what is tested.
   */
  #notice(now: number): void {
    const gap = now - this.#looked;
    this.#looked = now;
    if (this.#main.child === undefined || gap < UNSEEN || this.#isOver()) return;
    this.#unseen += gap;
    this.#record(`(nobody looked for ${duration(gap / 1000)}: the event loop of the test was blocked)`);
  }

  /** Lets time pass: what was due by then. */
  #pass(now: number): void {
    // A deadline may lead to another one that is over, too.
    for (let left = 8; left > 0 && this.#life.deadline <= now; left -= 1) this.#apply(this.#life.step('deadline', now));
  }

  /** Looks after processes that nobody tells of. */
  #count(): void {
    const now = this.#inbox.now() / 1000;
    const isAlien = this.#main.child !== undefined && this.#mainPid !== this.#main.pid;
    if (this.#main.child === undefined || this.#isOver() || now - this.#counted < COUNT_EVERY) return;
    if (this.#ended === undefined && !isAlien) return;
    this.#counted = now;
    const main = this.#mainPid;
    const others = membersOf(this.#main.pid, this.#main.invocation).some((pid) => pid !== main);
    this.#apply(this.#life.others(others, this.#now()));
    if (isAlien && main > 0 && !isAlive(main)) this.#apply(this.#life.gone(main, this.#now()));
  }

  #receive(length: number, pid: number, uid: number, at: number, truncated: boolean, fds: readonly number[]): void {
    const bytes = this.#buffer.slice(0, Math.min(length, INPUT_SIZE));
    const [kind, value] = this.#life.open(bytes, length, pid, fds.length, truncated);
    const command = nameOf(pid);
    const who = `${command || '(gone)'}[${pid}]`;
    const close = (): void => fds.forEach((fd) => closeFd(fd));
    if (kind === 'barrier') {
      this.#record(`${who}: a barrier, answered`, this.#since(at));
      // That is the answer.
      close();
      return;
    }
    const text = this.#decoder.decode(bytes);
    const main = this.#mainPid === pid;
    const add = (believed: boolean, ignored: readonly string[]): void => {
      if (this.#messages.length >= MESSAGES_MAX) return;
      const when = this.#since(at);
      const fields = fieldsOf(text);
      this.#messages.push({ text, fields, pid, command, main, at: when, fds: fds.length, believed, ignored });
      const why = ignored.length === 0 ? '' : ` (ignored: ${ignored.join('; ')})`;
      this.#record(`${who}: ${printable(text.trimEnd())}${why}`, when);
      if (this.#messages.length === MESSAGES_MAX) this.#record('so many messages came that no more are kept', when);
    };
    if (kind !== 'message') {
      close();
      add(false, [value]);
      return;
    }
    const isWanted = value === '1';
    const keys = isWanted ? fds.map((fd) => this.#keep(fd)) : [];
    const named = this.#named(bytes, fds);
    if (!isWanted) close();
    if (text.includes('READY=1')) {
      const signal = signalNumber(this.#unit.reloadSignal ?? 'SIGHUP');
      this.#life.handlesReloadSignal(this.#main.handles?.(signal) ?? handles(this.#mainPid, signal));
    }
    const effects = this.#life.message(bytes, pid, uid, keys, named, this.#now(at));
    const believed = !effects.some(([name]) => name === 'unheard');
    if (!believed) this.#notBelieved += 1;
    const refused = effects.filter(([name]) => name === 'refused' || name === 'unheard').map(([, why]) => why);
    if (believed) refused.push(...this.#unseenLines(text, effects));
    if (believed && fds.length === 0 && /^FDSTORE=1$/m.test(text)) refused.push('FDSTORE=1 comes without a descriptor');
    if (fds.length > 0 && !isWanted) refused.push('descriptors come without a line that claims them');
    add(believed, refused);
    this.#apply(effects, this.#since(at));
  }

  /** The lines that a manager does not see. */
  #unseenLines(text: string, effects: readonly Line[]): string[] {
    const lines = text.split(/[\r\n]+/).filter((line) => line !== '');
    return effects.flatMap(([name, place], index) =>
      name === 'unseen' ? [`${printable(lines[Number(place)] ?? '')}: ${effects[index + 1]?.[1] ?? ''}`] : [],
    );
  }

  #keep(fd: number): number {
    const key = this.#nextKey++;
    this.#stored.set(key, fd);
    return key;
  }

  /** The process that a message names. */
  #named(bytes: Uint8Array, fds: readonly number[]): Named | undefined {
    const [kind, value] = this.#life.named(bytes) ?? [];
    const pid = kind === 'pid' ? Number(value) : kind === 'pidfd' ? processOfPidFd(fds[0] ?? -1) : undefined;
    if (pid === undefined || !isAlive(pid)) return undefined;
    const ofUnit = isOfService(pid, this.#main.pid, this.#main.invocation);
    return { pid, ofUnit, ownChild: pid === this.#main.pid };
  }

  #step(step: Step): Line[] {
    const effects = this.#life.step(step, this.#now());
    this.#apply(effects);
    this.#tell();
    return effects;
  }

  /** Does what a manager does next. */
  #apply(effects: readonly Line[], at = this.#at()): void {
    for (const [name, value] of effects) {
      if (name === 'changed') {
        this.#record(value.replace(' ', ' -> '), at);
        if (this.#active === 'deactivating') this.#ending ??= at;
      } else if (name === 'signal') {
        const [number, target] = value.split(' ');
        this.#signal(Number(number), target === 'others' ? undefined : Number(target), at);
      } else if (name === 'close') {
        const fd = this.#stored.get(Number(value));
        if (fd !== undefined) closeFd(fd);
        this.#stored.delete(Number(value));
      }
    }
    if (effects.length > 0 && this.#isOver() && this.#endedAt === 0) this.#endedAt = at;
  }

  #signal(number: number, target: number | undefined, at: number): void {
    const name = signalName(number);
    if (this.#main.signal !== undefined) {
      if (target === undefined) return;
      this.#signals.push(name);
      const heard = this.#main.signal(name, number);
      this.#record(`${name} to this process${heard ? '' : ', which has got no listener for it since inProcess()'}`, at);
      return;
    }
    const main = this.#mainPid;
    const targets =
      target === undefined ? membersOf(this.#main.pid, this.#main.invocation).filter((pid) => pid !== main) : [target];
    if (targets.length === 0) return;
    if (target !== undefined) this.#signals.push(name);
    this.#record(`${name} to ${targets.map((pid) => `process ${pid}`).join(', ')}`, at);
    for (const pid of targets) kill(pid, number);
  }

  #childEnded(code: number | null, signal: NodeJS.Signals | null): void {
    // What it said last came before its end.
    this.#look();
    this.exited(code, signal);
  }

  /**
   * The process that was started has ended; this process would have.
   * @internal
   */
  exited(code: number | null, signal: NodeJS.Signals | null): void {
    const { pid, child } = this.#main;
    // Of one that has handed over, the end says nothing.
    if (this.#mainPid === pid) this.#ended = { code, signal };
    const now = this.#now();
    if (child !== undefined) {
      this.#record(`process ${pid} ended ${signal === null ? `with exit status ${String(code)}` : `by ${signal}`}`);
      this.#apply(this.#life.others(membersOf(pid, this.#main.invocation).length > 0, now));
    }
    this.#apply(this.#life.exited(pid, code, signal === null ? 0 : signalNumber(signal), now));
    this.#tell();
  }

  /** Ends what is left of the service at once. */
  #kill(): void {
    const { pid, child } = this.#main;
    if (child === undefined) return;
    for (const member of membersOf(pid, this.#main.invocation)) kill(member, 'SIGKILL');
  }
}

/** How long to wait: what is told, or as long as is usual, or as it takes at least. */
function limit(options: Within, least = 0): number {
  known(options, ['within']);
  return options.within === undefined ? Math.max(WITHIN, least) : milliseconds(options.within, 'within');
}

/** Closes a descriptor that came with a message. */
function closeFd(fd: number): void {
  native()?.closeFd(fd);
}

function kill(pid: number, signal: number | NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}

function fieldsOf(text: string): Record<string, string> {
  const fields: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const line of text.split('\n')) {
    const place = line.indexOf('=');
    if (place > 0) fields[line.slice(0, place)] ??= line.slice(place + 1);
  }
  return fields;
}

/** What is expected, in words, and whether a message is it. */
function matcher(expected: Expected): [string, (message: ReceivedMessage) => boolean] {
  if (typeof expected === 'function') {
    return [
      'a certain message',
      (message) => {
        const matches: unknown = expected(message);
        if (typeof matches === 'object' && matches !== null) {
          throw typeError(
            'readyup/testing: the function of expect() must answer with true or false, not with a promise',
          );
        }
        return Boolean(matches);
      },
    ];
  }
  const linesOf = (text: string): string[] => text.split(/[\r\n]+/);
  if (typeof expected === 'string') {
    const wanted = linesOf(expected).filter((line) => line !== '');
    if (wanted.length === 0 || wanted.some((line) => !line.includes('='))) {
      throw typeError(`readyup/testing: no message has the line "${printable(expected)}": 'READY=1', for example`);
    }
    return [printable(expected), ({ text }) => wanted.every((line) => linesOf(text).includes(line))];
  }
  const entries = Object.entries(typeof expected === 'object' && expected !== null ? expected : {});
  const isValue = (value: unknown): boolean => typeof value === 'string' || isRegExp(value);
  if (entries.length === 0 || !entries.every(([, value]) => isValue(value))) {
    throw typeError("readyup/testing: which message? 'READY=1', { STATUS: /up/ } or a function");
  }
  const what = entries.map(([key, value]) => `${key}=${String(value)}`).join(' and ');
  const matches = (text: string, [key, value]: [string, string | RegExp]): boolean =>
    linesOf(text).some((line) => {
      if (!line.startsWith(`${key}=`)) return false;
      const rest = line.slice(key.length + 1);
      if (typeof value === 'string') return rest === value;
      return new RegExp(value.source, value.flags.replace(/[gy]/g, '')).test(rest);
    });
  return [printable(what), ({ text }) => entries.every((entry) => matches(text, entry))];
}

/** A test runner's own world has a `RegExp` of its own. */
function isRegExp(value: unknown): boolean {
  return builtin('node:util').types.isRegExp(value);
}
