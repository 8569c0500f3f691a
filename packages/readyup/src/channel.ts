// Getting messages to one manager, in order, without ever holding the event loop. Internal.

import { calling, errorFrom, systemError } from './errors';
import { type Handle, NO_MANAGER, QUEUE_FULL, UNDER_WAY, native } from './native';

const EAGAIN = -11;
const ETIMEDOUT = -110;

/** How long to wait between tries while the manager's queue is full: twice as long each time, between these. */
const FIRST_PAUSE = 1;
const LONGEST_PAUSE = 25;
/** How many waiting messages are dealt with in one turn of the event loop. */
const TURN = 64;
/** How much text may wait in all: as much as `sd_notify` asks the kernel to hold. */
const WAITING_MAX = 8 << 20;
/** What a waiting message takes besides its text, roughly. */
const OVERHEAD = 256;

/** One message that waits for room in the manager's queue. */
interface Waiting {
  attempt: (handle: Handle) => number;
  size: number;
  /** By which time (of `performance.now()`) it must be sent. */
  end: number;
  resolve: (sent: boolean) => void;
  reject: (error: Error) => void;
}

/**
 * A manager, and the messages that wait for it.
 *
 * A message is tried at once. If the manager's queue is full it waits, with those that come after it, and is tried
 * again from a timer: no thread of libuv's pool is held, which would delay the program's own files and look-ups. The
 * timer keeps the process alive, as any operation that somebody awaits does, but never longer than the time-out.
 */
export class Channel {
  readonly #handle: Handle | null;
  #waiting: Waiting[] = [];
  /** Messages before this one are done; taken off now and then, rather than one by one. */
  #first = 0;
  #size = 0;
  #pause = FIRST_PAUSE;
  #timer: NodeJS.Timeout | undefined;
  #barriers = 0;
  #closing = false;

  constructor(notifySocket: string | undefined) {
    this.#handle = calling(() => native()?.open(notifySocket) ?? null);
  }

  /** Sends, or waits up to `timeout` milliseconds for room. `size` is that of the text. */
  send(attempt: (handle: Handle) => number, size: number, timeout: number): Promise<boolean> {
    const handle = this.#handle;
    if (handle === null) return Promise.resolve(false);
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
  ping(): boolean | null {
    const handle = this.#handle;
    if (handle === null) return false;
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
  async barrier(timeout: number): Promise<boolean> {
    const handle = this.#handle;
    if (handle === null) return false;
    const end = performance.now() + timeout;
    let number = -1;
    const asked = await this.send(
      (handle) => {
        number = handle.barrier();
        return number === -1 ? QUEUE_FULL : number === -2 ? NO_MANAGER : 1;
      },
      0,
      timeout,
    );
    if (!asked) return false;
    this.#barriers += 1;
    try {
      // A manager that has nothing else to do answers within the turn.
      for (let pause = 0; ; pause = Math.min(pause * 1.5 + 0.5, LONGEST_PAUSE)) {
        if (calling(() => handle.barrierDone(number))) return true;
        if (performance.now() >= end) {
          handle.barrierDrop(number);
          throw systemError(
            ETIMEDOUT,
            'poll',
            'the manager did not answer the barrier in the time allowed; is anybody reading from the notify socket?',
          );
        }
        await (pause === 0 ? new Promise(setImmediate) : new Promise((resolve) => setTimeout(resolve, pause)));
      }
    } finally {
      this.#barriers -= 1;
      this.#closeIfIdle();
    }
  }

  /** Closes the socket as soon as nothing waits for it any more. */
  close(): void {
    this.#closing = true;
    this.#closeIfIdle();
  }

  #closeIfIdle(): void {
    if (this.#closing && this.#first >= this.#waiting.length && this.#barriers === 0) this.#handle?.close();
  }

  #wait(attempt: (handle: Handle) => number, size: number, timeout: number): Promise<boolean> {
    if (timeout <= 0) {
      this.#handle?.abandon();
      return Promise.reject(queueFull('and it was not to be waited for'));
    }
    if (this.#size + size + OVERHEAD > WAITING_MAX)
      return Promise.reject(queueFull('and too much waits for it already'));
    return new Promise((resolve, reject) => {
      this.#size += size + OVERHEAD;
      this.#waiting.push({ attempt, size, end: performance.now() + timeout, resolve, reject });
      this.#timer ??= setTimeout(this.#retry, this.#pause);
    });
  }

  readonly #retry = (): void => {
    this.#timer = undefined;
    const handle = this.#handle;
    if (handle === null) return;
    const now = performance.now();
    for (let done = 0; done < TURN; done += 1) {
      const message = this.#waiting[this.#first];
      if (message === undefined) break;
      let result: number;
      try {
        result = calling(() => message.attempt(handle));
      } catch (error) {
        this.#pause = FIRST_PAUSE;
        this.#takeOff(message);
        message.reject(error as Error);
        continue;
      }
      if (result !== QUEUE_FULL && result !== UNDER_WAY) {
        this.#pause = FIRST_PAUSE;
        this.#takeOff(message);
        message.resolve(result !== NO_MANAGER);
        continue;
      }
      if (now < message.end) {
        this.#timer = setTimeout(this.#retry, this.#pause);
        this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
        return;
      }
      handle.abandon();
      this.#takeOff(message);
      message.reject(queueFull('and it made no room in the time allowed; is it busy or stopped?'));
    }
    if (this.#first < this.#waiting.length) {
      // The rest in the next turn, after what else there is to do.
      this.#timer = setTimeout(this.#retry, 0);
    } else {
      this.#waiting = [];
      this.#first = 0;
      this.#closeIfIdle();
    }
  };

  #takeOff(message: Waiting): void {
    this.#size -= message.size + OVERHEAD;
    this.#first += 1;
    if (this.#first >= 4096 && this.#first * 2 >= this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#first);
      this.#first = 0;
    }
  }
}

function queueFull(rest: string): NodeJS.ErrnoException {
  return systemError(EAGAIN, 'sendmsg', `the manager's queue is full, ${rest}`);
}

let current: { notifySocket: string | undefined; channel: Channel } | undefined;

/**
 * The channel to the manager that `process.env.NOTIFY_SOCKET` names at this moment. Its socket is kept for as long as
 * the variable stays the same.
 */
export function ambientChannel(notifySocket = process.env['NOTIFY_SOCKET']): Channel {
  if (current === undefined || current.notifySocket !== notifySocket) {
    const channel = new Channel(notifySocket);
    current?.channel.close();
    current = { notifySocket, channel };
  }
  return current.channel;
}

/** As `ambientChannel`, but the one that was used last, without looking at the environment again. */
export function lastChannel(): Channel {
  return current?.channel ?? ambientChannel();
}
