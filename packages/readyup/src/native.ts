// The addon: which file it is, and what it exports. Internal.

import { builtin } from './builtin';
import { errorFrom, systemError } from './errors';

const ENOSYS = -38;

/** The manager's queue is full; nothing was sent. */
export const QUEUE_FULL = 0;
/** There is no manager to tell. */
export const NO_MANAGER = 3;
/** Begun, and not yet at its end: call again with the same arguments. */
export const UNDER_WAY = 4;

/** A handle on the journal: `[name, value, name, value, …]` is one entry. */
export interface Sender {
  send(fields: readonly Uint8Array[]): number;
  close(): void;
}

/** A handle on a manager. What sends answers with one of the numbers above, or another one for "sent". */
export interface Handle {
  send(state: string, pid?: number, fds?: readonly number[]): number;
  notify(assignments: readonly string[], pid?: number, fds?: readonly number[]): number;
  reloading(assignments: readonly string[]): number;
  watchdog(): number;
  /** The barrier's number; -1 when the queue is full, -2 when there is no manager. */
  barrier(): number;
  barrierDone(number: number): boolean;
  barrierDrop(number: number): void;
  /** Gives up what is under way. */
  abandon(): void;
  close(): void;
}

/** A thread that looks after this thread's event loop. */
export interface Watch {
  /** A sign of life. True when a hang is over that `take` tells about. */
  beat(): boolean;
  /** How long it was, in milliseconds, and where; or nothing. */
  take(): [number, string] | [];
  stop(): void;
}

/** A socket that services notify. */
export interface Listening {
  /** What to put into `NOTIFY_SOCKET`. */
  address(): string;
  /**
   * The next datagram, if there is one: `[length, pid, uid, usec, flags, ...fds]`. `length` is that of what was sent: more
   * than the buffer's where it was cut. `pid` is 0 where the sender's is not known, `usec` when it came, by the clock of `now`.
   * `flags`: 1 where not all of the descriptors came. The descriptors are the caller's to close, and close-on-exec.
   */
  receive(
    buffer: Uint8Array,
  ): [length: number, pid: number, uid: number, usec: number, flags: number, ...fds: number[]] | undefined;
  /** `CLOCK_MONOTONIC`, in microseconds. */
  now(): number;
  /** Nothing is received any more after that. A path's file is left. */
  close(): void;
}

/** What the addon exports. */
export interface Addon {
  open(notifySocket?: string): Handle;
  /** At its usual place, unless another one is given. */
  openJournal(address?: string): Sender;
  /** At a path, an abstract name (`@name`), or where the kernel chooses. */
  listen(address?: string): Listening;
  /** Closes a descriptor that was received: Node's own functions would warn of it in a worker. */
  closeFd(fd: number): void;
  watchdogPeriod(usec?: string, pid?: string): number | undefined;
  listenFds(pid?: string, fds?: string, names?: string, pidfdId?: string): (number | string)[];
  booted(): boolean;
  /** `flags`: 1 to ask V8 for stacks, 2 for priorities on standard error. Undefined where there can be no thread. */
  watchLoop(notifySocket: string | undefined, after: number, flags: number): Watch | undefined;
}

let addon: Addon | null | undefined;

/**
 * The addon; null on a platform for which there is none, and where there is no such manager either. Throws where there
 * should be one: an answer of "no manager" would leave a service without its readiness, and nobody would know why.
 */
export function native(): Addon | null {
  if (addon === undefined) {
    addon = process.platform === 'linux' ? load() : null;
  }
  return addon;
}

function load(): Addon {
  try {
    // Written out for each file, rather than put together from a string, so that bundlers find them.
    switch (process.arch) {
      case 'x64':
        return require('../native/linux-x64.node') as Addon;
      case 'arm64':
        return require('../native/linux-arm64.node') as Addon;
    }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ERR_DLOPEN_DISABLED') {
      throw errorFrom(
        new Error('readyup: this process may not load native addons; start node with --allow-addons', { cause }),
        code,
      );
    }
    // Deno's have no code.
    if (code !== undefined && code !== 'MODULE_NOT_FOUND' && code !== 'ERR_UNKNOWN_BUILTIN_MODULE') throw cause;
    const addon = embedded(`linux-${process.arch}.node`);
    if (addon !== undefined) return addon;
    if (code === undefined) throw errorFrom(cause as Error, 'ERR_DLOPEN_FAILED');
    // A package made without it, or a bundle that left it out: as good as a processor for which there is none.
  }
  throw systemError(
    ENOSYS,
    'dlopen',
    `readyup: there is no addon for linux-${process.arch}; if this program is a bundle, native/ must come with it`,
  );
}

/** What a single executable application has of `node:sea`. */
interface Sea {
  isSea(): boolean;
  getRawAsset(name: string): ArrayBuffer;
}

/** The addon that is an asset of a single executable application, which cannot require files. */
function embedded(name: string): Addon | undefined {
  const { getBuiltinModule } = process as { getBuiltinModule?: (name: string) => unknown };
  const sea = getBuiltinModule?.('node:sea') as Sea | undefined;
  if (sea?.isSea?.() !== true) return undefined;
  let bytes: ArrayBuffer;
  try {
    bytes = sea.getRawAsset(name);
  } catch {
    return undefined;
  }
  const { mkdtempSync, rmSync, writeFileSync } = builtin('node:fs');
  const { join } = builtin('node:path');
  // Only files can be loaded; once it is, nobody needs the file any more.
  const directory = mkdtempSync(join(builtin('node:os').tmpdir(), 'readyup-'));
  try {
    const path = join(directory, name);
    writeFileSync(path, new Uint8Array(bytes), { mode: 0o600 });
    const loaded = { exports: {} as Addon };
    process.dlopen(loaded, path);
    return loaded.exports;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
