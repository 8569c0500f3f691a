import { AMBIENT_CHANNELS, Channel, openManager } from './channel';
import { type PassedFd, passedFds } from './environment';
import { looseEnd, typeError } from './errors';
import { type Fields, assignments } from './fields';
import { Watchdog } from './watchdog';

/** How long a call waits for room in the manager's queue, in milliseconds, unless told otherwise. */
export const DEFAULT_TIMEOUT = 5000;

/** How to make a `Notifier`. */
export interface NotifierOptions {
  /** Where the manager listens. Default: `process.env.NOTIFY_SOCKET`, read once, now. */
  socket?: string;
  /** How long a call waits for room in the manager's queue, in milliseconds. 0: not at all. Default: 5000. */
  timeout?: number;
  /**
   * Delete `process.env.NOTIFY_SOCKET` once it was read, so that child processes don't speak in the service's name.
   * This notifier goes on working.
   */
  unsetEnvironment?: boolean;
}

/** What goes along with a message. */
export interface Attachments {
  /** Speak as this process. Root may, and anybody for itself; otherwise the message is sent without. */
  pid?: number;
  /** Descriptors to pass, at most 253. They stay yours. */
  fds?: readonly number[];
}

/**
 * Tells the service manager about this service:
 * [sd_notify(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html).
 *
 * The functions of the module (`ready()`, `status()` and so on) are those of one notifier that looks at
 * `process.env.NOTIFY_SOCKET` at each call. Make one of your own to read it only once.
 *
 * Every method that sends returns a promise: true once the message is in the manager's queue, false when there is no
 * manager to tell. The event loop is never held: a message that finds the queue full waits, in order, up to `timeout`.
 *
 * It rejects with an error that has `code`, `errno` and `syscall`: `EAGAIN` when the queue was full for that long, `ENOENT`
 * or `ECONNREFUSED` when nobody listens at `NOTIFY_SOCKET`, `EINVAL` for an address or a text that cannot be sent, and
 * `EMSGSIZE` for more than the 4096 bytes that a manager takes. An argument of the wrong type is a `TypeError` with
 * `ERR_INVALID_ARG_TYPE`. Promises that nobody awaits are looked after. Times are in milliseconds.
 *
 * @example
 * const notifier = new Notifier({ unsetEnvironment: true });
 * await notifier.ready('Serving on :8080');
 */
export class Notifier {
  /** @internal The notifier behind the module's functions. */
  static readonly ambient: Notifier;
  /**
   * The heartbeats that a unit with `WatchdogSec=` wants:
   * [sd_watchdog_enabled(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_watchdog_enabled.html).
   */
  readonly watchdog: Watchdog;
  readonly #channel: () => Channel;
  readonly #timeout: number;
  #lastStatus: string | undefined;

  /**
   * Reads the environment, once. Throws when the address is none, as `EINVAL`; whether somebody listens there is seen at
   * the first message.
   */
  constructor(options: NotifierOptions = {}) {
    const { socket = process.env['NOTIFY_SOCKET'], timeout = DEFAULT_TIMEOUT, unsetEnvironment = false } = options;
    this.#timeout = milliseconds('timeout', timeout);
    let channels = AMBIENT_CHANNELS;
    if (options !== AMBIENT) {
      try {
        if (socket !== undefined && typeof socket !== 'string') throw typeError('"socket" must be a string');
        const own = new Channel(() => openManager(socket));
        channels = { now: () => own, last: () => own, kept: () => own };
      } finally {
        if (unsetEnvironment) delete process.env['NOTIFY_SOCKET'];
      }
    }
    this.#channel = channels.now;
    this.watchdog = new Watchdog(channels, {
      address: () => (options === AMBIENT ? process.env['NOTIFY_SOCKET'] : socket),
      lastStatus: () => this.#lastStatus,
      status: (text) => this.#channel().send((handle) => handle.notify(['STATUS', text]), text.length, this.#timeout),
    });
  }

  /**
   * `READY=1`: start-up is over, or a reload is. With a status, both in one message.
   *
   * @example
   * server.listen(8080, () => ready('Serving on :8080'));
   */
  ready(status?: string): Promise<boolean> {
    return this.notify({ ready: true, ...statusField(status) });
  }

  /**
   * `STATUS=`: one line that `systemctl status` shows. With a newline in it, which would begin another assignment, it
   * rejects with `EINVAL`.
   *
   * @example
   * await status(`${clients.size} clients connected`);
   */
  status(text: string): Promise<boolean> {
    return looseEnd(this.#one({ status: text }));
  }

  /**
   * `RELOADING=1`, with the time that `Type=notify-reload` wants beside it. Call `ready()` when the reload is over, also
   * when it failed, or the manager waits until its time-out.
   *
   * @example
   * process.on('SIGHUP', async () => {
   *   await reloading();
   *   try {
   *     await readConfiguration();
   *   } finally {
   *     await ready();
   *   }
   * });
   */
  reloading(status?: string): Promise<boolean> {
    return this.notify({ reloading: true, ...statusField(status) });
  }

  /**
   * `STOPPING=1`: the service is going down.
   *
   * @example
   * process.on('SIGTERM', () => {
   *   stopping('Finishing what is open').finally(() => server.close());
   * });
   */
  stopping(status?: string): Promise<boolean> {
    return this.notify({ stopping: true, ...statusField(status) });
  }

  /**
   * `EXTEND_TIMEOUT_USEC=`: starting, reloading or stopping takes at least `ms` milliseconds more, from now.
   *
   * @example
   * for (const migration of pending) {
   *   await extendTimeout(30_000);
   *   await migration.run();
   * }
   */
  extendTimeout(ms: number): Promise<boolean> {
    return looseEnd(this.#one({ extendTimeout: ms }));
  }

  /**
   * `MAINPID=`: the service's main process is `pid` now.
   *
   * @example
   * const child = spawn('./worker');
   * await mainPid(child.pid);
   */
  mainPid(pid: number): Promise<boolean> {
    return looseEnd(this.#one({ mainPid: pid }));
  }

  /**
   * Sends several fields as one message, with descriptors or in another process's name if you like:
   * [sd_pid_notify_with_fds(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html).
   *
   * @example
   * await notify({ ready: true, status: 'Serving on :8080', X_ACME_VERSION: '1.2' });
   */
  notify(fields: Fields, attachments: Attachments = {}): Promise<boolean> {
    return looseEnd(this.#notify(fields, attachments));
  }

  async #notify(fields: Fields, attachments: Attachments): Promise<boolean> {
    const { pairs, reloading, size } = assignments(fields);
    const { pid, fds } = checked(attachments);
    this.#lastStatus = fields.status ?? this.#lastStatus;
    if (!reloading) return this.#channel().send((handle) => handle.notify(pairs, pid, fds), size, this.#timeout);
    if (pid !== undefined || fds !== undefined) throw typeError('a reload takes neither "pid" nor "fds"');
    return this.#channel().send((handle) => handle.reloading(pairs), size, this.#timeout);
  }

  /**
   * Sends a finished state string, as [sd_notify(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html)
   * takes it. Only its size is checked, and that it holds no NUL.
   *
   * @example
   * await send('READY=1\nSTATUS=Up');
   */
  send(state: string, attachments: Attachments = {}): Promise<boolean> {
    return looseEnd(this.#send(state, attachments));
  }

  async #send(state: string, attachments: Attachments): Promise<boolean> {
    if (typeof state !== 'string') throw typeError('the state must be a string');
    const { pid, fds } = checked(attachments);
    if (state.includes('STATUS=')) this.#lastStatus = /^STATUS=(.*)$/m.exec(state)?.[1] ?? this.#lastStatus;
    return this.#channel().send((handle) => handle.send(state, pid, fds), state.length, this.#timeout);
  }

  /**
   * Resolves to true once the manager has read everything sent before, to false when there is no manager. Rejects with
   * `ETIMEDOUT` if that takes longer than `ms` milliseconds. That it was read does not mean that it was believed:
   * `NotifyAccess=` may have refused it. See
   * [sd_notify_barrier(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html).
   *
   * @example
   * await stopping();
   * await barrier(1000);
   * process.exit();
   */
  barrier(ms: number = DEFAULT_TIMEOUT): Promise<boolean> {
    return looseEnd(this.#barrier(ms));
  }

  async #barrier(ms: number): Promise<boolean> {
    return this.#channel().barrier(milliseconds('ms', ms));
  }

  /**
   * The descriptors that the manager passed to this process, of socket units and of the fd store. Each is made
   * close-on-exec. Throws when `LISTEN_FDS` and its companions are garbage (`EINVAL`). See
   * [sd_listen_fds_with_names(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html).
   *
   * @example
   * const http = listenFds().find(({ name }) => name === 'http');
   * server.listen(http ? { fd: http.fd } : { port: 8080 });
   */
  listenFds(): PassedFd[] {
    return passedFds();
  }

  /**
   * Keeps descriptors in the manager's fd store, over a restart of the service; `listenFds()` finds them again under
   * `name`. The unit needs `FileDescriptorStoreMax=`: without it the manager drops them without a word. With `poll: false`
   * it keeps them also once they hang up. See
   * [sd_pid_notify_with_fds(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html),
   * `FDSTORE=1`.
   *
   * @example
   * await storeFds('http', [server._handle.fd]);
   */
  storeFds(name: string, fds: readonly number[], options: { poll?: false } = {}): Promise<boolean> {
    return looseEnd(this.#storeFds(name, fds, options));
  }

  async #storeFds(name: string, fds: readonly number[], options: { poll?: false }): Promise<boolean> {
    const poll = options.poll === false ? { fdPoll: false as const } : {};
    const passed = descriptors(fds);
    if (passed.length === 0) throw typeError('there are no descriptors to store');
    return this.#notify({ fdStore: true, fdName: text('name', name), ...poll }, { fds: passed });
  }

  /**
   * Drops what the manager's fd store holds under `name`:
   * [sd_notify(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html), `FDSTOREREMOVE=1`.
   *
   * @example
   * await removeFds('http');
   */
  removeFds(name: string): Promise<boolean> {
    return looseEnd(this.#removeFds(name));
  }

  async #removeFds(name: string): Promise<boolean> {
    return this.#notify({ fdStoreRemove: true, fdName: text('name', name) }, {});
  }

  /**
   * Stops the heartbeats and closes the socket, once what waits for it is done. Messages after that resolve to false.
   *
   * @example
   * const notifier = new Notifier({ socket: '/run/other/notify' });
   * await notifier.status('Passing by');
   * notifier.close();
   */
  close(): void {
    this.watchdog.stop();
    this.#channel().close();
  }

  /** Sends one field, which must not be missing: what a failed `spawn` has for a pid, say, is nothing to be silent about. */
  async #one(fields: Fields): Promise<boolean> {
    for (const [name, value] of Object.entries(fields)) {
      if (value === undefined) throw typeError(`"${name}" is missing`);
    }
    return this.#notify(fields, {});
  }
}

/** The options of the module's own notifier. */
const AMBIENT: NotifierOptions = { socket: '' };

/**
 * The notifier behind the module's functions.
 * @internal
 */
export const ambient = new Notifier(AMBIENT);
// For `readyup/serve`, which is a file of its own and has only what this one exports.
Object.defineProperty(Notifier, 'ambient', { value: ambient });

function statusField(status: string | undefined): { status?: string } {
  return status === undefined ? {} : { status };
}

/**
 * A time-out that can be one.
 * @internal
 */
export function milliseconds(name: string, value: number): number {
  if (typeof value !== 'number' || !(value >= 0)) throw typeError(`"${name}" must be a number of milliseconds`);
  return value;
}

/**
 * Attachments that can be ones; the descriptors copied, so that they are still the same when they are sent.
 * @internal
 */
export function checked({ pid, fds }: Attachments): Attachments {
  const result: Attachments = {};
  if (pid !== undefined) {
    if (!Number.isInteger(pid) || pid < 0 || pid > 0x7fffffff) throw typeError('"pid" must be a process id');
    result.pid = pid;
  }
  if (fds !== undefined) {
    result.fds = descriptors(fds);
  }
  return result;
}

function descriptors(fds: readonly number[]): number[] {
  if (!Array.isArray(fds) || ![...fds].every((fd) => Number.isInteger(fd) && fd >= 0 && fd <= 0x7fffffff)) {
    throw typeError('"fds" must be an array of descriptors');
  }
  return [...(fds as number[])];
}

function text(name: string, value: string): string {
  if (typeof value !== 'string') throw typeError(`"${name}" must be a string`);
  return value;
}
