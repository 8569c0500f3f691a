// Getting messages to one manager, in order, without ever holding the event loop. Internal.

import { calling, errorFrom, systemError } from './errors';
import { type Addon, type Handle, NO_MANAGER, QUEUE_FULL, UNDER_WAY, native } from './native';

const EAGAIN = -11;
const ETIMEDOUT = -110;

/** How long to wait between tries while the manager's queue is full: twice as long each time, between these. */
const FIRST_PAUSE = 1;
const LONGEST_PAUSE = 25;
/** How many waiting messages are dealt with in one turn of the event loop. */
const TURN = 64;
/** How much text may wait in all: as much as `sd_notify` asks the kernel to hold. */
const WAITING_MAX = 8 << 20;
/** How many barriers a handle has room for. */
const BARRIERS = 64;
/** What a waiting message takes besides its text, roughly. */
const OVERHEAD = 256;

/** One message that waits for room in the manager's queue. */
interface Waiting<H> {
  attempt: (handle: H) => number;
  size: number;
  /** By which time (of `performance.now()`) it must be sent. */
  end: number;
  resolve: (sent: boolean) => void;
  reject: (error: Error) => void;
}

/** What a channel needs of a handle, whoever is at the other end. */
interface Closable {
  /** Gives up what is under way, where there can be such a thing. */
  abandon?(): void;
  close(): void;
}

/** A handle on the manager of that address; null where there is none. */
export function openManager(notifySocket: string | undefined): Handle | null {
  let addon: Addon | null = null;
  try {
    addon = native();
  } catch (error) {
    // Without a manager nothing is lost without the addon.
    if (notifySocket !== undefined && notifySocket !== '') throw error;
  }
  return addon?.open(notifySocket) ?? null;
}

/**
 * A manager (or the journal), and the messages that wait for it.
 *
 * A message is tried at once. If the manager's queue is full it waits, with those that come after it, and is tried
 * again from a timer: no thread of libuv's pool is held, which would delay the program's own files and look-ups. The
 * timer keeps the process alive, as any operation that somebody awaits does, but never longer than the time-out.
 */
export class Channel<H extends Closable = Handle> {
  readonly #handle: H | null;
  readonly #receiver: string;
  /** In order; those that ran out of time before their turn are left out. */
  #waiting: (Waiting<H> | undefined)[] = [];
  /** Messages before this one are done. */
  #first = 0;
  #size = 0;
  /** When the first of those that wait runs out of time. */
  #nextEnd = Infinity;
  #pause = FIRST_PAUSE;
  #timer: NodeJS.Timeout | undefined;
  /** Barriers that somebody waits for, and how many of them have a place in the handle. */
  #barriers = 0;
  #placed = 0;
  #closing = false;

  constructor(open: () => H | null, receiver = 'the manager') {
    this.#handle = calling(open);
    this.#receiver = receiver;
  }

  /** Sends, or waits up to `timeout` milliseconds for room. `size` is that of the text. */
  send(attempt: (handle: H) => number, size: number, timeout: number): Promise<boolean> {
    const handle = this.#handle;
    if (handle === null || this.#closing) return Promise.resolve(false);
    return this.#send(handle, attempt, size, timeout);
  }

  #send(handle: H, attempt: (handle: H) => number, size: number, timeout: number): Promise<boolean> {
    if (this.#first < this.#waiting.length) return this.#wait(attempt, size, timeout);
    let result: number;
    try {
      result = attempt(handle);
    } catch (error) {
      return Promise.reject(errorFrom(error as Error));
    }
    if (result === QUEUE_FULL || result === UNDER_WAY) return this.#wait(attempt, size, timeout);
    return Promise.resolve(result !== NO_MANAGER);
  }

  /** One heartbeat, now or never: true when sent, false when there is no manager, null when its queue is full. */
  ping(this: Channel<Handle>): boolean | null {
    const handle = this.#handle;
    if (handle === null || this.#closing) return false;
    if (this.#first < this.#waiting.length) return null;
    let result: number;
    try {
      // Not through `calling`: this is where a nanosecond counts.
      result = handle.watchdog();
    } catch (error) {
      throw errorFrom(error as Error);
    }
    if (result === QUEUE_FULL) return null;
    if (result === UNDER_WAY) {
      // It has a connection of its own, and only has to be brought to its end.
      this.#wait((handle) => handle.watchdog(), 0, 1000).catch(() => {});
      return true;
    }
    return result !== NO_MANAGER;
  }

  /** Resolves once the manager has read everything sent before. */
  async barrier(this: Channel<Handle>, timeout: number): Promise<boolean> {
    const handle = this.#handle;
    if (handle === null || this.#closing) return false;
    const end = performance.now() + timeout;
    this.#barriers += 1;
    let placed = 0;
    try {
      // One too many waits beside the queue, so that no message waits behind it. What is sent in the meantime it waits
      // for as well.
      for (let pause = 1; this.#placed >= BARRIERS; pause = Math.min(pause * 1.5, LONGEST_PAUSE)) {
        if (performance.now() >= end) throw unanswered();
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
      this.#placed += placed = 1;
      let number = -1;
      const ask = (handle: Handle): number => {
        number = handle.barrier();
        return number === -1 ? QUEUE_FULL : number === -2 ? NO_MANAGER : 1;
      };
      const asked = await this.#send(handle, ask, 0, end - performance.now()).catch((error: NodeJS.ErrnoException) => {
        throw error.errno === EAGAIN ? unanswered() : error;
      });
      if (!asked) return false;
      // A manager that has nothing else to do answers within the turn.
      for (let pause = 0; ; pause = Math.min(pause * 1.5 + 0.5, LONGEST_PAUSE)) {
        if (calling(() => handle.barrierDone(number))) return true;
        if (performance.now() >= end) {
          handle.barrierDrop(number);
          throw unanswered();
        }
        await (pause === 0 ? new Promise(setImmediate) : new Promise((resolve) => setTimeout(resolve, pause)));
      }
    } finally {
      this.#placed -= placed;
      this.#barriers -= 1;
      this.#closeIfIdle();
    }
  }

  /** Takes no more messages, and closes the socket as soon as none waits for it any more. */
  close(): void {
    this.#closing = true;
    this.#closeIfIdle();
  }

  #closeIfIdle(): void {
    if (this.#closing && this.#first >= this.#waiting.length && this.#barriers === 0) this.#handle?.close();
  }

  #wait(attempt: (handle: H) => number, size: number, timeout: number): Promise<boolean> {
    if (timeout <= 0) {
      // Nothing but this message can be under way: it would have waited before others.
      if (this.#first >= this.#waiting.length) this.#handle?.abandon?.();
      return Promise.reject(queueFull(this.#receiver, 'and it was not to be waited for'));
    }
    if (this.#size + size + OVERHEAD > WAITING_MAX) {
      return Promise.reject(queueFull(this.#receiver, 'and too much waits for it already'));
    }
    return new Promise((resolve, reject) => {
      const end = performance.now() + timeout;
      this.#size += size + OVERHEAD;
      this.#nextEnd = Math.min(this.#nextEnd, end);
      this.#waiting.push({ attempt, size, end, resolve, reject });
      this.#timer ??= setTimeout(this.#retry, this.#pause);
    });
  }

  readonly #retry = (): void => {
    this.#timer = undefined;
    const handle = this.#handle;
    if (handle === null) return;
    for (let done = 0; done < TURN; done += 1) {
      const message = this.#waiting[this.#first];
      if (message === undefined) break;
      let result: number;
      try {
        result = calling(() => message.attempt(handle));
      } catch (error) {
        this.#pause = FIRST_PAUSE;
        this.#takeOff(this.#first).reject(error as Error);
        continue;
      }
      if (result === QUEUE_FULL || result === UNDER_WAY) {
        this.#giveUpOverdue(handle);
        break;
      }
      this.#pause = FIRST_PAUSE;
      this.#takeOff(this.#first).resolve(result !== NO_MANAGER);
    }
    this.#compact();
    if (this.#first >= this.#waiting.length) {
      this.#closeIfIdle();
      return;
    }
    // In the next turn, after what else there is to do; or later, if the queue is full.
    this.#timer = setTimeout(this.#retry, this.#pause);
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
  };

  /** Rejects messages whose time is up, wherever they stand, but not more than a turn's worth. */
  #giveUpOverdue(handle: H): void {
    const now = performance.now();
    if (now < this.#nextEnd) return;
    this.#nextEnd = Infinity;
    for (let index = this.#first, given = 0; index < this.#waiting.length; index += 1) {
      const message = this.#waiting[index];
      if (message === undefined) continue;
      if (now < message.end || given >= TURN) {
        this.#nextEnd = Math.min(this.#nextEnd, message.end);
        continue;
      }
      given += 1;
      if (index === this.#first) handle.abandon?.();
      this.#takeOff(index).reject(
        queueFull(this.#receiver, 'and it made no room in the time allowed; is it busy or stopped?'),
      );
    }
    // More of them are waiting to be told.
    if (this.#nextEnd <= now) this.#pause = FIRST_PAUSE;
  }

  /** Takes the message at `index` off the queue. */
  #takeOff(index: number): Waiting<H> {
    const message = this.#waiting[index] as Waiting<H>;
    this.#size -= message.size + OVERHEAD;
    this.#waiting[index] = undefined;
    while (this.#first < this.#waiting.length && this.#waiting[this.#first] === undefined) this.#first += 1;
    return message;
  }

  /** Lets go of the memory of those that are done, now and then. */
  #compact(): void {
    if (this.#first < this.#waiting.length) {
      if (this.#first < 4096 || this.#first * 2 < this.#waiting.length) return;
      this.#waiting = this.#waiting.slice(this.#first);
    } else {
      this.#waiting = [];
      this.#nextEnd = Infinity;
    }
    this.#first = 0;
  }
}

function unanswered(): NodeJS.ErrnoException {
  return systemError(
    ETIMEDOUT,
    'poll',
    'the manager did not answer the barrier in the time allowed; is anybody reading from the notify socket?',
  );
}

function queueFull(receiver: string, rest: string): NodeJS.ErrnoException {
  return systemError(EAGAIN, 'sendmsg', `${receiver}'s queue is full, ${rest}`);
}

/** The manager that was named last, and the channel to it. */
let current: { notifySocket: string; channel: Channel } | undefined;
/** What `ambientChannel` returned last. */
let last: Channel | undefined;
/** The channel to no manager at all. */
let nobody: Channel | undefined;

/**
 * The channel to the manager that `process.env.NOTIFY_SOCKET` names at this moment. Its socket is kept for as long as no
 * other is named.
 */
export function ambientChannel(notifySocket = process.env['NOTIFY_SOCKET']): Channel {
  if (notifySocket === undefined || notifySocket === '')
    return (last = nobody ??= new Channel(() => openManager(undefined)));
  if (current === undefined || current.notifySocket !== notifySocket) {
    const channel = new Channel(() => openManager(notifySocket));
    current?.channel.close();
    current = { notifySocket, channel };
  }
  return (last = current.channel);
}

/** Which channels a watchdog has. */
export interface Channels {
  /** That of this moment. */
  now(): Channel;
  /** The one that was used last, without looking at the environment again. */
  last(): Channel;
  /** That of this moment; where the variable was unset since, so that children don't find it, the one before. */
  kept(): Channel;
}

/** The channels of the module's own notifier. */
export const AMBIENT_CHANNELS: Channels = {
  now: () => ambientChannel(),
  last: () => last ?? ambientChannel(),
  kept: () => {
    const now = ambientChannel();
    return now === nobody ? (current?.channel ?? now) : now;
  },
};
