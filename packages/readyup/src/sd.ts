// The functions of libsystemd under their own names.

import { type Channel, ambientChannel } from './channel';
import { type PassedFd, booted, passedFds, watchdogPeriod } from './environment';
import { looseEnd, typeError } from './errors';
import { type Attachments, DEFAULT_TIMEOUT, checked, milliseconds } from './notifier';

/** What every one of these functions takes. */
export interface SdOptions {
  /**
   * Delete the variables that the function looks at from `process.env` afterwards, whether or not it worked, so that
   * child processes don't find them.
   */
  unsetEnvironment?: boolean;
}

/** What those that send take as well. */
export interface SdNotifyOptions extends SdOptions {
  /** How long to wait for room in the manager's queue, in milliseconds. 0: not at all. Default: 5000. */
  timeout?: number;
}

/**
 * Sends `state` to the manager that `process.env.NOTIFY_SOCKET` names at this moment:
 * [sd_notify(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html).
 *
 * Resolves to true once it was sent, to false when `NOTIFY_SOCKET` is unset, and rejects otherwise, with the errors of a
 * `Notifier`.
 *
 * @example
 * await sd_notify('READY=1\nSTATUS=Serving on :8080');
 */
export function sd_notify(state: string, options?: SdNotifyOptions): Promise<boolean> {
  return send(state, {}, options);
}

/**
 * As `sd_notify`, in the name of the process `pid`. Root may do so, and anybody for itself; otherwise the message is
 * sent without: [sd_pid_notify(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html).
 *
 * @example
 * await sd_pid_notify(child.pid, 'READY=1');
 */
export function sd_pid_notify(pid: number, state: string, options?: SdNotifyOptions): Promise<boolean> {
  return send(state, { pid }, options);
}

/**
 * As `sd_pid_notify`, with descriptors (at most 253), which stay yours. A `pid` of 0 is this process. See
 * [sd_pid_notify_with_fds(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html).
 *
 * @example
 * await sd_pid_notify_with_fds(0, 'FDSTORE=1\nFDNAME=http', [server._handle.fd]);
 */
export function sd_pid_notify_with_fds(
  pid: number,
  state: string,
  fds: readonly number[],
  options?: SdNotifyOptions,
): Promise<boolean> {
  return send(state, { pid, fds }, options);
}

/**
 * Resolves to true once the manager has read everything that was sent before, to false when `NOTIFY_SOCKET` is unset,
 * and rejects with `ETIMEDOUT` if that takes longer than `timeout` milliseconds:
 * [sd_notify_barrier(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html).
 *
 * @example
 * await sd_notify_barrier(5000);
 */
export function sd_notify_barrier(timeout: number = DEFAULT_TIMEOUT, options?: SdOptions): Promise<boolean> {
  return toManager(options, (channel) => channel.barrier(milliseconds('timeout', timeout)));
}

/**
 * The watchdog's period in milliseconds, or 0 when none is set on this process:
 * [sd_watchdog_enabled(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_watchdog_enabled.html). Throws
 * when `WATCHDOG_USEC` or `WATCHDOG_PID` is garbage. A heartbeat is due every half of it.
 *
 * @example
 * const period = sd_watchdog_enabled();
 * if (period > 0) setInterval(() => sd_notify('WATCHDOG=1'), period / 2).unref();
 */
export function sd_watchdog_enabled(options?: SdOptions): number {
  try {
    return watchdogPeriod() ?? 0;
  } finally {
    unset(['WATCHDOG_USEC', 'WATCHDOG_PID'], options);
  }
}

/**
 * The descriptors that the manager passed to this process, each made close-on-exec, with their names:
 * [sd_listen_fds_with_names(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html). Throws when
 * `LISTEN_FDS` and its companions are garbage.
 *
 * @example
 * for (const { fd, name } of sd_listen_fds()) console.log(`${name} is descriptor ${fd}`);
 */
export function sd_listen_fds(options?: SdOptions): PassedFd[] {
  try {
    return passedFds();
  } finally {
    unset(['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES', 'LISTEN_PIDFDID'], options);
  }
}

/**
 * Whether the machine was booted with systemd:
 * [sd_booted(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_booted.html). It says nothing about whether
 * this process has a manager.
 *
 * @example
 * console.log(sd_booted() ? 'systemd' : 'something else');
 */
export function sd_booted(): boolean {
  return booted();
}

function send(state: string, attachments: Attachments, options: SdNotifyOptions | undefined): Promise<boolean> {
  return toManager(options, (channel) => {
    if (typeof state !== 'string') throw typeError('the state must be a string');
    for (const [name, value] of Object.entries(attachments)) {
      // No default is meant: a failed `spawn`, say, has no pid.
      if (value === undefined) throw typeError(`"${name}" is missing`);
    }
    const { pid, fds } = checked(attachments);
    const timeout = milliseconds('timeout', options?.timeout ?? DEFAULT_TIMEOUT);
    return channel.send((handle) => handle.send(state, pid, fds), state.length, timeout);
  });
}

/** Runs `operation`, if there is a manager, and unsets its variable once it was looked at. */
function toManager(
  options: SdOptions | undefined,
  operation: (channel: Channel) => Promise<boolean>,
): Promise<boolean> {
  try {
    const notifySocket = process.env['NOTIFY_SOCKET'];
    return notifySocket === undefined ? Promise.resolve(false) : looseEnd(operation(ambientChannel(notifySocket)));
  } catch (error) {
    return looseEnd(Promise.reject(error as Error));
  } finally {
    // A message that waits for room has its socket, so that the variable can go now.
    unset(['NOTIFY_SOCKET'], options);
  }
}

function unset(variables: readonly string[], options: SdOptions | undefined): void {
  if (options?.unsetEnvironment !== true) return;
  for (const variable of variables) delete process.env[variable];
}
