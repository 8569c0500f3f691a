// A service under test, and its manager. Internal, but for the class.

import { type ChildProcess } from 'node:child_process';
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
  printable,
} from './testing-timeline';
import { type Unit, signalName, signalNumber } from './testing-unit';

/** How often to look for what came, in milliseconds. When it came the kernel tells. */
const LOOK_EVERY = 5;
/** How often to look for processes, whose ends nobody tells. */
const COUNT_EVERY = 50;
/** How long to wait, unless told otherwise: less than the limit of a test in vitest and jest, so that ours speaks first. */
const WITHIN = 4000;
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
  /** The program, for what is started. */
  readonly child?: ChildProcess;
  /** What the process is, for the timeline. */
  readonly description: string;
  /** Whether the main process handles a signal. */
  handles?(signal: number): boolean;
  /** Sends a signal in place of the system. */
  signal?(name: NodeJS.Signals, number: number): void;
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
  readonly #decoder = new TextDecoder();
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
  /** Looks again when the program has ended. */
  readonly #onExit = (code: number | null, signal: NodeJS.Signals | null): void => this.#childEnded(code, signal);
  /** Whoever ends this process without closing the service leaves none behind. */
  readonly #killAll = (): void => this.#kill();

  /** @internal */
  constructor(unit: Unit, life: Life, inbox: Listening, main: Main) {
    this.#unit = unit;
    this.#life = life;
    this.#inbox = inbox;
    this.#main = main;
    this.#address = inbox.address();
    this.#origin = inbox.now();
    this.#step('start');
    this.#record(`started ${printable(main.description)} (process ${main.pid})`);
    this.#apply(life.spawned(main.pid, inbox.now()));
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
    process.on('exit', this.#killAll);
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
    return this.#events.slice();
  }

  /** What the program wrote to standard output and standard error, or the last 64 KiB of it. */
  get output(): string {
    return this.#output;
  }

  /** Waits until the manager believes that the service is up. Fails as soon as it has ended, too. */
  async ready({ within = WITHIN }: Within = {}): Promise<void> {
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
  async expect(expected: Expected, { within = WITHIN }: Within = {}): Promise<ReceivedMessage> {
    const [what, matches] = matcher(expected);
    let found: ReceivedMessage | undefined;
    await this.#until(what, within, () => {
      while (found === undefined && this.#next < this.#messages.length) {
        const message = this.#messages[this.#next++] as ReceivedMessage;
        if (message.believed && matches(message)) found = message;
      }
      return found !== undefined || (this.#isOver() && 'the service has ended');
    });
    return found as unknown as ReceivedMessage;
  }

  /** Waits for that many pings (`WATCHDOG=1`) from now on. */
  async expectPings(count = 1, { within = WITHIN }: Within = {}): Promise<void> {
    this.#needsWatchdog();
    this.#look();
    const before = this.#pings().length;
    await this.#until(count === 1 ? 'a ping' : `${count} pings`, within, () => {
      if (this.#pings().length - before >= count) return true;
      return this.#active === 'deactivating' || this.#isOver() ? 'there will not be more' : false;
    });
  }

  /**
   * Waits until the watchdog's limit has passed without a ping, as it must when the service hangs. Make it hang first. A
   * program is then killed with the watchdog's signal, as systemd does it.
   */
  async expectStall(options: Within = {}): Promise<void> {
    const period = this.#needsWatchdog();
    const { within = Math.max(WITHIN, 2 * period) } = options;
    this.#look();
    const before = this.#pings().length;
    await this.#until(
      'the pings to stop',
      within,
      () =>
        this.#life.property('Result') === 'watchdog' || (this.#isOver() && 'the service has ended for another reason'),
      () => {
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
  async reload({ within = WITHIN }: Within = {}): Promise<void> {
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
   * Stops the service, as `systemctl stop` does, and waits for its end. In the test's own process the end is `STOPPING=1`.
   */
  async stop({ within = WITHIN }: Within = {}): Promise<Ended> {
    this.#look();
    if (!this.#isOver() && this.#active !== 'deactivating') {
      this.#record('asked to stop');
      this.#ending = this.#at();
      this.#step('stop');
    }
    return this.#end('the service to end', within);
  }

  /** Waits for the service to end by itself. */
  async ended({ within = WITHIN }: Within = {}): Promise<Ended> {
    return this.#end('the service to end by itself', within);
  }

  /** Ends everything that belongs to the service, and its manager. */
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
    this.#kill();
    if (isRunning()) {
      child?.ref();
      await new Promise<void>((resolve) => {
        child?.once('exit', () => resolve());
        // It may have ended in between.
        if (!isRunning()) resolve();
      });
    }
    clearInterval(this.#timer);
    child?.off('exit', this.#onExit);
    process.off('exit', this.#killAll);
    this.#inbox.close();
    for (const fd of this.#stored.values()) closeFd(fd);
    this.#stored.clear();
    this.#main.restore?.();
    for (const waiter of [...this.#waiters]) waiter.settle('it was closed');
  }

  async #end(what: string, within: number): Promise<Ended> {
    await this.#until(what, within, () => {
      if (this.#isOver()) return true;
      // There is no process that would end.
      const isDone = this.#main.child === undefined && this.#ending !== undefined && this.#said('STOPPING=1');
      if (isDone) this.#exited(0, null);
      return isDone;
    });
    const { code = null, signal = null } = this.#ended ?? {};
    const stopping = this.#said('STOPPING=1');
    return { code, signal, result: this.result, stopping, took: this.#endedAt - (this.#ending ?? this.#endedAt) };
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
  async #until(what: string, within: number, look: () => boolean | string, more?: () => string): Promise<void> {
    if (!(within > 0)) throw typeError('readyup/testing: within must be above 0 milliseconds');
    const error = new Error();
    // Now, as its first line is made when it is read.
    const frames = (error.stack ?? '').split('\n').slice(1);
    const failed = (why: string): Error => {
      const [subState, result] = ['SubState', 'Result'].map((name) => this.#life.property(name));
      const state = `${this.#active} (${subState})${result === 'success' ? '' : `, with the result "${result}"`}`;
      const tail = more === undefined ? why : `${why}; ${more()}`;
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
    for (let left = AT_ONCE; left > 0; left -= 1) {
      const got = inbox.receive(this.#buffer);
      if (got === undefined) break;
      const [length, pid, uid, at, flags, ...fds] = got;
      this.#pass(at);
      this.#receive(length, pid, uid, at, (flags & 1) !== 0, fds);
    }
    this.#pass(this.#inbox.now());
    this.#count();
    if (this.#events.length > before) this.#tell();
  }

  /** Lets time pass: what was due by then. */
  #pass(now: number): void {
    // A deadline may lead to another one that is over, too.
    for (let left = 8; left > 0 && this.#life.deadline <= now; left -= 1) this.#apply(this.#life.step('deadline', now));
  }

  /** Looks after processes that nobody tells of. */
  #count(): void {
    const now = Date.now();
    const isAlien = this.#main.child !== undefined && this.#mainPid !== this.#main.pid;
    if (this.#main.child === undefined || this.#isOver() || now - this.#counted < COUNT_EVERY) return;
    if (this.#ended === undefined && !isAlien) return;
    this.#counted = now;
    const main = this.#mainPid;
    const others = membersOf(this.#main.pid, this.#address).some((pid) => pid !== main);
    this.#apply(this.#life.others(others, this.#inbox.now()));
    if (isAlien && main > 0 && !isAlive(main)) this.#apply(this.#life.gone(main, this.#inbox.now()));
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
    const effects = this.#life.message(bytes, pid, uid, keys, named, at);
    const refused = effects.filter(([name]) => name === 'refused' || name === 'unheard').map(([, why]) => why);
    add(!effects.some(([name]) => name === 'unheard'), refused);
    this.#apply(effects, this.#since(at));
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
    const ofUnit = isOfService(pid, this.#main.pid, this.#address);
    return { pid, ofUnit, ownChild: pid === this.#main.pid };
  }

  #step(step: Step): Line[] {
    const effects = this.#life.step(step, this.#inbox.now());
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
      this.#record(`${name} to this process`, at);
      this.#main.signal(name, number);
      return;
    }
    const main = this.#mainPid;
    const targets =
      target === undefined ? membersOf(this.#main.pid, this.#address).filter((pid) => pid !== main) : [target];
    if (targets.length === 0) return;
    if (target !== undefined) this.#signals.push(name);
    this.#record(`${name} to ${targets.map((pid) => `process ${pid}`).join(', ')}`, at);
    for (const pid of targets) kill(pid, number);
  }

  #childEnded(code: number | null, signal: NodeJS.Signals | null): void {
    // What it said last came before its end.
    this.#look();
    this.#exited(code, signal);
  }

  #exited(code: number | null, signal: NodeJS.Signals | null): void {
    this.#ended = { code, signal };
    const now = this.#inbox.now();
    const { pid, child } = this.#main;
    if (child !== undefined) {
      this.#record(`process ${pid} ended ${signal === null ? `with exit status ${String(code)}` : `by ${signal}`}`);
      this.#apply(this.#life.others(membersOf(pid, this.#address).length > 0, now));
    }
    this.#apply(this.#life.exited(pid, code, signal === null ? 0 : signalNumber(signal), now));
    this.#tell();
  }

  /** Ends what is left of the service at once. */
  #kill(): void {
    const { pid, child } = this.#main;
    if (child === undefined) return;
    for (const member of membersOf(pid, this.#address)) kill(member, 'SIGKILL');
  }
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
  if (typeof expected === 'function') return ['a certain message', expected];
  const lines = (text: string): string[] => text.split('\n');
  if (typeof expected === 'string') {
    const wanted = lines(expected);
    return [printable(expected), ({ text }) => wanted.every((line) => lines(text).includes(line))];
  }
  const entries = Object.entries(expected);
  if (entries.length === 0) throw typeError('readyup/testing: which message? { STATUS: /up/ }, for example');
  const what = entries.map(([key, value]) => `${key}=${String(value)}`).join(' and ');
  const matches = (text: string, [key, value]: [string, string | RegExp]): boolean =>
    lines(text).some((line) => {
      if (!line.startsWith(`${key}=`)) return false;
      const rest = line.slice(key.length + 1);
      return typeof value === 'string'
        ? rest === value
        : new RegExp(value.source, value.flags.replace(/[gy]/g, '')).test(rest);
    });
  return [printable(what), ({ text }) => entries.every((entry) => matches(text, entry))];
}
