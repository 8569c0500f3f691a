// The typed fields of a message, and their spelling on the wire. Internal, but for the type.

import { typeError } from './errors';

/**
 * What one message can say. Times are in milliseconds. Flags are `true` or left out.
 *
 * What the manager does with each is told in
 * [sd_notify(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html).
 */
export interface Fields {
  /** Start-up, or a reload, is over. */
  ready?: boolean;
  /** The service reloads its configuration. The time that a manager wants beside it is added. */
  reloading?: boolean;
  /** The service is going down. */
  stopping?: boolean;
  /** One line for humans, shown by `systemctl status`. */
  status?: string;
  /** The error that made the service fail: a number, or a name such as `ENOENT`. */
  errno?: number | string;
  /** The D-Bus error name that made the service fail. */
  busError?: string;
  /** The Varlink error name that made the service fail. */
  varlinkError?: string;
  /** The service's main process is another one now. */
  mainPid?: number;
  /** The inode number of a pidfd of the main process. */
  mainPidFdId?: number | bigint;
  /** The one descriptor beside this message is a pidfd of the main process. */
  mainPidFd?: boolean;
  /** A sign of life; or `'trigger'`: act as if there had been none for too long. */
  watchdog?: boolean | 'trigger';
  /** The watchdog's period from now on, in milliseconds. */
  watchdogPeriod?: number;
  /** Give the running start, reload or stop at least this many milliseconds from now. */
  extendTimeout?: number;
  /** Whom the manager is to listen to from now on. */
  notifyAccess?: 'none' | 'main' | 'exec' | 'all';
  /** Forget how often the service was restarted. */
  restartReset?: boolean;
  /** The exit status of a whole system, told to its supervisor. */
  exitStatus?: number;
  /** Keep the descriptors beside this message. */
  fdStore?: boolean;
  /** Drop the stored descriptors named `fdName`. */
  fdStoreRemove?: boolean;
  /** The name for `fdStore` and `fdStoreRemove`. */
  fdName?: string;
  /** `false`: keep a stored descriptor even once it hangs up. */
  fdPoll?: false;
  /** A private assignment. */
  [key: `X_${string}`]: string;
}

type Kind = 'flag' | 'text' | 'number' | 'milliseconds' | 'watchdog' | 'off';

const KEYS: Record<string, readonly [key: string, kind: Kind]> = {
  ready: ['READY', 'flag'],
  reloading: ['RELOADING', 'flag'],
  stopping: ['STOPPING', 'flag'],
  status: ['STATUS', 'text'],
  errno: ['ERRNO', 'text'],
  busError: ['BUSERROR', 'text'],
  varlinkError: ['VARLINKERROR', 'text'],
  mainPid: ['MAINPID', 'number'],
  mainPidFdId: ['MAINPIDFDID', 'number'],
  mainPidFd: ['MAINPIDFD', 'flag'],
  watchdog: ['WATCHDOG', 'watchdog'],
  watchdogPeriod: ['WATCHDOG_USEC', 'milliseconds'],
  extendTimeout: ['EXTEND_TIMEOUT_USEC', 'milliseconds'],
  notifyAccess: ['NOTIFYACCESS', 'text'],
  restartReset: ['RESTART_RESET', 'flag'],
  exitStatus: ['EXIT_STATUS', 'number'],
  fdStore: ['FDSTORE', 'flag'],
  fdStoreRemove: ['FDSTOREREMOVE', 'flag'],
  fdName: ['FDNAME', 'text'],
  fdPoll: ['FDPOLL', 'off'],
};

/**
 * `[key, value, key, value, …]` as the addon takes them, and whether a reload begins.
 * @internal
 */
export function assignments(fields: Fields): { pairs: string[]; reloading: boolean; size: number } {
  if (typeof fields !== 'object' || fields === null) throw typeError('the fields must be an object');
  const pairs: string[] = [];
  let reloading = false;
  let size = 0;
  for (const [name, value] of Object.entries(fields) as [string, unknown][]) {
    if (value === undefined) continue;
    const known = Object.hasOwn(KEYS, name) ? KEYS[name] : undefined;
    if (known === undefined && !name.startsWith('X_')) throw typeError(`there is no field "${name}"`);
    const [key, kind] = known ?? [name, 'text'];
    const text = spell(name, kind, value);
    if (text === null) continue;
    if (key === 'RELOADING') {
      reloading = true;
    } else {
      pairs.push(key, text);
      size += key.length + text.length;
    }
  }
  return { pairs, reloading, size };
}

/** The value's spelling; null for a flag that is not set. */
function spell(name: string, kind: Kind, value: unknown): string | null {
  switch (kind) {
    case 'watchdog':
      if (value === 'trigger') return value;
    // falls through
    case 'flag':
      if (typeof value !== 'boolean') throw typeError(`"${name}" must be true or false`);
      return value ? '1' : null;
    case 'off':
      if (value !== false) throw typeError(`"${name}" can only be false`);
      return '0';
    case 'text':
      if (typeof value === 'number' && name === 'errno') return spell(name, 'number', value);
      if (typeof value !== 'string') throw typeError(`"${name}" must be a string`);
      return value;
    case 'milliseconds':
      return microseconds(name, value);
    case 'number':
      if (typeof value === 'bigint' ? value < 0n : !Number.isSafeInteger(value) || (value as number) < 0) {
        throw typeError(`"${name}" must be a whole number, and not negative`);
      }
      return String(value);
  }
}

/** Milliseconds as the whole microseconds of the wire. */
function microseconds(name: string, value: unknown): string {
  if (typeof value !== 'number' || !(value >= 0) || !Number.isFinite(value)) {
    throw typeError(`"${name}" must be a number of milliseconds, and not negative`);
  }
  return String(BigInt(Math.round(value * 1000)));
}
